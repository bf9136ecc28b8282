"""Forecasts and money in doubt, as alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from routing.core.forecast import Forecast
from routing.core.money import Money, usd
from routing.core.status import BudgetStatus
from routing.core.watch import forecast_alert, unconfirmed_alerts
from routing.core.window import Window, WindowKind
from tests.alerts.receiver import AT
from tests.shop import budget, open_bench, settings

if TYPE_CHECKING:
    from routing.core.alerts import Alert

MONTH = Window(kind=WindowKind.CALENDAR_MONTH)
FOREVER = Window(kind=WindowKind.LIFETIME)


def status(expected: Forecast | None, *, spent: int = usd(320), scope: str = "") -> BudgetStatus:
    return BudgetStatus(
        budget="month",
        scope=scope,
        below="",
        limit=usd(500),
        spent=Money(spent),
        held=Money(0),
        resets_at=None,
        forecast=expected,
    )


def soon(reached_at: datetime | None = datetime(2026, 11, 24, 5, tzinfo=UTC)) -> Forecast:
    return Forecast(expected_nusd=usd(640), reached_at=reached_at)


def test_a_forecast_says_where_the_month_ends_and_when_the_limit_is_reached() -> None:
    alert = forecast_alert(status(soon()), MONTH, AT)
    assert alert is not None
    assert alert.detail == "at this rate the month ends at $640.00 of $500.00, reached on 2026-11-24"
    assert alert.key is not None
    assert alert.key.start == datetime(2026, 11, 1, tzinfo=UTC)


def test_the_day_is_that_of_the_budgets_zone() -> None:
    window = Window(kind=WindowKind.CALENDAR_MONTH, zone=ZoneInfo("Pacific/Honolulu"))
    alert = forecast_alert(status(soon()), window, AT)
    assert alert is not None
    assert alert.detail.endswith("reached on 2026-11-23")


def test_a_budget_that_never_ends_has_no_sum_at_its_end() -> None:
    alert = forecast_alert(status(soon()), FOREVER, AT)
    assert alert is not None
    assert alert.detail == "at this rate the limit of $500.00 is reached on 2026-11-24"


@pytest.mark.parametrize(
    "quiet",
    [status(None), status(soon(None)), status(soon(), spent=usd(500))],
    ids=["too little to tell from", "not reached", "reached already"],
)
def test_there_is_no_forecast_without_news(quiet: BudgetStatus) -> None:
    assert forecast_alert(quiet, MONTH, AT) is None


def test_each_scope_and_window_has_its_own() -> None:
    alerts = [
        forecast_alert(status(soon(), scope=scope), MONTH, at)
        for scope in ("", "spring")
        for at in (AT, AT + timedelta(days=1), AT + timedelta(days=31))
    ]
    assert len({alert.name for alert in alerts if alert}) == 4


def doubts(*found: tuple[str, datetime, int], at: datetime = AT) -> list[Alert]:
    return unconfirmed_alerts(found, at)


def test_doubts_are_summed_by_deployment_and_named_by_the_day_of_the_latest() -> None:
    long_ago, today = AT - timedelta(days=90), AT - timedelta(hours=1)
    first, second = doubts(("gpt", long_ago, 5), ("flux", today, 7), ("gpt", today, 10))
    assert [(alert.name, alert.spent_nusd) for alert in (first, second)] == [
        ("unconfirmed/gpt/2026-11-21", 15),
        ("unconfirmed/flux/2026-11-21", 7),
    ]
    assert first.detail.startswith("2 calls to gpt")
    assert second.detail.startswith("1 call to flux")


def test_doubts_of_long_ago_and_doubts_about_nothing_are_no_news() -> None:
    assert doubts(("gpt", AT - timedelta(days=8), 5), ("flux", AT, 0)) == []


class _Ear:
    def __init__(self) -> None:
        self.heard: list[Alert] = []

    def send(self, alert: Alert) -> None:
        self.heard.append(alert)


def test_a_router_foretells_once_a_window_from_three_days_of_spending() -> None:
    ear = _Ear()
    bench = open_bench(settings(budgets=(budget("0.15", forecast=True), budget("9", name="quiet"))), channels=[ear])
    bench.clock.sleep(timedelta(days=10).total_seconds())  # into the first of December
    for day in range(1, 6):
        for number in range(3):
            bench.router.generate(f"fox {day} {number}")
        bench.clock.sleep(timedelta(days=1).total_seconds())
        assert len(ear.heard) == (day > 3)
    (alert,) = ear.heard
    assert alert.detail.startswith("at this rate the month ends at $")
    assert alert.key is not None
    assert (alert.key.budget, alert.at.date().isoformat()) == ("month", "2026-12-04")
