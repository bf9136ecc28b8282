"""Connections that only read: beside a writer's log a reader neither waits nor keeps anyone waiting."""

from __future__ import annotations

import sqlite3
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from routing.ledger.sqlite_file import connect, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.ledger.handle import Handle


class Readers:
    """As many connections as read at the same time, kept for the next one."""

    def __init__(self, path: Path, handle: Handle, wait_s: float) -> None:
        """Open nothing yet."""
        # `rw`: a reader never makes a file.
        self._target = f"{path.resolve().as_uri()}?mode=rw"
        self._handle = handle
        self._wait_s = wait_s
        self._idle: deque[sqlite3.Connection] = deque()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """Lend a cursor that sees one state of the ledger for as long as it is lent."""
        self._handle.check()
        connection = None
        try:
            connection = self._borrow()
            connection.execute("BEGIN")
            yield connection.cursor()
        except sqlite3.Error as error:
            raise unavailable(self._handle.name, error) from error
        finally:
            if connection is not None:
                self._give_back(connection)

    def close(self) -> None:
        """Close what is idle; what is lent closes when it comes back."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def _borrow(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            connection = connect(self._target, self._wait_s)
            connection.execute("PRAGMA query_only = ON")
            return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()
            return
        self._idle.append(connection)
        if self._handle.closed:
            self.close()
