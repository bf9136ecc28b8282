"""Spend: settled sums, grouped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from routing.core.money import Money, usd_text
from routing.core.suggest import did_you_mean
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DIMENSIONS = (
    "importance",
    "deployment",
    "model",
    "operation",
    "rule",
    "policy",
    "asset",
    "request_id",
    "size",
    "quality",
)
"""What spend can be grouped by; every other name is the key of a tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendQuery:
    """Entries of ``since <= at < until``, grouped by dimensions or tag keys."""

    by: tuple[str, ...] = ("importance", "deployment")
    since: datetime | None = None
    until: datetime | None = None


def spend_query(
    by: Sequence[str],
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    tags: frozenset[str] | None = None,
) -> SpendQuery:
    """Read what to group by and the period; ``tags`` are the declared keys (``None``: any).

    Raises:
        RequestError: for a name that is neither a dimension nor a tag, or a date that is none.

    """
    known = (*DIMENSIONS, *sorted(tags or ()))
    for name in by:
        if tags is not None and name not in known:
            raise RequestError(f"cannot group by {name!r}{did_you_mean(name, known)}: known are {', '.join(known)}")
    return SpendQuery(by=tuple(dict.fromkeys(by)), since=moment("since", since), until=moment("until", until))


def moment(name: str, given: str | date | datetime | None) -> datetime | None:
    """Read a day or a moment; without a zone it is UTC.

    Raises:
        RequestError: for text that is neither.

    """
    if given is None:
        return None
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            told = f"{name} is a day or a moment like 2026-11-01 or 2026-11-01T09:00, not {given!r}"
            raise RequestError(told) from None
    if not isinstance(given, datetime):
        given = datetime.combine(given, time())
    return given if given.tzinfo else given.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One group. ``spent`` is everything charged, ``unconfirmed`` the part of it whose outcome is unknown.

    ``held`` is set aside now. ``requests`` counts requests that were answered or charged, ``cached`` those of them that
    came from the cache, ``saved`` the money that did not cost.
    """

    by: tuple[str, ...]
    key: tuple[str, ...]
    spent: Money = Money(0)
    held: Money = Money(0)
    unconfirmed: Money = Money(0)
    saved: Money = Money(0)
    requests: int = 0
    images: int = 0
    cached: int = 0

    def as_json(self) -> dict[str, object]:
        """Plain values: the group's keys, amounts as exact decimal strings in USD."""
        return {
            **dict(zip(self.by, self.key, strict=True)),
            "spent_usd": usd_text(self.spent),
            "held_usd": usd_text(self.held),
            "unconfirmed_usd": usd_text(self.unconfirmed),
            "requests": self.requests,
            "images": self.images,
            "cached": self.cached,
        }


def total_of(rows: Iterable[SpendRow]) -> SpendRow:
    """Sum the groups; a request that stands in several groups counts in each."""
    rows = list(rows)
    return SpendRow(
        by=(),
        key=(),
        spent=Money(sum(row.spent for row in rows)),
        held=Money(sum(row.held for row in rows)),
        unconfirmed=Money(sum(row.unconfirmed for row in rows)),
        saved=Money(sum(row.saved for row in rows)),
        requests=sum(row.requests for row in rows),
        images=sum(row.images for row in rows),
        cached=sum(row.cached for row in rows),
    )
