"""Requests of the past as savings are computed of them, read from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.picture import Size
from routing.core.savings import Paid
from routing.reading.spending import charges_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from routing.ledger.base import LedgerReader, RequestHistory


def read_paid(ledger: LedgerReader, since: datetime, until: datetime) -> Iterator[Paid]:
    """Walk the requests made in ``[since, until)``, each summed up; those that were archived are left out."""
    partial = frozenset(past.request_id for past in ledger.pasts(since, until) if past.partial)
    for history in ledger.histories(since, until):
        yield paid_of(history, partial=history.record.request_id in partial)


def paid_of(history: RequestHistory, *, partial: bool = False) -> Paid:
    """Sum up one request: what it delivered, and what all of its attempts cost."""
    record = history.record
    delivering = [each for each in history.attempts if each.resolution and each.resolution.images]
    made = next((each.reserve for each in delivering), None)
    return Paid(
        at=record.at,
        importance=record.importance,
        features=record.features,
        size=Size.parse(made.size) if made and made.size else None,
        images=sum(each.resolution.images for each in delivering if each.resolution),
        from_cache=sum(entry.images for entry in history.cached),
        spent_nusd=sum(each.cost_nusd for each in history.attempts),
        failed_nusd=sum(each.cost_nusd for each in history.attempts if each not in delivering),
        unconfirmed_nusd=sum(charge.charged_nusd for charge in charges_of(history) if charge.unconfirmed),
        saved_nusd=sum(entry.amount_nusd for entry in history.cached),
        partial=partial,
    )
