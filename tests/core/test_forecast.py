"""Where spending goes at its rate so far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.core.forecast import Forecast, forecast

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def month(day: float, spent: int, limit: int = 500, **different: Any) -> Forecast | None:
    plain = {"window_start": NOVEMBER, "window_end": DECEMBER, "first_spent_at": NOVEMBER}
    return forecast(now=NOVEMBER + day * DAY, spent_nusd=spent, limit_nusd=limit, **{**plain, **different})


def for_ever(spent: int, lately: int | None, first: float = 100, limit: int = 1000) -> Forecast | None:
    return forecast(
        window_start=datetime(1970, 1, 1, tzinfo=UTC),
        window_end=None,
        now=DECEMBER,
        spent_nusd=spent,
        limit_nusd=limit,
        first_spent_at=DECEMBER - first * DAY,
        lately_nusd=lately,
    )


def test_a_month_goes_on_as_it_began_and_reaches_its_limit_on_a_day() -> None:
    assert month(15, 320) == Forecast(expected_nusd=640, reached_at=datetime(2026, 11, 24, 10, 30, tzinfo=UTC))


@pytest.mark.parametrize(("spent", "reached"), [(249, False), (250, False), (251, True)])
def test_a_limit_that_is_reached_at_the_end_of_a_month_or_later_is_not_reached(spent: int, reached: object) -> None:
    expected = month(15, spent)
    assert expected is not None
    assert (expected.expected_nusd, expected.reached_at is not None) == (2 * spent, reached)


def test_a_limit_that_was_passed_is_reached_now() -> None:
    assert month(15, 600) == Forecast(expected_nusd=1200, reached_at=NOVEMBER + 15 * DAY)
    assert month(15, 500) == Forecast(expected_nusd=1000, reached_at=NOVEMBER + 15 * DAY)


@pytest.mark.parametrize(
    ("day", "first", "told"),
    [(2.999, 0, False), (3, 0, True), (20, 17.001, False), (20, 17, True), (3, -40, True), (20, None, False)],
)
def test_nothing_is_foretold_before_there_are_three_days_of_spending(
    day: float, first: float | None, told: object
) -> None:
    first_at = None if first is None else NOVEMBER + first * DAY
    assert (month(day, 10, first_spent_at=first_at) is not None) is told


def test_a_month_that_spent_nothing_yet_ends_with_nothing() -> None:
    assert month(15, 0) == Forecast(expected_nusd=0, reached_at=None)
    assert month(15, -5) == Forecast(expected_nusd=-5, reached_at=None)


def test_an_hour_or_a_day_ends_before_anything_can_be_foretold() -> None:
    assert month(0.9, 10, window_end=NOVEMBER + DAY) is None


def test_what_never_ends_goes_on_as_in_the_last_four_weeks() -> None:
    assert for_ever(800, 56) == Forecast(expected_nusd=800, reached_at=DECEMBER + 100 * DAY)


def test_what_never_ends_and_is_young_goes_on_as_it_began() -> None:
    assert for_ever(100, 100, first=10) == Forecast(expected_nusd=100, reached_at=DECEMBER + 90 * DAY)
    assert for_ever(100, None, first=10) == for_ever(100, 100, first=10)
    assert for_ever(100, 100, first=2.9) is None


@pytest.mark.parametrize(("lately", "told"), [(0, False), (1, False), (2, True)])
def test_what_would_take_more_than_ten_years_is_not_foretold(lately: int, told: object) -> None:
    expected = for_ever(800, lately)
    assert expected is not None
    assert (expected.reached_at is not None) is told
