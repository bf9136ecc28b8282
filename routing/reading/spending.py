"""What was spent, read from the ledger: grouped by time, and charge by charge."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from routing.core.charge import CHARGING, Charge
from routing.core.spend import SpendQuery, in_order, split, total_of
from routing.core.window import EVER
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from routing.core.spend import SpendRow
    from routing.ledger.base import LedgerReader, RequestHistory


def read_spend(ledger: LedgerReader, query: SpendQuery, now: datetime) -> list[SpendRow]:
    """Group what was spent; where periods are asked for, each of them, all of one state of the ledger.

    Raises:
        RequestError: for more than 400 periods.
        LedgerUnavailable: where the ledger cannot be read.

    """
    if query.per is None:
        return ledger.spend(query)
    parts = _parts(ledger, query, now)
    answers = ledger.spend_each([part for _, part in parts])
    return in_order(replace(row, period=day) for (day, _), rows in zip(parts, answers, strict=True) for row in rows)


def files_missed(ledger: LedgerReader, query: SpendQuery, now: datetime) -> tuple[str, ...]:
    """Name the archives that ``read_spend`` would need for an answer and does not read.

    Raises:
        RequestError: for more than 400 periods.

    """
    if not ledger.archives():
        return ()
    parts = [query] if query.per is None else [part for _, part in _parts(ledger, query, now)]
    return tuple(dict.fromkeys(each.file for part in parts for each in ledger.archives_behind(part)))


def _parts(ledger: LedgerReader, query: SpendQuery, now: datetime) -> list[tuple[date, SpendQuery]]:
    """Cut a question into its periods, from the first there is anything of up to now."""
    begun = ledger.first_at()
    if begun is None:
        return []
    first = max(begun, query.since or begun)
    last = min(max(first, now), query.until) if query.until else max(first, now)
    return split(query, first, last)


def read_charges(ledger: LedgerReader, since: datetime | None, until: datetime | None) -> Iterator[Charge]:
    """Walk everything that spend counts of ``since <= at < until``, in order of time, without holding it all.

    Raises:
        RequestError: at the end, where some of it was archived, and so is missing.

    """
    charged_nusd = saved_nusd = 0
    for charge in ledger.charges(since or EVER[0], until or EVER[1]):
        charged_nusd += charge.charged_nusd
        saved_nusd += charge.saved_nusd
        yield charge
    archives = ledger.archives()
    if not archives:
        return
    query = SpendQuery(by=(), since=since, until=until)
    total = total_of(ledger.spend(query))
    if ledger.archives_behind(query) or (total.spent, total.saved) != (charged_nusd, saved_nusd):
        raise RequestError(
            f"some of this was moved to {', '.join(each.file for each in archives)}, and only its sums are still in the"
            f" ledger: begin with {max(each.until for each in archives):%Y-%m-%d}, or read the file besides"
        )


def charges_of(history: RequestHistory) -> list[Charge]:
    """List what spend counts of one request, in the order it was written."""
    found = [Charge(record=history.record, entry=entry, resolved_at=entry.at) for entry in history.cached]
    for attempt in history.attempts:
        if attempt.resolution is None:
            continue
        confirmed_seq = max((each.seq for each in attempt.adjustments if not each.unconfirmed), default=0)
        found += [
            Charge(
                record=history.record,
                entry=entry,
                resolved_at=attempt.resolution.at,
                unconfirmed=entry.unconfirmed and entry.seq > confirmed_seq,
            )
            for entry in (attempt.resolution, *attempt.adjustments)
            if entry.kind in CHARGING
        ]
    return sorted(found, key=lambda charge: charge.entry.seq)


def last_pictures(
    ledger: LedgerReader, since: datetime, until: datetime, importance: str, most: int
) -> list[tuple[str, str]]:
    """List assets that got a picture of an importance in this time, latest last, each with its newest picture's key."""
    newest: dict[str, str] = {}
    for history in ledger.newest(since, until, importance):
        made = [each.reserve for each in history.attempts if each.resolution and each.resolution.images]
        keys = [entry.picture_key for entry in (*made, *history.cached) if entry.picture_key]
        if keys and history.record.asset:
            newest.setdefault(history.record.asset, keys[-1])
        if len(newest) >= most:
            break
    return [*reversed(newest.items())]
