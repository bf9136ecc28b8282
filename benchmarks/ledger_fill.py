"""Ages a fresh ledger: one real call, written through the ledger itself, and millions of copies of its rows.

Whatever columns the tables have are copied; only the numbers, the ids and the times of the copies are their own, and
the one counter has spent as often as there are calls: so the ledger still adds up, which ``verify`` can tell.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routing.assembly import open_store
from routing.core.prices import Usage
from tests.ledger.purchases import NOON, NOVEMBER, claim, record, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from routing.core.budgets import Claim
    from routing.ledger.base import Store

ENTRIES_A_CALL = 2
CALLS_A_CHUNK = 250_000
UNLIMITED = 10**18
DIGEST = 32 * "f"
USAGE = Usage(text_in=9, image_out=1372)
SCHEMA = "image_routing"
_LOOKS = ("SELECT * FROM requests LIMIT 0", "SELECT * FROM entries LIMIT 0")


def buy(store: Store, request_id: str, counted: Claim, at: datetime = NOON) -> float:
    """Reserve and settle one call whose rows are as long as real ones; return the seconds the reservation took."""
    tags = {"campaign": "spring-launch", "kind": "poster"}
    asked = record(request_id, at=at, fingerprint=DIGEST, prompt_hash=DIGEST, asset="poster-7", tags=tags)
    held = reservation(41_340_000, counted, request_id=request_id, at=at, picture_key=DIGEST)
    charged = settle(held.id, 41_205_000, at=at, usage=USAGE, vendor_request_id=f"req_{DIGEST}")
    started = time.perf_counter()
    store.reserve(asked, [held])
    took = time.perf_counter() - started
    store.resolve(charged)
    return took


def fill(url: str, calls: int) -> None:
    """Make a ledger and let it look back on so many calls in one budget, from the first of the month until noon."""
    store = open_store(url, Path())
    buy(store, "earlier-1000000000000", claim("month", UNLIMITED), NOVEMBER)
    store.close()
    if url.startswith("sqlite"):
        _fill_sqlite(url.removeprefix("sqlite:///"), calls)
    else:
        _fill_postgres(url, calls)


def size(url: str) -> int:
    """Bytes that a ledger takes, its indexes included; a SQLite file's while nobody has it open."""
    if url.startswith("sqlite"):
        return Path(url.removeprefix("sqlite:///")).stat().st_size
    import psycopg

    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])


def _fill_sqlite(path: str, calls: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        requests, entries = (_columns(connection.execute(look)) for look in _LOOKS)
        for statement in _copies(requests, entries, calls):
            with connection:
                connection.execute(statement)
        with connection:
            connection.execute("UPDATE counters SET spent_nusd = spent_nusd * ?", (calls,))
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill_postgres(url: str, calls: int) -> None:
    import psycopg

    options = f"-c search_path={SCHEMA} -c synchronous_commit=off"
    with psycopg.connect(url, options=options, autocommit=True) as connection:
        requests, entries = (_columns(connection.execute(look.encode())) for look in _LOOKS)
        for statement in _copies(requests, entries, calls):
            connection.execute(statement.encode())
        connection.execute("UPDATE counters SET spent_nusd = spent_nusd * %s", (calls,))
        connection.execute("VACUUM ANALYZE")  # as the server does by itself in the time that so many calls take
        connection.execute("CHECKPOINT")


def _columns(cursor: Any) -> list[str]:  # noqa: ANN401 - the cursor of either database
    return [column[0] for column in cursor.description]


def _copies(requests: Sequence[str], entries: Sequence[str], calls: int) -> Iterator[str]:
    """Word the statements that copy the first request (id 1) and its two entries (seq 1 and 2), in order of time."""
    step_ms = (NOON - NOVEMBER) // timedelta(milliseconds=1) // calls
    of_request = {
        "id": "r.id + i",
        "request_id": "'earlier-' || CAST(1000000000000 + i AS TEXT)",
        "at": f"r.at + i * {step_ms}",
    }
    of_entry = {"seq": "r.seq + 2 * i", "request": "r.request + i", "at": f"r.at + i * {step_ms}"}
    for first in range(1, calls, CALLS_A_CHUNK):
        last = min(first + CALLS_A_CHUNK, calls) - 1
        for table, columns, own, rows in (
            ("requests", requests, of_request, "r.id = 1"),
            ("entries", entries, of_entry, "r.seq IN (1, 2)"),
        ):
            values = ", ".join(own.get(column, f"r.{column}") for column in columns)
            yield (
                f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - our own tables and numbers
                f" WITH RECURSIVE numbers (i) AS (SELECT CAST({first} AS BIGINT)"
                f" UNION ALL SELECT i + 1 FROM numbers WHERE i < {last})"
                f" SELECT {values} FROM numbers CROSS JOIN {table} AS r WHERE {rows} ORDER BY i, r.{columns[0]}"
            )
