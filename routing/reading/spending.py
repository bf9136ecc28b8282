"""What was spent, read from the ledger: grouped by time, and charge by charge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from routing.core.charge import CHARGING, Charge
from routing.core.spend import SpendQuery, in_order, split, total_of
from routing.core.window import EPOCH
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from routing.core.entries import RequestRecord
    from routing.core.spend import SpendRow
    from routing.ledger.base import LedgerReader, RequestHistory

ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""Before and after every time there is."""
DAY = timedelta(days=1)


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
    begun = first_at(ledger, now)
    if begun is None:
        return []
    first = max(begun, query.since or begun)
    last = min(max(first, now), query.until) if query.until else max(first, now)
    return split(query, first, last)


def first_at(ledger: LedgerReader, now: datetime) -> datetime | None:
    """Tell when the first request was made, of those that were archived to the day; ``None`` where none ever was."""
    first = next(ledger.histories(*ALWAYS), None)
    begun = first.record.at if first else None
    if not ledger.archives():
        return begun
    # Nothing is known of archived entries but sums, of whole hours at the finest: they are asked for by days.
    before, after = 0, ((begun or now) - EPOCH) // DAY + 1
    while after - before > 1:
        between = (before + after) // 2
        if ledger.spend(SpendQuery(by=(), until=EPOCH + between * DAY)):
            after = between
        else:
            before = between
    return EPOCH + before * DAY


def read_charges(ledger: LedgerReader, since: datetime | None, until: datetime | None) -> Iterator[Charge]:
    """Walk everything that spend counts of ``since <= at < until``, request by request, without holding it all.

    Reads every request there is: one of long ago may have been corrected yesterday.

    Raises:
        RequestError: at the end, where some of it was archived, and so is missing.

    """
    charged_nusd = saved_nusd = 0
    for history in ledger.histories(*ALWAYS):
        for charge in charges_of(history):
            at = charge.entry.at
            if (since is None or at >= since) and (until is None or at < until):
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


def children_of(ledger: LedgerReader, record: RequestRecord) -> list[str]:
    """List the requests that were made from this one, by their ids; reads all spending since."""
    rows = ledger.spend(SpendQuery(by=("parent", "request_id"), since=record.at))
    return sorted(row.key[1] for row in rows if row.key[0] == record.request_id)


def last_pictures(
    ledger: LedgerReader, since: datetime, until: datetime, importance: str, most: int
) -> list[tuple[str, str]]:
    """List assets that got a picture of an importance in this time, latest last, each with its newest picture's key."""
    newest: dict[str, str] = {}
    for history in ledger.histories(since, until):
        record = history.record
        if record.importance != importance or not record.asset:
            continue
        made = [each.reserve for each in history.attempts if each.resolution and each.resolution.images]
        for entry in (*made, *history.cached):
            if entry.picture_key:
                newest.pop(record.asset, None)
                newest[record.asset] = entry.picture_key
    return list(newest.items())[-most:]
