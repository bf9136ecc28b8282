"""Where spending goes at its present rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DAYS_AT_LEAST = timedelta(days=3)
"""Less of a window, or less since the first spending in it, says nothing about the rest."""
LATELY = timedelta(days=28)
"""Where a window never ends, the rate is that of the last four weeks: each weekday as often as any other."""
HORIZON = timedelta(days=3652)
"""What would take longer than ten years is not foretold."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a window's spending comes to, in nano-USD, and when it reaches the limit; ``None``: not before its end.

    Of a window that never ends ``expected_nusd`` is what is spent by now, and ``reached_at`` ``None`` where it would
    take more than ten years.
    """

    expected_nusd: int
    reached_at: datetime | None


def forecast(  # noqa: PLR0913 - seven plain values, each named
    *,
    window_start: datetime,
    window_end: datetime | None,
    now: datetime,
    spent_nusd: int,
    limit_nusd: int,
    first_spent_at: datetime | None,
    lately_nusd: int | None = None,
) -> Forecast | None:
    """Carry on a window's spending at its mean rate so far; ``None`` before there are three days of it.

    ``first_spent_at`` is when the first was spent in the window. Of a window that never ends (``window_end`` is
    ``None``) the rate is that of ``lately_nusd``, what was spent in the last 28 days; where that is not given, that of
    all spending since the first.
    """
    if first_spent_at is None or now - max(window_start, first_spent_at) < DAYS_AT_LEAST:
        return None
    if window_end is None:
        if lately_nusd is None:
            elapsed, rate_nusd = now - first_spent_at, spent_nusd
        else:
            elapsed, rate_nusd = min(LATELY, now - first_spent_at), lately_nusd
        reached_at = _reached(now, limit_nusd - spent_nusd, rate_nusd, elapsed)
        return Forecast(expected_nusd=spent_nusd, reached_at=reached_at)
    elapsed = now - window_start
    expected_nusd = spent_nusd * ((window_end - window_start) // SECOND) // (elapsed // SECOND)
    reached_at = _reached(now, limit_nusd - spent_nusd, spent_nusd, elapsed)
    if reached_at is not None and reached_at >= window_end:
        reached_at = None
    return Forecast(expected_nusd=max(expected_nusd, spent_nusd), reached_at=reached_at)


def _reached(now: datetime, left_nusd: int, rate_nusd: int, elapsed: timedelta) -> datetime | None:
    """Tell when what is left is used up, at ``rate_nusd`` in a time of ``elapsed``."""
    if left_nusd <= 0:
        return now
    if rate_nusd <= 0:
        return None
    wait_s = int(left_nusd) * (elapsed // SECOND) // rate_nusd
    return now + wait_s * SECOND if wait_s <= HORIZON // SECOND else None
