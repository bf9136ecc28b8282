"""The [start, end) a limit counts in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
"""Before and after every time there is."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WindowKind(StrEnum):
    """How a budget's time is cut."""

    CALENDAR_HOUR = "calendar_hour"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_WEEK = "calendar_week"
    CALENDAR_MONTH = "calendar_month"
    CALENDAR_QUARTER = "calendar_quarter"
    CALENDAR_YEAR = "calendar_year"
    ROLLING = "rolling"
    LIFETIME = "lifetime"


SLICES = 24
"""How many slices a rolling window is counted in, beside the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Half open: ``start <= t < end``, both aware in UTC; ``end`` is ``None`` where it never ends."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A way to cut time, in a named time zone.

    A rolling window has a ``length``, of whole hours, and is counted in slices of a 24th of it, cut from 1970 on.
    """

    kind: WindowKind
    zone: tzinfo = UTC
    length: timedelta = timedelta()

    def span(self, at: datetime) -> Span:
        """Find the window that ``at`` (aware) falls in; of a rolling one its slice."""
        if self.kind is WindowKind.LIFETIME:
            return Span(start=EPOCH, end=None)
        if self.kind is WindowKind.ROLLING:
            start = at.astimezone(UTC) - (at - EPOCH) % self.slice_length
            return Span(start=start, end=start + self.slice_length)
        if self.kind is WindowKind.CALENDAR_HOUR:
            # Hours are cut in UTC and shifted by the zone's offset, so that the repeated hour of autumn stays two.
            offset = at.astimezone(self.zone).utcoffset() or timedelta()
            start = (at.astimezone(UTC) + offset).replace(minute=0, second=0, microsecond=0) - offset
            return Span(start=start, end=start + timedelta(hours=1))
        midnight = at.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        start = _first_day(self.kind, midnight)
        return Span(start=start.astimezone(UTC), end=_next_start(self.kind, start).astimezone(UTC))

    @property
    def slice_length(self) -> timedelta:
        """How long a slice of a rolling window is."""
        return self.length / SLICES

    def earlier(self, at: datetime) -> tuple[datetime, ...]:
        """List the starts of the slices that count beside the present one, oldest first; none where it is not rolling.

        They reach back over the whole window, and by up to a slice more.
        """
        if self.kind is not WindowKind.ROLLING:
            return ()
        present, length = self.span(at).start, self.slice_length
        return tuple(present - back * length for back in range(SLICES, 0, -1))


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
