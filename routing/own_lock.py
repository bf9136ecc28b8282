"""A lock that a forked child can use, whoever of its parent's threads held it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


def _nothing() -> None:
    """Do nothing."""


class OwnLock:
    """A lock of this process; in a forked child it is a new one, and ``on_fork`` is called before anything else."""

    def __init__(self, on_fork: Callable[[], None] = _nothing) -> None:
        """Begin in this process."""
        self._on_fork = on_fork
        self._lock = threading.Lock()
        _LOCKS.add(self)

    def __enter__(self) -> None:
        """Take it."""
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of it."""
        self._lock.release()

    def renew(self) -> None:
        """Begin in a child: whoever held the lock at the fork was left behind in the parent."""
        self._lock = threading.Lock()
        self._on_fork()


_LOCKS: WeakSet[OwnLock] = WeakSet()


def _renew_all() -> None:
    for lock in list(_LOCKS):
        lock.renew()


if hasattr(os, "register_at_fork"):  # where processes cannot be forked, there is nothing to renew
    os.register_at_fork(after_in_child=_renew_all)
