"""The rows that a batch of operations works on: read together before, written together after.

A hundred calls that each ask the server a dozen times, one after the other, hold the ledger's lock for as long as the
network takes for all of it. So what they may ask for is read at once, the operations of ``routing.ledger.operations``
run against it here, one by one and in order, and what they changed is written at once. Each sees what those before it
did; one that raises leaves no trace. The statements are those of ``queries.sql``, answered from dictionaries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from routing.core.entries import RESOLUTIONS, EntryKind
from routing.ledger.queries import SQL
from routing.ledger.rows import to_json, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import CounterKey
    from routing.core.entries import Reservation

Record = dict[str, Any]
_RESOLUTIONS = frozenset(kind.value for kind in RESOLUTIONS)
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Which rows an operation may ask for.

    ``at`` is when raises of budgets must hold; ``adjusts`` and ``caches`` say whether earlier corrections, and earlier
    answers from the cache, are asked for.
    """

    request_ids: tuple[str, ...] = ()
    reservation_ids: tuple[str, ...] = ()
    keys: tuple[CounterKey, ...] = ()
    at: datetime | None = None
    adjusts: bool = False
    caches: bool = False


def reads(reaches: Sequence[Reach]) -> Iterator[tuple[str, Record]]:
    """Name the statements that read what operations may ask for, and their parameters."""
    requests = sorted({each for reach in reaches for each in reach.request_ids})
    reservations = sorted({each for reach in reaches for each in reach.reservation_ids})
    keys = {each for reach in reaches for each in reach.keys}
    adjusted = sorted({each for reach in reaches if reach.adjusts for each in reach.request_ids})
    cached = sorted({each for reach in reaches if reach.caches for each in reach.request_ids})
    times = [to_ms(reach.at) for reach in reaches if reach.at is not None]
    yield "last_numbers", {}
    if requests:
        yield "requests_of", {"request_ids": requests}
        yield "entries_of", {"request_ids": requests}
    if adjusted:
        yield "adjusted_of", {"request_ids": adjusted}
    if cached:
        yield "cached_of", {"request_ids": cached}
    if reservations:
        yield "holds_of", {"reservation_ids": reservations}
    if times:
        yield "raises_between", {"first": min(times), "last": max(times)}
    if requests or keys:
        names = [(key.budget, to_ms(key.start), key.scope, key.below) for key in keys]
        columns = [list(column) for column in zip(*names, strict=True)] or [[], [], [], []]
        yield (
            "counters_of",
            {"request_ids": requests, **dict(zip(("budgets", "starts", "scopes", "belows"), columns, strict=True))},
        )


class Desk:
    """A cursor that answers from rows read beforehand, and keeps what is written for the end of the batch."""

    def __init__(self, found: Mapping[str, Sequence[Record]]) -> None:
        """``found`` holds the rows of each statement that ``reads`` named."""
        entries, counters = found.get("entries_of", ()), found.get("counters_of", ())
        reserves = [row for row in entries if row["kind"] == EntryKind.RESERVE]
        self._last: Record = dict(found["last_numbers"][0])
        self._requests = {row["request_id"]: row for row in found.get("requests_of", ())}
        self._entries = {row["seq"]: row for row in entries}
        self._reserves = {(row["request"], row["attempt"]): row for row in reserves}
        self._resolutions = {(row["request"], row["attempt"]): row for row in entries if row["kind"] in _RESOLUTIONS}
        self._attempts: dict[int, tuple[int, ...]] = {}
        for row in reserves:
            self._attempts[row["request"]] = (*self._attempts.get(row["request"], ()), row["attempt"])
        self._holds = {row["reservation_id"]: row for row in found.get("holds_of", ())}
        self._counters = {_name(row): row for row in counters}
        self._counter_names = {row["id"]: _name(row) for row in counters}
        self._alerts: dict[str, Record] = {name: row for row in counters for name in row["alerted"]}
        self._raises = found.get("raises_between", ())
        self._corrections: dict[tuple[int, int], int] = {
            (row["request"], row["attempt"]): row["adjusted"] for row in found.get("adjusted_of", ())
        }
        self._cached = {(row["request"], row["picture_key"]): row for row in found.get("cached_of", ())}
        kept: tuple[dict[Any, Record], ...] = (self._requests, self._entries, self._holds, self._counters, self._alerts)
        self._before = tuple(dict(table) for table in kept)
        self._rows: list[Record] = []
        self._undo: list[tuple[dict[Any, Any], object, object]] = []

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> None:
        """Answer one of the shared statements."""
        self._rows = _ANSWERS[sql](self, parameters)

    def fetchall(self) -> list[Record]:
        """Take the rows of the last statement."""
        return self._rows

    def run(self, operation: Callable[[Desk], object]) -> object:
        """Run an operation; one that raises leaves no trace."""
        self._undo.clear()
        try:
            return operation(self)
        except BaseException:
            for table, key, old in reversed(self._undo):
                if old is _MISSING:
                    del table[key]
                else:
                    table[key] = old
            raise

    def writes(self) -> Iterator[tuple[str, Record]]:
        """Name the statements that write what was changed, and their parameters."""
        requests, entries, holds, counters, alerts = self._before
        ended = [name for name in holds if name not in self._holds]
        moved = [
            {**row, "held_before": old["held_nusd"], "spent_before": old["spent_nusd"]}
            for name, old in counters.items()
            if (row := self._counters[name]) is not old
        ]
        for statement, rows in (
            ("insert_requests", _added(self._requests, requests)),
            ("insert_entries", _added(self._entries, entries)),
            ("insert_holds", _added(self._holds, holds)),
            ("insert_counters", _added(self._counters, counters)),
            ("update_counters", moved),
            ("insert_alerts", _added(self._alerts, alerts)),
        ):
            if rows:
                yield statement, {"rows": to_json(rows)}
        if ended:
            yield "delete_holds", {"reservation_ids": ended}

    # --- What the shared statements do ------------------------------------------------------------------------------

    def _put(self, table: dict[Any, Any], key: object, row: object) -> None:
        self._undo.append((table, key, table.get(key, _MISSING)))
        table[key] = row

    def _number(self, table: str) -> int:
        number: int = self._last[table] + 1
        self._put(self._last, table, number)
        return number

    def _insert_request(self, given: Record) -> list[Record]:
        if given["request_id"] in self._requests:
            return []
        row = {**given, "id": self._number("requests"), "archived_to": None}
        self._put(self._requests, row["request_id"], row)
        return [row]

    def _request(self, given: Record) -> list[Record]:
        return _some(self._requests.get(given["request_id"]))

    def _attempts_made(self, given: Record) -> list[Record]:
        return [{"attempt": attempt} for attempt in self._attempts.get(given["request"], ())]

    def _insert_entry(self, given: Record) -> list[Record]:
        row = {**given, "seq": self._number("entries")}
        self._put(self._entries, row["seq"], row)
        request, attempt = row["request"], row["attempt"]
        if row["kind"] == EntryKind.RESERVE:
            self._put(self._reserves, (request, attempt), row)
            self._put(self._attempts, request, (*self._attempts.get(request, ()), attempt))
        elif row["kind"] in _RESOLUTIONS:
            self._put(self._resolutions, (request, attempt), row)
        elif row["kind"] == EntryKind.ADJUST:
            earlier = self._corrections.get((request, attempt), 0)
            self._put(self._corrections, (request, attempt), earlier + row["amount_nusd"])
        elif row["kind"] == EntryKind.CACHED:
            self._put(self._cached, (request, row["picture_key"]), row)
        return [row]

    def _cached_answer(self, given: Record) -> list[Record]:
        return _some(self._cached.get((given["request"], given["picture_key"])))

    def _adjusted(self, given: Record) -> list[Record]:
        return [{"adjusted": self._corrections.get((given["request"], given["attempt"]), 0)}]

    def _raises_at(self, given: Record) -> list[Record]:
        return [row for row in self._raises if row["at"] <= given["at"] < row["until"]]

    def _hold_in_counter(self, given: Record) -> list[Record]:
        row = self._counters.get(_name(given))
        if row is None or row["held_nusd"] + row["spent_nusd"] + given["earlier"] + given["needed"] > given["limit"]:
            return []
        row = {**row, "held_nusd": row["held_nusd"] + given["needed"], **_terms(given)}
        self._put(self._counters, _name(given), row)
        return [row]

    def _insert_counter(self, given: Record) -> list[Record]:
        name = _name(given)
        key = dict(zip(("budget", "start", "scope", "below"), name, strict=True))
        amounts = {"held_nusd": given["needed"], "spent_nusd": 0, "first_at": given["at"]}
        row = {**key, **amounts, **_terms(given), "id": self._number("counters")}
        self._put(self._counters, name, row)
        self._put(self._counter_names, row["id"], name)
        return [row]

    def _counter(self, given: Record) -> list[Record]:
        return _some(self._counters.get(_name(given)))

    def _slices(self, given: Record) -> list[Record]:
        starts = range(given["first"], given["last"] + 1, given["slice_ms"])
        names = (_name({**given, "start": start}) for start in starts)
        return [self._counters[name] for name in names if name in self._counters]

    def _book_in_counter(self, given: Record) -> list[Record]:
        name = self._counter_names.get(given["id"])
        if name is None:
            return []
        row = self._counters[name]
        held, spent = row["held_nusd"] - given["released"], row["spent_nusd"] + given["charged"]
        row = {**row, "held_nusd": held, "spent_nusd": spent}
        self._put(self._counters, name, row)
        return [row]

    def _insert_hold(self, given: Record) -> list[Record]:
        self._put(self._holds, given["reservation_id"], given)
        return []

    def _delete_hold(self, given: Record) -> list[Record]:
        old = self._holds.pop(given["reservation_id"])
        self._undo.append((self._holds, given["reservation_id"], old))
        return []

    def _hold(self, given: Record) -> list[Record]:
        hold = self._holds.get(given["reservation_id"])
        return _some(self._entries.get(hold["seq"])) if hold else []

    def _expired_holds(self, given: Record) -> list[Record]:
        expired = [hold for hold in self._holds.values() if hold["expires_at"] <= given["now"]]
        return [
            {"reservation_id": hold["reservation_id"], "amount_nusd": self._entries[hold["seq"]]["amount_nusd"]}
            for hold in sorted(expired, key=lambda hold: (hold["expires_at"], hold["seq"]))
            if hold["seq"] in self._entries
        ]

    def _reserve_of(self, given: Record) -> list[Record]:
        request = self._requests.get(given["request_id"])
        return _some(self._reserves.get((request["id"], given["attempt"]))) if request else []

    def _resolution_of(self, given: Record) -> list[Record]:
        return _some(self._resolutions.get((given["request"], given["attempt"])))

    def _alert_named(self, given: Record) -> list[Record]:
        return _some(self._alerts.get(given["name"]))

    def _insert_alert(self, given: Record) -> list[Record]:
        if given["name"] in self._alerts:
            return []
        self._put(self._alerts, given["name"], given)
        return [given]


_ANSWERS: dict[str, Callable[[Desk, Mapping[str, Any]], list[Record]]] = {
    sql: answer for name, sql in SQL.items() if (answer := getattr(Desk, f"_{name}", None))
}
"""The statements of ``queries.sql`` that operations use: each has a method of its name."""


def _name(row: Mapping[str, Any]) -> tuple[str, int, str, str]:
    return row["budget"], row["start"], row["scope"], row["below"]


def _terms(given: Record) -> Record:
    """Name the columns of a counter that the last reservation says."""
    return {"limit_nusd": given["limit"], "alert_at": given["alert_at"], "slice_ms": given["slice_ms"]}


def _some(row: Record | None) -> list[Record]:
    return [row] if row is not None else []


def _added(now: Mapping[Any, Record], before: Mapping[Any, Record]) -> list[Record]:
    return [row for key, row in now.items() if key not in before]


def reach_of_claims(request_id: str, reservations: Sequence[Reservation]) -> Reach:
    """Name the rows around a call that reserves: every counter it claims, and every slice that counts beside it."""
    claims = {claim.key: claim for reservation in reservations for claim in reservation.claims}
    beside = [
        replace(key, start=start)
        for key, claim in claims.items()
        for earlier in claim.earlier
        for start in (earlier, key.start + (key.start - earlier))
    ]
    return Reach(request_ids=(request_id,), keys=(*claims, *beside), at=reservations[0].at if claims else None)


def reach_of_reservation(reservation_id: str) -> Reach:
    """Name the rows around one reservation; an id of any shape will do, it is the operation that judges it."""
    return Reach(request_ids=(reservation_id.rpartition("/")[0],), reservation_ids=(reservation_id,))
