"""What each read of the ledger does, on a connection that sees one state of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.entries import RESOLUTIONS, EntryKind
from routing.core.money import Money
from routing.core.spend import SpendRow
from routing.ledger.base import AttemptHistory, RequestHistory
from routing.ledger.operations import counter_is_missing, fetch
from routing.ledger.queries import SQL, spend_statement
from routing.ledger.rows import alert_from, balance_from, counter_ids, entry_from, key_from, record_from, to_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from routing.core.budgets import CounterKey
    from routing.core.entries import Alert, Balance, Entry
    from routing.core.spend import SpendQuery
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

ALWAYS_MS = (-(2**62), 2**62)
"""Before and after every time there is."""

PAGE = 1000


def history(cursor: Cursor, request_id: str) -> RequestHistory | None:
    """Collect everything that was written of a request."""
    request = fetch(cursor, "request", {"request_id": request_id})
    if request is None:
        return None
    cursor.execute(SQL["entries_of_request"], {"request": request["id"]})
    rows = cursor.fetchall()
    keys = counter_keys(cursor, rows)
    entries = [entry_from(row, request_id, keys) for row in rows]
    return RequestHistory(
        record=record_from(request),
        attempts=tuple(_attempt(entry, entries) for entry in entries if entry.kind is EntryKind.RESERVE),
        cached=tuple(entry for entry in entries if entry.kind is EntryKind.CACHED),
    )


def _attempt(reserve: Entry, entries: list[Entry]) -> AttemptHistory:
    answers = [entry for entry in entries if entry.reservation_id == reserve.reservation_id]
    return AttemptHistory(
        reserve=reserve,
        resolution=next((entry for entry in answers if entry.kind in RESOLUTIONS), None),
        adjusted_nusd=sum(entry.amount_nusd for entry in answers if entry.kind is EntryKind.ADJUST),
    )


def spend(cursor: Cursor, query: SpendQuery, tag: str) -> list[SpendRow]:
    """Group charges, cached answers and open holds; groups in which nothing came about are left out.

    ``tag`` is how the store's database reads a tag.
    """
    sql, tags = spend_statement(query.by, tag)
    since, until = ALWAYS_MS
    bounds = {
        "since": to_ms(query.since) if query.since else since,
        "until": to_ms(query.until) if query.until else until,
    }
    cursor.execute(sql, {**tags, **bounds})
    rows = [
        SpendRow(
            by=query.by,
            key=tuple(str(row[f"key_{place}"]) for place in range(len(query.by))),
            spent=Money(row["spent"] or 0),
            held=Money(row["held"] or 0),
            unconfirmed=Money(row["unconfirmed"] or 0),
            saved=Money(row["saved"] or 0),
            requests=row["requests"],
            images=row["images"] or 0,
            cached=row["cached"] or 0,
        )
        for row in cursor.fetchall()
    ]
    return sorted((row for row in rows if row.requests or row.held), key=lambda row: (-row.spent, row.key))


def balances(cursor: Cursor, budget: str, start: datetime) -> dict[CounterKey, Balance]:
    """Read the counters of a budget's window."""
    cursor.execute(SQL["counters_of_window"], {"budget": budget, "start": to_ms(start)})
    return {key_from(row): balance_from(row) for row in cursor.fetchall()}


def entries_after(cursor: Cursor, seq: int) -> list[Entry]:
    """Read the next page of entries."""
    cursor.execute(SQL["entries_after"], {"seq": seq, "most": PAGE})
    rows = cursor.fetchall()
    keys = counter_keys(cursor, rows)
    return [entry_from(row, row["request_id"], keys) for row in rows]


def pending_alerts(cursor: Cursor) -> tuple[Alert, ...]:
    """List what no channel has taken yet."""
    cursor.execute(SQL["pending_alerts"], {})
    return tuple(alert_from(row) for row in cursor.fetchall())


def expired(cursor: Cursor, now: datetime) -> tuple[str, ...]:
    """List the reservations that a sweep would end."""
    cursor.execute(SQL["expired_holds"], {"now": to_ms(now)})
    return tuple(row["reservation_id"] for row in cursor.fetchall())


def counter_keys(cursor: Cursor, entries: Iterable[Row]) -> Mapping[int, CounterKey]:
    """Name the counters that these entries count in, by their id."""
    keys = {}
    for counter in {counter for row in entries for counter in counter_ids(row["counters"])}:
        row = fetch(cursor, "counter_of_id", {"id": counter})
        if row is None:
            raise counter_is_missing(counter)
        keys[counter] = key_from(row)
    return keys
