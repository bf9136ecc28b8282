"""What only shows when one looks again: a limit that will be passed at this rate, and money nobody is sure of."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from routing.core.alerts import Alert, AlertKind, dollars
from routing.core.budgets import CounterKey
from routing.core.window import WindowKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from routing.core.status import BudgetStatus
    from routing.core.window import Window

DOUBT_TOLD_DAYS = 7
"""How far back money in doubt is news: a program that was down for longer has other sources."""

_WINDOWS = {
    WindowKind.CALENDAR_HOUR: "hour",
    WindowKind.CALENDAR_DAY: "day",
    WindowKind.CALENDAR_WEEK: "week",
    WindowKind.CALENDAR_MONTH: "month",
    WindowKind.CALENDAR_QUARTER: "quarter",
    WindowKind.CALENDAR_YEAR: "year",
}


def forecast_alert(status: BudgetStatus, window: Window, at: datetime) -> Alert | None:
    """Word that a limit will be passed before its window ends, once per budget, scope and window, or say ``None``.

    A limit that is reached already is its thresholds' news.
    """
    expected = status.forecast
    if expected is None or expected.reached_at is None or status.spent >= status.limit:
        return None
    day = f"{expected.reached_at.astimezone(window.zone):%Y-%m-%d}"
    ends = _WINDOWS.get(window.kind)
    if ends:
        detail = f"at this rate the {ends} ends at {dollars(expected.expected_nusd)} of {dollars(status.limit)}"
        detail += f", reached on {day}"
    else:
        detail = f"at this rate the limit of {dollars(status.limit)} is reached on {day}"
    start = window.span(at).start
    return Alert(
        kind=AlertKind.FORECAST,
        name=f"forecast/{status.budget}/{status.scope}/{status.below}/{start.isoformat()}",
        at=at,
        key=CounterKey(budget=status.budget, scope=status.scope, below=status.below, start=start),
        limit_nusd=int(status.limit),
        spent_nusd=int(status.spent),
        detail=detail,
    )


def unconfirmed_alerts(doubtful: Iterable[tuple[str, datetime, int]], at: datetime) -> list[Alert]:
    """Word which deployments have charges nobody is sure of, once per deployment and day (UTC) that brought new ones.

    ``doubtful`` are deployment, time and amount of every such charge; the alert tells of all there are.
    """
    count: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    latest: dict[str, datetime] = {}
    for deployment, charged_at, cost_nusd in doubtful:
        if not cost_nusd:
            continue
        count[deployment] += 1
        total[deployment] += cost_nusd
        latest[deployment] = max(charged_at, latest.get(deployment, charged_at))
    return [
        Alert(
            kind=AlertKind.UNCONFIRMED,
            name=f"unconfirmed/{deployment}/{charged_at.astimezone(UTC):%Y-%m-%d}",
            at=at,
            spent_nusd=total[deployment],
            detail=f"{_calls(count[deployment])} to {deployment} charged at the quote, {dollars(total[deployment])} in"
            " all: whether the vendor charged is unknown",
        )
        for deployment, charged_at in latest.items()
        if charged_at > at - timedelta(days=DOUBT_TOLD_DAYS)
    ]


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count:,} calls"
