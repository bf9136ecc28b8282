"""Connections that only read: each loan sees one state of the ledger, and keeps nobody who writes waiting."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg

from routing.errors import LedgerUnavailable
from routing.ledger.postgres_connection import BATCH, READ_S, Connection, SharedCursor, translated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.ledger.handle import Handle
    from routing.ledger.postgres_connection import Place

AT_MOST = 3
"""Beside the one that writes: a server has some hundred connections for all processes."""

WAIT_S = 30.0


class Readers:
    """At most ``AT_MOST`` connections, made when they are needed and kept for the next one.

    Not a pool of ``psycopg_pool``: that connects in the background, so that whoever asks waits out the whole timeout
    for a server that refused at once, and is not told why.
    """

    def __init__(self, place: Place, handle: Handle) -> None:
        """Open nothing yet."""
        self._place = place
        self._handle = handle
        self._idle: deque[Connection] = deque()
        self._free = threading.BoundedSemaphore(AT_MOST)

    @contextmanager
    def reading(self) -> Iterator[SharedCursor]:
        """Lend a cursor that sees one state of the ledger for as long as it is lent."""
        self._handle.check()
        if not self._free.acquire(timeout=WAIT_S):
            told = f"all {AT_MOST} connections that read have been busy for {WAIT_S:g} s: try again"
            raise LedgerUnavailable(f"the ledger {self._place.name} cannot be used: {told}")
        connection = None
        try:
            connection = self._begun()
            yield SharedCursor(connection)
        except psycopg.Error as error:
            raise self._place.unavailable(error) from error
        finally:
            if connection is not None:
                self._give_back(connection)
            self._free.release()

    def close(self) -> None:
        """Close what is idle; what is lent closes when it comes back."""
        if self._handle.inherited:
            return  # what was inherited belongs to the parent
        while self._idle:
            with suppress(IndexError):
                self._idle.pop().close()

    def _begun(self) -> Connection:
        """Borrow a connection and begin; one that was cut while it lay idle makes room for the next."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            try:
                self._begin(connection)
            except psycopg.OperationalError:
                connection.close()
            else:
                return connection
        connection = self._place.connect()
        try:
            self._begin(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _begin(self, connection: Connection) -> None:
        connection.answer_s = Connection.answer_s
        with connection.pipeline():
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(translated(BATCH["settings"]), self._place.settings(statement_s=READ_S))
        connection.answer_s = READ_S + Connection.answer_s

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
            return
        self._idle.append(connection)
        if self._handle.closed:
            self.close()
