"""Spend: settled sums, grouped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.money import Money, divide_half_up, usd_text
from routing.core.suggest import did_you_mean
from routing.core.window import Window, WindowKind
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
    "parent",
    "size",
    "quality",
)
"""What spend can be grouped by; every other name is the key of a tag."""

PERIODS_AT_MOST = 400
"""More than a year of days is more than anybody reads."""


class Period(StrEnum):
    """How a report cuts time."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def window(self, zone: tzinfo) -> Window:
        """Cut at the midnights of a zone; weeks begin on Monday."""
        return Window(kind=WindowKind(f"calendar_{self.value}"), zone=zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendQuery:
    """Entries of ``since <= at < until``, grouped by dimensions or tag keys, and by days, weeks or months of a zone.

    With ``assets`` only those of requests for these, with ``importance`` only those of this importance.
    """

    by: tuple[str, ...] = ("importance", "deployment")
    since: datetime | None = None
    until: datetime | None = None
    per: Period | None = None
    zone: tzinfo = UTC
    assets: tuple[str, ...] | None = None
    importance: str | None = None


def spend_query(  # noqa: PLR0913 - what may be asked, each by name
    by: Sequence[str],
    since: str | date | datetime | None = None,
    until: str | date | datetime | None = None,
    tags: frozenset[str] | None = None,
    *,
    per: str | None = None,
    zone: tzinfo = UTC,
) -> SpendQuery:
    """Read what to group by and the period; ``tags`` are the declared keys (``None``: any).

    Raises:
        RequestError: for a name that is neither a dimension nor a tag, a date or period that is none, or a time that
            ends before it begins.

    """
    known = (*DIMENSIONS, *sorted(tags or ()))
    for name in by:
        if tags is not None and name not in known:
            raise RequestError(f"cannot group by {name!r}{did_you_mean(name, known)}: known are {', '.join(known)}")
    begins, ends = moment("since", since, zone), moment("until", until, zone)
    if begins is not None and ends is not None and ends <= begins:
        raise RequestError(f"until {until} is not after since {since}: nothing lies between them")
    periods = [period.value for period in Period]
    if per is not None and per not in periods:
        raise RequestError(f"per is {', '.join(periods)}, not {per!r}{did_you_mean(per, periods)}")
    return SpendQuery(
        by=tuple(dict.fromkeys(by)),
        since=begins,
        until=ends,
        per=None if per is None else Period(per),
        zone=zone,
    )


def moment(name: str, given: str | date | datetime | None, zone: tzinfo = UTC) -> datetime | None:
    """Read a day or a moment; where it names no zone it is of ``zone``.

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
    return given if given.tzinfo else given.replace(tzinfo=zone)


def split(query: SpendQuery, first: datetime, last: datetime) -> list[tuple[date, SpendQuery]]:
    """Cut a question into one for each of its periods, oldest first, each with the period's first day.

    ``first`` and ``last`` are the moments that periods are needed for. The outermost keep the question's own bounds, so
    that nothing is lost at the edges.

    Raises:
        RequestError: where that makes more than 400.

    """
    if query.per is None:
        raise ValueError("there is no period to cut by")
    window = query.per.window(query.zone)
    found: list[tuple[date, SpendQuery]] = []
    start, since = first, query.since
    while True:
        span = window.span(start)
        if span.end is None or len(found) >= PERIODS_AT_MOST:
            longer = {Period.DAY: "weeks or months, or ", Period.WEEK: "months, or "}.get(query.per, "")
            raise RequestError(f"this is more than {PERIODS_AT_MOST} {query.per}s: ask for {longer}a later since")
        day = span.start.astimezone(query.zone).date()
        if span.end > last:
            return [*found, (day, replace(query, per=None, since=since, until=query.until))]
        found.append((day, replace(query, per=None, since=since, until=span.end)))
        start = since = span.end


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One group. ``spent`` is everything charged, ``unconfirmed`` the part of it whose outcome is unknown.

    ``held`` is set aside now. ``requests`` counts requests that were answered or charged, ``cached`` those of them that
    came from the cache, ``saved`` the money that did not cost. ``images`` are the pictures delivered, from the cache
    too. ``period`` is its first day, where periods were asked for.
    """

    by: tuple[str, ...]
    key: tuple[str, ...]
    period: date | None = None
    spent: Money = Money(0)
    held: Money = Money(0)
    unconfirmed: Money = Money(0)
    saved: Money = Money(0)
    requests: int = 0
    images: int = 0
    cached: int = 0

    @property
    def average(self) -> Money | None:
        """What a picture cost on average, those from the cache too; ``None`` without any."""
        return Money(divide_half_up(self.spent, self.images)) if self.images else None

    def as_json(self) -> dict[str, object]:
        """Plain values: the group's keys, amounts as exact decimal strings in USD."""
        return {
            **({"period": self.period.isoformat()} if self.period else {}),
            **dict(zip(self.by, self.key, strict=True)),
            "spent_usd": usd_text(self.spent),
            "held_usd": usd_text(self.held),
            "unconfirmed_usd": usd_text(self.unconfirmed),
            "requests": self.requests,
            "images": self.images,
            "average_usd": None if self.average is None else usd_text(self.average),
            "cached": self.cached,
            "saved_usd": usd_text(self.saved),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dearest:
    """The dearest assets, their ``rows`` by asset and importance, and how many ``others`` there are."""

    rows: tuple[SpendRow, ...] = ()
    others: int = 0
    others_spent: Money = Money(0)
    others_images: int = 0


def in_order(rows: Iterable[SpendRow]) -> list[SpendRow]:
    """Sort by period, then dearest first, then by key."""
    return sorted(rows, key=lambda row: (row.period or date.min, -row.spent, row.key))


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
