"""Whatever a user does wrong: a message with the way out, an exit code, and never a traceback."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

FOX = ("generate", "a fox")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*FOX, "-i", "fnal"), "unknown importance 'fnal' (did you mean 'final'?)"),
        ((*FOX, "-n", "11"), "n is 1 to 10 pictures, not 11"),
        ((*FOX, "-n", "many"), "'many' is not a valid integer"),
        ((*FOX, "--size", "large"), "write width x height in pixels, like 1536x1024"),
        ((*FOX, "-i", "final", "--size", "4096x4096"), "nearest is 2880x2880"),
        ((*FOX, "--max-price", "cheap"), "write it like 0.05"),
        ((*FOX, "--max-price", "0"), "'0' is no amount of dollars above 0: write it like 0.05"),
        ((*FOX, "--tag", "spring"), "write it like campaign=spring"),
        ((*FOX, "--tag", "a=1", "--tag", "a=2"), "a comes twice, as '1' and as '2'"),
        ((*FOX, "--deployment", "gpt-imge-2"), "did you mean 'gpt-image-2'?"),
        ((*FOX, "-o", "poster.gif"), "pictures are saved as .png, .jpg or .webp"),
        ((*FOX, "-o", "nowhere/poster.png"), "the folder nowhere does not exist"),
        ((*FOX, "-o", "policies"), "is a folder: name a file in it"),
        (("generate", "  "), "the prompt is empty"),
        (("generate", "x" * 32_001), "32,001 characters"),
        (("edit", "a fox", "--image", "nope.png"), "no reference image nope.png"),
        (("edit", "a fox", "--image", "router.yaml"), "router.yaml"),
        (("edit", "a fox"), "missing option '--image'"),
        (("promote", "never-made", "-i", "final"), "the ledger knows no request 'never-made'"),
        (("spend", "--since", "yesterday"), "like 2026-11-01"),
        (("spend", "--config", "other.yaml"), "`routing init` writes one"),
        (("explian",), "there is no command 'explian' (did you mean 'explain'?)"),
        (("generate", "a fox", "--qualty", "low"), "--quality"),
        ((*FOX, "--quality", "hihg"), "unknown quality 'hihg' (did you mean 'high'?)"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_with_its_way_out(routing: CommandLine, words: tuple[str, ...], told: str) -> None:
    ran = routing(*words)
    assert ran.code == 2
    assert told in ran.err
    assert not ran.out
    assert "Traceback" not in ran.err
    assert not [*routing.folder.glob("*.png")]


def test_a_missing_key_is_named_with_the_ways_to_go_on_without(keyless: CommandLine) -> None:
    ran = keyless(*FOX)
    assert ran.code == 2
    assert "gpt-image-2: no key: set OPENAI_API_KEY" in ran.err
    assert "--assume-keys" in ran.err


def test_a_missing_router_yaml_says_how_to_get_one(keyless: CommandLine) -> None:
    (keyless.folder / "router.yaml").unlink()
    for words in (FOX, ("check",), ("spend",), ("budgets",), ("ledger", "verify"), ("explain", "a fox")):
        ran = keyless(*words)
        assert ran.code == 2
        assert "`routing init` writes one" in ran.err + ran.out


def test_every_problem_of_the_yaml_is_listed_and_counted(
    routing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("limit: 500", "limit: lots")
    edit_config("window: calendar_month", "window: calendar_mnth")
    ran = routing(*FOX)
    assert ran.code == 2
    lines = ran.err.splitlines()
    assert len([line for line in lines if line.startswith("router.yaml:")]) == 2
    assert lines[-1] == "error: 2 errors"


def test_a_key_written_into_the_yaml_is_refused_and_not_repeated(
    routing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    secret = "sk-proj-4fTq9ZbW2mXc7LrK1sVn8Ye3"
    edit_config("api_key_env: OPENAI_API_KEY", f"api_key_env: {secret}")
    for ran in (routing(*FOX), routing("check"), routing("check", "--json")):
        assert ran.code == 2
        assert "environment variable" in ran.err + ran.out
        assert secret not in ran.err + ran.out


def test_a_ledger_that_is_not_ours_is_refused_before_anything_is_bought(routing: CommandLine) -> None:
    with sqlite3.connect(routing.folder / "spend.db") as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    for words in (FOX, ("spend",), ("budgets",), ("ledger", "verify")):
        ran = routing(*words)
        assert ran.code == 1
        assert "not a ledger of this router" in ran.err
        assert "Traceback" not in ran.err


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_bought(
    routing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", read_only)
    ran = routing(*FOX)
    assert ran.code == 2
    assert "cannot be written (Read-only file system): nothing was bought" in ran.err


def test_a_request_id_that_stands_for_another_request_is_refused(routing: CommandLine) -> None:
    assert routing(*FOX, "--request-id", "poster-7/draft-1", "-o", "a.png").code == 0
    ran = routing("generate", "a badger", "--request-id", "poster-7/draft-1", "-o", "b.png")
    assert ran.code == 2
    assert "for another request; use a new one" in ran.err
    assert not (routing.folder / "b.png").exists()


def test_a_price_cap_is_an_exit_code_of_its_own(routing: CommandLine) -> None:
    ran = routing(*FOX, "--max-price", "0.001", "--json")
    assert ran.code == 3
    assert "raise --max-price" in ran.err
    error = json.loads(ran.out)["error"]
    assert (error["type"], error["exit_code"], error["cap_usd"]) == ("PriceCapExceeded", 3, "0.001")


def test_a_refusal_of_a_budget_is_an_exit_code_of_its_own_and_brings_its_figures(
    routing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("limit: 500, window: calendar_month", "limit: 0.001, window: lifetime")
    ran = routing(*FOX, "--json")
    assert ran.code == 3
    assert "`routing budgets` shows where each stands" in ran.err
    error = json.loads(ran.out)["error"]
    assert (error["type"], error["exit_code"]) == ("BudgetExceeded", 3)
    figures = {name: error[name] for name in ("budget", "limit_usd", "needed_usd", "remaining_usd", "resets_at")}
    # 40 % of the month is kept for finals; a draft may use the rest.
    assert figures == {
        "budget": "month",
        "limit_usd": "0.001",
        "needed_usd": "0.005905",
        "remaining_usd": "0.001",
        "resets_at": None,
    }


def test_mistakes_look_the_same_from_a_process_of_its_own(routing: CommandLine) -> None:
    ran = routing.process(*FOX, "-i", "fnal", "--json")
    assert ran.code == 2
    assert json.loads(ran.out)["error"]["type"] == "RequestError"
    assert ran.err.startswith("error: unknown importance 'fnal'")
    assert "Traceback" not in ran.err
