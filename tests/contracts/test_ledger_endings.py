"""What every store promises about the one end of a reservation, and about correcting it later."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from routing.core.alerts import AlertKind
from routing.core.entries import Balance, Basis, EntryKind
from routing.core.prices import Usage
from routing.errors import AlreadyResolved
from tests.ledger.purchases import (
    HOLD_FOR,
    NOON,
    adjustment,
    balance,
    buy,
    cache_hit,
    claim,
    record,
    release,
    reservation,
    settle,
)

if TYPE_CHECKING:
    from routing.ledger.base import Store


# --- Resolve ----------------------------------------------------------------------------------------------------------


def test_a_settle_turns_the_hold_into_what_was_charged(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(50, month)])
    ledger.resolve(settle("poster/1", 30))
    assert balance(ledger, month) == Balance(spent_nusd=30)


def test_a_release_gives_the_hold_back(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(100, month)])
    ledger.resolve(release("poster/1"))
    ledger.reserve(record(), [reservation(100, month, attempt=2)])
    assert balance(ledger, month) == Balance(held_nusd=100)


def test_a_charge_above_its_hold_is_booked_in_full_and_flagged(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(90, month)])
    ledger.resolve(settle("poster/1", 120))
    assert balance(ledger, month) == Balance(spent_nusd=120)
    assert [entry.overrun for entry in ledger.entries()] == [False, True]


@pytest.mark.parametrize(("charged", "overrun"), [(89, False), (90, False), (91, True)])
def test_an_overrun_begins_one_nano_dollar_above_the_hold(ledger: Store, charged: int, overrun: object) -> None:
    ledger.reserve(record(), [reservation(90)])
    told = ledger.resolve(settle("poster/1", charged))
    assert [entry.overrun for entry in ledger.entries()] == [False, overrun]
    assert [alert.kind for alert in told] == ([AlertKind.OVERRUN] if overrun else [])
    assert tuple(standing.alert for standing in ledger.alerts(NOON)) == told


@pytest.mark.parametrize(
    ("first", "told"),
    [(settle("poster/1", 30), r"was settled already at 2026-11-21T12:00:20\+00:00, charged \$0\.00000003"),
     (release("poster/1"), "was released already"),
     (dataclasses.replace(release("poster/1"), kind=EntryKind.EXPIRE), "was expired already")],
)  # fmt: skip
def test_a_reservation_ends_once(ledger: Store, first: object, told: str) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(50, month)])
    ledger.resolve(first)  # type: ignore[arg-type]  # parametrize loses the type
    before = balance(ledger, month)
    for second in (settle("poster/1", 50), release("poster/1")):
        with pytest.raises(AlreadyResolved, match=told):
            ledger.resolve(second)
    assert balance(ledger, month) == before


@pytest.mark.parametrize("unknown", ["poster/2", "other/1", "nonsense"])
def test_what_was_never_reserved_cannot_be_resolved(ledger: Store, unknown: str) -> None:
    ledger.reserve(record(), [reservation(50)])
    with pytest.raises(AlreadyResolved, match="was never made"):
        ledger.resolve(settle(unknown, 1))


def test_history_tells_every_attempt_as_it_was_written(ledger: Store) -> None:
    labels = record(asset="poster-7", parent="draft", tags={"campaign": "spring"}, prompt="a fox")
    ledger.reserve(labels, [reservation(50, claim("month"), claim("campaign", scope="spring"))])
    ledger.resolve(release("poster/1"))
    ledger.reserve(labels, [reservation(60, attempt=2, quality=None)])
    usage = Usage(text_in=12, image_out=4160, images=1)
    ledger.resolve(settle("poster/2", 55, usage=usage, reason="no usage", unconfirmed=True, basis=Basis.QUOTED))
    ledger.adjust(adjustment(50, reservation_id="poster/2"))
    history = ledger.history("poster")
    assert history is not None
    assert history.record == labels
    first, second = history.attempts
    assert first.resolution is not None
    assert (first.resolution.kind, first.resolution.reason, first.cost_nusd) == (EntryKind.RELEASE, "rate limited", 0)
    assert first.reserve.counters == (claim("campaign", scope="spring").key, claim("month").key)
    assert second.resolution is not None
    assert (second.resolution.usage, second.resolution.basis) == (usage, Basis.QUOTED)
    assert (second.resolution.deployment, second.resolution.quality) == ("gpt-image-2", None)
    assert (second.adjusted_nusd, second.cost_nusd) == (-5, 50)


def test_a_request_that_was_never_written_has_no_history(ledger: Store) -> None:
    assert ledger.history("poster") is None


# --- Expire -----------------------------------------------------------------------------------------------------------


def test_a_sweep_charges_what_has_expired_at_its_hold_unconfirmed(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(50, month)])
    (swept,) = ledger.sweep(NOON + HOLD_FOR, release=False)
    assert (swept.reservation_id, swept.kind, swept.amount_nusd) == ("poster/1", EntryKind.EXPIRE, 50)
    assert (swept.unconfirmed, swept.basis, swept.at) == (True, Basis.QUOTED, NOON + HOLD_FOR)
    assert balance(ledger, month) == Balance(spent_nusd=50)


def test_a_sweep_can_give_back_what_has_expired(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(50, month)])
    (swept,) = ledger.sweep(NOON + HOLD_FOR, release=True)
    assert (swept.kind, swept.amount_nusd, swept.unconfirmed) == (EntryKind.EXPIRE, 0, False)
    assert balance(ledger, month) == Balance()


def test_a_sweep_leaves_alone_what_may_still_be_answered(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record("old"), [reservation(10, month, request_id="old")])
    later = NOON + timedelta(milliseconds=1)
    ledger.reserve(record("new"), [reservation(20, month, request_id="new", at=later)])
    assert [swept.reservation_id for swept in ledger.sweep(NOON + HOLD_FOR, release=False)] == ["old/1"]
    assert ledger.sweep(NOON + HOLD_FOR, release=False) == ()
    assert balance(ledger, month) == Balance(held_nusd=20, spent_nusd=10)


def test_an_answer_that_comes_after_the_sweep_is_refused_and_can_be_booked_as_a_correction(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(50, month)])
    ledger.sweep(NOON + HOLD_FOR, release=False)
    with pytest.raises(AlreadyResolved, match="was expired already"):
        ledger.resolve(settle("poster/1", 30))
    ledger.adjust(adjustment(30))
    assert balance(ledger, month) == Balance(spent_nusd=30)


# --- Adjust -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cost", "difference"), [(0, -30), (20, -10), (30, 0), (35, 5)])
def test_an_adjustment_books_the_difference_to_what_it_did_cost(ledger: Store, cost: int, difference: int) -> None:
    month = claim("month", 100)
    buy(ledger, "poster", 30, month)
    ledger.adjust(adjustment(cost, vendor_request_id="req_7"))
    *_, entry = ledger.entries()
    assert (entry.kind, entry.amount_nusd, entry.vendor_request_id) == (EntryKind.ADJUST, difference, "req_7")
    assert balance(ledger, month) == Balance(spent_nusd=cost)
    assert ledger.verify().differences == ()


def test_the_same_correction_made_twice_books_nothing_the_second_time(ledger: Store) -> None:
    month = claim("month", 100)
    buy(ledger, "poster", 30, month)
    for cost in (20, 20, 45, 45):
        ledger.adjust(adjustment(cost))
    assert [entry.amount_nusd for entry in ledger.entries()] == [30, 30, -10, 0, 25, 0]
    assert balance(ledger, month) == Balance(spent_nusd=45)


def test_corrections_of_one_attempt_leave_another_alone(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(30), reservation(40, attempt=2)])
    for resolution in (settle("poster/1", 30), settle("poster/2", 40)):
        ledger.resolve(resolution)
    ledger.record_cached(record(), cache_hit(saved=9))
    ledger.adjust(adjustment(20))
    ledger.adjust(adjustment(41, reservation_id="poster/2"))
    history = ledger.history("poster")
    assert history is not None
    assert [attempt.cost_nusd for attempt in history.attempts] == [20, 41]


def test_what_the_vendor_calls_a_purchase_is_kept(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(30)])
    ledger.resolve(settle("poster/1", 30, vendor_request_id="req_1"))
    assert [entry.vendor_request_id for entry in ledger.entries()] == ["", "req_1"]


def test_a_release_can_be_corrected_where_the_vendor_charged_after_all(ledger: Store) -> None:
    month = claim("month", 100)
    ledger.reserve(record(), [reservation(30, month)])
    ledger.resolve(release("poster/1"))
    ledger.adjust(adjustment(30))
    assert balance(ledger, month) == Balance(spent_nusd=30)


def test_an_open_reservation_cannot_be_corrected(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(30)])
    with pytest.raises(AlreadyResolved, match="still open"):
        ledger.adjust(adjustment(1))


def test_what_was_never_reserved_cannot_be_corrected(ledger: Store) -> None:
    with pytest.raises(AlreadyResolved, match="was never made"):
        ledger.adjust(adjustment(1))
