"""Where the counters of a budget stand, raises, slices and forecast included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from routing.core.budgets import Budget, BudgetRaise, CounterKey
from routing.core.entries import Balance
from routing.core.forecast import Forecast
from routing.core.money import usd
from routing.core.status import budget_status
from routing.core.window import EPOCH, Window, WindowKind

if TYPE_CHECKING:
    from routing.core.status import BudgetStatus

RANKS = ("draft", "final")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROLLING = Window(kind=WindowKind.ROLLING, length=24 * HOUR)


def budget(window: Window | None = None, **different: Any) -> Budget:
    month = Window(kind=WindowKind.CALENDAR_MONTH)
    return Budget(**{"name": "month", "limit_nusd": 900, "window": window or month, **different})


def key(scope: str = "", below: str = "", start: datetime = NOVEMBER) -> CounterKey:
    return CounterKey(budget="month", scope=scope, below=below, start=start)


def raised(by: int, scope: str = "") -> BudgetRaise:
    return BudgetRaise(budget="month", scope=scope, by_nusd=by, at=NOON, until=DECEMBER, reason="the fair")


def limits(found: list[BudgetStatus]) -> dict[tuple[str, str], tuple[int, int]]:
    return {(status.scope, status.below): (status.limit, status.raised) for status in found}


def test_a_limit_holds_its_raises_and_each_share_its_part_of_them() -> None:
    protected = budget(protect={"final": Fraction(1, 3)})
    found = budget_status(protected, {}, RANKS, NOON, raises=[raised(60), raised(30), raised(1000, "spring")])
    assert limits(found) == {("", ""): (990, 90), ("", "final"): (660, 60)}


def test_a_raise_is_for_the_tag_value_it_names() -> None:
    balances = {key("spring"): Balance(spent_nusd=1), key("winter"): Balance(spent_nusd=2)}
    found = budget_status(budget(per="campaign"), balances, RANKS, NOON, raises=[raised(60, "spring")])
    assert limits(found) == {("spring", ""): (960, 60), ("winter", ""): (900, 0)}


def test_a_rolling_window_is_the_sum_of_its_slices_and_says_when_the_first_room_comes_back() -> None:
    balances = {
        key(start=NOON - 3 * HOUR): Balance(spent_nusd=40),
        key(start=NOON): Balance(held_nusd=5, spent_nusd=10),
    }
    (found,) = budget_status(budget(ROLLING), balances, RANKS, NOON)
    assert (found.spent, found.held, found.left, found.rolling) == (50, 5, 845, True)
    assert found.resets_at == NOON + 22 * HOUR
    assert found.forecast is None
    (empty,) = budget_status(budget(ROLLING), {}, RANKS, NOON)
    assert (empty.left, empty.resets_at) == (900, None)


def test_a_forecast_is_of_the_whole_limit_with_its_raises() -> None:
    protected = budget(protect={"final": Fraction(1, 3)})
    balances = {key(below=below): Balance(spent_nusd=820, first_at=NOVEMBER) for below in ("", "final")}
    whole, below = budget_status(protected, balances, RANKS, NOVEMBER + timedelta(days=20), raises=[raised(125)])
    assert whole.forecast == Forecast(expected_nusd=1230, reached_at=NOVEMBER + timedelta(days=25))
    assert below.forecast is None


def test_what_never_ends_is_foretold_from_what_was_spent_lately() -> None:
    lifetime = budget(Window(kind=WindowKind.LIFETIME), per="campaign")
    spring = key("spring", start=EPOCH)
    balances = {spring: Balance(spent_nusd=800, first_at=NOVEMBER - timedelta(days=90))}
    (found,) = budget_status(lifetime, balances, RANKS, NOON, lately={spring: 56})
    assert found.forecast == Forecast(expected_nusd=800, reached_at=NOON + timedelta(days=50))


def test_as_plain_values_amounts_are_exact_text_and_times_iso() -> None:
    balances = {key(): Balance(held_nusd=1, spent_nusd=usd("320"), first_at=NOVEMBER)}
    month = budget(limit_nusd=usd("500"))
    (found,) = budget_status(month, balances, RANKS, NOVEMBER + timedelta(days=15), raises=[raised(usd("20"))])
    assert found.as_json() == {
        "budget": "month",
        "scope": "",
        "below": "",
        "limit_usd": "520",
        "raised_usd": "20",
        "spent_usd": "320",
        "held_usd": "0.000000001",
        "left_usd": "199.999999999",
        "rolling": False,
        "resets_at": "2026-12-01T00:00:00+00:00",
        "forecast": {"expected_usd": "640", "reached_at": "2026-11-25T09:00:00+00:00"},
    }
