"""Ages a ledger as a team would: years of requests of many campaigns, kinds and deployments, copied from some thousand.

As in ``ledger_fill`` the samples are written through the ledger itself, and whatever columns the tables have are
copied; numbers, ids, assets and times are the copies' own. Nothing is folded into the sums that reports read.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ledger_fill import DIGEST, SCHEMA, UNLIMITED, USAGE
from routing.assembly import open_store
from tests.ledger.purchases import claim, record, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from routing.core.entries import RequestRecord, Reservation, Resolution

ENTRIES_A_CALL = 2
CALLS_A_CHUNK = 250_000
SAMPLES = 2_100
PAST = timedelta(days=730)
DRAFTS_AN_ASSET = 5
CALLS_AN_ASSET = 7
_DEPLOYMENTS = {"draft": ("nano-banana", "flux-schnell"), "review": ("gpt-image-2",), "final": ("gpt-image-2", "azure")}
_QUALITY = {"draft": "low", "review": "medium", "final": "high"}
_UNCONFIRMED = 0.001
"""Share of the charges that the vendor never answered and nobody confirmed."""
_LOOKS = ("SELECT * FROM requests LIMIT 0", "SELECT * FROM entries LIMIT 0")
_SPENT = "UPDATE counters SET spent_nusd = (SELECT SUM(amount_nusd) FROM entries WHERE kind = 'settle')"


def call(name: str, number: int, at: datetime) -> tuple[RequestRecord, Reservation, Resolution]:
    """Make one of ``SAMPLES`` calls: an asset keeps its labels, and takes drafts, a review and a final."""
    step = number % CALLS_AN_ASSET
    rng = random.Random((number % SAMPLES) // CALLS_AN_ASSET)
    importance = "draft" if step < DRAFTS_AN_ASSET else ("review", "final")[step - DRAFTS_AN_ASSET]
    tags = {
        "campaign": f"c{rng.randrange(24):02}",
        "project": f"p{rng.randrange(5)}",
        "kind": rng.choice(("poster", "moodboard", "banner", "thumbnail", "product", "portrait")),
        "audience": rng.choice(("internal", "customer")),
        "stage": importance,
    }
    size = rng.choice(("1024x1024", "1536x1024"))
    rng = random.Random(number % SAMPLES)
    deployment, amount = rng.choice(_DEPLOYMENTS[importance]), rng.randrange(3_000_000, 200_000_000)
    asked = record(
        name, at=at, importance=importance, rule=tags["audience"], tags=tags, fingerprint=DIGEST, prompt_hash=DIGEST,
        asset=f"asset-{number // CALLS_AN_ASSET}",
    )  # fmt: skip
    held = reservation(
        amount, claim("all", UNLIMITED), request_id=name, at=at, picture_key=DIGEST, deployment=deployment,
        model=deployment, quality=_QUALITY[importance], size=size,
    )  # fmt: skip
    unconfirmed = rng.random() < _UNCONFIRMED
    charged = settle(
        held.id, amount, at=at, usage=USAGE, vendor_request_id=f"req_{DIGEST}", unconfirmed=unconfirmed
    )  # fmt: skip
    return asked, held, charged


def fill(url: str, entries: int, until: datetime) -> None:
    """Make a ledger and let it look back on so many entries in two years."""
    calls, begin = entries // ENTRIES_A_CALL, until - PAST
    samples = min(SAMPLES, calls)
    with closing(open_store(url, Path())) as store:
        for number in range(samples):
            asked, held, charged = call(f"earlier-{number:013}", number, begin)
            store.reserve(asked, [held])
            store.resolve(charged)
    if url.startswith("sqlite"):
        _fill_sqlite(url.removeprefix("sqlite:///"), calls, samples)
    else:
        _fill_postgres(url, calls, samples)


def _fill_sqlite(path: str, calls: int, samples: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        requests, entries = (_columns(connection.execute(look)) for look in _LOOKS)
        for statement in _copies(requests, entries, calls, samples):
            with connection:
                connection.execute(statement)
        with connection:
            connection.execute(_SPENT)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _fill_postgres(url: str, calls: int, samples: int) -> None:
    import psycopg

    options = f"-c search_path={SCHEMA} -c synchronous_commit=off"
    with psycopg.connect(url, options=options, autocommit=True) as connection:
        requests, entries = (_columns(connection.execute(look.encode())) for look in _LOOKS)
        for statement in _copies(requests, entries, calls, samples):
            connection.execute(statement.encode())
        connection.execute(_SPENT.encode())
        connection.execute("VACUUM ANALYZE")  # as the server does by itself in the time that so many calls take
        connection.execute("CHECKPOINT")


def _columns(cursor: Any) -> list[str]:  # noqa: ANN401 - the cursor of either database
    return [column[0] for column in cursor.description]


def _copies(requests: Sequence[str], entries: Sequence[str], calls: int, samples: int) -> Iterator[str]:
    """Word the statements that copy the samples in order of time: call ``i`` is like one, ``i`` modulo their number."""
    step_ms = PAST // timedelta(milliseconds=1) // max(calls, 1)
    like = f"i % {samples}"
    of_request = {
        "id": "i + 1",
        "request_id": "'copied-' || CAST(1000000000000 + i AS TEXT)",
        "at": f"r.at + i * {step_ms}",
        "asset": f"'asset-' || CAST(i / {CALLS_AN_ASSET} AS TEXT)",
    }
    of_entry = {"seq": f"r.seq + 2 * (i - {like})", "request": "i + 1", "at": f"r.at + i * {step_ms}"}
    for first in range(samples, calls, CALLS_A_CHUNK):
        last = min(first + CALLS_A_CHUNK, calls) - 1
        for table, columns, own, rows in (
            ("requests", requests, of_request, f"r.id = 1 + {like}"),
            ("entries", entries, of_entry, f"r.seq IN (1 + 2 * ({like}), 2 + 2 * ({like}))"),
        ):
            values = ", ".join(own.get(column, f"r.{column}") for column in columns)
            yield (
                f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - our own tables and numbers
                f" WITH RECURSIVE numbers (i) AS (SELECT CAST({first} AS BIGINT)"
                f" UNION ALL SELECT i + 1 FROM numbers WHERE i < {last})"
                f" SELECT {values} FROM numbers CROSS JOIN {table} AS r WHERE {rows} ORDER BY i, r.{columns[0]}"
            )
