"""The clock of a router that can be closed: whoever waits by it is woken then, and ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from routing.errors import LedgerUnavailable

if TYPE_CHECKING:
    from datetime import datetime

    from routing.core.clock import Clock

NAP_S = 0.25
"""How long somebody who waits goes on sleeping after the router was closed: a clock cannot be woken."""


class ClosingClock:
    """Any clock, until the router is closed: from then on nobody waits, and nothing more is sent. Safe from any thread.

    A request that only waits (for a vendor to recover, for room in its minute) is not worth waiting for: nothing of it
    is under way that could be lost.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin open."""
        self._clock = clock
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """Tell whether the router was closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """Wake whoever sleeps."""
        self._closed.set()

    def check(self) -> None:
        """Go on only while the router is open.

        Raises:
            LedgerUnavailable: where it was closed.

        """
        if self.closed:
            raise LedgerUnavailable("the router was closed: open another")

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""
        return self._clock.now()

    def elapsed_s(self) -> float:
        """Tell seconds since an arbitrary start, never going back."""
        return self._clock.elapsed_s()

    def sleep(self, seconds: float) -> None:
        """Wait, as long as the router is open.

        Raises:
            LedgerUnavailable: where it is closed before the time is over.

        """
        self.check()
        while seconds > NAP_S:
            self._clock.sleep(NAP_S)
            seconds -= NAP_S
            self.check()
        self._clock.sleep(seconds)
        self.check()
