"""The [start, end) a limit counts in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WindowKind(StrEnum):
    """How a budget's time is cut."""

    CALENDAR_HOUR = "calendar_hour"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_WEEK = "calendar_week"
    CALENDAR_MONTH = "calendar_month"
    CALENDAR_QUARTER = "calendar_quarter"
    CALENDAR_YEAR = "calendar_year"
    LIFETIME = "lifetime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half open: ``start <= t < end``, both aware in UTC; ``end`` is ``None`` where it never ends."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A way to cut time, in a named time zone."""

    kind: WindowKind
    zone: tzinfo = UTC

    def span(self, at: datetime) -> Span:
        """Find the window that ``at`` (aware) falls in."""
        if self.kind is WindowKind.LIFETIME:
            return Span(start=EPOCH, end=None)
        if self.kind is WindowKind.CALENDAR_HOUR:
            # Hours are cut in UTC and shifted by the zone's offset, so that the repeated hour of autumn stays two.
            offset = at.astimezone(self.zone).utcoffset() or timedelta()
            start = (at.astimezone(UTC) + offset).replace(minute=0, second=0, microsecond=0) - offset
            return Span(start=start, end=start + timedelta(hours=1))
        midnight = at.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        start = _first_day(self.kind, midnight)
        return Span(start=start.astimezone(UTC), end=_next_start(self.kind, start).astimezone(UTC))


def _first_day(kind: WindowKind, midnight: datetime) -> datetime:
    if kind is WindowKind.CALENDAR_WEEK:
        return midnight - timedelta(days=midnight.weekday())
    if kind is WindowKind.CALENDAR_MONTH:
        return midnight.replace(day=1)
    if kind is WindowKind.CALENDAR_QUARTER:
        return midnight.replace(day=1, month=(midnight.month - 1) // 3 * 3 + 1)
    if kind is WindowKind.CALENDAR_YEAR:
        return midnight.replace(day=1, month=1)
    return midnight


def _next_start(kind: WindowKind, start: datetime) -> datetime:
    # Wall-clock arithmetic on aware datetimes: a day of 23 or 25 hours still ends at the next midnight.
    if kind is WindowKind.CALENDAR_DAY:
        return start + timedelta(days=1)
    if kind is WindowKind.CALENDAR_WEEK:
        return start + timedelta(days=7)
    months = {WindowKind.CALENDAR_MONTH: 1, WindowKind.CALENDAR_QUARTER: 3, WindowKind.CALENDAR_YEAR: 12}[kind]
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1)
