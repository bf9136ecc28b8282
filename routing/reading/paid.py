"""Requests of the past as savings are computed of them, read from the ledger: from its sums as far as these tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import pairwise
from typing import TYPE_CHECKING

from routing.core.past import Paid
from routing.core.picture import Size
from routing.core.savings import compare_with
from routing.core.spend import Period, SpendQuery
from routing.reading.spending import charges_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, tzinfo

    from routing.core.baseline import Baseline
    from routing.core.savings import Savings
    from routing.ledger.base import LedgerReader, RequestHistory


def read_savings(  # noqa: PLR0913, PLR0917 - what may be asked, and of when
    ledger: LedgerReader, baseline: Baseline, since: datetime, until: datetime, zone: tzinfo, now: datetime
) -> Savings:
    """Set every request made in ``[since, until)`` beside the baseline.

    Read from sums, one for all requests that are alike, month by month and price by price. Where these cannot tell what
    the baseline looks at, the requests of that time are read one by one; so are those from after this month.
    """
    missed: dict[str, None] = {}
    found = compare_with(baseline, _paid(ledger, baseline, since, until, zone, now, missed), zone)
    return replace(found, archived=tuple(missed))


def _paid(  # noqa: PLR0913, PLR0917 - as above
    ledger: LedgerReader,
    baseline: Baseline,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    now: datetime,
    missed: dict[str, None],
) -> Iterator[Paid]:
    """Walk what was paid; note in ``missed`` the files that some of it would have to be read from."""
    first = ledger.first_at()
    if first is None:
        return
    since = max(since, first)
    end = Period.MONTH.window(zone).span(max(now, since)).end
    summed_until = since if baseline.reads_more or end is None else min(end, until)
    spans = cut(since, summed_until, zone, baseline.price_days())
    archives = ledger.archives()
    for (begin, finish), paid in zip(spans, ledger.paid_each(spans), strict=True):
        if all(baseline.is_one_price(each) for each in paid):
            yield from paid
            behind = ledger.archives_behind(SpendQuery(by=(), since=begin, until=finish)) if archives else ()
            short = [each for each in archives if not each.all_sums and begin < each.until]
            missed.update({each.file: None for each in (*short, *behind)})
        else:
            yield from read_paid(ledger, begin, finish)
            missed.update({each.file: None for each in archives if begin < each.until})
    if summed_until < until:
        yield from read_paid(ledger, summed_until, until)
        missed.update({each.file: None for each in archives if summed_until < each.until})


def cut(since: datetime, until: datetime, zone: tzinfo, days: Iterable[date]) -> list[tuple[datetime, datetime]]:
    """Cut a time at the beginnings of months of a zone, and of some days in UTC; in order."""
    edges = {since, until, *(datetime.combine(day, time(), UTC) for day in days)}
    window, edge = Period.MONTH.window(zone), since
    while edge < until:
        edge = window.span(edge).end or until
        edges.add(edge)
    inside = sorted(edge for edge in edges if since <= edge <= until)
    return [*pairwise(inside)]


def read_paid(ledger: LedgerReader, since: datetime, until: datetime) -> Iterator[Paid]:
    """Walk the requests made in ``[since, until)``, each summed up; those that were archived are left out."""
    partial = frozenset(past.request_id for past in ledger.pasts(since, until) if past.partial)
    for history in ledger.histories(since, until):
        yield paid_of(history, partial=history.record.request_id in partial)


def paid_of(history: RequestHistory, *, partial: bool = False) -> Paid:
    """Sum up one request: what it delivered, and what all of its attempts cost."""
    record = history.record
    delivered = [each.resolution for each in history.attempts if each.resolution and each.resolution.images]
    first = min(delivered, key=lambda entry: entry.seq, default=None)
    images, spent_nusd = sum(entry.images for entry in delivered), sum(each.cost_nusd for each in history.attempts)
    if not partial:
        # A picture that was bought again for a bad one is no second one that was wanted.
        images = min(images, record.features.n)
    return Paid(
        at=record.at,
        importance=record.importance,
        features=record.features,
        size=Size.parse(first.size) if first else None,
        images=images,
        requests=1 if images or spent_nusd else 0,
        from_cache=sum(entry.images for entry in history.cached),
        spent_nusd=spent_nusd,
        failed_nusd=sum(each.cost_nusd for each in history.attempts if each.resolution not in delivered),
        unconfirmed_nusd=sum(charge.charged_nusd for charge in charges_of(history) if charge.unconfirmed),
        saved_nusd=sum(entry.amount_nusd for entry in history.cached),
        partial=partial,
    )
