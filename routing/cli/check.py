"""``routing check``: what is wrong with both files, before they cost money."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from routing.cli.errors import WRONG, counted, problem_json
from routing.cli.opening import find_config
from routing.cli.options import PATH, config_option, echo_json
from routing.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.config.load import RouterConfig
    from routing.errors import Problem


@click.command
@click.argument("file", metavar="[CONFIG]", type=PATH, required=False)
@click.option("--strict", is_flag=True, help="Let a warning be enough for exit code 2.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="text and json for people, editors and programs; github for notes beside the lines of a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@config_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, *, strict: bool, form: str, as_json: bool, config: Path) -> None:
    """List every problem of both files and run the policy's tests.

    CONFIG is another way to write --config. Every problem comes with its line and the way out; files are named from
    the current folder on. Exit code 2 where there is an error, or where a policy's test fails.
    """
    from routing.assembly import load_config
    from routing.config.load import run_policy_tests

    read: RouterConfig | None = None
    try:
        read = load_config(find_config(file or config), os.environ, datetime.now(UTC).date())
        found: Sequence[Problem] = [*read.warnings, *run_policy_tests(read)]
    except ConfigError as error:
        found = error.problems
    problems = [replace(problem, file=_from_here(problem.file)) for problem in found]
    wrong = bool(problems) if strict else bool(_errors(problems))
    if as_json or form == "json":
        echo_json(check_json(read, problems, wrong=wrong))
    else:
        told = github_lines(problems) if form == "github" else [str(problem) for problem in problems]
        click.echo("\n".join([*told, *summary_lines(read, problems)]))
    if wrong:
        ctx.exit(WRONG)


def summary_lines(read: RouterConfig | None, problems: Sequence[Problem]) -> list[str]:
    """Say how much is wrong and what was looked at."""
    from routing.reports.deployments import key_notes

    if read is None:
        return [counted(problems)]
    failed, tests = len(_errors(problems)), len(read.tests)
    *others, last = [_from_here(str(source)) for source in read.sources]
    return [
        f"{', '.join(others)} and {last}: {counted(problems)}",
        f"{tests - failed} of {tests} policy tests pass" if tests else "the policy has no tests: add some",
        *key_notes(read.settings.deployments.values()),
        *_unseen(read),
    ]


def check_json(read: RouterConfig | None, problems: Sequence[Problem], *, wrong: bool) -> dict[str, Any]:
    """Plain values of the same; ``ok`` is whether the exit code is 0."""
    from routing.core.deployment import missing_keys

    return {
        "ok": not wrong,
        "problems": [problem_json(problem) for problem in problems],
        "files": [_from_here(str(source)) for source in read.sources] if read else [],
        "tests": len(read.tests) if read else None,
        "missing_keys": missing_keys(read.settings.deployments.values()) if read else {},
    }


def github_lines(problems: Sequence[Problem]) -> list[str]:
    """Write each problem as a workflow command: GitHub shows it beside its line in a pull request."""
    lines = []
    for problem in problems:
        place = {"file": problem.file, "line": problem.line, "col": problem.column, "title": problem.path}
        properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in place.items() if value)
        text = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
        lines.append(f"::{problem.severity} {properties}::{_escaped(text)}")
    return lines


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{also}" else char for char in text)


def _from_here(file: str) -> str:
    """Name a file as an editor or a pull request knows it: from the current folder on, where it lies in there."""
    # Not Path.resolve: it raises where symbolic links go round in a circle.
    place, here = Path(os.path.realpath(file)), Path(os.path.realpath(Path.cwd()))
    return str(place.relative_to(here)) if place.is_relative_to(here) else file


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]


def _unseen(read: RouterConfig) -> list[str]:
    """Say which prompts nobody could look at here, so that they would be refused."""
    variable = read.providers[read.moderator].api_key_env if read.moderator else ""
    if not variable or os.environ.get(variable, "").strip():
        return []
    policy = read.settings.policy
    ranks = ", ".join(sorted(policy.moderate, key=policy.rank))
    return [f"no key: {variable} is not set, so prompts of {ranks} cannot be looked at, and are refused"]
