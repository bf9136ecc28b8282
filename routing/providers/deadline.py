"""One deadline for a whole call, however many waits it is made of."""

from __future__ import annotations

import time

CONNECT_S = 10.0
"""How long connecting may take of that."""


class DeadlinePassed(Exception):
    """The time a call was given is over."""


class Deadline:
    """A moment on the monotonic clock; starts to count when it is made."""

    def __init__(self, timeout_s: float) -> None:
        """Lie ``timeout_s`` seconds ahead."""
        self.timeout_s = timeout_s
        self._started = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def is_over(self) -> bool:
        """Tell whether no time is left."""
        return self.elapsed_s >= self.timeout_s

    def within(self, timeout_s: float) -> Deadline:
        """Begin another, ``timeout_s`` seconds ahead or as far as this one.

        Raises:
            DeadlinePassed: where this one is over.

        """
        return Deadline(min(timeout_s, self.left_s()))

    def left_s(self) -> float:
        """Seconds that are left, more than zero.

        Raises:
            DeadlinePassed: where none are.

        """
        left = self.timeout_s - self.elapsed_s
        if left <= 0:
            raise DeadlinePassed(f"{self.timeout_s:g} s are over")
        return left

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the deadline.

        Raises:
            DeadlinePassed: where the wait would not end before it.

        """
        if seconds >= self.left_s():
            raise DeadlinePassed(f"{self.timeout_s:g} s are nearly over")
        time.sleep(seconds)
