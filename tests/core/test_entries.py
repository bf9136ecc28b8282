"""The fold that proves the counters, the thresholds a charge passes, and the words of a refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing.core.alerts import crossed
from routing.core.budgets import Claim, CounterKey
from routing.core.entries import Balance, Entry, EntryKind, back_at, budget_exceeded, fold

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def key(budget: str = "month", scope: str = "", below: str = "") -> CounterKey:
    return CounterKey(budget=budget, scope=scope, below=below, start=NOVEMBER)


def claim(limit: int = 1_000_000_000, *, end: datetime | None = DECEMBER, **different: Any) -> Claim:
    alert_at = different.pop("alert_at", ())
    return Claim(key=key(**different), limit_nusd=limit, end=end, alert_at=alert_at)


def entry(kind: EntryKind, amount: int, reservation_id: str = "poster/1", *counters: CounterKey) -> Entry:
    return Entry(
        seq=1,
        at=NOON,
        kind=kind,
        reservation_id=reservation_id,
        request_id="poster",
        amount_nusd=amount,
        counters=counters,
    )


# --- fold -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "balance"),
    [
        ([], Balance(held_nusd=50)),
        ([entry(EntryKind.SETTLE, 30)], Balance(spent_nusd=30)),
        ([entry(EntryKind.SETTLE, 70)], Balance(spent_nusd=70)),
        ([entry(EntryKind.RELEASE, 0)], Balance()),
        ([entry(EntryKind.EXPIRE, 50)], Balance(spent_nusd=50)),
        ([entry(EntryKind.EXPIRE, 0)], Balance()),
        ([entry(EntryKind.SETTLE, 30), entry(EntryKind.ADJUST, -10)], Balance(spent_nusd=20)),
        ([entry(EntryKind.RELEASE, 0), entry(EntryKind.ADJUST, 5), entry(EntryKind.ADJUST, 6)], Balance(spent_nusd=11)),
    ],
)
def test_a_reservation_moves_each_of_its_counters(answers: list[Entry], balance: Balance) -> None:
    counters = (key("month"), key("campaign", scope="spring"))
    assert fold([entry(EntryKind.RESERVE, 50, "poster/1", *counters), *answers]) == dict.fromkeys(counters, balance)


def test_reservations_on_one_counter_add_up_and_others_are_left_alone() -> None:
    month, year = key("month"), key("year")
    entries = [
        entry(EntryKind.RESERVE, 50, "a/1", month),
        entry(EntryKind.RESERVE, 20, "b/1", month, year),
        entry(EntryKind.SETTLE, 40, "a/1"),
    ]
    assert fold(entries) == {month: Balance(held_nusd=20, spent_nusd=40), year: Balance(held_nusd=20)}


def test_cached_answers_and_purchases_without_a_budget_move_nothing() -> None:
    assert fold([entry(EntryKind.CACHED, 50, ""), entry(EntryKind.RESERVE, 5), entry(EntryKind.SETTLE, 5)]) == {}


def test_an_answer_without_a_reservation_cannot_be_folded() -> None:
    with pytest.raises(KeyError):
        fold([entry(EntryKind.SETTLE, 5)])


# --- crossed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        (0, 49, ()),
        (0, 50, (50,)),
        (50, 60, ()),
        (49, 100, (50, 80, 100)),
        (0, 1000, (50, 80, 100)),
        (79, 81, (80,)),
        (60, 40, ()),
        (50, 50, ()),
    ],
)
def test_a_threshold_is_reached_when_spending_comes_to_it_from_below(
    before: int, after: int, passed: tuple[int, ...]
) -> None:
    assert crossed((50, 80, 100), before, after) == passed


# --- budget_exceeded --------------------------------------------------------------------------------------------------


def test_a_refusal_says_budget_left_limit_spent_held_needed_and_reset() -> None:
    error = budget_exceeded(claim(), Balance(held_nusd=100_000_000, spent_nusd=861_300_000), 40_000_000)
    assert str(error) == (
        "budget 'month' has $0.0387 left of $1 (spent $0.8613, held $0.1), $0.04 is needed; it starts afresh at "
        "2026-12-01T00:00:00+00:00"
    )
    assert (error.budget, error.limit, error.needed) == ("month", 1_000_000_000, 40_000_000)
    assert (error.remaining, error.resets_at) == (38_700_000, DECEMBER)


def test_a_refusal_names_the_tag_value_it_counts_for() -> None:
    assert str(budget_exceeded(claim(budget="campaign", scope="spring"), Balance(), 1)).startswith(
        "budget 'campaign' for 'spring' has $1 left"
    )


def test_a_refusal_says_for_whom_the_rest_is_kept() -> None:
    error = budget_exceeded(claim(600_000_000, below="final"), Balance(spent_nusd=600_000_000), 1)
    assert "has $0 left of $0.6 (spent $0.6, held $0, the rest is kept for final)" in str(error)


def test_a_refusal_of_a_lifetime_says_that_it_stays() -> None:
    error = budget_exceeded(claim(end=None), Balance(), 2_000_000_000)
    assert str(error).endswith("$2 is needed; it never starts afresh")
    assert error.resets_at is None


def test_an_overdrawn_budget_has_nothing_left_and_says_by_how_much() -> None:
    error = budget_exceeded(claim(), Balance(spent_nusd=1_200_000_000), 1)
    assert "has $0 left of $1 (spent $1.2" in str(error)
    assert error.remaining == -200_000_000


def test_a_refusal_of_a_rolling_window_says_that_room_comes_back_bit_by_bit() -> None:
    rolling = Claim(key=key("day"), limit_nusd=0, end=None, earlier=(NOVEMBER - timedelta(hours=1),))
    error = budget_exceeded(rolling, Balance(), 1, NOON)
    assert str(error).endswith(
        "is needed; it is rolling: room comes back bit by bit, from 2026-11-21T12:00:00+00:00 on"
    )
    assert error.resets_at == NOON
    assert str(budget_exceeded(rolling, Balance(), 1)).endswith("it is rolling: room comes back bit by bit")


# --- Rolling windows --------------------------------------------------------------------------------------------------


def test_slices_add_up_and_the_first_of_them_was_first() -> None:
    both = Balance(held_nusd=1, spent_nusd=2, first_at=NOON) + Balance(held_nusd=3, spent_nusd=4, first_at=NOVEMBER)
    assert (both, both.first_at) == (Balance(held_nusd=4, spent_nusd=6), NOVEMBER)
    assert (Balance() + Balance(first_at=NOON)).first_at == NOON


def test_room_comes_back_when_the_oldest_slice_that_holds_something_is_out_of_the_window() -> None:
    hour = timedelta(hours=1)
    starts = [NOON, NOON + hour, NOON + 2 * hour]
    assert back_at({}, starts) is None
    assert back_at({NOON: Balance(), NOON + hour: Balance(spent_nusd=1)}, starts) == NOON + 4 * hour
    assert back_at({NOON + 2 * hour: Balance(held_nusd=1)}, starts) == NOON + 5 * hour
