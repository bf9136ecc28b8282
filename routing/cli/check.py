"""``routing check``: what is wrong with both files, before they cost money."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from routing.cli.errors import WRONG, counted, problem_json
from routing.cli.opening import find_config
from routing.cli.options import PATH, config_option, json_option
from routing.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.config.load import RouterConfig
    from routing.errors import Problem


@click.command
@click.argument("file", metavar="[CONFIG]", type=PATH, required=False)
@config_option
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path | None, config: Path, as_json: bool) -> None:
    """List every problem of both files and run the policy's tests.

    CONFIG is another way to write --config. Every problem comes with its line and the way out. Exit code 2 where
    there is an error, or where a policy's test fails.
    """
    config = file or config
    from routing.assembly import load_config
    from routing.config.load import run_policy_tests

    read: RouterConfig | None = None
    try:
        read = load_config(find_config(config), os.environ, datetime.now(UTC).date())
        problems: Sequence[Problem] = [*read.warnings, *run_policy_tests(read)]
    except ConfigError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps(check_json(read, problems), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(check_lines(read, problems)))
    if _errors(problems):
        ctx.exit(WRONG)


def check_lines(read: RouterConfig | None, problems: Sequence[Problem]) -> list[str]:
    """Say what is wrong, then what was looked at."""
    lines = [str(problem) for problem in problems]
    if read is not None:
        failed = len(_errors(problems))
        tests = len(read.tests)
        lines.append(f"{' and '.join(map(str, read.sources))}: {counted(problems)}")
        lines.append(f"{tests - failed} of {tests} policy tests pass" if tests else "the policy has no tests: add some")
        lines += [
            f"no key: {name} is not set, so {', '.join(idle)} will not be used" for name, idle in _idle(read).items()
        ]
    else:
        lines.append(counted(problems))
    return lines


def check_json(read: RouterConfig | None, problems: Sequence[Problem]) -> dict[str, Any]:
    """Plain values of the same."""
    return {
        "ok": not _errors(problems),
        "problems": [problem_json(problem) for problem in problems],
        "files": [str(source) for source in read.sources] if read else [],
        "tests": len(read.tests) if read else None,
        "missing_keys": _idle(read) if read else {},
    }


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    return [problem for problem in problems if problem.severity == "error"]


def _idle(read: RouterConfig) -> dict[str, list[str]]:
    """Variables without a key, and the deployments that stand idle for it."""
    found: dict[str, list[str]] = {}
    for deployment in read.settings.deployments.values():
        if deployment.missing_key:
            found.setdefault(deployment.missing_key, []).append(deployment.name)
    return found
