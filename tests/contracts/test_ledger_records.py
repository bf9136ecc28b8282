"""What every store promises about cached answers, entries and alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Adjustment, Alert, Balance, EntryKind, fold
from routing.errors import BudgetExceeded, RequestIdReused
from tests.ledger.purchases import (
    DECEMBER,
    HOLD_FOR,
    NOON,
    NOVEMBER,
    buy,
    cache_hit,
    claim,
    record,
    reservation,
    settle,
)
from tests.ledger.shelves import SHELVES, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.core.budgets import Claim
    from routing.ledger.base import Store


@pytest.fixture(params=SHELVES)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    shelf = SHELVES[request.param](tmp_path)
    yield shelf
    shelf.close()


@pytest.fixture
def ledger(shelf: Shelf) -> Store:
    return shelf.open()


def balance(ledger: Store, claim: Claim) -> Balance:
    return ledger.balances(claim.key.budget, claim.key.start).get(claim.key, Balance())


def adjustment(delta: int) -> Adjustment:
    return Adjustment(
        reservation_id="poster/1",
        at=NOON + timedelta(days=1),
        delta_nusd=delta,
        reason="the vendor's bill",
    )


# --- Cached answers ---------------------------------------------------------------------------------------------------


def test_a_cached_answer_is_written_and_charges_nothing(ledger: Store) -> None:
    ledger.record_cached(record(), cache_hit(saved=40))
    history = ledger.history("poster")
    assert history is not None
    assert history.attempts == ()
    (entry,) = history.cached
    assert (entry.kind, entry.amount_nusd, entry.picture_key) == (EntryKind.CACHED, 40, "picture")
    assert ledger.verify().spent_nusd == 0


def test_a_cached_answer_may_not_take_the_id_of_another_request(ledger: Store) -> None:
    buy(ledger, "poster", 1)
    with pytest.raises(RequestIdReused):
        ledger.record_cached(record(fingerprint="another"), cache_hit())
    ledger.record_cached(record(), cache_hit())


# --- Entries ----------------------------------------------------------------------------------------------------------


def test_entries_fold_to_the_balances(ledger: Store) -> None:
    month, campaign = claim("month", 1000), claim("campaign", 1000, scope="spring")
    buy(ledger, "a", 30, month, campaign)
    ledger.reserve(record("b"), [reservation(20, month, request_id="b")])
    ledger.record_cached(record("c"), cache_hit("c"))
    buy(ledger, "poster", 7, campaign)
    ledger.adjust(adjustment(3))
    folded = fold(ledger.entries())
    assert folded == {**ledger.balances("month", NOVEMBER), **ledger.balances("campaign", NOVEMBER)}
    assert folded == {month.key: Balance(held_nusd=20, spent_nusd=30), campaign.key: Balance(spent_nusd=40)}


def test_entries_are_numbered_without_gaps_and_can_be_read_on(ledger: Store) -> None:
    for number in range(600):
        buy(ledger, str(number), 1)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(record("refused"), [reservation(2, claim("month", 1), request_id="refused")])
    buy(ledger, "after", 1)
    assert [entry.seq for entry in ledger.entries()] == list(range(1, 1203))
    assert [entry.seq for entry in ledger.entries(1199)] == [1200, 1201, 1202]


# --- Alerts -----------------------------------------------------------------------------------------------------------


def test_a_threshold_alerts_once_when_spending_reaches_it(ledger: Store) -> None:
    month = claim("month", 1000, alert_at=(50,))
    ledger.reserve(record("a"), [reservation(50, month, request_id="a")])
    assert ledger.resolve(settle("a/1", 49)) == ()
    ledger.reserve(record("b"), [reservation(1, month, request_id="b")])
    at = NOON + timedelta(seconds=20)
    expected = Alert(key=month.key, threshold_nusd=50, limit_nusd=1000, spent_nusd=50, at=at)
    assert ledger.resolve(settle("b/1", 1)) == (expected,)
    assert ledger.pending_alerts() == (expected,)
    buy(ledger, "c", 500, month)
    assert ledger.pending_alerts() == (expected,)


def test_every_threshold_that_one_charge_passes_alerts(ledger: Store) -> None:
    month, year = claim("month", 100, alert_at=(50, 80, 100)), claim("year", 1000, alert_at=(60,))
    ledger.reserve(record(), [reservation(85, month, year)])
    alerts = ledger.resolve(settle("poster/1", 85))
    assert [(alert.key.budget, alert.threshold_nusd) for alert in alerts] == [
        ("month", 50),
        ("month", 80),
        ("year", 60),
    ]
    assert ledger.pending_alerts() == alerts


def test_each_window_and_each_scope_alerts_for_itself(ledger: Store) -> None:
    counters = [claim(start=start, scope=scope, alert_at=(50,)) for start in (NOVEMBER, DECEMBER) for scope in "ab"]
    for number, counter in enumerate(counters):
        buy(ledger, str(number), 60, counter)
    assert [alert.key for alert in ledger.pending_alerts()] == [counter.key for counter in counters]


def test_a_correction_can_reach_a_threshold_and_none_alerts_twice(ledger: Store) -> None:
    buy(ledger, "poster", 40, claim("month", 100, alert_at=(50,)))
    assert [alert.spent_nusd for alert in ledger.adjust(adjustment(20))] == [60]
    assert ledger.adjust(adjustment(-20)) == ()
    assert ledger.adjust(adjustment(20)) == ()


def test_a_sweep_can_reach_a_threshold(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(60, claim("month", 100, alert_at=(50,)))])
    ledger.sweep(NOON + HOLD_FOR, release=False)
    assert [alert.threshold_nusd for alert in ledger.pending_alerts()] == [50]


def test_an_acknowledged_alert_is_not_told_again(ledger: Store) -> None:
    buy(ledger, "poster", 90, claim("month", 100, alert_at=(50, 80)))
    first, second = ledger.pending_alerts()
    ledger.acknowledge([first])
    assert ledger.pending_alerts() == (second,)
    ledger.acknowledge([first, second])
    assert ledger.pending_alerts() == ()


def test_money_and_alerts_survive_closing_and_opening(shelf: Shelf) -> None:
    month = claim("month", 100, alert_at=(50,))
    store = shelf.open()
    buy(store, "a", 60, month)
    store.reserve(record("b"), [reservation(10, month, request_id="b")])
    if shelf.durable:
        store.close()
    again = shelf.open()
    assert [alert.threshold_nusd for alert in again.pending_alerts()] == [50]
    assert again.resolve(settle("b/1", 10)) == ()
    assert balance(again, month) == Balance(spent_nusd=70)
    assert again.verify().differences == ()
