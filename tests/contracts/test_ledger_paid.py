"""What every store promises of requests that are summed up by all that a price reads of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from routing.core.entries import Adjustment
from routing.core.picture import Size
from routing.core.spend import SpendQuery
from routing.core.window import EVER
from routing.ledger import rollup
from routing.ledger.paid import PROMPT_STEPS, TEXT_STEPS, longest
from routing.ledger.queries import scripts
from tests.ledger.old_books import NOVEMBER, OCTOBER, fill, move
from tests.ledger.purchases import DECEMBER, NOON, buy, cache_hit, record, release, reservation, settle
from tests.ledger.shelves import FileShelf, PostgresShelf, Shelf, fold

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from routing.core.past import Paid
    from routing.ledger.base import Store

HOUR = timedelta(hours=1)


def paid(ledger: Store, since: datetime = NOVEMBER, until: datetime = DECEMBER) -> list[Paid]:
    (found,) = ledger.paid_each([(since, until)])
    return sorted(found, key=lambda each: (each.importance, each.images, each.features.prompt_chars))


# --- Who is like whom -------------------------------------------------------------------------------------------------


def test_requests_that_are_alike_to_a_price_are_one(ledger: Store, settled: Callable[[Store], None]) -> None:
    for number, chars in enumerate((110, 150, 199)):
        labels: dict[str, Any] = {
            "prompt_chars": chars,
            "tags": {"campaign": f"c{number}"},
            "quality": "low",
            "max_price_nusd": number,
        }
        buy(ledger, str(number), 10, at=NOON + number * HOUR, labels=labels)
    buy(ledger, "round", 10, labels={"prompt_chars": 200})
    buy(ledger, "edited", 10, labels={"prompt_chars": 110, "references": (Size(width=7, height=9),)})
    settled(ledger)
    alike, edited = sorted(paid(ledger)[:2], key=lambda each: -each.requests)
    round_number = paid(ledger)[2]
    assert (alike.requests, alike.prompt_tokens, alike.spent_nusd) == (3, 28 + 38 + 50, 30)
    assert alike.spans == ((101, 199), (6, 6))
    assert (alike.size, alike.images, alike.features.tags) == (Size(width=1024, height=1024), 1, {})
    assert (edited.requests, edited.features.references) == (1, (Size(width=7, height=9),))
    assert round_number.spans == ((200, 200), (6, 6))


def test_a_request_is_known_by_all_of_its_entries_whenever_they_come(ledger: Store) -> None:
    ledger.reserve(
        record(n=2), [reservation(30), reservation(30, attempt=2, size="1536x1024"), reservation(9, attempt=3)]
    )
    ledger.resolve(settle("poster/3", 9, unconfirmed=True, images=0))
    fold(ledger)
    (only,) = paid(ledger)
    assert (only.requests, only.images, only.spent_nusd, only.failed_nusd, only.unconfirmed_nusd) == (1, 0, 9, 9, 9)
    ledger.resolve(settle("poster/2", 30, images=2))
    expected = [(0, 0, 0, 0, 0), (1, 2, 39, 9, 9)]
    for _ in range(2):
        found = paid(ledger)
        assert [*({(0, 0, 0, 0, 0)} if len(found) == 1 else ()), *map(in_short, found)] == expected
        assert found[-1].size == Size(width=1536, height=1024)
        fold(ledger)
    ledger.resolve(release("poster/1"))
    ledger.adjust(Adjustment(reservation_id="poster/3", at=DECEMBER, cost_nusd=4, reason="the bill"))
    ledger.adjust(Adjustment(reservation_id="poster/2", at=DECEMBER, cost_nusd=28, reason="the bill"))
    ledger.record_cached(record(n=2), cache_hit(images=3))
    for _ in range(2):
        (only,) = (each for each in paid(ledger) if each.requests)
        assert (*in_short(only), only.from_cache, only.saved_nusd) == (1, 2, 32, 4, 0, 3, 40)
        fold(ledger)
    assert ledger.verify().differences == ()


def test_a_picture_that_was_bought_again_is_no_second_one_that_was_wanted(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(30), reservation(30, attempt=2)])
    ledger.resolve(settle("poster/1", 30, images=1))
    ledger.resolve(settle("poster/2", 30, images=1))
    for _ in range(2):
        (only,) = paid(ledger)
        assert (only.requests, only.images, only.spent_nusd) == (1, 1, 60)
        fold(ledger)


def in_short(paid: Paid) -> tuple[int, ...]:
    return paid.requests, paid.images, paid.spent_nusd, paid.failed_nusd, paid.unconfirmed_nusd


def test_several_times_are_answered_alike_together_and_alone(ledger: Store, settled: Callable[[Store], None]) -> None:
    for number, hours in enumerate((0, 1, 26, 500)):
        buy(ledger, str(number), 2**number, at=NOVEMBER + hours * HOUR)
    settled(ledger)
    minute = timedelta(minutes=1)
    edges = [NOVEMBER, NOVEMBER + minute, NOVEMBER + HOUR, NOVEMBER + HOUR + minute, NOVEMBER + 30 * HOUR, DECEMBER]
    spans = [*pairwise(edges), (NOVEMBER, DECEMBER), EVER]
    together = ledger.paid_each(spans)
    assert [sum(each.spent_nusd for each in found) for found in together] == [1, 0, 2, 4, 8, 15, 15]
    assert together == [found for span in spans for found in ledger.paid_each([span])]
    assert ledger.paid_each([]) == []


def test_savings_of_whole_hours_read_no_request_that_is_folded(ledger: Store, shelf: Shelf) -> None:
    for number, hours in enumerate((0, 30, 31 * 24)):
        buy(ledger, str(number), 2**number, at=NOVEMBER + hours * HOUR)
    fold(ledger)
    buy(ledger, "tail", 100, at=DECEMBER)
    spans = [(NOVEMBER, DECEMBER), (NOVEMBER + 30 * HOUR, NOVEMBER + 31 * HOUR), EVER]
    before = ledger.paid_each(spans)
    assert [sum(each.spent_nusd for each in found) for found in before] == [3, 2, 107]
    shelf.tamper("DELETE FROM entries WHERE seq <= 6", "DELETE FROM requests WHERE request_id <> 'tail'")
    assert ledger.paid_each(spans) == before


@pytest.mark.parametrize("steps", [PROMPT_STEPS, TEXT_STEPS])
def test_lengths_are_folded_in_spans_without_gaps_and_round_ones_stand_alone(
    ledger: Store, steps: tuple[tuple[int | None, int], ...]
) -> None:
    lengths = [1, 19, 20, 21, 29, 30, 99, 100, 101, 110, 199, 200, 999, 1000, 1001, 1999, 2000]
    name = "prompt_chars" if steps is PROMPT_STEPS else "text_chars"
    found = []
    for number, length in enumerate(lengths):
        at = NOVEMBER + number * HOUR
        buy(ledger, str(number), 1, at=at, labels={name: length})
        (each,) = paid(ledger, at, at + HOUR)
        least, most = each.spans[steps is TEXT_STEPS]
        assert least <= length <= most == longest(least, steps)
        found.append((least, most))
    assert all(earlier == later or earlier[1] < later[0] for earlier, later in pairwise(found))
    assert {(100, 100), (200, 200), (1000, 1000), (2000, 2000), (1001, 1999)} <= {*found}


# --- Keeping sums -----------------------------------------------------------------------------------------------------


def test_what_is_archived_stays_in_the_sums(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    fold(ledger)
    spans = [EVER, (OCTOBER, NOVEMBER), (OCTOBER, NOVEMBER + HOUR)]
    before = ledger.paid_each(spans)
    by_asset = ledger.spend(SpendQuery(by=("asset", "importance", "campaign")))
    move(ledger, tmp_path / "old.csv")
    assert ledger.paid_each(spans) == before
    assert ledger.spend(SpendQuery(by=("asset", "importance", "campaign"))) == by_asset
    assert ledger.archives_behind(SpendQuery(by=("asset", "importance"))) == ()
    assert ledger.verify().differences == ()


@pytest.mark.parametrize("make", [FileShelf, PostgresShelf])
def test_a_ledger_that_kept_fewer_sums_is_folded_anew_and_tells_what_it_lacks(
    make: Callable[[Path], FileShelf | PostgresShelf], tmp_path: Path
) -> None:
    shelf = make(tmp_path)
    fill(store := shelf.open())
    fold(store)
    queries = [SpendQuery(by=by) for by in ((), ("importance",), ("campaign",), ("campaign", "kind"), ("asset",))]
    before = store.spend_each(queries)
    archive = move(store, tmp_path / "old.csv")
    store.close()
    shelf.tamper(*as_version_six(shelf))
    store = shelf.open()
    assert store.spend_each(queries) == before
    fold(store)
    assert store.spend_each(queries) == before
    assert store.verify().differences == ()
    (known,) = store.archives()
    assert known == replace(archive, all_sums=False)
    for query in queries:
        assert store.archives_behind(query) == ()
    assert store.archives_behind(SpendQuery(by=("asset", "importance"))) == (known,)
    assert store.archives_behind(SpendQuery(by=("asset", "importance"), since=NOVEMBER)) == ()
    (found,) = store.paid_each([EVER])
    assert sum(each.spent_nusd for each in found) == sum(int(row.spent) for row in before[0]) - archive.spent_nusd
    shelf.close()


def as_version_six(shelf: FileShelf | PostgresShelf) -> list[str]:
    """Take back what version 7 made: the old sums by asset know neither importance nor tags."""
    assert scripts("sqlite")[6][0] == 7
    by_asset = (
        "CREATE TABLE by_asset AS SELECT rollup, start, asset, SUM(spent_nusd) AS spent_nusd, SUM(saved_nusd) AS"
        " saved_nusd, SUM(unconfirmed_nusd) AS unconfirmed_nusd, SUM(images) AS images, SUM(requests) AS requests,"
        " SUM(cached) AS cached FROM archived_sums WHERE rollup = 6 GROUP BY rollup, start, asset"
    )
    return [
        by_asset,
        "DELETE FROM archived_sums WHERE rollup = 6",
        (
            "INSERT INTO archived_sums SELECT rollup, start, 0, 0, asset, spent_nusd, saved_nusd, unconfirmed_nusd,"
            " images, requests, cached FROM by_asset"
        ),
        "DROP TABLE by_asset",
        "ALTER TABLE fold_mark RENAME TO rollup_mark",
        "DROP TABLE paid_shapes",
        "DROP TABLE paid_sums",
        "DROP TABLE archived_paid_sums",
        "DROP INDEX requests_by_parent",
        "ALTER TABLE archives DROP COLUMN all_sums",
        "PRAGMA user_version = 6" if isinstance(shelf, FileShelf) else "UPDATE ledger SET version = 6",
    ]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE paid_sums SET spent_nusd = spent_nusd + 1 WHERE rollup = 1",
            (
                "cost by hours from 2026-11-21T12:00:00+00:00 of draft 1024x1024 is not what its entries say, by"
                " $0.000000001 spent"
            ),
        ),
        ("UPDATE paid_sums SET failed_nusd = 2, unconfirmed_nusd = 3", "by $0.000000002 failed, $0.000000003 unconf"),
        ("UPDATE paid_sums SET requests = 0, prompt_tokens = 0 WHERE rollup = 2", "by -1 requests, -10 prompt_tokens"),
        ("UPDATE paid_sums SET from_cache = 1, saved_nusd = 7", "by $0.000000007 saved, 1 from_cache"),
        ("DELETE FROM paid_sums WHERE rollup = 2", "cost by months from 2026-11-01T00:00:00+00:00"),
        ("UPDATE paid_sums SET start = 0 WHERE rollup = 1", "from 1970-01-01T00:00:00+00:00 of draft"),
    ],
)
def test_sums_of_what_requests_cost_that_are_wrong_are_found(
    ledger: Store, shelf: Shelf, statement: str, told: str
) -> None:
    buy(ledger, "poster", 30)
    fold(ledger)
    assert ledger.verify().differences == ()
    shelf.tamper(statement)
    assert any(told in sentence for sentence in ledger.verify().differences), ledger.verify().differences


def test_two_who_meet_the_same_new_shape_give_it_one_number(ledger: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "ENTRIES_A_STEP", 2)
    for number in range(6):
        buy(ledger, str(number), 10, labels={"prompt_chars": 40 + number % 2})
    fold(ledger)
    (only,) = paid(ledger)
    assert (only.requests, only.prompt_tokens) == (6, 3 * 10 + 3 * 11)
