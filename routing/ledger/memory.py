"""A ledger in memory: the SQLite ledger without its file, for tests and for trying things out."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from routing.ledger.handle import Handle
from routing.ledger.sqlite import SqliteStore
from routing.ledger.sqlite_file import connect, prepare, unavailable
from routing.ledger.sqlite_writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "in memory"


def open_memory() -> SqliteStore:
    """Open an empty ledger that one process sees and that is gone with it."""
    connection = connect(":memory:", 0)
    prepare(connection, NAME)
    writer = Writer(connection, Handle(NAME))
    return SqliteStore(writer, _Lender(writer))


class _Lender:
    """There is only one connection: whoever reads borrows the writer's."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        with self._writer.lending() as cursor:
            try:
                yield cursor
            except sqlite3.Error as error:
                raise unavailable(NAME, error) from error

    def close(self) -> None:
        """Leave the connection to the writer."""
