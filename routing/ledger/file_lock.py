"""A lock on a file beside the ledger, so that processes take turns.

SQLite's own waiting backs off for longer and longer, and starves whoever waits: of four busy processes one wrote 36,086
times and another once. The kernel's queue for a file lock is fair, but waits without a bound. So whoever finds the lock
taken has a helper thread stand in the queue, and waits for that with a bound; whoever finds it free just takes it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

if sys.platform != "win32":
    import fcntl

CONTENDED_S = 0.0002
"""Who had to wait this long queues at once the next time: trying first would be jumping the queue."""


class _Turn:
    """One wait in the queue. Whoever gives up says so before unlocking, and the helper looks after locking."""

    __slots__ = ("abandoned", "come", "over")

    def __init__(self) -> None:
        self.come = threading.Lock()
        self.come.acquire()
        self.abandoned = False
        self.over = False


class FileLock:
    """An exclusive lock between processes, and between stores of one process; one thread of a store uses it at a time.

    ``release`` may be called where nothing is held. Where the system has no such locks, both do nothing and SQLite's
    busy timeout is left to wait.
    """

    def __init__(self, path: Path) -> None:
        """Open the side file, which stays empty; ``OSError`` where it cannot be made."""
        self._turns: SimpleQueue[_Turn | None] = SimpleQueue()
        self._last: _Turn | None = None
        self._contended = False
        self._helper: threading.Thread | None = None
        self._descriptor = -1
        self._lock: Callable[[], object] = _nothing
        self._try: Callable[[], object] = _nothing
        self.release: Callable[[], object] = _nothing
        if sys.platform != "win32":
            self._descriptor = os.open(f"{path}-lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
            self._lock = partial(fcntl.flock, self._descriptor, fcntl.LOCK_EX)
            self._try = partial(fcntl.flock, self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A call into C without a Python frame of its own: an interrupt cannot strike before it has released.
            self.release = partial(fcntl.flock, self._descriptor, fcntl.LOCK_UN)

    def acquire(self, wait_s: float) -> None:
        """Take the lock; ``TimeoutError`` where it is not to be had within ``wait_s``.

        The caller releases in a ``finally``, whether or not this returned: an interrupt may strike in between.
        """
        idle = self._last is None or self._last.over
        if idle and not self._contended:
            try:
                self._try()
            except BlockingIOError:
                pass
            else:
                return
        began = time.monotonic()
        turn = self._last = _Turn()
        try:
            self._queue(turn)
            came = turn.come.acquire(timeout=wait_s)
        except BaseException:
            turn.abandoned = True
            raise
        if not came:
            turn.abandoned = True
            raise TimeoutError(f"another process has held it for {wait_s:g} s: close that, or try again")
        self._contended = time.monotonic() - began > CONTENDED_S

    def _queue(self, turn: _Turn) -> None:
        if self._helper is None:
            arguments = (self._turns, self._lock, self.release)
            helper = threading.Thread(target=_stand_in_line, args=arguments, name="ledger-lock", daemon=True)
            helper.start()
            self._helper = helper
        self._turns.put(turn)

    def close(self) -> None:
        """Let go of the file."""
        self._turns.put(None)
        if self._last is not None and not self._last.over:
            return  # the helper still waits for a lock that nobody wants any more; it unlocks when it comes
        if self._descriptor >= 0:
            self.release = _nothing  # the number of the descriptor may soon be that of another file
            os.close(self._descriptor)
            self._descriptor = -1


def _stand_in_line(turns: SimpleQueue[_Turn | None], lock: Callable[[], object], release: Callable[[], object]) -> None:
    while (turn := turns.get()) is not None:
        lock()
        if turn.abandoned:
            release()
        turn.over = True
        turn.come.release()


def _nothing() -> None:
    """Stand in for a lock where the system has none."""
