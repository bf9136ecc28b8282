"""What each read of the ledger does, on a connection that sees one state of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from routing.core.alerts import AlertStanding
from routing.core.charge import Charge
from routing.core.entries import RESOLUTIONS, EntryKind
from routing.ledger.base import AttemptHistory, RequestHistory
from routing.ledger.operations import counter_is_missing, fetch, fetch_all
from routing.ledger.queries import SQL, listed
from routing.ledger.rows import (
    alert_from,
    balance_from,
    entry_from,
    from_ms,
    key_from,
    raise_from,
    record_from,
    to_ms,
    whole_numbers,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import BudgetRaise, CounterKey
    from routing.core.entries import Balance, Entry, RequestRecord
    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

PAGE = 1000
FEW = 50


def history(cursor: Cursor, request_id: str) -> RequestHistory | None:
    """Collect everything that was written of a request."""
    request = fetch(cursor, "request", {"request_id": request_id})
    if request is None:
        return None
    rows = fetch_all(cursor, "entries_of_request", {"request": request["id"]})
    return replace(_history(request, rows, counter_keys(cursor, rows)), archived_to=request["archived_to"] or "")


def latest_of_asset(cursor: Cursor, asset: str, at_most: int) -> tuple[Entry, ...]:
    """List what brought pictures for an asset."""
    rows = fetch_all(cursor, "latest_of_asset", {"asset": asset, "most": at_most})
    keys = counter_keys(cursor, rows)
    return tuple(entry_from(row, row["request_id"], keys) for row in rows)


Place = tuple[int, int]
"""Where a walk over the requests stands: the time (in milliseconds) and the key of the last one."""


def before(since: datetime) -> Place:
    """Stand before the first request of a time."""
    return to_ms(since), -1


def histories_after(cursor: Cursor, place: Place, until: datetime) -> tuple[list[RequestHistory], Place | None]:
    """Read the next page of requests, and where the one after it begins; ``None`` where this is the last."""
    found, following = requests_after(cursor, place, until, "entries_of_requests_between")
    keys = counter_keys(cursor, (row for _, rows in found for row in rows))
    return [_history(request, rows, keys) for request, rows in found], following


def requests_after(
    cursor: Cursor, place: Place, until: datetime, name: str
) -> tuple[list[tuple[Row, list[Row]]], Place | None]:
    """Read the next page of requests, each with its rows of a named statement, and where the one after it begins."""
    at, key = place
    requests = fetch_all(cursor, "requests_between", {"at": at, "id": key, "until": to_ms(until), "most": PAGE})
    if not requests:
        return [], None
    first, last = requests[0], requests[-1]
    bounds = {"first_at": first["at"], "first_id": first["id"], "last_at": last["at"], "last_id": last["id"]}
    rows: dict[int, list[Row]] = {request["id"]: [] for request in requests}
    for row in fetch_all(cursor, name, bounds):
        rows[row["request"]].append(row)
    found = [(request, rows[request["id"]]) for request in requests]
    return found, (last["at"], last["id"]) if len(requests) == PAGE else None


def first_at(cursor: Cursor) -> datetime | None:
    """Tell when the first request was made."""
    extent = fetch(cursor, "extent_of_requests", {})
    return from_ms(extent["first_at"]) if extent and extent["first_at"] is not None else None


def newest_before(
    cursor: Cursor, place: Place, since: datetime, importance: str
) -> tuple[list[RequestHistory], Place | None]:
    """Read the next few requests for assets, newest first, and where those before them begin."""
    at, key = place
    bounds = {"at": at, "id": key, "since": to_ms(since), "importance": importance, "most": FEW}
    requests = fetch_all(cursor, "newest_requests_of", bounds)
    found = []
    for request in requests:
        rows = fetch_all(cursor, "entries_of_request", {"request": request["id"]})
        found.append(_history(request, rows, counter_keys(cursor, rows)))
    return found, (requests[-1]["at"], requests[-1]["id"]) if len(requests) == FEW else None


def children(cursor: Cursor, request_id: str) -> tuple[str, ...]:
    """List the requests that were made from one."""
    return tuple(sorted(row["request_id"] for row in fetch_all(cursor, "children", {"request_id": request_id})))


def unconfirmed_after(
    cursor: Cursor, seq: int, since: datetime, until: datetime, dialect: Dialect
) -> tuple[list[AttemptHistory], int | None]:
    """Read the next page of unconfirmed attempts, and after which entry the one after it begins."""
    find_by_key(cursor, dialect)
    bounds = {"seq": seq, "since": to_ms(since), "until": to_ms(until), "most": PAGE}
    rows = fetch_all(cursor, "attempts_unconfirmed", bounds)
    keys = counter_keys(cursor, rows)
    page = []
    for _, of_attempt in groupby(rows, lambda row: row["last_seq"]):
        reserve, *answers = (entry_from(row, row["request_id"], keys) for row in of_attempt)
        page.append(_attempt(reserve, answers))
    return page, rows[-1]["last_seq"] if len(page) == PAGE else None


def _history(request: Row, rows: list[Row], keys: Mapping[int, CounterKey]) -> RequestHistory:
    entries = [entry_from(row, request["request_id"], keys) for row in rows]
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
        adjustments=tuple(entry for entry in answers if entry.kind is EntryKind.ADJUST),
    )


def balances(cursor: Cursor, budget: str, starts: Sequence[datetime]) -> dict[CounterKey, Balance]:
    """Read the counters of a budget's windows."""
    if not starts:
        return {}
    sql, parameters = listed(SQL["counters_of_windows"], "starts", [to_ms(start) for start in starts])
    cursor.execute(sql, {"budget": budget, **parameters})
    return {key_from(row): balance_from(row) for row in cursor.fetchall()}


def find_by_key(cursor: Cursor, dialect: Dialect) -> None:
    """See that what this transaction needs from now on is looked up, however large the tables are."""
    if dialect.by_key:
        cursor.execute(dialect.by_key, {})


def spent_since(cursor: Cursor, since: datetime, dialect: Dialect) -> dict[CounterKey, int]:
    """Sum by counter what was charged since a time."""
    find_by_key(cursor, dialect)
    spent: dict[int, int] = {}
    for row in fetch_all(cursor, "spent_lately", {"since": to_ms(since)}):
        for counter in whole_numbers(row["counters"]):
            spent[counter] = spent.get(counter, 0) + int(row["spent"])
    return {_key_of(cursor, counter): amount for counter, amount in spent.items()}


def raises(cursor: Cursor, at: datetime) -> tuple[BudgetRaise, ...]:
    """List the raises that hold at a time."""
    return tuple(raise_from(row) for row in fetch_all(cursor, "raises_at", {"at": to_ms(at)}))


def entries_after(cursor: Cursor, seq: int) -> list[Entry]:
    """Read the next page of entries."""
    rows = fetch_all(cursor, "entries_after", {"seq": seq, "most": PAGE})
    keys = counter_keys(cursor, rows)
    return [entry_from(row, row["request_id"], keys) for row in rows]


def charges_after(cursor: Cursor, place: Place, until: datetime) -> tuple[list[Charge], Place | None]:
    """Read the next page of charges in order of time, and where the one after it begins."""
    at, seq = place
    rows = fetch_all(cursor, "charges_after", {"at": at, "seq": seq, "until": to_ms(until), "most": PAGE})
    if not rows:
        return [], None
    sql, parameters = listed(SQL["requests_by_id"], "ids", sorted({row["request"] for row in rows}))
    cursor.execute(sql, parameters)
    records = {row["id"]: record_from(row) for row in cursor.fetchall()}
    page = [_charge(row, records[row["request"]]) for row in rows]
    return page, (rows[-1]["at"], rows[-1]["seq"]) if len(rows) == PAGE else None


def _charge(row: Row, record: RequestRecord) -> Charge:
    return Charge(
        record=record,
        entry=entry_from(row, record.request_id, {}),
        resolved_at=from_ms(row["resolved_at"]),
        unconfirmed=bool(row["in_doubt"]),
    )


def alerts(cursor: Cursor, since: datetime) -> tuple[AlertStanding, ...]:
    """List alerts with what became of their deliveries."""
    delivered: dict[int, list[str]] = {}
    failing: dict[int, list[tuple[str, str]]] = {}
    for row in fetch_all(cursor, "deliveries_since", {"since": to_ms(since)}):
        if row["done"]:
            delivered.setdefault(row["alert"], []).append(row["channel"])
        elif row["error"]:
            failing.setdefault(row["alert"], []).append((row["channel"], row["error"]))
    return tuple(
        AlertStanding(
            alert=alert_from(row),
            delivered=tuple(delivered.get(row["id"], ())),
            failing=tuple(failing.get(row["id"], ())),
        )
        for row in fetch_all(cursor, "alerts_since", {"since": to_ms(since)})
    )


def is_delivery_due(cursor: Cursor, channels: Sequence[str], now: datetime) -> bool:
    """Tell whether there is anything that a claim would take."""
    if fetch(cursor, "unseen_alerts", {"most": 1}):
        return True
    due = ({"channel": channel, "now": to_ms(now), "most": 1} for channel in channels)
    return any(fetch(cursor, "due_deliveries", parameters) for parameters in due)


def expired(cursor: Cursor, now: datetime) -> tuple[str, ...]:
    """List the reservations that a sweep would end."""
    return tuple(row["reservation_id"] for row in fetch_all(cursor, "expired_holds", {"now": to_ms(now)}))


def counter_keys(cursor: Cursor, entries: Iterable[Row]) -> Mapping[int, CounterKey]:
    """Name the counters that these entries count in, by their id."""
    counters = {counter for row in entries for counter in whole_numbers(row["counters"])}
    return {counter: _key_of(cursor, counter) for counter in counters}


def _key_of(cursor: Cursor, counter: int) -> CounterKey:
    row = fetch(cursor, "counter_of_id", {"id": counter})
    if row is None:
        raise counter_is_missing(counter)
    return key_from(row)
