"""Telling a bill's charges apart: by the strongest thing they have, nothing twice, nothing guessed into money."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.bill import BillLine, DayCost
from routing.core.entries import Adjustment
from routing.core.matching import BookedAttempt
from routing.core.reconciliation import SETTLED, Finding, Kind, Period, adjustments_for, compare_days, reconcile

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SLACK = timedelta(minutes=5)
DAY = Period(since=datetime(2026, 11, 21, tzinfo=UTC), until=datetime(2026, 11, 22, tzinfo=UTC))
COMPLETE = replace(DAY, complete=True)
LATER = datetime(2026, 12, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def line(amount: int, seconds: float | None = 10, **fields: Any) -> BillLine:
    at = None if seconds is None else after(seconds)
    plain = {"place": "bill.csv:2", "model": "gpt-image-2", "start": at, "end": at}
    return BillLine(amount_nusd=amount, **{**plain, **fields})


def attempt(name: str, charged: int, seconds: float = 0, **fields: Any) -> BookedAttempt:
    plain: dict[str, Any] = {
        "deployment": "gpt",
        "model": "gpt-image-2",
        "start": after(seconds),
        "end": after(seconds + 20),
        "held_nusd": max(charged, 100),
    }
    return BookedAttempt(id=name, charged_nusd=charged, **{**plain, **fields})


def unknown(name: str, held: int, seconds: float = 0, **fields: Any) -> BookedAttempt:
    return attempt(name, held, seconds, unconfirmed=True, **{"held_nusd": held, **fields})


def found(
    lines: list[BillLine], attempts: list[BookedAttempt], period: Period = DAY
) -> list[tuple[str, str | None, int]]:
    """The findings as (kind, attempt, difference)."""
    return [
        (each.kind.value, each.attempt.id if each.attempt else None, each.difference_nusd)
        for each in reconcile(lines, attempts, period, SLACK)
    ]


def booked(attempts: list[BookedAttempt], adjustments: list[Adjustment]) -> list[BookedAttempt]:
    """What the ledger holds after these entries."""
    corrected = {each.reservation_id: each for each in adjustments}
    return [
        replace(
            each,
            charged_nusd=entry.cost_nusd,
            unconfirmed=not entry.confirmed,
            vendor_request_id=entry.vendor_request_id or each.vendor_request_id,
        )
        if (entry := corrected.get(each.id))
        else each
        for each in attempts
    ]


# --- Which charge is which attempt ------------------------------------------------------------------------------------


def test_the_vendors_id_decides_whatever_time_and_model_say() -> None:
    lines = [line(50, 9_000, vendor_request_id="req_1", model="GPT Image")]
    attempts = [attempt("near", 50, 9_000), attempt("named", 50, vendor_request_id="req_1")]
    assert found(lines, attempts) == [
        ("matched", "named", 0),
        ("in the ledger, not on the bill", "near", -50),
    ]


def test_two_different_ids_are_never_the_same_call() -> None:
    lines = [line(50, vendor_request_id="req_1")]
    assert found(lines, [attempt("other", 50, vendor_request_id="req_2")]) == [
        ("in the ledger, not on the bill", "other", -50),
        ("on the bill, not in the ledger", None, 50),
    ]


def test_an_attempt_without_an_id_is_found_by_model_time_and_amount() -> None:
    lines = [line(50, 25, vendor_request_id="req_9"), line(50, 25, model="gpt-image-2.5-flare")]
    assert found(lines, [unknown("lost", 60)]) == [
        ("unconfirmed, now known", "lost", -10),
        ("on the bill, not in the ledger", None, 50),
    ]


@pytest.mark.parametrize(("inside", "outside"), [(-300, -301), (320, 321)])
def test_a_charge_may_be_as_far_from_the_call_as_the_clocks_may_differ(inside: float, outside: float) -> None:
    lost = unknown("lost", 60)
    assert found([line(50, inside)], [lost]) == [("unconfirmed, now known", "lost", -10)]
    assert ("on the bill, not in the ledger", None, 50) in found([line(50, outside)], [lost])


def test_an_equal_amount_is_first_of_all_the_confirmed_call_of_that_amount() -> None:
    # Three calls at one price, two charges: the one that nobody is sure of is the one that was not charged.
    attempts = [unknown("lost", 50), attempt("a", 50, 1), attempt("b", 50, 2)]
    kinds = {name: kind for kind, name, _ in found([line(50, 3), line(50, 4)], attempts)}
    assert kinds == {"lost": "unconfirmed, not on the bill", "a": "matched", "b": "matched"}


def test_another_amount_is_first_of_all_the_unconfirmed_call_it_fits_below() -> None:
    attempts = [unknown("small", 60), unknown("large", 210), attempt("sure", 55)]
    lines = [line(50, 5), line(200, 5), line(55, 5)]
    assert {name: difference for _, name, difference in found(lines, attempts)} == {
        "small": -10,
        "large": -10,
        "sure": 0,
    }


def test_what_happened_at_the_same_time_goes_before_what_is_only_near() -> None:
    attempts = [unknown("before", 60, -120), unknown("during", 60, 0)]
    assert found([line(50, 10)], attempts) == [
        ("unconfirmed, not on the bill", "before", -60),
        ("unconfirmed, now known", "during", -10),
    ]


def test_a_line_of_a_day_is_told_apart_after_those_with_a_moment() -> None:
    whole_day: dict[str, Any] = {"start": DAY.since, "end": DAY.until - timedelta(microseconds=1)}
    attempts = [attempt("morning", 50, -20_000), attempt("noon", 50)]
    lines = [line(50, **whole_day), line(50, 5)]
    findings = reconcile(lines, attempts, DAY, SLACK)
    assert {each.attempt.id: each.charge.start for each in findings if each.attempt and each.charge} == {
        "morning": DAY.since,
        "noon": after(5),
    }


def test_a_call_that_is_still_open_is_no_alarm() -> None:
    going = attempt("going", 0, end=None)
    assert found([line(50, 5)], [going]) == [("on the bill, still open here", "going", 50)]


def test_a_call_the_vendor_released_is_charged_by_its_id_alone() -> None:
    released = attempt("released", 0)
    assert found([line(50, 5)], [released]) == [("on the bill, not in the ledger", None, 50)]
    named = replace(released, vendor_request_id="req_1")
    assert found([line(50, 5, vendor_request_id="req_1")], [named]) == [("priced differently", "released", 50)]


def test_the_lines_of_one_request_are_added_up() -> None:
    lines = [line(2, vendor_request_id="r", place="b:2"), line(48, 30, vendor_request_id="r", place="b:3")]
    [finding] = reconcile(lines, [attempt("a", 50, vendor_request_id="r")], DAY, SLACK)
    assert finding.kind is Kind.MATCHED
    assert finding.charge is not None
    assert finding.charge.places == ("b:2", "b:3")


def test_a_refund_lowers_its_own_request_and_any_other_credit_stands_alone() -> None:
    lines = [line(50, vendor_request_id="r"), line(-50, vendor_request_id="r"), line(-500, 60)]
    assert found(lines, [attempt("a", 50, vendor_request_id="r")]) == [
        ("priced differently", "a", -50),
        ("credit", None, -500),
    ]


def test_a_line_without_a_time_is_found_by_its_id_or_not_at_all() -> None:
    lines = [line(50, None, vendor_request_id="r"), line(60, None)]
    assert found(lines, [attempt("a", 50, vendor_request_id="r"), attempt("b", 60)]) == [
        ("matched", "a", 0),
        ("in the ledger, not on the bill", "b", -60),
        ("on the bill, not in the ledger", None, 60),
    ]


# --- What may be booked -----------------------------------------------------------------------------------------------


def bookable(lines: list[BillLine], attempts: list[BookedAttempt], period: Period = DAY) -> list[Adjustment]:
    return adjustments_for(reconcile(lines, attempts, period, SLACK), "bill.csv", LATER)


def test_an_adjustment_says_what_it_did_cost_and_where_that_stands() -> None:
    [entry] = bookable([line(50, vendor_request_id="req_1")], [unknown("lost", 60)])
    assert entry == Adjustment(
        reservation_id="lost",
        at=LATER,
        cost_nusd=50,
        reason="the vendor's bill, bill.csv:2",
        confirmed=True,
        vendor_request_id="req_1",
    )


def test_an_unconfirmed_call_at_exactly_its_quote_is_confirmed() -> None:
    [entry] = bookable([line(60)], [unknown("lost", 60)])
    assert (entry.cost_nusd, entry.confirmed) == (60, True)


def test_more_than_the_quote_is_booked_by_the_vendors_id_and_not_by_time() -> None:
    lost = unknown("lost", 100)
    assert found([line(101)], [lost]) == [("unconfirmed, now known", "lost", 1)]
    assert not bookable([line(101)], [lost])
    [entry] = bookable([line(101, vendor_request_id="r")], [replace(lost, vendor_request_id="r")])
    assert entry.cost_nusd == 101


def test_what_is_certain_is_corrected_by_the_vendors_id_and_not_by_time() -> None:
    sure = attempt("sure", 100)
    assert found([line(99)], [sure]) == [("priced differently", "sure", -1)]
    assert not bookable([line(99)], [sure])
    [entry] = bookable([line(99, vendor_request_id="r")], [replace(sure, vendor_request_id="r")])
    assert entry.cost_nusd == 99


@pytest.mark.parametrize("amount", [33, 301])
def test_amounts_that_are_too_far_apart_are_of_different_calls(amount: int) -> None:
    for each in (unknown("lost", 100), attempt("sure", 100)):
        assert ("on the bill, not in the ledger", None, amount) in found([line(amount)], [each])


@pytest.mark.parametrize(
    "doubtful",
    [
        line(1000, 300),  # a sum, perhaps, and the lost call in it
        line(1000, None),
        line(1000, None, model="", vendor_request_id="req_9"),
        line(1000, start=DAY.since, end=DAY.until),
    ],
)
def test_nothing_is_taken_for_free_while_the_bill_charges_something_near_it_that_nobody_knows(
    doubtful: BillLine,
) -> None:
    assert not bookable([doubtful], [unknown("lost", 60)], COMPLETE)
    assert bookable([line(1000, 1000)], [unknown("lost", 60)], COMPLETE)
    assert bookable([line(1000, 300, model="another")], [unknown("lost", 60)], COMPLETE)


def test_what_is_not_on_the_bill_costs_nothing_only_where_the_bill_is_complete() -> None:
    assert not bookable([], [unknown("lost", 60)])
    [entry] = bookable([], [unknown("lost", 60)], COMPLETE)
    assert (entry.cost_nusd, entry.reason, entry.vendor_request_id) == (0, "not on the vendor's bill bill.csv", "")


def test_near_the_ends_of_a_complete_bill_nothing_is_taken_for_free() -> None:
    early = unknown("early", 60, start=DAY.since + timedelta(minutes=4), end=DAY.since + timedelta(minutes=4))
    late = unknown("late", 60, start=DAY.until - timedelta(minutes=4), end=DAY.until - timedelta(minutes=4))
    assert len(found([], [early, late], COMPLETE)) == 2
    assert not bookable([], [early, late], COMPLETE)


def test_what_is_certain_is_never_taken_off_the_ledger_because_a_bill_lacks_it() -> None:
    assert not bookable([], [attempt("sure", 60)], COMPLETE)


def test_calls_outside_the_bills_time_are_not_missed() -> None:
    assert not found([], [unknown("yesterday", 60, -50_000), attempt("tomorrow", 60, 50_000)], COMPLETE)


# --- For any bill -----------------------------------------------------------------------------------------------------

MODELS = ("gpt-image-2", "openai/gpt-image-2-2026-04-21", "flux/schnell")
IDS = st.sampled_from(["", "", "a", "b", "c", "d"])
MOMENTS = st.integers(-400, 400)


@st.composite
def bill_lines(draw: st.DrawFn) -> list[BillLine]:
    return [
        line(
            draw(st.integers(-1, 12)),
            draw(MOMENTS),
            model=draw(st.sampled_from(MODELS)),
            vendor_request_id=draw(IDS),
            place=f"bill.csv:{number}",
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@st.composite
def attempts_of_a_day(draw: st.DrawFn) -> list[BookedAttempt]:
    made = []
    for number in range(draw(st.integers(0, 8))):
        start, charged = draw(MOMENTS), draw(st.integers(0, 12))
        unconfirmed = draw(st.booleans())
        made.append(
            attempt(
                f"r/{number}",
                charged,
                start,
                end=draw(st.sampled_from([None, after(start), after(start + 30)])) if not unconfirmed else after(start),
                held_nusd=charged + draw(st.integers(0, 5)),
                unconfirmed=unconfirmed,
                model=draw(st.sampled_from(MODELS)),
                vendor_request_id=draw(IDS) if not unconfirmed else "",
            )
        )
    return made


@given(bill_lines(), attempts_of_a_day(), st.sampled_from([DAY, COMPLETE]))
def test_no_charge_and_no_attempt_is_counted_twice_and_nothing_is_lost(
    lines: list[BillLine], attempts: list[BookedAttempt], period: Period
) -> None:
    findings = reconcile(lines, attempts, period, SLACK)
    charges = [each.charge.name for each in findings if each.charge]
    assert len(charges) == len({*charges})
    told = [each.attempt.id for each in findings if each.attempt]
    assert len(told) == len({*told})
    # Charges of nothing may be left out; all others are somewhere, and so is all that the ledger charges in the period.
    assert sum(each.billed_nusd for each in findings) == sum(each.amount_nusd for each in lines)
    assert sum(each.booked_nusd for each in findings) == sum(each.charged_nusd for each in attempts)


@given(bill_lines(), attempts_of_a_day(), st.sampled_from([DAY, COMPLETE]))
def test_booking_a_bill_twice_changes_nothing_the_second_time(
    lines: list[BillLine], attempts: list[BookedAttempt], period: Period
) -> None:
    first = reconcile(lines, attempts, period, SLACK)
    afterwards = booked(attempts, adjustments_for(first, "bill.csv", LATER))
    second = reconcile(lines, afterwards, period, SLACK)
    assert not adjustments_for(second, "bill.csv", LATER)

    def undone(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
        return {
            (each.charge.name if each.charge else "", each.attempt.id if each.attempt else "")
            for each in findings
            if each.kind not in SETTLED and not each.bookable
        }

    assert undone(second) == undone(first)


@given(st.data())
def test_after_booking_a_bill_that_is_all_ours_the_sums_are_equal_to_the_nano_dollar(data: st.DataObject) -> None:
    """Calls a minute apart, each confirmed with an id or unknown without; the vendor charged any of them, by its id."""
    lines, attempts = [], []
    for number in range(data.draw(st.integers(1, 8))):
        cost = data.draw(st.integers(25, 100))
        sure = data.draw(st.booleans())
        name, start = f"req_{number}", number * 700
        held = cost + data.draw(st.integers(0, 50))
        made = attempt(f"r/{number}", cost, start, held_nusd=held, vendor_request_id=name)
        attempts.append(made if sure else unknown(f"r/{number}", held, start))
        if sure or data.draw(st.booleans()):
            billed = cost + data.draw(st.sampled_from([0, 0, 7])) if sure else cost
            lines.append(line(billed, start + data.draw(st.integers(-30, 50)), vendor_request_id=name))
    findings = reconcile(data.draw(st.permutations(lines)), data.draw(st.permutations(attempts)), COMPLETE, SLACK)
    afterwards = booked(attempts, adjustments_for(findings, "bill.csv", LATER))
    assert sum(each.charged_nusd for each in afterwards) == sum(each.amount_nusd for each in lines)
    assert not any(each.unconfirmed for each in afterwards)
    assert all(each.kind in SETTLED for each in reconcile(lines, afterwards, COMPLETE, SLACK))


# --- Sums of days -----------------------------------------------------------------------------------------------------


def test_days_are_compared_by_utc_day_and_model() -> None:
    costs = [
        DayCost(day=date(2026, 11, 21), model="gpt-image-2-2026-04-21, text", amount_nusd=1),
        DayCost(day=date(2026, 11, 21), model="gpt-image-2-2026-04-21, image output", amount_nusd=99),
        DayCost(day=date(2026, 11, 22), model="gpt-4o", amount_nusd=7),
    ]
    attempts = [attempt("a", 60), unknown("b", 45), attempt("c", 3, 13 * 3600), attempt("released", 0, model="m")]
    rows = compare_days(costs, attempts)
    assert [(row.day.day, row.model, row.billed_nusd, row.booked_nusd, row.unconfirmed_nusd) for row in rows] == [
        (21, "gpt-image-2", 100, 105, 45),
        (22, "gpt-4o", 7, 0, 0),
        (22, "gpt-image-2", 0, 3, 0),
    ]
    assert [row.difference_nusd for row in rows] == [-5, 7, -3]
