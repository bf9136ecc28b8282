"""What each write of money does, inside a transaction that someone else begins and commits.

An operation that raises has changed nothing once its caller rolls back. Only SQL that every store shares is used here.
What is written rarely stands in ``rare_operations``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from routing.core.alerts import crossed, overrun_alert, threshold_alert
from routing.core.budgets import raised
from routing.core.entries import Balance, Basis, EntryKind, Resolution, back_at, budget_exceeded
from routing.core.money import usd_text
from routing.core.window import SLICES
from routing.errors import AlreadyResolved, LedgerUnavailable, RequestIdReused
from routing.ledger.queries import SQL
from routing.ledger.rows import (
    MILLISECOND,
    Row,
    alert_parameters,
    balance_from,
    entry_parameters,
    from_ms,
    key_from,
    key_parameters,
    raise_from,
    request_parameters,
    split_reservation_id,
    to_ms,
    usage_json,
    whole_numbers,
    whole_numbers_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from routing.core.alerts import Alert
    from routing.core.budgets import BudgetRaise, Claim, CounterKey
    from routing.core.entries import Adjustment, CacheHit, RequestRecord, Reservation

_ENDED = {EntryKind.SETTLE: "settled", EntryKind.RELEASE: "released", EntryKind.EXPIRE: "expired"}


class Cursor(Protocol):
    """What an operation needs of a database: rows by column name."""

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> object:
        """Run one statement."""

    def fetchall(self) -> list[Any]:
        """Take the rows of the last statement."""


def fetch(cursor: Cursor, name: str, parameters: Mapping[str, object]) -> Row | None:
    """Run a named statement for its one row."""
    rows = fetch_all(cursor, name, parameters)
    return rows[0] if rows else None


def fetch_all(cursor: Cursor, name: str, parameters: Mapping[str, object]) -> list[Any]:
    """Run a named statement for its rows."""
    cursor.execute(SQL[name], parameters)
    return cursor.fetchall()


def reserve(cursor: Cursor, record: RequestRecord, reservations: Sequence[Reservation]) -> None:
    """Hold money for every reservation or raise: see ``Ledger.reserve``."""
    attempts = [_attempt_of(reservation, record) for reservation in reservations]
    request, made = _request(cursor, record)
    for attempt in attempts:
        if attempt in made:
            raise RequestIdReused(
                f"request_id {record.request_id!r} is being bought by another call just now (attempt {attempt} was made"
                " already): ask again for its pictures, or use a new one"
            )
        made.add(attempt)
    claims = _claims_of(reservations)
    raises = _raises(cursor, reservations) if claims else ()
    counters = {
        key: _hold(cursor, raised(claim, raises) if raises else claim, needed, reservations[0].at)
        for key, (claim, needed) in sorted(claims.items())
    }
    for attempt, reservation in zip(attempts, reservations, strict=True):
        entry = entry_parameters(
            request=request,
            attempt=attempt,
            kind=EntryKind.RESERVE.value,
            at=to_ms(reservation.at),
            amount_nusd=reservation.amount_nusd,
            deployment=reservation.deployment,
            model=reservation.model,
            size=reservation.size,
            quality=reservation.quality,
            images=reservation.images,
            picture_key=reservation.picture_key,
            counters=whole_numbers_json(tuple(sorted(counters[claim.key] for claim in reservation.claims))),
        )
        seq = _written(fetch(cursor, "insert_entry", entry))["seq"]
        expires_at = to_ms(reservation.expires_at)
        cursor.execute(SQL["insert_hold"], {"reservation_id": reservation.id, "seq": seq, "expires_at": expires_at})


def resolve(cursor: Cursor, resolution: Resolution) -> tuple[Alert, ...]:
    """End a reservation: see ``Ledger.resolve``."""
    hold = fetch(cursor, "hold", {"reservation_id": resolution.reservation_id})
    if hold is None:
        raise AlreadyResolved(_known_of(cursor, resolution.reservation_id))
    cursor.execute(SQL["delete_hold"], {"reservation_id": resolution.reservation_id})
    entry = _answer(
        hold,
        kind=resolution.kind.value,
        at=to_ms(resolution.at),
        amount_nusd=resolution.amount_nusd,
        basis=resolution.basis and resolution.basis.value,
        unconfirmed=int(resolution.unconfirmed),
        overrun=int(resolution.amount_nusd > hold["amount_nusd"]),
        images=resolution.images,
        usage=usage_json(resolution.usage),
        reason=resolution.reason,
        vendor_request_id=resolution.vendor_request_id,
    )
    fetch(cursor, "insert_entry", entry)
    alerts = _book(cursor, hold, released=hold["amount_nusd"], charged=resolution.amount_nusd, at=resolution.at)
    if resolution.amount_nusd > hold["amount_nusd"]:
        overrun = overrun_alert(resolution, hold["deployment"], hold["amount_nusd"])
        if fetch(cursor, "insert_alert", alert_parameters(overrun)):
            alerts = (*alerts, overrun)
    return alerts


def adjust(cursor: Cursor, adjustment: Adjustment) -> tuple[Alert, ...]:
    """Correct a charge: see ``Ledger.adjust``."""
    found = _reserve_and_resolution(cursor, adjustment.reservation_id)
    if found is None or _archived(cursor, adjustment.reservation_id):
        raise AlreadyResolved(_known_of(cursor, adjustment.reservation_id))
    reserved, resolution = found
    if resolution is None:
        raise AlreadyResolved(f"reservation {adjustment.reservation_id!r} is still open: end it before correcting it")
    earlier = _written(fetch(cursor, "adjusted", {"request": reserved["request"], "attempt": reserved["attempt"]}))
    difference = adjustment.cost_nusd - resolution["amount_nusd"] - earlier["adjusted"]
    entry = _answer(
        reserved,
        kind=EntryKind.ADJUST.value,
        at=to_ms(adjustment.at),
        amount_nusd=difference,
        basis=(Basis.METERED if adjustment.confirmed else Basis.QUOTED).value,
        unconfirmed=int(not adjustment.confirmed),
        reason=adjustment.reason,
        vendor_request_id=adjustment.vendor_request_id,
    )
    fetch(cursor, "insert_entry", entry)
    return _book(cursor, reserved, released=0, charged=difference, at=adjustment.at)


def record_cached(cursor: Cursor, record: RequestRecord, hit: CacheHit) -> None:
    """Book an answer from the cache: see ``Ledger.record_cached``."""
    request, _ = _request(cursor, record)
    if fetch(cursor, "cached_answer", {"request": request, "picture_key": hit.picture_key}):
        return
    entry = entry_parameters(
        request=request,
        kind=EntryKind.CACHED.value,
        at=to_ms(hit.at),
        amount_nusd=hit.saved_nusd,
        deployment=hit.deployment,
        model=hit.model,
        size=hit.size,
        quality=hit.quality,
        images=hit.images,
        picture_key=hit.picture_key,
        reason=hit.reason,
    )
    fetch(cursor, "insert_entry", entry)


def sweep(cursor: Cursor, now: datetime, *, release: bool) -> tuple[Resolution, ...]:
    """End what has expired: see ``Ledger.sweep``."""
    expired = fetch_all(cursor, "expired_holds", {"now": to_ms(now)})
    resolutions = tuple(
        Resolution(
            reservation_id=row["reservation_id"],
            kind=EntryKind.EXPIRE,
            at=now,
            amount_nusd=0 if release else row["amount_nusd"],
            basis=None if release else Basis.QUOTED,
            unconfirmed=not release,
            reason="no answer before the hold ran out",
        )
        for row in expired
    )
    for resolution in resolutions:
        resolve(cursor, resolution)
    return resolutions


def counter_is_missing(counter: int) -> LedgerUnavailable:
    """Word what only a damaged ledger can bring about."""
    return LedgerUnavailable(f"budget counter {counter} is missing from the ledger: run `routing ledger verify`")


def _attempt_of(reservation: Reservation, record: RequestRecord) -> int:
    request_id, attempt = split_reservation_id(reservation.id)
    if not request_id == reservation.request_id == record.request_id:
        raise ValueError(f"reservation {reservation.id!r} is not of request {record.request_id!r}")
    return attempt


def _request(cursor: Cursor, record: RequestRecord) -> tuple[int, set[int]]:
    """Write or find a request; return its key and the attempts it has made."""
    inserted = fetch(cursor, "insert_request", request_parameters(record))
    if inserted is not None:
        return inserted["id"], set()
    known = _written(fetch(cursor, "request", {"request_id": record.request_id}))
    if known["fingerprint"] != record.fingerprint:
        raise RequestIdReused(
            f"request_id {record.request_id!r} was used on {from_ms(known['at']).isoformat()} for another request:"
            " give this one its own, or repeat exactly what was asked then"
        )
    if known["archived_to"]:
        raise RequestIdReused(
            f"request_id {record.request_id!r} was bought on {from_ms(known['at']):%Y-%m-%d} and archived to"
            f" {known['archived_to']}: buying it again needs a new request_id"
        )
    made = fetch_all(cursor, "attempts_made", {"request": known["id"]})
    return known["id"], {row["attempt"] for row in made}


def _claims_of(reservations: Sequence[Reservation]) -> dict[CounterKey, tuple[Claim, int]]:
    """Add up what a call needs of each counter; where two claims differ, the lower limit counts."""
    claims: dict[CounterKey, tuple[Claim, int]] = {}
    for reservation in reservations:
        for claim in reservation.claims:
            known, needed = claims.get(claim.key, (claim, 0))
            stricter = min(known, claim, key=lambda each: each.limit_nusd)
            claims[claim.key] = (stricter, needed + reservation.amount_nusd)
    return claims


def _raises(cursor: Cursor, reservations: Sequence[Reservation]) -> tuple[BudgetRaise, ...]:
    """Read what lifts limits at the time of a call."""
    rows = fetch_all(cursor, "raises_at", {"at": to_ms(reservations[0].at)})
    return tuple(raise_from(row) for row in rows)


def _hold(cursor: Cursor, claim: Claim, needed: int, at: datetime) -> int:
    """Set aside in one counter, or raise; return the counter's id."""
    parameters: dict[str, Any] = {
        **key_parameters(claim.key),
        "needed": needed,
        "earlier": 0,
        "limit": claim.limit_nusd,
        "alert_at": whole_numbers_json(claim.alert_at),
        "slice_ms": 0,
    }
    slices: dict[datetime, Balance] = {}
    if claim.earlier:
        slice_ms = parameters["slice_ms"] = (claim.key.start - claim.earlier[-1]) // MILLISECOND
        # Those ahead count too: a clock that went back, or is behind another machine's, finds no new room.
        present = to_ms(claim.key.start)
        slices = _slices(cursor, claim.key, present, present + SLICES * slice_ms, slice_ms)
        parameters["earlier"] = sum(
            balance.held_nusd + balance.spent_nusd for start, balance in slices.items() if start != claim.key.start
        )
    held = fetch(cursor, "hold_in_counter", parameters)
    if held is not None:
        return int(held["id"])
    known = fetch(cursor, "counter", parameters)
    if known is not None or parameters["earlier"] + needed > claim.limit_nusd:
        if claim.earlier:
            starts = (*claim.earlier, claim.key.start)
            raise budget_exceeded(claim, sum(slices.values(), Balance()), needed, back_at(slices, starts))
        raise budget_exceeded(claim, balance_from(known) if known else Balance(), needed)
    return int(_written(fetch(cursor, "insert_counter", {**parameters, "at": to_ms(at)}))["id"])


def _slices(cursor: Cursor, key: CounterKey, present: int, last: int, slice_ms: int) -> dict[datetime, Balance]:
    """Read what each slice holds and has spent, from the first of a window whose present one is given to the last."""
    span = {"first": present - SLICES * slice_ms, "last": last, "slice_ms": slice_ms}
    rows = fetch_all(cursor, "slices", {**key_parameters(key), **span})
    return {from_ms(row["start"]): balance_from(row) for row in rows}


def _book(cursor: Cursor, reserved: Row, *, released: int, charged: int, at: datetime) -> tuple[Alert, ...]:
    """Move every counter of a reservation, and write the alerts that this reaches for the first time."""
    alerts: list[Alert] = []
    for counter in whole_numbers(reserved["counters"]):
        row = fetch(cursor, "book_in_counter", {"id": counter, "released": released, "charged": charged})
        if row is None:
            raise counter_is_missing(counter)
        if charged > 0 and row["alert_at"] != "[]":
            alerts += _reached(cursor, row, charged, at)
    return tuple(alerts)


def _reached(cursor: Cursor, row: Row, charged: int, at: datetime) -> list[Alert]:
    """Write the alerts of the thresholds that a charge reaches; ``row`` is the counter as the charge left it."""
    spent, slice_ms, starts = row["spent_nusd"], row["slice_ms"], [row["start"]]
    length = SLICES * slice_ms * MILLISECOND
    if slice_ms:
        present = max(to_ms(at) // slice_ms * slice_ms, row["start"])
        starts = list(range(present - SLICES * slice_ms, present + 1, slice_ms))
        if row["start"] < starts[0]:
            return []  # the charge belongs to a time that counts no longer
        spent = sum(
            balance.spent_nusd for balance in _slices(cursor, key_from(row), present, present, slice_ms).values()
        )
    written = []
    for threshold in crossed(whole_numbers(row["alert_at"]), spent - charged, spent):
        # Of a rolling window one alert in its whole length: none of its slices may have told of it.
        *earlier, alert = (
            threshold_alert(
                replace(key_from(row), start=from_ms(start)), threshold, row["limit_nusd"], spent, at, length
            )
            for start in starts
        )
        if any(fetch(cursor, "alert_named", {"name": each.name}) for each in earlier):
            continue
        if fetch(cursor, "insert_alert", alert_parameters(alert)):
            written.append(alert)
    return written


def _answer(reserved: Row, **columns: object) -> dict[str, object]:
    """Name the columns of an entry that answers a reserve: it repeats what was bought, so that spend needs no join."""
    same = {name: reserved[name] for name in ("request", "attempt", "deployment", "model", "size", "quality")}
    return entry_parameters(**same, **columns)


def _reserve_and_resolution(cursor: Cursor, reservation_id: str) -> tuple[Row, Row | None] | None:
    try:
        request_id, attempt = split_reservation_id(reservation_id)
    except ValueError:
        return None
    reserved = fetch(cursor, "reserve_of", {"request_id": request_id, "attempt": attempt})
    if reserved is None:
        return None
    return reserved, fetch(cursor, "resolution_of", {"request": reserved["request"], "attempt": attempt})


def _archived(cursor: Cursor, reservation_id: str) -> str:
    """Name the file that a reservation's entries were moved to, or are on their way to."""
    request = fetch(cursor, "request", {"request_id": reservation_id.rpartition("/")[0]})
    return (request["archived_to"] or "") if request else ""


def _known_of(cursor: Cursor, reservation_id: str) -> str:
    """Say how a reservation that is not open ended."""
    file = _archived(cursor, reservation_id)
    if file:
        return f"reservation {reservation_id!r} was archived to {file}: what stands there is not corrected any more"
    found = _reserve_and_resolution(cursor, reservation_id)
    if found is None:
        return f"reservation {reservation_id!r} was never made"
    _, resolution = found
    if resolution is None:
        return f"reservation {reservation_id!r} has neither a hold nor an end: run `routing ledger verify`"
    ended = _ENDED[EntryKind(resolution["kind"])]
    charged = f", charged ${usd_text(resolution['amount_nusd'])}"
    return f"reservation {reservation_id!r} was {ended} already at {from_ms(resolution['at']).isoformat()}{charged}"


def _written(row: Row | None) -> Row:
    if row is None:
        raise LedgerUnavailable("the ledger did not return what was just written: run `routing ledger verify`")
    return row
