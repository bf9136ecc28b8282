"""What each write of the ledger does, inside a transaction that someone else begins and commits.

An operation that raises has changed nothing once its caller rolls back. Only SQL that every store shares is used here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from routing.core.budgets import Claim
from routing.core.entries import Alert, Balance, Basis, EntryKind, Resolution, budget_exceeded, crossed
from routing.core.money import usd_text
from routing.errors import AlreadyResolved, LedgerUnavailable, RequestIdReused
from routing.ledger.queries import SQL
from routing.ledger.rows import (
    Row,
    balance_from,
    counter_ids,
    entry_parameters,
    from_ms,
    key_from,
    key_parameters,
    request_parameters,
    split_reservation_id,
    to_ms,
    usage_json,
    whole_numbers_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import CounterKey
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
    cursor.execute(SQL[name], parameters)
    rows = cursor.fetchall()
    return rows[0] if rows else None


def reserve(cursor: Cursor, record: RequestRecord, reservations: Sequence[Reservation]) -> None:
    """Hold money for every reservation or raise: see ``Ledger.reserve``."""
    attempts = [_attempt_of(reservation, record) for reservation in reservations]
    request, made = _request(cursor, record)
    for attempt in attempts:
        if attempt in made:
            raise RequestIdReused(f"attempt {attempt} of request {record.request_id!r} was made already")
        made.add(attempt)
    claims = _claims_of(reservations)
    counters = {key: _hold(cursor, claim, needed) for key, (claim, needed) in sorted(claims.items())}
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
    )
    fetch(cursor, "insert_entry", entry)
    return _book(cursor, hold, released=hold["amount_nusd"], charged=resolution.amount_nusd, at=resolution.at)


def adjust(cursor: Cursor, adjustment: Adjustment) -> tuple[Alert, ...]:
    """Correct a charge: see ``Ledger.adjust``."""
    found = _reserve_and_resolution(cursor, adjustment.reservation_id)
    if found is None:
        raise AlreadyResolved(_known_of(cursor, adjustment.reservation_id))
    reserved, resolution = found
    if resolution is None:
        raise AlreadyResolved(f"reservation {adjustment.reservation_id!r} is still open: end it before correcting it")
    entry = _answer(
        reserved,
        kind=EntryKind.ADJUST.value,
        at=to_ms(adjustment.at),
        amount_nusd=adjustment.delta_nusd,
        basis=(Basis.METERED if adjustment.confirmed else Basis.QUOTED).value,
        unconfirmed=int(not adjustment.confirmed),
        reason=adjustment.reason,
    )
    fetch(cursor, "insert_entry", entry)
    return _book(cursor, reserved, released=0, charged=adjustment.delta_nusd, at=adjustment.at)


def record_cached(cursor: Cursor, record: RequestRecord, hit: CacheHit) -> None:
    """Book an answer from the cache: see ``Ledger.record_cached``."""
    request, _ = _request(cursor, record)
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
    )
    fetch(cursor, "insert_entry", entry)


def sweep(cursor: Cursor, now: datetime, *, release: bool) -> tuple[Resolution, ...]:
    """End what has expired: see ``Ledger.sweep``."""
    cursor.execute(SQL["expired_holds"], {"now": to_ms(now)})
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
        for row in cursor.fetchall()
    )
    for resolution in resolutions:
        resolve(cursor, resolution)
    return resolutions


def acknowledge(cursor: Cursor, alerts: Sequence[Alert]) -> None:
    """Mark alerts as delivered."""
    for alert in alerts:
        cursor.execute(SQL["acknowledge"], {**key_parameters(alert.key), "threshold_nusd": alert.threshold_nusd})


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
    cursor.execute(SQL["attempts_made"], {"request": known["id"]})
    return known["id"], {row["attempt"] for row in cursor.fetchall()}


def _claims_of(reservations: Sequence[Reservation]) -> dict[CounterKey, tuple[Claim, int]]:
    """Add up what a call needs of each counter; where two claims differ, the lower limit counts."""
    claims: dict[CounterKey, tuple[Claim, int]] = {}
    for reservation in reservations:
        for claim in reservation.claims:
            known, needed = claims.get(claim.key, (claim, 0))
            stricter = min(known, claim, key=lambda each: each.limit_nusd)
            claims[claim.key] = (stricter, needed + reservation.amount_nusd)
    return claims


def _hold(cursor: Cursor, claim: Claim, needed: int) -> int:
    """Set aside in one counter, or raise; return the counter's id."""
    parameters = {
        **key_parameters(claim.key),
        "needed": needed,
        "limit": claim.limit_nusd,
        "alert_at": whole_numbers_json(claim.alert_at),
    }
    held = fetch(cursor, "hold_in_counter", parameters)
    if held is None:
        known = fetch(cursor, "counter", parameters)
        if known is not None or needed > claim.limit_nusd:
            raise budget_exceeded(claim, balance_from(known) if known else Balance(), needed)
        held = _written(fetch(cursor, "insert_counter", parameters))
    return int(held["id"])


def _book(cursor: Cursor, reserved: Row, *, released: int, charged: int, at: datetime) -> tuple[Alert, ...]:
    """Move every counter of a reservation, and write the alerts that this reaches for the first time."""
    alerts = []
    for counter in counter_ids(reserved["counters"]):
        row = fetch(cursor, "book_in_counter", {"id": counter, "released": released, "charged": charged})
        if row is None:
            raise counter_is_missing(counter)
        claim = Claim(
            key=key_from(row), limit_nusd=row["limit_nusd"], end=None, alert_at=tuple(json.loads(row["alert_at"]))
        )
        spent = row["spent_nusd"]
        for threshold in crossed(claim, spent - charged, spent):
            figures = {"threshold_nusd": threshold, "limit_nusd": claim.limit_nusd, "spent_nusd": spent}
            if fetch(cursor, "insert_alert", {"counter": counter, "at": to_ms(at), **figures}):
                alerts.append(Alert(key=claim.key, at=at, **figures))
    return tuple(alerts)


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


def _known_of(cursor: Cursor, reservation_id: str) -> str:
    """Say how a reservation that is not open ended."""
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
