"""Whether a store is open, whose it is, and which file it means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from routing.errors import LedgerUnavailable

if TYPE_CHECKING:
    from pathlib import Path


class Handle:
    """What the two halves of a store share."""

    def __init__(self, name: str, path: Path | None = None) -> None:
        """``path`` is ``None`` for a ledger that is no file."""
        self.name = name
        self.closed = False
        self._path = path
        self._file = path and _identity(path)
        self._process = os.getpid()

    @property
    def inherited(self) -> bool:
        """Tell whether this process got the store from its parent."""
        return os.getpid() != self._process

    def check(self) -> None:
        """Refuse to go on where the store was closed, or opened before a fork."""
        if self.inherited:
            raise LedgerUnavailable(f"the ledger {self.name} was opened in another process: open it again after a fork")
        if self.closed:
            raise LedgerUnavailable(f"the ledger {self.name} was closed")

    def check_file(self) -> None:
        """Refuse a file that was deleted or replaced since: SQLite would write into it, and nobody would read that."""
        if self._path is None:
            return
        try:
            same = _identity(self._path) == self._file
        except FileNotFoundError:
            same = False
        if not same:
            raise LedgerUnavailable(
                f"the ledger {self.name} was deleted or replaced while it was open: put it back and start again"
            )


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, once a transaction
    return status.st_dev, status.st_ino
