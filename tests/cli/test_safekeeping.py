"""``ledger verify`` with a key, and ``ledger archive``: what people read when all is well, and when it is not."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing.assembly import open_store
from tests.cli.golden import check_golden
from tests.ledger.purchases import buy, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.ledger.base import Store
    from tests.cli.conftest import CommandLine, Ran

GOLDEN = Path(__file__).parents[1] / "golden" / "ledger"
KEY = {"SEAL_KEY": "0123456789abcdef"}
FAR = "2100-01-01"
NOVEMBER, DECEMBER = (datetime(2020, month, 1, tzinfo=UTC) for month in (11, 12))


def told(ran: Ran) -> str:
    """What was said, without what differs from run to run."""
    said = f"exit {ran.code}\n{ran.out}" + (f"--- stderr\n{ran.err}" if ran.err else "")
    said = re.sub(r"[0-9a-f]{64}", "DIGEST", said)
    said = re.sub(r"[0-9a-f]{16}(?![0-9a-f])", "DIGEST", said)
    return re.sub(r"sealed on \d{4}-\d\d-\d\d \d\d:\d\d", "sealed on DAY", said)


@pytest.fixture
def store(keyless: CommandLine) -> Store:
    """A ledger with two requests of November 2020 and one of December, each $0.03."""
    store = open_store("sqlite:///spend.db", keyless.folder)
    for number, at in enumerate((NOVEMBER, NOVEMBER, DECEMBER)):
        buy(store, f"r{number}", 30_000_000, claim("month", 10**12), at=at)
    store.close()
    return store


@pytest.fixture
def sealing(keyless: CommandLine, edit_config: Callable[[str, str], None], store: Store) -> CommandLine:  # noqa: ARG001 - it is there
    edit_config('url: "sqlite:///spend.db"', 'url: "sqlite:///spend.db", seal_key_env: SEAL_KEY')
    return keyless


def tamper(ran: CommandLine, *statements: str) -> None:
    with closing(sqlite3.connect(ran.folder / "spend.db")) as connection:
        for name in (
            "entries_are_never_edited",
            "entries_are_never_deleted",
            "seals_are_never_deleted",
            "requests_are_never_deleted",
        ):
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def newest(ran: CommandLine) -> str:
    found = json.loads(ran("ledger", "verify", "--json", **KEY).out)
    return str(found["seals"]["newest"]["digest"])


# --- Seals ------------------------------------------------------------------------------------------------------------


def test_verify_seals_what_is_new_and_says_what_to_note(sealing: CommandLine) -> None:
    check_golden(GOLDEN / "sealed.txt", told(sealing("ledger", "verify", **KEY)))
    check_golden(GOLDEN / "sealed-again.txt", told(sealing("ledger", "verify", **KEY)))
    noted = newest(sealing)[:16]
    for expect in (noted, f" {noted.upper()} ", newest(sealing)):
        assert sealing("ledger", "verify", "--expect", expect, **KEY).code == 0


def test_an_edited_entry_is_told_once_and_nothing_is_sealed(sealing: CommandLine) -> None:
    sealing("ledger", "verify", **KEY)
    tamper(sealing, "UPDATE entries SET amount_nusd = amount_nusd + 1 WHERE seq = 1")
    tamper(sealing, "UPDATE entries SET deployment = 'x' WHERE seq = 3")
    ran = sealing("ledger", "verify", **KEY)
    assert ran.out.count("was edited") == 1
    check_golden(GOLDEN / "edited.txt", told(ran))
    found = json.loads(sealing("ledger", "verify", "--json", **KEY).out)
    assert (found["ok"], found["seals"]["sealed_now"], len(found["differences"])) == (False, 0, 1)


def test_a_cut_ledger_is_found_with_the_digest_that_was_noted(sealing: CommandLine) -> None:
    noted = newest(sealing)
    tamper(sealing, "DELETE FROM entries WHERE seq > 4", "DELETE FROM requests WHERE id = 3", "DELETE FROM seals",
           "UPDATE counters SET spent_nusd = 60000000")  # fmt: skip
    ran = sealing("ledger", "verify", "--expect", noted[:8], **KEY)
    assert "difference: no sound seal begins with" in ran.out
    assert ran.code == 1


@pytest.mark.parametrize(
    ("name", "env"),
    [("no-key", {}), ("empty-key", {"SEAL_KEY": " "}), ("short-key", {"SEAL_KEY": "0123456789abcde"})],
)
def test_a_key_that_is_not_there_is_told_and_never_shown(sealing: CommandLine, name: str, env: dict[str, str]) -> None:
    sealing("ledger", "verify", **KEY)
    ran = sealing("ledger", "verify", **env)
    assert ran.code == 1
    assert "0123456789" not in ran.out + ran.err
    if name != "empty-key":
        check_golden(GOLDEN / f"{name}.txt", told(ran))
    found = json.loads(sealing("ledger", "verify", "--json", **env).out)
    assert (found["ok"], found["seals"]) == (False, None)
    assert sealing("ledger", "archive", "--before", "2020-11-20", "--to", "old.csv", **env).code == 1
    assert not (sealing.folder / "old.csv").exists()


def test_another_key_is_asked_about(sealing: CommandLine) -> None:
    sealing("ledger", "verify", **KEY)
    with closing(open_store("sqlite:///spend.db", sealing.folder)) as store:
        buy(store, "later", 1)
    sealing("ledger", "verify", **KEY)
    ran = sealing("ledger", "verify", SEAL_KEY="another key, long enough")
    check_golden(GOLDEN / "another-key.txt", told(ran))


def test_without_a_key_verify_says_what_it_always_said(keyless: CommandLine, store: Store) -> None:  # noqa: ARG001 - as above
    ran = keyless("ledger", "verify")
    assert ran.code == 0
    assert "seal" not in ran.out
    refused = keyless("ledger", "verify", "--expect", "0123456789abcdef")
    assert refused.code == 2
    assert "--expect needs the key of the seals" in refused.err


@pytest.mark.parametrize("digest", ["", "xyz", "1234567", "0" * 65])
def test_what_is_no_digest_is_refused(sealing: CommandLine, digest: str) -> None:
    ran = sealing("ledger", "verify", "--expect", digest, **KEY)
    assert ran.code == 2
    assert "is no digest of a seal" in ran.err


def test_a_ledger_that_is_gone_is_not_one_that_never_was(sealing: CommandLine) -> None:
    for path in sealing.folder.glob("spend.db*"):
        path.unlink()
    assert sealing("ledger", "verify", **KEY).code == 0
    assert sealing("ledger", "verify", "--expect", "0123456789abcdef", **KEY).code == 1


# --- Archives ---------------------------------------------------------------------------------------------------------


def test_an_archive_is_told_and_verify_counts_it(sealing: CommandLine) -> None:
    before = sealing("spend", "--all", "--json").out
    assert sealing("ledger", "archive", "--before", "2020-11-01", "--to", "old.csv", **KEY).out.startswith("nothing to")
    ran = sealing("ledger", "archive", "--before", "2020-11-20", "--to", "old.csv", **KEY)
    check_golden(GOLDEN / "archived.txt", told(ran))
    check_golden(GOLDEN / "verify-archived.txt", told(sealing("ledger", "verify", **KEY)))
    ran = sealing("ledger", "verify", "--archive", "old.csv", **KEY)
    check_golden(GOLDEN / "verify-archive-file.txt", told(ran))
    assert sealing("spend", "--all", "--json").out == before
    assert sealing("ledger", "resolve", "r0/1", "--charged", "1", "--again", "--reason", "x").err.startswith(
        "error: r0/1 was archived to old.csv"
    )


def test_an_archive_without_a_name_stands_beside_the_ledger_as_parquet(
    sealing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    (sealing.folder / "books").mkdir()
    (sealing.folder / "spend.db").rename(sealing.folder / "books" / "spend.db")
    edit_config("sqlite:///spend.db", "sqlite:///books/spend.db")
    found = json.loads(sealing("ledger", "archive", "--before", "2020-11-20", "--json", **KEY).out)
    assert found["file"] == "books/spend-before-2020-11-20.parquet"
    assert (found["requests"], found["entries"], found["spent_usd"]) == (2, 4, "0.06")
    assert (sealing.folder / found["file"]).exists()


def test_without_pyarrow_the_way_out_is_told(sealing: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "routing.ledger.archive_parquet", raising=False)
    check_golden(GOLDEN / "no-pyarrow.txt", told(sealing("ledger", "archive", "--before", "2020-11-20", **KEY)))


def test_a_ledger_that_differs_is_not_archived(sealing: CommandLine) -> None:
    tamper(sealing, "UPDATE entries SET amount_nusd = 1 WHERE seq = 2")
    ran = sealing("ledger", "archive", "--before", "2020-11-20", "--to", "old.csv", **KEY)
    check_golden(GOLDEN / "archive-refused.txt", told(ran))
    assert not (sealing.folder / "old.csv").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--before", FAR), f"{FAR} is yet to come: only what is over is archived"),
        (("--before", "2020-11"), "'2020-11' is no day: write it like 2026-01-01"),
        (("--before", "2020-11-20T00:00"), "is no day"),
        ((), "missing option '--before'"),
    ],
)
def test_a_day_that_cannot_be_meant_is_refused(sealing: CommandLine, words: tuple[str, ...], said: str) -> None:
    ran = sealing("ledger", "archive", *words, **KEY)
    assert ran.code == 2
    assert said in " ".join(ran.err.split())


def test_nothing_is_archived_of_no_ledger_and_no_file_is_made(keyless: CommandLine) -> None:
    ran = keyless("ledger", "archive", "--before", "2020-11-20", "--to", "old.csv", "--json")
    assert json.loads(ran.out) == {"file": None, "requests": 0, "entries": 0, "spent_usd": "0"}
    assert not list(keyless.folder.glob("spend.db*"))


def test_what_needs_the_moved_entries_says_that_they_are_missing(
    keyless: CommandLine,
    store: Store,  # noqa: ARG001 - as above
    edit_config: Callable[[str, str], None],  # noqa: ARG001 - as above
) -> None:
    keyless("ledger", "archive", "--before", "2020-11-20", "--to", "old.csv")
    for words in (
        ("spend", "--all", "--by", "request_id"),
        ("diff", "policies/default.yaml", "--since", "2020-10-01"),
    ):
        assert "warning: " in (ran := keyless(*words)).err, ran
        assert "old.csv" in ran.err
    assert not keyless("spend", "--all", "--by", "model").err
