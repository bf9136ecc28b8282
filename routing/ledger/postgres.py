"""A ledger in PostgreSQL, for any number of machines."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import psycopg

from routing.ledger import operations, reading
from routing.ledger.dialect import POSTGRES
from routing.ledger.handle import Handle
from routing.ledger.postgres_connection import Place
from routing.ledger.postgres_desk import Reach, reach_of_claims, reach_of_reservation
from routing.ledger.postgres_reader import Readers
from routing.ledger.postgres_schema import prepare
from routing.ledger.postgres_writer import Writer
from routing.ledger.rows import split_reservation_id
from routing.ledger.store import CommonStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Self

    from routing.core.alerts import Alert
    from routing.core.entries import Adjustment, CacheHit, RequestRecord, Reservation, Resolution
    from routing.ledger.operations import Cursor

T = TypeVar("T")

SCHEMA = "image_routing"
"""Where the tables stand: whoever has a database for other things need not give the ledger one of its own."""

WAIT_S = 15.0
"""How long a call tries to reach a server that is gone before it is refused: a restart or a failover takes less."""


class PostgresStore(CommonStore):
    """The ``Store`` of ``routing.ledger.base`` on PostgreSQL; ``open`` makes one."""

    def __init__(self, writer: Writer, reader: Readers) -> None:
        """Put a store together from its two halves."""
        super().__init__(reader, POSTGRES)
        self._writer = writer

    @classmethod
    def open(cls, url: str, *, schema: str = SCHEMA, wait_s: float = WAIT_S) -> Self:
        """Open the ledger at ``postgresql://user:password@host:port/database``, making its tables where there are none.

        Each process opens its own: one connection writes, up to three read.

        Raises:
            LedgerUnavailable: where the server cannot be reached, or the schema is no ledger that this version reads.

        """
        place = Place(url, schema)
        connection = None
        try:
            connection = place.connect()
            prepare(connection, place)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, psycopg.Error):
                raise place.unavailable(error) from error
            raise
        handle = Handle(place.name)
        return cls(Writer(connection, place, handle, wait_s), Readers(place, handle))

    def reserve(self, record: RequestRecord, reservations: Sequence[Reservation]) -> None:
        """See ``Ledger.reserve``."""
        reach = reach_of_claims(record.request_id, reservations)
        self._writer.run(partial(operations.reserve, record=record, reservations=reservations), reach)

    def resolve(self, resolution: Resolution) -> tuple[Alert, ...]:
        """See ``Ledger.resolve``."""
        reach = reach_of_reservation(resolution.reservation_id)
        return self._writer.run(partial(operations.resolve, resolution=resolution), reach)

    def adjust(self, adjustment: Adjustment) -> tuple[Alert, ...]:
        """See ``Ledger.adjust``."""
        reach = replace(reach_of_reservation(adjustment.reservation_id), adjusts=True)
        return self._writer.run(partial(operations.adjust, adjustment=adjustment), reach)

    def record_cached(self, record: RequestRecord, hit: CacheHit) -> None:
        """See ``Ledger.record_cached``."""
        reach = Reach(request_ids=(record.request_id,), caches=True)
        self._writer.run(partial(operations.record_cached, record=record, hit=hit), reach)

    def sweep(self, now: datetime, *, release: bool) -> tuple[Resolution, ...]:
        """See ``Ledger.sweep``; what ends on its own in the meantime is left alone."""
        with self._reader.reading() as cursor:
            expired = reading.expired(cursor, now)
        if not expired:
            return ()
        requests = {split_reservation_id(reservation_id)[0] for reservation_id in expired}
        reach = Reach(request_ids=tuple(requests), reservation_ids=expired)
        return self._writer.run(partial(operations.sweep, now=now, release=release), reach)

    def _run_alone(self, operation: Callable[[Cursor], T]) -> T:
        """See ``CommonStore``."""
        return self._writer.run_alone(operation)

    def close(self) -> None:
        """See ``Store.close``; closing twice does no harm."""
        self._writer.close()
        self._reader.close()
