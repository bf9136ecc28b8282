"""What every store promises about windows that roll, and about raises of a limit."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from routing.core.budgets import Budget, Purchase, claims_for
from routing.core.entries import Balance
from routing.core.window import Window, WindowKind
from routing.errors import BudgetExceeded
from tests.ledger.purchases import (
    DECEMBER,
    HOLD_FOR,
    NOON,
    NOVEMBER,
    a_raise,
    adjustment,
    buy,
    claim,
    record,
    reservation,
    rolling,
    settle,
)

if TYPE_CHECKING:
    from routing.core.alerts import Alert
    from routing.ledger.base import Store
    from tests.ledger.shelves import Shelf

HOUR = timedelta(hours=1)


def buy_rolling(ledger: Store, name: str, amount: int, at: datetime, *, limit: int = 100) -> None:
    buy(ledger, name, amount, rolling(limit=limit, at=at), at=at)


# --- Rolling windows --------------------------------------------------------------------------------------------------


def test_a_rolling_limit_holds_over_the_present_slice_and_all_before_it(ledger: Store) -> None:
    buy_rolling(ledger, "a", 40, NOON)
    buy_rolling(ledger, "b", 35, NOON + 3 * HOUR)
    with pytest.raises(BudgetExceeded) as refused:
        buy_rolling(ledger, "c", 26, NOON + 10 * HOUR)
    assert (refused.value.limit, refused.value.needed, refused.value.remaining) == (100, 26, 25)
    assert refused.value.resets_at == NOON + 25 * HOUR
    assert "it is rolling: room comes back bit by bit, from 2026-11-22T13:00:00+00:00 on" in str(refused.value)
    buy_rolling(ledger, "d", 25, NOON + 10 * HOUR)
    assert ledger.verify().differences == ()


def test_room_comes_back_slice_by_slice_and_never_before_the_window_is_over(ledger: Store) -> None:
    late = NOON + timedelta(minutes=59)
    buy_rolling(ledger, "a", 60, late)
    buy_rolling(ledger, "b", 40, NOON + HOUR)
    for back in (late + 23 * HOUR, late + 24 * HOUR, NOON + 25 * HOUR - timedelta(milliseconds=1)):
        with pytest.raises(BudgetExceeded):
            buy_rolling(ledger, "c", 1, back)
    buy_rolling(ledger, "c", 60, NOON + 25 * HOUR)
    with pytest.raises(BudgetExceeded):
        buy_rolling(ledger, "d", 1, NOON + 25 * HOUR)
    buy_rolling(ledger, "d", 40, NOON + 26 * HOUR)


def test_what_earlier_slices_hold_counts_until_it_is_given_back(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(90, rolling())])
    with pytest.raises(BudgetExceeded, match=r"held \$0\.00000009"):
        buy_rolling(ledger, "late", 20, NOON + 2 * HOUR)
    ledger.resolve(settle("poster/1", 50))
    buy_rolling(ledger, "late", 20, NOON + 2 * HOUR)
    slices = ledger.balances("day", [NOON, NOON + 2 * HOUR])
    assert {key.start: balance for key, balance in slices.items()} == {
        NOON: Balance(spent_nusd=50),
        NOON + 2 * HOUR: Balance(spent_nusd=20),
    }


def test_a_first_purchase_above_a_rolling_limit_is_refused_and_leaves_no_trace(ledger: Store) -> None:
    with pytest.raises(BudgetExceeded) as refused:
        buy_rolling(ledger, "a", 101, NOON)
    assert (refused.value.remaining, refused.value.resets_at) == (100, None)
    assert str(refused.value).endswith("it is rolling: room comes back bit by bit")
    assert list(ledger.entries()) == []


def test_slices_of_other_tag_values_and_of_another_length_do_not_count(ledger: Store) -> None:
    half_past = NOON + timedelta(minutes=30)
    buy(ledger, "winter", 100, rolling(scope="winter"))
    buy(ledger, "short", 100, rolling(length=12 * HOUR, at=half_past), at=half_past)
    buy(ledger, "spring", 100, rolling(scope="spring", at=NOON + HOUR))
    buy_rolling(ledger, "whole", 100, NOON + HOUR)
    with pytest.raises(BudgetExceeded):
        buy_rolling(ledger, "more", 1, NOON + HOUR)


def test_a_share_that_is_kept_rolls_too(ledger: Store) -> None:

    window = Window(kind=WindowKind.ROLLING, length=24 * HOUR)
    day = Budget(name="day", limit_nusd=100, window=window, protect={"final": Fraction(2, 5)})

    def bought(name: str, importance: str, amount: int, at: datetime) -> None:
        purchase = Purchase(importance=importance, deployment="flux", operation="generate", tags={})
        buy(ledger, name, amount, *claims_for([day], purchase, ("draft", "final"), at), at=at)

    bought("a", "draft", 60, NOON)
    with pytest.raises(BudgetExceeded, match="the rest is kept for final"):
        bought("b", "draft", 1, NOON + 5 * HOUR)
    bought("c", "final", 40, NOON + 5 * HOUR)
    bought("d", "draft", 60, NOON + 25 * HOUR)


def settled(ledger: Store, name: str, amount: int, reserved: datetime, at: datetime) -> tuple[Alert, ...]:
    day = rolling("day", 1000, at=reserved, alert_at=(50, 80))
    ledger.reserve(record(name, at=reserved), [reservation(amount, day, request_id=name, at=reserved)])
    return ledger.resolve(settle(f"{name}/1", amount, at=at))


def test_a_rolling_threshold_is_reached_by_the_sum_of_the_slices_at_that_time(ledger: Store) -> None:
    assert settled(ledger, "a", 30, NOON, NOON) == ()
    (alert,) = settled(ledger, "b", 25, NOON + 2 * HOUR, NOON + 3 * HOUR)
    assert (alert.threshold_nusd, alert.spent_nusd, alert.limit_nusd) == (50, 55, 1000)
    assert alert.key is not None
    assert alert.key.start == NOON + 3 * HOUR
    assert settled(ledger, "c", 49, NOON + 28 * HOUR, NOON + 28 * HOUR) == ()


def test_a_rolling_threshold_alerts_at_most_once_in_the_length_of_its_window(ledger: Store) -> None:
    assert len(settled(ledger, "a", 55, NOON, NOON)) == 1
    ledger.adjust(adjustment(0, "a/1", at=NOON))
    assert settled(ledger, "b", 55, NOON + 20 * HOUR, NOON + 20 * HOUR) == ()
    (alert,) = settled(ledger, "c", 30, NOON + 21 * HOUR, NOON + 21 * HOUR)
    assert alert.threshold_nusd == 80
    for number in range(4):
        assert settled(ledger, f"more {number}", 1, NOON + 22 * HOUR, NOON + 22 * HOUR) == ()
    for name in ("b", "c"):
        ledger.adjust(adjustment(0, f"{name}/1", at=NOON + 24 * HOUR))
    again = settled(ledger, "d", 90, NOON + 25 * HOUR, NOON + 25 * HOUR)
    assert [each.threshold_nusd for each in again] == [50]


def test_a_charge_that_falls_into_a_slice_long_gone_reaches_no_threshold(ledger: Store) -> None:
    settled(ledger, "a", 40, NOON, NOON)
    late = adjustment(70, "a/1", at=NOON + 48 * HOUR)
    assert ledger.adjust(late) == ()
    early = adjustment(100, "a/1", at=NOON + 24 * HOUR)
    assert [alert.threshold_nusd for alert in ledger.adjust(early)] == [80]


def test_a_sweep_can_reach_a_rolling_threshold(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(60, rolling(alert_at=(50,)))])
    ledger.sweep(NOON + HOLD_FOR, release=False)
    assert [standing.alert.threshold_nusd for standing in ledger.alerts(NOVEMBER)] == [50]


# --- Raises -----------------------------------------------------------------------------------------------------------


def test_a_raise_makes_room_from_its_time_on_and_until_its_end(ledger: Store) -> None:
    buy(ledger, "full", 100, claim())
    ledger.raise_budget(a_raise(at=NOON, until=NOON + HOUR))
    for at in (NOON - timedelta(milliseconds=1), NOON + HOUR):
        with pytest.raises(BudgetExceeded) as refused:
            buy(ledger, "too much", 1, claim(), at=at)
        assert refused.value.limit == 100
    with pytest.raises(BudgetExceeded) as refused:
        buy(ledger, "too much", 51, claim(), at=NOON)
    assert (refused.value.limit, refused.value.remaining) == (150, 50)
    buy(ledger, "more", 50, claim(), at=NOON + HOUR - timedelta(milliseconds=1))
    assert ledger.balances("month", [NOVEMBER]) == {claim().key: Balance(spent_nusd=150)}


def test_raises_add_up_and_each_ends_by_itself(ledger: Store) -> None:
    ledger.raise_budget(a_raise(50, until=NOON + HOUR))
    ledger.raise_budget(a_raise(30))
    buy(ledger, "a", 180, claim())
    with pytest.raises(BudgetExceeded) as refused:
        buy(ledger, "b", 1, claim(), at=NOON + HOUR)
    assert (refused.value.limit, refused.value.remaining) == (130, -50)


def test_a_raise_is_for_one_budget_and_one_tag_value(ledger: Store) -> None:
    ledger.raise_budget(a_raise(50, "campaign", scope="spring"))
    buy(ledger, "spring", 150, claim("campaign", scope="spring"))
    for other in (claim("campaign", scope="winter"), claim("campaign"), claim("month", scope="spring")):
        with pytest.raises(BudgetExceeded, match=r"of \$0\.0000001 "):
            buy(ledger, "other", 101, other)


def test_what_is_kept_for_an_importance_grows_by_its_share_of_a_raise(ledger: Store) -> None:

    month = Budget(
        name="month",
        limit_nusd=100,
        window=Window(kind=WindowKind.CALENDAR_MONTH),
        protect={"final": Fraction(1, 3)},
    )
    ledger.raise_budget(a_raise(50))
    purchase = Purchase(importance="draft", deployment="flux", operation="generate", tags={})
    claims = claims_for([month], purchase, ("draft", "final"), NOON)
    with pytest.raises(BudgetExceeded) as refused:
        buy(ledger, "a", 100, *claims)
    assert refused.value.limit == 66 + 33
    buy(ledger, "a", 99, *claims)


def test_a_raise_lifts_a_rolling_limit(ledger: Store) -> None:
    buy_rolling(ledger, "a", 100, NOON)
    ledger.raise_budget(a_raise(50, "day"))
    buy_rolling(ledger, "b", 50, NOON + 2 * HOUR)
    with pytest.raises(BudgetExceeded):
        buy_rolling(ledger, "c", 1, NOON + 2 * HOUR)


def test_an_alert_tells_the_limit_with_its_raise(ledger: Store) -> None:
    ledger.raise_budget(a_raise(50))
    ledger.reserve(record(), [reservation(120, claim(alert_at=(80,)))])
    assert [alert.limit_nusd for alert in ledger.resolve(settle("poster/1", 120))] == [150]


def test_raises_that_hold_are_listed_oldest_first(ledger: Store) -> None:
    first, second = a_raise(50, scope="весна", reason="Launch — final week"), a_raise(30, "year", until=NOON + HOUR)
    for each in (first, second):
        ledger.raise_budget(each)
    assert ledger.raises(NOON - HOUR) == ()
    assert ledger.raises(NOON) == (first, second)
    assert ledger.raises(NOON + HOUR) == (first,)
    assert ledger.raises(DECEMBER) == ()


def test_a_raise_of_a_budget_that_is_gone_does_no_harm(ledger: Store) -> None:
    ledger.raise_budget(a_raise(50, "gone"))
    buy(ledger, "a", 100, claim())
    assert ledger.verify().differences == ()


def test_another_process_sees_a_raise_with_its_next_reservation(shelf: Shelf) -> None:
    one, other = shelf.open(), shelf.open()
    buy(other, "before", 100, claim())
    one.raise_budget(a_raise(50))
    buy(other, "after", 50, claim())
    assert other.balances("month", [NOVEMBER]) == {claim().key: Balance(spent_nusd=150)}
