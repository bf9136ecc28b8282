"""A ledger in one SQLite file, for any number of threads and processes of one machine."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from routing.ledger import operations, reading
from routing.ledger.dialect import SQLITE
from routing.ledger.file_lock import FileLock
from routing.ledger.handle import Handle
from routing.ledger.sqlite_file import check_place, connect, prepare, unavailable
from routing.ledger.sqlite_reader import Readers
from routing.ledger.sqlite_writer import Writer
from routing.ledger.store import CommonStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Self

    from routing.core.alerts import Alert
    from routing.core.entries import Adjustment, CacheHit, RequestRecord, Reservation, Resolution
    from routing.ledger.operations import Cursor
    from routing.ledger.store import Reader

T = TypeVar("T")

WAIT_S = 30.0
"""How long a call waits for other processes before it is refused."""


class SqliteStore(CommonStore):
    """The ``Store`` of ``routing.ledger.base`` on SQLite; ``open`` makes one."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        """Put a store together from its two halves."""
        super().__init__(reader, SQLITE)
        self._writer = writer

    @classmethod
    def open(cls, path: Path | str, *, wait_s: float = WAIT_S) -> Self:
        """Open the ledger at ``path``, making the file (not its folder) where there is none.

        Each process opens its own. ``wait_s`` bounds how long a call waits for other processes.

        Raises:
            LedgerUnavailable: where the file cannot be made or written, or is no ledger that this version reads.

        """
        path = Path(path).absolute()  # the ledger stays the same when the process changes its folder
        check_place(path)
        try:
            lock = FileLock(path)
        except OSError as error:
            raise unavailable(str(path), error) from error
        connection = None
        try:
            connection = connect(str(path), wait_s)
            try:
                lock.acquire(wait_s)
                prepare(connection, str(path))
            finally:
                lock.release()
            handle = Handle(str(path), path)
            return cls(Writer(connection, handle, lock, wait_s), Readers(path, handle, wait_s))
        except BaseException as error:
            lock.close()
            if connection is not None:
                connection.close()
            if isinstance(error, sqlite3.Error | OSError):
                raise unavailable(str(path), error) from error
            raise

    def reserve(self, record: RequestRecord, reservations: Sequence[Reservation]) -> None:
        """See ``Ledger.reserve``."""
        self._writer.run(partial(operations.reserve, record=record, reservations=reservations))

    def resolve(self, resolution: Resolution) -> tuple[Alert, ...]:
        """See ``Ledger.resolve``."""
        return self._writer.run(partial(operations.resolve, resolution=resolution))

    def adjust(self, adjustment: Adjustment) -> tuple[Alert, ...]:
        """See ``Ledger.adjust``."""
        return self._writer.run(partial(operations.adjust, adjustment=adjustment))

    def record_cached(self, record: RequestRecord, hit: CacheHit) -> None:
        """See ``Ledger.record_cached``."""
        self._writer.run(partial(operations.record_cached, record=record, hit=hit))

    def sweep(self, now: datetime, *, release: bool) -> tuple[Resolution, ...]:
        """See ``Ledger.sweep``; where nothing has expired, nobody who writes is kept waiting."""
        with self._reader.reading() as cursor:
            if not reading.expired(cursor, now):
                return ()
        return self._writer.run(partial(operations.sweep, now=now, release=release))

    def _run_alone(self, operation: Callable[[Cursor], T]) -> T:
        """See ``CommonStore``; here it may share a transaction, in a savepoint of its own."""
        return self._writer.run(operation)

    def close(self) -> None:
        """See ``Store.close``; closing twice does no harm."""
        self._writer.close()
        self._reader.close()
