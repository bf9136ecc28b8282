"""The columns of an export: every charge with its request, or every group of a report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from routing.reports.exports import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from routing.core.charge import Charge
    from routing.core.spend import SpendRow


def _text(name: str, read: Callable[[Charge], str | None]) -> Column[Charge]:
    return Column(name=name, kind=Kind.TEXT, read=lambda charge: read(charge) or None)


CHARGES: tuple[Column[Charge], ...] = (
    Column(name="at", kind=Kind.MOMENT, read=lambda charge: charge.entry.at),
    _text("kind", lambda charge: charge.entry.kind.value),
    Column(name="charged_usd", kind=Kind.USD, read=lambda charge: charge.charged_nusd),
    Column(name="saved_usd", kind=Kind.USD, read=lambda charge: charge.saved_nusd),
    Column(name="unconfirmed", kind=Kind.FLAG, read=lambda charge: charge.unconfirmed),
    Column(name="overrun", kind=Kind.FLAG, read=lambda charge: charge.entry.overrun),
    _text("basis", lambda charge: charge.entry.basis and charge.entry.basis.value),
    Column(name="images", kind=Kind.COUNT, read=lambda charge: charge.entry.images),
    _text("request_id", lambda charge: charge.record.request_id),
    _text("attempt", lambda charge: charge.entry.reservation_id),
    _text("importance", lambda charge: charge.record.importance),
    _text("deployment", lambda charge: charge.entry.deployment),
    _text("model", lambda charge: charge.entry.model),
    _text("operation", lambda charge: charge.record.features.operation.value),
    _text("size", lambda charge: charge.entry.size),
    _text("quality", lambda charge: charge.entry.quality),
    _text("rule", lambda charge: charge.record.rule),
    _text("policy", lambda charge: charge.record.policy),
    _text("asset", lambda charge: charge.record.asset),
    _text("parent", lambda charge: charge.record.parent),
    _text("tags", lambda charge: tags_json(charge.record.features.tags)),
    _text("reason", lambda charge: charge.entry.reason),
    _text("vendor_request_id", lambda charge: charge.entry.vendor_request_id),
)
"""One row a charge, correction or cached answer. ``charged_usd`` adds up to what was spent."""


def groups(by: Sequence[str], *, periods: bool) -> tuple[Column[SpendRow], ...]:
    """Name the columns of a grouped report; without a row for the total, so that a column can be added up."""
    found: list[Column[SpendRow]] = []
    if periods:
        found.append(Column(name="period", kind=Kind.TEXT, read=lambda row: row.period and row.period.isoformat()))
    found += [Column(name=name, kind=Kind.TEXT, read=_key(place)) for place, name in enumerate(by)]
    return (
        *found,
        Column(name="spent_usd", kind=Kind.USD, read=lambda row: row.spent),
        Column(name="requests", kind=Kind.COUNT, read=lambda row: row.requests),
        Column(name="images", kind=Kind.COUNT, read=lambda row: row.images),
        Column(name="average_usd", kind=Kind.USD, read=lambda row: row.average),
        Column(name="cached", kind=Kind.COUNT, read=lambda row: row.cached),
        Column(name="saved_usd", kind=Kind.USD, read=lambda row: row.saved),
        Column(name="unconfirmed_usd", kind=Kind.USD, read=lambda row: row.unconfirmed),
        Column(name="held_usd", kind=Kind.USD, read=lambda row: row.held),
    )


def tags_json(tags: Mapping[str, str]) -> str:
    """Write labels as one JSON object; ``{}`` where there are none.

    A semicolon, at which some spreadsheets cut, is written as its number: so no text has to be changed.
    """
    return json.dumps(dict(tags), ensure_ascii=False, sort_keys=True).replace(";", r"\u003b")


def _key(place: int) -> Callable[[SpendRow], object]:
    return lambda row: row.key[place] or None
