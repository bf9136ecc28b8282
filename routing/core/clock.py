"""Time is an argument: what the shell asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    """A source of time that tests can hold still."""

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""

    def elapsed_s(self) -> float:
        """Tell seconds since an arbitrary start, never going back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
