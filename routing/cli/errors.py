"""Errors as messages and exit codes: 1 the work failed, 2 the caller or a file is wrong, 3 refused, 130 interrupted."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from routing.cli.options import echo_json
from routing.core.money import usd_text
from routing.errors import (
    AllCandidatesFailed,
    BudgetExceeded,
    Charged,
    ConfigError,
    NoCandidate,
    PriceCapExceeded,
    PriceUnknown,
    Problem,
    PromptRefused,
    ProviderError,
    ProviderRejectedKey,
    Refusal,
    RequestError,
    RequestIdReused,
    RoutingError,
)
from routing.reports.amounts import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

FAILED = 1
WRONG = 2
REFUSED = 3
INTERRUPTED = 130


class Interrupted(click.Abort):
    """Ctrl-C, with a word on what it means for the money."""

    def __init__(self, message: str = "") -> None:
        """Say what is settled."""
        super().__init__(message)


class NotInstalled(RoutingError):
    """A part that this command needs is an extra and is not installed."""


EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (click.Abort, INTERRUPTED),
    (click.ClickException, WRONG),
    (ConfigError, WRONG),
    (RequestError, WRONG),
    # A key is missing, or no model of the route can do this: neither time nor money will change it.
    (NoCandidate, WRONG),
    # The id was brought by the caller, and stands for something else.
    (RequestIdReused, WRONG),
    (Refusal, REFUSED),
    (RoutingError, FAILED),
    (OSError, FAILED),
)
"""The first row that fits is taken; what fits none is a fault of ours and keeps its traceback."""

CHARGED_WORDS = {
    Charged.NO: "nothing was charged",
    Charged.YES: "the vendor charged for it: `routing spend` shows how much",
    Charged.UNKNOWN: "whether the vendor charged is unknown: it is booked at its quote, as unconfirmed",
}


_OF_THE_PLAN = (NoCandidate, PriceCapExceeded, RequestError)
"""Errors that may say of each deployment why it was left out."""


def report(error: BaseException, *, as_json: bool) -> int | None:
    """Tell an error on stderr, with ``--json`` on stdout too, and return its exit code; ``None``: not ours to tell."""
    code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), None)
    if code is None:
        return None
    if as_json:
        echo_json({"error": error_json(error, code)})
    for line in error_lines(error):
        click.echo(_folded(line), file=sys.stderr)
    return code


def _folded(line: str) -> str:
    """Fold at words on a terminal; elsewhere a message is one line, for whoever searches it."""
    if not sys.stderr.isatty():
        return line
    columns = shutil.get_terminal_size().columns
    indent = "    " if line.startswith(" ") else "  "
    return textwrap.fill(line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def error_lines(error: BaseException) -> list[str]:
    """Word an error for a person: what is wrong, then the way out."""
    if isinstance(error, click.Abort):
        return [f"interrupted{f': {error}' if str(error) else ''}"]
    message, details = str(error), []
    if isinstance(error, click.ClickException):
        message = _sentence(error.format_message())
    elif isinstance(error, ConfigError):
        return [*map(str, error.problems), f"error: {counted(error.problems)}"]
    elif isinstance(error, AllCandidatesFailed):
        message, details = f"{len(error.attempts)} attempts failed", [*error.reasons]
    elif isinstance(error, _OF_THE_PLAN) and error.dropped:
        # The message lists the same in one line.
        message = message.partition(": ")[0]
        details = [str(drop) for drop in error.dropped]
    elif isinstance(error, OSError) and error.strerror:
        message = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return [f"error: {message}", *(f"  {detail}" for detail in details), *_hint(error)]


def error_json(error: BaseException, code: int) -> dict[str, object]:
    """Plain values of an error: its type, message and exit code, and what its type knows besides."""
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return {"type": type(error).__name__, "message": message, "exit_code": code, **_details(error)}


def counted(problems: Iterable[object]) -> str:
    """Count problems by severity: ``2 errors, 1 warning``."""
    severities = [getattr(problem, "severity", "error") for problem in problems]
    errors, warnings = severities.count("error"), severities.count("warning")
    return number_of(errors, "error") + (f", {number_of(warnings, 'warning')}" if warnings else "")


def problem_json(problem: Problem) -> dict[str, object]:
    """Plain values of a problem of a file."""
    names = ("file", "line", "column", "path", "message", "hint", "severity")
    return {name: getattr(problem, name) for name in names}


def _sentence(message: str) -> str:
    # click begins its messages with a capital and ends them with a full stop; ours are clauses.
    return (message[:1].lower() + message[1:] if message[1:2].islower() else message).removesuffix(".")


def _hint(error: BaseException) -> list[str]:
    """Say the way out, where the message does not say it itself."""
    if isinstance(error, BudgetExceeded):
        hint = "`routing budgets` shows where each stands; limits are set under `budgets:` in router.yaml"
    elif isinstance(error, PriceCapExceeded):
        hint = "raise --max-price, or ask for less: a lower importance, a smaller --size, fewer pictures"
    elif isinstance(error, PriceUnknown):
        hint = "add a dated line for it under `prices:` in router.yaml"
    elif isinstance(error, NoCandidate) and "no key" in str(error):
        hint = (
            "set the key in the environment; `routing explain --assume-keys` plans without, `routing demo` needs none"
        )
    elif isinstance(error, ProviderRejectedKey):
        hint = "the key is set but the vendor refuses it: check that it is whole, current and of the right account"
    elif isinstance(error, click.UsageError) and error.ctx:
        hint = f"`{error.ctx.command_path} --help` lists what it takes"
    elif isinstance(error, ProviderError):
        hint = CHARGED_WORDS[error.charged]
    else:
        return []
    return [f"hint: {hint}"]


def _details(error: BaseException) -> dict[str, object]:
    if isinstance(error, ConfigError):
        return {"problems": [problem_json(problem) for problem in error.problems]}
    if isinstance(error, BudgetExceeded):
        return {
            "budget": error.budget,
            "limit_usd": usd_text(error.limit),
            "needed_usd": usd_text(error.needed),
            "remaining_usd": usd_text(error.remaining),
            "resets_at": error.resets_at.isoformat() if error.resets_at else None,
        }
    if isinstance(error, ProviderError):
        return {
            "deployment": error.deployment,
            "status_code": error.status_code,
            "retryable": error.retryable,
            "charged": error.charged.value,
        }
    return _details_of_plan(error)


def _details_of_plan(error: BaseException) -> dict[str, object]:
    if isinstance(error, PromptRefused):
        return {"rule": error.rule, "because": error.because or None}
    if isinstance(error, PriceCapExceeded):
        # No price where several candidates were left out, each at its own.
        price = {"price_usd": usd_text(error.price)} if error.price else {}
        return {**price, "cap_usd": usd_text(error.cap)}
    if isinstance(error, NoCandidate):
        return {"dropped": [{"deployment": drop.deployment, "detail": drop.detail} for drop in error.dropped]}
    return {}
