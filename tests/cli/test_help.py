"""What ``--help`` says, how quickly, and that the documentation says the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from routing.cli.app import COMMANDS, app
from tests.cli.golden import check_golden

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "help"
PAGES = (
    "",
    *COMMANDS,
    "budgets raise",
    *(f"alerts {name}" for name in ("list", "test", "deliver")),
    *(f"ledger {name}" for name in ("verify", "archive", "unconfirmed", "resolve", "reconcile")),
)

INTRODUCTION = """\
# The command line

The same words as the library's. Each command takes `--config router.yaml` and, where it prints data, `--json`.

Exit codes: 0 done; 1 the vendor or the work failed; 2 the command, the request, the YAML or a
named file is wrong, or a key is missing; 3 refused by a budget, a price cap or the policy; 130 interrupted.

Errors go to stderr as `error: ...`, with a `hint: ...` where there is a way out. With `--json` they also go to stdout
as `{"error": {"type": "BudgetExceeded", "message": "...", "exit_code": 3, ...}}`: the type is the library's own and
brings its fields (`limit_usd`, `dropped`, `charged`, `problems` ...). Amounts in JSON are decimal strings, exact to the
nano-dollar.

Events go to stderr: on a terminal warnings only (`-v` shows every call to a vendor), elsewhere one JSON object a line.

This page is generated from the commands' own help: `REWRITE_GOLDEN=1 scripts/test tests/cli` writes it anew.
"""


def help_of(page: str) -> str:
    result = CliRunner().invoke(app, [*page.split(), "--help"], terminal_width=80)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("page", PAGES)
def test_a_help_page_says_what_it_said_before(page: str) -> None:
    check_golden(GOLDEN / f"{page.replace(' ', '-') or 'routing'}.txt", help_of(page))


def test_the_documentation_is_generated_from_the_help() -> None:
    sections = [f"## routing {page}\n\n```text\n{help_of(page).rstrip()}\n```\n" for page in PAGES[1:]]
    first = f"```text\n{help_of('').rstrip()}\n```\n"
    check_golden(ROOT / "docs" / "cli.md", "\n".join((INTRODUCTION, first, *sections)))


@pytest.mark.parametrize("page", PAGES)
def test_no_help_line_is_wider_than_a_terminal(page: str) -> None:
    text = help_of(page).partition("Examples:")[0]
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_tells_of_each_what_its_own_help_tells(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert command.help is not None
    assert command.help.splitlines()[0] == COMMANDS[name].summary


@pytest.mark.parametrize("page", PAGES[1:])
def test_every_option_says_what_it_is_for(page: str) -> None:
    command: click.Command = app
    for word in page.split():
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    silent = [each.name for each in command.params if isinstance(each, click.Option) and not each.help]
    assert not silent


def test_routing_alone_shows_the_help() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: routing")
    assert not result.stderr


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert re.fullmatch(r"routing (\d+\.\d+\.\d+\S*|from a checkout that is not installed)\n", result.stdout)


HEAVY = ("litellm", "openai", "pydantic", "rich", "starlette", "uvicorn", "PIL", "structlog")


@pytest.mark.parametrize(
    ("words", "not_even"),
    [(["--help"], ("yaml", "sqlite3")), (["spend"], ()), (["spend", "--by", "campaign", "--json"], ())],
)
def test_a_quick_command_imports_nothing_heavy(
    routing: CommandLine, words: list[str], not_even: tuple[str, ...]
) -> None:
    program = f"""
import json, sys
from routing.cli.app import app
app.main({words!r}, standalone_mode=False)
print("loaded", json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=routing.folder,
        env=routing.whole_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(ended.stdout.rpartition("loaded ")[2])
    assert not {*HEAVY, *not_even} & {*loaded}
