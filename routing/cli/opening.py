"""Opening what a command needs, and no more: a whole router to buy, a ledger alone to look."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from routing.cli.options import DEFAULT_CONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from routing.logs import Log
    from routing.router import Router


class TerminalLog:
    """Calm for somebody who watches: only what should be looked at, as a line."""

    def info(self, event: str, **fields: Any) -> None:
        """Say nothing: the command itself tells what it does."""

    def warning(self, event: str, **fields: Any) -> None:
        """Say it in one line on stderr."""
        if event == "config":
            line = str(fields["problem"])
        else:
            told = ", ".join(f"{name} {value}" for name, value in fields.items() if value is not None)
            line = f"warning: {event.replace('_', ' ')}: {told}"
        click.echo(line, file=sys.stderr)


class LateLog:
    """The package's own log, made when there is something to say: its library takes longer to import than most do."""

    def __init__(self) -> None:
        """Say nothing yet."""
        self._log: Log | None = None

    def info(self, event: str, **fields: Any) -> None:
        """Pass on."""
        self._open().info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Pass on."""
        self._open().warning(event, **fields)

    def _open(self) -> Log:
        if self._log is None:
            from routing.logs import open_log

            self._log = open_log()
        return self._log


def choose_log(*, verbose: bool) -> Log:
    """Events for programs, and for those who ask; else warnings only."""
    return LateLog() if verbose or not sys.stderr.isatty() else TerminalLog()


def find_config(config: Path) -> Path:
    """Take a folder for the file of the usual name in it."""
    return config / DEFAULT_CONFIG if config.is_dir() else config


def open_buying(config: Path, *, verbose: bool, env: Mapping[str, str] | None = None) -> Router:
    """Open the whole router.

    Raises:
        ConfigError, LedgerUnavailable: as ``open_router``.

    """
    from routing.assembly import open_router

    return open_router(find_config(config), env=os.environ if env is None else env, log=choose_log(verbose=verbose))
