"""What every store promises to those who reserve money: ``routing.ledger.base`` line by line."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Balance
from routing.errors import BudgetExceeded, LedgerUnavailable, RequestIdReused
from tests.ledger.purchases import (
    DECEMBER,
    NOON,
    NOVEMBER,
    balance,
    buy,
    claim,
    record,
    release,
    reservation,
)

if TYPE_CHECKING:
    from routing.ledger.base import Store


# --- Reserve ----------------------------------------------------------------------------------------------------------


def test_a_reservation_holds_its_amount_in_every_counter_it_claims(ledger: Store) -> None:
    month, campaign = claim("month", 100), claim("campaign", 100, scope="spring")
    ledger.reserve(record(), [reservation(30, month, campaign)])
    assert balance(ledger, month) == balance(ledger, campaign) == Balance(held_nusd=30)


def test_a_limit_may_be_reached_exactly(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record("a"), [reservation(60, month, request_id="a")])
    ledger.reserve(record("b"), [reservation(40, month, request_id="b")])
    assert balance(ledger, month) == Balance(held_nusd=100)


def test_one_nano_dollar_above_the_limit_is_refused(ledger: Store) -> None:
    month = claim("month", 100)
    buy(ledger, "a", 35, month)
    ledger.reserve(record("b"), [reservation(25, month, request_id="b")])
    with pytest.raises(BudgetExceeded) as refused:
        ledger.reserve(record("c"), [reservation(41, month, request_id="c")])
    assert refused.value.budget == "month"
    assert (refused.value.limit, refused.value.needed, refused.value.remaining) == (100, 41, 40)
    assert refused.value.resets_at == DECEMBER
    assert balance(ledger, month) == Balance(held_nusd=25, spent_nusd=35)


def test_a_first_purchase_above_the_limit_is_refused_and_leaves_no_trace(ledger: Store) -> None:
    with pytest.raises(BudgetExceeded):
        ledger.reserve(record(), [reservation(101, claim("month", 100))])
    assert ledger.history("poster") is None
    assert ledger.balances("month", [NOVEMBER]) == {}


def test_one_budget_without_room_undoes_what_was_held_in_the_others(ledger: Store) -> None:
    day, month, year = claim("day", 1000), claim("month", 50), claim("year", 1000)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(record(), [reservation(51, day, month, year)])
    assert balance(ledger, day) == balance(ledger, year) == Balance()
    assert list(ledger.entries()) == []


def test_the_first_budget_in_sorted_order_that_has_no_room_refuses(ledger: Store) -> None:
    claims = (claim("year", 1), claim("month", 1, scope="b"), claim("month", 1, scope="a"), claim("day", 1000))
    with pytest.raises(BudgetExceeded, match="budget 'month' for 'a'"):
        ledger.reserve(record(), [reservation(2, *claims)])


def test_reservations_of_one_call_are_made_all_or_none(ledger: Store) -> None:
    month, final = claim("month", 1000), claim("final", 10)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(record(), [reservation(5, month), reservation(11, month, final, attempt=2)])
    assert balance(ledger, month) == Balance()
    assert ledger.history("poster") is None


def test_reservations_of_one_call_on_one_counter_add_up(ledger: Store) -> None:
    month = claim("month", 100)
    with pytest.raises(BudgetExceeded) as refused:
        ledger.reserve(record(), [reservation(60, month), reservation(41, month, attempt=2)])
    assert refused.value.needed == 101
    ledger.reserve(record(), [reservation(60, month), reservation(40, month, attempt=2)])
    assert balance(ledger, month) == Balance(held_nusd=100)


def test_a_window_that_rolls_over_starts_afresh(ledger: Store) -> None:
    november, december = claim("month", 100), claim("month", 100, start=DECEMBER)
    buy(ledger, "old", 100, november)
    buy(ledger, "new", 70, december)
    assert balance(ledger, november) == Balance(spent_nusd=100)
    assert balance(ledger, december) == Balance(spent_nusd=70)


def test_an_edited_limit_counts_at_once_and_forgets_nothing(ledger: Store) -> None:
    buy(ledger, "a", 60, claim("month", 100))
    with pytest.raises(BudgetExceeded):
        buy(ledger, "b", 1, claim("month", 50))
    buy(ledger, "b", 90, claim("month", 150))
    assert balance(ledger, claim("month")) == Balance(spent_nusd=150)


def test_a_purchase_that_no_budget_counts_is_written_all_the_same(ledger: Store) -> None:
    buy(ledger, "poster", 30)
    assert ledger.verify().spent_nusd == 30


# --- Request ids ------------------------------------------------------------------------------------------------------


def test_a_request_id_means_one_request(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(1)])
    with pytest.raises(RequestIdReused, match="'poster'"):
        ledger.reserve(record(fingerprint="another"), [reservation(1, attempt=2)])


def test_an_attempt_is_reserved_once(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(10, month)])
    ledger.resolve(release("poster/1"))
    with pytest.raises(RequestIdReused, match=r"another call just now \(attempt 1 was made already\): ask again"):
        ledger.reserve(record(), [reservation(10, month)])
    assert balance(ledger, month) == Balance()


def test_an_attempt_is_reserved_once_within_one_call_too(ledger: Store) -> None:
    with pytest.raises(RequestIdReused, match="attempt 1"):
        ledger.reserve(record(), [reservation(10), reservation(10)])
    assert ledger.history("poster") is None


def test_a_repeat_is_told_so_rather_than_that_its_budget_is_used_up(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(100, month)])
    with pytest.raises(RequestIdReused):
        ledger.reserve(record(), [reservation(100, month)])


def test_a_next_attempt_leaves_the_record_of_its_request_alone(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(1)])
    ledger.reserve(record(at=NOON + timedelta(hours=1), rule="edited"), [reservation(1, attempt=2)])
    history = ledger.history("poster")
    assert history is not None
    assert history.record == record()


@pytest.mark.parametrize("reservation_id", ["poster", "poster/", "poster/one", "poster/01", "other/1", "poster/1/1"])
def test_a_reservation_is_named_after_its_request(ledger: Store, reservation_id: str) -> None:
    with pytest.raises(ValueError, match=reservation_id):
        ledger.reserve(record(), [reservation(1, id=reservation_id)])


def test_request_ids_may_hold_slashes_quotes_and_any_script(ledger: Store) -> None:
    for request_id in ("poster-7/draft-1", 'it\'s "new"; --', "плакат/海报"):
        buy(ledger, request_id, 1)
        history = ledger.history(request_id)
        assert history is not None
        assert history.attempts[0].reserve.reservation_id == f"{request_id}/1"


# --- Many at once -----------------------------------------------------------------------------------------------------


def test_many_threads_reach_a_limit_exactly_and_never_pass_it(ledger: Store) -> None:
    month, outcomes, begin = claim("month", 1000), [], threading.Barrier(32)

    def spend_on(thread: int) -> None:
        begin.wait()
        for number in range(10):
            name = f"{thread}-{number}"
            try:
                buy(ledger, name, 7, month)
            except BudgetExceeded:
                outcomes.append(False)
            else:
                outcomes.append(True)

    threads = [threading.Thread(target=spend_on, args=(thread,)) for thread in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count(True), outcomes.count(False)) == (142, 178)
    assert balance(ledger, month) == Balance(spent_nusd=994)
    assert ledger.verify().differences == ()


def test_a_closed_ledger_says_so(ledger: Store) -> None:
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerUnavailable, match="was closed"):
        ledger.reserve(record(), [reservation(1)])
    with pytest.raises(LedgerUnavailable, match="was closed"):
        ledger.verify()
