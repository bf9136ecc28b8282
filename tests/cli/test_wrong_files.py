"""A file that is not the one a command needs: said in one line, with the way out, as a mistake of the caller."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from routing.assembly import open_store
from tests.ledger.purchases import buy, claim

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

POLICY = "policies/default.yaml"
READERS = (
    ("check",),
    ("explain", "a fox"),
    ("generate", "a fox"),
    ("spend",),
    ("spend", "--by", "campaign"),
    ("assets",),
    ("show", "fox"),
    ("budgets",),
    ("budgets", "raise", "month", "--by", "1", "--until", "2100-01-01", "--reason", "why"),
    ("alerts",),
    ("diff", "policies/single-model.yaml"),
    ("ledger", "verify"),
    ("ledger", "unconfirmed"),
    ("ledger", "archive", "--before", "2026-01-01"),
)
"""Every command that reads ``router.yaml``."""
WRONG = ("nowhere", "a folder", "binary", "text", "circle", "empty")


@pytest.fixture
def messy(keyless: CommandLine) -> CommandLine:
    """A folder in which lies whatever might be named by mistake."""
    (keyless.folder / "a folder").mkdir()
    (keyless.folder / "binary").write_bytes(bytes(range(256)) * 8)
    (keyless.folder / "text").write_text("# Notes\n* `x`: [a\n", encoding="utf-8")
    (keyless.folder / "circle").symlink_to("circle")
    (keyless.folder / "empty").touch()
    return keyless


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_what_is_no_router_yaml_is_the_callers_mistake(messy: CommandLine, words: tuple[str, ...], name: str) -> None:
    ran = messy(*words, "--config", name)
    assert ran.code == 2
    assert f"{name}" in ran.out + ran.err
    assert not (messy.folder / "spend.db").exists()


NAMING = (
    ("diff",),
    ("diff", "policies/default.yaml", "--workload"),
    ("ledger", "reconcile", "--bill"),
    ("ledger", "archive", "--before", "2020-11-20", "--to"),
    ("ledger", "verify", "--archive"),
    ("edit", "a fox", "--image"),
)


@pytest.mark.parametrize(
    ("words", "name"),
    # A workload without a line is one without a request.
    [(words, name) for words in NAMING for name in WRONG if (words[-1], name) != ("--workload", "empty")],
    ids=" ".join,
)
def test_a_wrong_file_of_any_other_kind_is_too(messy: CommandLine, words: tuple[str, ...], name: str) -> None:
    store = open_store("sqlite:///spend.db", messy.folder)
    buy(store, "old", 30_000_000, claim("month", 10**12), at=datetime(2020, 11, 1, tzinfo=UTC))
    buy(store, "new", 30_000_000, claim("month", 10**12), at=datetime(2020, 12, 1, tzinfo=UTC))
    store.close()
    ran = messy(*words, name)
    assert ran.code == 2
    assert name in ran.out + ran.err
    assert messy("ledger", "verify").out.startswith("ok: 4 entries agree")


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_policy_in_the_place_of_router_yaml_is_called_one_with_what_to_run(
    keyless: CommandLine, words: tuple[str, ...]
) -> None:
    ran = keyless(*words, "--config", POLICY)
    assert ran.code == 2
    assert (ran.out + ran.err).splitlines()[0] == (
        f"{POLICY}:3:1: is a policy, not a router.yaml; `routing check --config router.yaml` checks the policy that"
        f" router.yaml names; `routing diff {POLICY}` tries this one on past requests"
    )


def test_a_policy_that_is_checked_by_its_own_name_is_one_problem(keyless: CommandLine) -> None:
    told = json.loads(keyless("check", POLICY, "--json").out)
    assert [(each["file"], each["line"]) for each in told["problems"]] == [(POLICY, 3)]
    assert keyless("check", "--config", "router.yaml").code == 0


def test_a_router_yaml_in_the_place_of_a_policy_is_called_one(keyless: CommandLine) -> None:
    ran = keyless("diff", "router.yaml")
    assert ran.code == 2
    assert "the policy 'router.yaml' is a router.yaml, not a policy" in ran.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--parquet", "report.csv"),
            "'--parquet': report.csv does not end in .parquet; `--csv --charges > FILE`",
        ),
        (("--focus", "report.html"), "'--focus': report.html does not end in .csv or .parquet; the ending chooses"),
        (("--html", "report.parquet"), "'--html': report.parquet does not end in .html or .htm; --parquet FILE and"),
        (("--html", "report"), "report does not end in .html or .htm"),
        (("--html", POLICY), "does not end in .html or .htm"),
        (("--html", "policies"), "policies is a folder: name a file in it"),
        (("--parquet", "a.parquet", "--focus", "a.parquet"), "--parquet and --focus name the same file: name two"),
        (("--focus", "a.csv", "--html", "a.txt"), "a.txt does not end in .html"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_report_is_not_written_to_a_file_of_another_name(
    keyless: CommandLine, words: tuple[str, ...], told: str
) -> None:
    before = {path: path.read_bytes() for path in keyless.folder.rglob("*") if path.is_file()}
    ran = keyless("spend", *words)
    assert ran.code == 2
    assert told in ran.err
    assert {path: path.read_bytes() for path in keyless.folder.rglob("*") if path.is_file()} == before


def test_an_ending_is_read_in_capitals_too(keyless: CommandLine) -> None:
    assert keyless("spend", "--focus", "A.PARQUET", "--html", "A.HTM").code == 0
    assert (keyless.folder / "A.PARQUET").read_bytes().startswith(b"PAR1")
