"""One structured event per attempt: JSON where nobody watches, coloured lines on a terminal, always on stderr."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Protocol


class Log(Protocol):
    """What the package needs of a logger; every structlog logger fits."""

    def info(self, event: str, **fields: Any) -> Any:  # noqa: ANN401 - structlog's own signature
        """Tell what happened."""

    def warning(self, event: str, **fields: Any) -> Any:  # noqa: ANN401 - as above
        """Tell what somebody should look at."""


def open_log() -> Log:
    """Make the package's logger: the application's structlog set-up where there is one, else lines on stderr."""
    import structlog  # noqa: PLC0415 - brings rich and asyncio along: only for those who open a router

    if structlog.is_configured():
        log: Log = structlog.get_logger("routing")
        return log
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    wrapped: Log = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso"), renderer],
    )
    return wrapped


class SilentLog:
    """A logger that says nothing, for those who show progress themselves."""

    def info(self, event: str, **fields: Any) -> None:
        """Say nothing."""

    def warning(self, event: str, **fields: Any) -> None:
        """Say nothing."""


class SteadyLog:
    """A log that never raises: a full disk under it may cost lines, but no picture and no booking."""

    def __init__(self, log: Log) -> None:
        """Tell ``log`` what can be told."""
        self._log = log

    def info(self, event: str, **fields: Any) -> None:
        """Tell what happened."""
        with suppress(Exception):
            self._log.info(event, **fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Tell what somebody should look at."""
        with suppress(Exception):
            self._log.warning(event, **fields)
