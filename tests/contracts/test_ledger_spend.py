"""What every store promises of spend, folded or not: who counts where, and that a report never needs every entry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Adjustment, Basis
from routing.core.spend import SpendQuery, SpendRow, total_of
from routing.ledger import rollup
from routing.ledger.rollup import Step
from routing.ledger.store import CommonStore
from tests.ledger.purchases import (
    DECEMBER,
    NOON,
    NOVEMBER,
    buy,
    cache_hit,
    claim,
    record,
    release,
    reservation,
    settle,
)
from tests.ledger.shelves import FileShelf, PostgresShelf, Shelf, fold
from tests.ledger.test_upgrade import version_one

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from routing.ledger.base import Store

HOUR = timedelta(hours=1)


def mark(ledger: Store) -> tuple[int, int]:
    assert isinstance(ledger, CommonStore)
    with ledger._reader.reading() as cursor:
        return rollup.mark(cursor)


def rows(ledger: Store, *by: str, since: datetime | None = None, until: datetime | None = None) -> list[SpendRow]:
    return ledger.spend(SpendQuery(by=by, since=since, until=until))


def total(ledger: Store, since: datetime | None = None, until: datetime | None = None) -> SpendRow:
    return total_of(rows(ledger, since=since, until=until))


def adjustment(cost: int, at: datetime, *, confirmed: bool = True) -> Adjustment:
    return Adjustment(reservation_id="poster/1", at=at, cost_nusd=cost, reason="the bill", confirmed=confirmed)


# --- Who counts where -------------------------------------------------------------------------------------------------


def test_a_request_counts_once_in_the_group_that_charged_it_first(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    ledger.reserve(record(), [reservation(5, deployment="flux"), reservation(6, attempt=2), reservation(7, attempt=3)])
    ledger.resolve(release("poster/1"))
    ledger.resolve(settle("poster/3", 7))
    ledger.resolve(settle("poster/2", 6))
    buy(ledger, "other", 3, deployment="flux")
    settled(ledger)
    assert [(row.key, row.spent, row.requests) for row in rows(ledger, "deployment")] == [
        (("gpt-image-2",), 13, 1),
        (("flux",), 3, 1),
    ]
    assert total(ledger).requests == 2


def test_the_requests_of_groups_add_up_to_the_total_whatever_they_are_grouped_by(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    attempts = (("flux", None), ("gpt", "low"), ("gpt", "high"))
    ledger.reserve(
        record(tags={"campaign": "spring"}),
        [
            reservation(5, attempt=number, deployment=deployment, quality=quality)
            for number, (deployment, quality) in enumerate(attempts, 1)
        ],
    )
    for number in (1, 2, 3):
        ledger.resolve(settle(f"poster/{number}", 5))
    ledger.record_cached(record(tags={"campaign": "spring"}), cache_hit())
    settled(ledger)
    for by in (("deployment",), ("quality",), ("deployment", "quality", "campaign"), ("request_id",), ("asset",)):
        assert total_of(rows(ledger, *by)) == total(ledger)
    assert total(ledger).requests == 1


def test_a_request_counts_in_the_time_of_its_first_charge_and_not_again_with_a_correction(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    buy(ledger, "poster", 30, at=DECEMBER - HOUR)
    ledger.adjust(adjustment(20, DECEMBER))
    settled(ledger)
    november, december = total(ledger, NOVEMBER, DECEMBER), total(ledger, since=DECEMBER)
    assert (november.spent, november.requests) == (30, 1)
    assert (december.spent, december.requests) == (-10, 0)


def test_a_request_that_only_a_correction_charged_counts_with_that(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    ledger.reserve(record(), [reservation(30)])
    ledger.resolve(release("poster/1"))
    ledger.adjust(adjustment(12, DECEMBER))
    settled(ledger)
    assert (total(ledger, until=DECEMBER).requests, total(ledger, since=DECEMBER).requests) == (0, 1)


def test_what_is_confirmed_later_is_taken_back_where_it_was_booked(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(30)])
    ledger.resolve(settle("poster/1", 30, unconfirmed=True, basis=Basis.QUOTED))
    fold(ledger)
    ledger.adjust(adjustment(25, DECEMBER, confirmed=False))
    fold(ledger)
    assert [total(ledger, *span).unconfirmed for span in ((None, DECEMBER), (DECEMBER, None))] == [30, -5]
    ledger.adjust(adjustment(25, DECEMBER + HOUR))
    for _ in range(2):
        assert [total(ledger, *span).unconfirmed for span in ((None, DECEMBER), (DECEMBER, None))] == [0, 0]
        fold(ledger)
    ledger.adjust(adjustment(40, DECEMBER + 2 * HOUR, confirmed=False))
    ledger.adjust(adjustment(41, DECEMBER + 2 * HOUR))
    ledger.adjust(adjustment(41, DECEMBER + 2 * HOUR))
    fold(ledger)
    assert (total(ledger).spent, total(ledger).unconfirmed) == (41, 0)
    assert ledger.verify().differences == ()


def test_several_questions_are_answered_alike_together_and_alone(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    for number, hours in enumerate((0, 1, 26, 500)):
        buy(ledger, str(number), 2**number, at=NOVEMBER + hours * HOUR, labels={"tags": {"campaign": f"c{number % 2}"}})
    settled(ledger)
    asked = [
        SpendQuery(by=by, since=NOVEMBER + since * HOUR, until=DECEMBER)
        for by in ((), ("campaign",), ("request_id",))
        for since in (0, 1, 25, 500, 501)
    ]
    assert ledger.spend_each(asked) == [ledger.spend(query) for query in asked]
    assert [row.spent for found in ledger.spend_each(asked[:5]) for row in found] == [15, 14, 12, 8]
    assert ledger.spend_each([]) == []


def test_tags_of_any_length_and_kind_are_told_apart(ledger: Store, settled: Callable[[Store], None]) -> None:
    long = {f"key {number} {'é' * 190}": f"{number} {'Ω' * 190}" for number in range(32)}
    odd = {'"quoted"': "it's", "$[0]": 'say "hi"', "a.b": "\\", "кампания": "весна '); DROP TABLE entries; --"}
    other = {**long, f"key 31 {'é' * 190}": "another end"}
    for number, tags in enumerate((long, odd, other, {})):
        buy(ledger, str(number), 2**number, labels={"tags": tags})
    settled(ledger)
    for key, value in odd.items():
        assert {row.key: int(row.spent) for row in rows(ledger, key)} == {(value,): 2, ("",): 13}
    last = f"key 31 {'é' * 190}"
    assert {row.key: int(row.spent) for row in rows(ledger, last)} == {(long[last],): 1, ("another end",): 4, ("",): 10}
    assert len(rows(ledger, last, "a.b")) == 4
    assert ledger.verify().differences == ()


# --- Folding ----------------------------------------------------------------------------------------------------------


def test_entries_are_folded_step_by_step_and_each_once(ledger: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "ENTRIES_A_STEP", 3)
    for number in range(5):
        buy(ledger, str(number), 10)
    steps = []
    while ledger.roll_up():
        steps.append(mark(ledger)[0])
        assert total(ledger).spent == 50
    assert steps == [3, 6, 9, 10]
    assert not ledger.roll_up()
    assert total(ledger).spent == 50
    assert ledger.verify().differences == ()


def test_few_entries_may_wait(ledger: Store) -> None:
    buy(ledger, "a", 10)
    assert not ledger.roll_up(3)
    buy(ledger, "b", 5)
    assert mark(ledger) == (0, 4)
    assert ledger.roll_up(3)
    assert mark(ledger) == (4, 4)
    assert not ledger.roll_up(3)


def test_a_report_of_whole_months_days_and_hours_reads_no_entry_that_is_folded(ledger: Store, shelf: Shelf) -> None:
    for number, hours in enumerate((0, 30, 31 * 24)):
        tags = {"campaign": f"c{number}", "kind": "poster"}
        buy(ledger, str(number), 2**number, at=NOVEMBER + hours * HOUR, labels={"tags": tags, "asset": f"a{number}"})
    fold(ledger)
    buy(ledger, "tail", 100, at=DECEMBER, labels={"asset": "a0"})
    asked = [
        SpendQuery(by=by, since=since, until=until)
        for by in ((), ("importance", "deployment"), ("campaign",), ("campaign", "kind"), ("asset",))
        for since, until in ((None, None), (NOVEMBER, DECEMBER))
    ]
    asked += [
        SpendQuery(by=("importance",), since=NOVEMBER + 30 * HOUR, until=NOVEMBER + 31 * HOUR),
        SpendQuery(by=("campaign",), since=NOVEMBER + 24 * HOUR, until=NOVEMBER + 48 * HOUR),
    ]
    before = ledger.spend_each(asked)
    assert [int(total_of(found).spent) for found in before] == [107, 3] * 5 + [2, 2]
    shelf.tamper("DELETE FROM entries WHERE seq <= 6", "DELETE FROM requests WHERE request_id <> 'tail'")
    assert ledger.spend_each(asked) == before


def test_two_who_fold_at_the_same_time_fold_each_entry_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "ENTRIES_A_STEP", 7)
    first, second = shelf.open(), shelf.open()
    for number in range(40):
        buy(first, str(number), 10, labels={"asset": f"a{number}", "tags": {"campaign": f"c{number}"}})
    threads = [Thread(target=fold, args=(store,)) for store in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mark(first) == (80, 80)
    assert total(second).spent == 400
    assert first.verify().differences == ()


def test_who_comes_too_late_with_a_step_writes_nothing(ledger: Store) -> None:
    assert isinstance(ledger, CommonStore)
    buy(ledger, "a", 10)
    step = Step(after=0, last=2)
    with ledger._reader.reading() as cursor:
        sums, _ = rollup.sums(cursor, step, ledger._dialect)
    fold(ledger)
    assert not ledger._run_alone(lambda cursor: rollup.fold(cursor, step, sums, ledger._dialect))
    assert total(ledger).spent == 10
    assert ledger.verify().differences == ()


def test_a_charge_whose_group_has_no_number_is_not_folded_without_a_word(ledger: Store) -> None:
    assert isinstance(ledger, CommonStore)
    buy(ledger, "a", 10)
    step = Step(after=0, last=2)
    with ledger._reader.reading() as cursor:
        sums, nameless = rollup.sums(cursor, step, ledger._dialect)
    assert nameless == 1
    with pytest.raises(Exception, match=r"(?i)not.null"):
        ledger._run_alone(lambda cursor: rollup.fold(cursor, step, sums, ledger._dialect))
    assert mark(ledger) == (0, 2)
    fold(ledger)
    assert ledger.verify().differences == ()


@pytest.mark.parametrize("at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_clock_that_is_far_off_stops_nobody(ledger: Store, at: datetime) -> None:
    buy(ledger, "a", 10)
    buy(ledger, "mad", 5, at=at)
    fold(ledger)
    buy(ledger, "b", 3)
    assert total(ledger).spent == 18
    assert total(ledger, NOVEMBER, DECEMBER).spent == 13
    assert ledger.verify().differences == ()


@pytest.mark.parametrize("make", [FileShelf, PostgresShelf])
def test_what_an_older_version_wrote_is_folded_too(
    make: Callable[[Path], FileShelf | PostgresShelf], tmp_path: Path
) -> None:
    shelf = make(tmp_path)
    version_one(shelf)
    store = shelf.open()
    before = [rows(store, *by) for by in ((), ("kind",), ("asset",), ("importance", "size"))]
    assert [int(found[0].spent) for found in before] == [60] * 4
    fold(store)
    assert mark(store) == (3, 3)
    assert [rows(store, *by) for by in ((), ("kind",), ("asset",), ("importance", "size"))] == before
    assert store.verify().differences == ()
    shelf.close()


# --- Verify -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE spend_sums SET spent_nusd = spent_nusd + 1 WHERE rollup = 1",
            "hours from 2026-11-21T12:00:00+00:00 of draft gpt-image-2 is not what its entries say, by $0.000000001 sp",
        ),
        ("UPDATE spend_sums SET unconfirmed_nusd = 0 WHERE rollup = 2", "by $-0.00000003 unconfirmed"),
        (
            "UPDATE spend_sums SET images = 9, cached = 1 WHERE rollup = 3",
            "of draft gpt-image-2 campaign=spring is not",
        ),
        ("UPDATE spend_sums SET requests = 0 WHERE rollup = 4", "the sum of months by tag from 2026-11-01"),
        ("UPDATE spend_sums SET saved_nusd = 7 WHERE rollup = 5", "spring"),
        ("UPDATE spend_sums SET asset = 'another' WHERE rollup = 6", "the sum of months by asset from 2026-11-01"),
        ("DELETE FROM spend_sums WHERE rollup = 1", "by $-0.00000003 spent, $-0.00000003 unconfirmed"),
        ("UPDATE fold_mark SET rolled_seq = 1", "the sum of hours"),
        ("UPDATE fold_mark SET rolled_seq = 9", "entries up to 9 are folded, but the last one is 2"),
    ],
)
def test_sums_that_are_not_what_their_entries_say_are_found(
    ledger: Store, shelf: Shelf, statement: str, told: str
) -> None:
    ledger.reserve(record(asset="poster-7", tags={"campaign": "spring"}), [reservation(30, claim())])
    ledger.resolve(settle("poster/1", 30, at=NOON, unconfirmed=True))
    fold(ledger)
    assert ledger.verify().differences == ()
    shelf.tamper(statement)
    assert any(told in sentence for sentence in ledger.verify().differences), ledger.verify().differences
