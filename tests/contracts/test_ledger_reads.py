"""What every store promises to those who read money: spend, and the proof that the counters are right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from routing.core.budgets import CounterKey
from routing.core.entries import Balance, Basis
from routing.core.money import Money
from routing.core.request import Operation
from routing.core.spend import DIMENSIONS, SpendQuery, SpendRow, total_of
from routing.errors import LedgerUnavailable
from tests.ledger.purchases import (
    DECEMBER,
    HOLD_FOR,
    NOON,
    NOVEMBER,
    a_raise,
    adjustment,
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
    from tests.ledger.shelves import Shelf


def total(ledger: Store, since: datetime | None = None, until: datetime | None = None) -> SpendRow:
    return total_of(ledger.spend(SpendQuery(by=(), since=since, until=until)))


def spent_by(ledger: Store, *by: str) -> dict[tuple[str, ...], int]:
    return {row.key: int(row.spent) for row in ledger.spend(SpendQuery(by=by))}


def reserve_unconfirmed(ledger: Store, amount: int) -> None:
    ledger.reserve(record(), [reservation(amount)])
    ledger.resolve(settle("poster/1", amount, unconfirmed=True, basis=Basis.QUOTED, images=0))


# --- Spend ------------------------------------------------------------------------------------------------------------


def test_spend_of_an_empty_ledger_has_no_rows(ledger: Store) -> None:
    assert ledger.spend(SpendQuery(by=("importance",))) == []
    assert ledger.spend(SpendQuery(by=())) == []


def test_spend_groups_dearest_first_and_then_by_key(ledger: Store) -> None:
    buy(ledger, "a", 10, labels={"importance": "review"})
    buy(ledger, "b", 30, labels={"importance": "final"})
    buy(ledger, "c", 6, labels={"importance": "draft"})
    buy(ledger, "d", 4, labels={"importance": "draft"})
    rows = ledger.spend(SpendQuery(by=("importance",)))
    assert [(row.key, row.spent, row.requests, row.images) for row in rows] == [
        (("final",), 30, 1, 1),
        (("draft",), 10, 2, 2),
        (("review",), 10, 1, 1),
    ]
    assert all(isinstance(row.spent, Money) and row.by == ("importance",) for row in rows)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_spend_groups_by_every_dimension(ledger: Store, dimension: str) -> None:
    of_reservation = dimension in {"deployment", "model", "size", "quality"}
    values = (Operation.GENERATE, Operation.EDIT) if dimension == "operation" else ("one", "two")
    for value, amount in zip(values, (5, 3), strict=True):
        different: dict[str, Any] = {} if dimension == "request_id" else {dimension: value}
        if of_reservation:
            buy(ledger, value, amount, **different)
        else:
            buy(ledger, value, amount, labels=different)
    assert spent_by(ledger, dimension) == {(values[0],): 5, (values[1],): 3}


def test_what_has_no_value_groups_under_nothing(ledger: Store) -> None:
    buy(ledger, "a", 5, labels={"asset": None}, quality=None)
    assert spent_by(ledger, "asset", "quality", "campaign") == {("", "", ""): 5}


@pytest.mark.parametrize(
    "key", ["campaign", "кампания", 'a "quoted" key', "it's", "a.b", "$[0]", "back\\slash", "x') --", "key", "", "a b"]
)
def test_any_other_name_is_the_key_of_a_tag_whatever_it_holds(ledger: Store, key: str) -> None:
    buy(ledger, "a", 5, labels={"tags": {key: "весна '); DROP TABLE entries; --", "other": "x"}})
    buy(ledger, "b", 3, labels={"tags": {key: 'say "hi"\n'}})
    buy(ledger, "c", 2, labels={"tags": {"something else": "y"}})
    assert spent_by(ledger, key) == {
        ("весна '); DROP TABLE entries; --",): 5,
        ('say "hi"\n',): 3,
        ("",): 2,
    }


def test_tags_and_dimensions_group_together_in_the_order_asked_for(ledger: Store) -> None:
    buy(ledger, "a", 5, labels={"tags": {"campaign": "spring"}})
    buy(ledger, "b", 4, labels={"tags": {"campaign": "spring"}}, deployment="flux")
    buy(ledger, "c", 3, labels={"tags": {"campaign": "winter"}}, deployment="flux")
    assert spent_by(ledger, "campaign", "deployment", "importance") == {
        ("spring", "gpt-image-2", "draft"): 5,
        ("spring", "flux", "draft"): 4,
        ("winter", "flux", "draft"): 3,
    }


def test_the_attempts_of_one_request_count_as_one_request(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(5), reservation(6, attempt=2)])
    ledger.resolve(settle("poster/1", 5))
    ledger.resolve(settle("poster/2", 6))
    row = total(ledger)
    assert (row.spent, row.requests, row.images) == (11, 1, 2)


def test_attempts_that_were_only_released_do_not_count(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(5)])
    ledger.resolve(release("poster/1"))
    ledger.reserve(record("b"), [reservation(5, request_id="b")])
    ledger.sweep(NOON + HOLD_FOR, release=True)
    assert ledger.spend(SpendQuery(by=("importance",))) == []


def test_a_picture_that_cost_nothing_counts(ledger: Store) -> None:
    buy(ledger, "free", 0)
    row = total(ledger)
    assert (row.spent, row.requests, row.images) == (0, 1, 1)


def test_open_holds_are_held_and_not_spent(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(5)])
    row = total(ledger)
    assert (row.held, row.spent, row.requests, row.images) == (5, 0, 0, 0)
    ledger.resolve(settle("poster/1", 4))
    row = total(ledger)
    assert (row.held, row.spent, row.requests) == (0, 4, 1)


def test_cached_answers_count_what_they_saved(ledger: Store) -> None:
    buy(ledger, "a", 30)
    ledger.record_cached(record("b"), cache_hit("b", saved=30, images=2))
    ledger.record_cached(record("c"), cache_hit("c", saved=12))
    row = total(ledger)
    assert (row.spent, row.saved, row.cached, row.requests, row.images) == (30, 42, 2, 3, 4)


def test_an_amount_counts_in_the_time_of_its_own_entry(ledger: Store) -> None:
    buy(ledger, "poster", 30, at=DECEMBER - timedelta(milliseconds=1))
    ledger.adjust(adjustment(20, confirmed=True, at=DECEMBER))
    assert total(ledger, since=NOVEMBER, until=DECEMBER).spent == 30
    assert total(ledger, since=DECEMBER).spent == -10
    assert total(ledger, until=DECEMBER - timedelta(milliseconds=1)).spent == 0
    assert total(ledger).spent == 20


def test_holds_cached_answers_and_charges_keep_to_the_time_asked_for(ledger: Store) -> None:
    ledger.reserve(record("a"), [reservation(5, request_id="a")])
    ledger.record_cached(record("b"), cache_hit("b"))
    later = total(ledger, since=NOON + timedelta(seconds=1))
    assert (later.held, later.cached) == (0, 0)
    earlier = total(ledger, until=NOON)
    assert (earlier.held, earlier.cached) == (0, 0)
    now = total(ledger, since=NOON, until=NOON + timedelta(seconds=1))
    assert (now.held, now.cached) == (5, 1)


def test_unconfirmed_is_a_part_of_what_is_spent(ledger: Store) -> None:
    reserve_unconfirmed(ledger, 30)
    buy(ledger, "b", 12)
    row = total(ledger)
    assert (row.spent, row.unconfirmed, row.requests) == (42, 30, 2)
    assert ledger.verify().unconfirmed_nusd == 30


@pytest.mark.parametrize("cost", [0, 20, 30, 35])
def test_a_confirmed_adjustment_leaves_nothing_unconfirmed(ledger: Store, cost: int) -> None:
    reserve_unconfirmed(ledger, 30)
    ledger.adjust(adjustment(cost, confirmed=True))
    row = total(ledger)
    assert (row.spent, row.unconfirmed) == (cost, 0)
    assert total(ledger, until=NOON + timedelta(hours=1)).unconfirmed == 0
    assert ledger.verify().unconfirmed_nusd == 0


def test_an_unconfirmed_adjustment_leaves_the_rest_unconfirmed(ledger: Store) -> None:
    reserve_unconfirmed(ledger, 30)
    ledger.adjust(adjustment(20, confirmed=False))
    assert (total(ledger).spent, total(ledger).unconfirmed, ledger.verify().unconfirmed_nusd) == (20, 20, 20)
    ledger.adjust(adjustment(15, confirmed=True))
    assert (total(ledger).spent, total(ledger).unconfirmed, ledger.verify().unconfirmed_nusd) == (15, 0, 0)
    ledger.adjust(adjustment(17, confirmed=False))
    assert (total(ledger).spent, total(ledger).unconfirmed, ledger.verify().unconfirmed_nusd) == (17, 2, 2)


# --- Balances ---------------------------------------------------------------------------------------------------------


def test_balances_are_those_of_one_budget_and_one_window(ledger: Store) -> None:
    spring, winter, below = (
        claim("campaign", scope="spring"),
        claim("campaign", scope="winter"),
        claim("campaign", scope="spring", below="final"),
    )
    buy(ledger, "a", 5, spring, below)
    buy(ledger, "b", 3, winter, claim("campaign", scope="winter", start=DECEMBER), claim("month"))
    assert ledger.balances("campaign", [NOVEMBER]) == {
        spring.key: Balance(spent_nusd=5),
        below.key: Balance(spent_nusd=5),
        winter.key: Balance(spent_nusd=3),
    }
    december = CounterKey(budget="campaign", scope="winter", below="", start=DECEMBER)
    assert ledger.balances("campaign", [DECEMBER]) == {december: Balance(spent_nusd=3)}
    assert set(ledger.balances("campaign", [NOVEMBER, DECEMBER])) == {spring.key, below.key, winter.key, december}
    assert ledger.balances("campaign", []) == {}


def test_a_balance_says_when_it_was_first_counted_in(ledger: Store) -> None:
    for number, minutes in enumerate((5, 3, 9)):
        buy(ledger, str(number), 1, claim(), at=NOON + timedelta(minutes=minutes))
    (balance,) = ledger.balances("month", [NOVEMBER]).values()
    assert balance.first_at == NOON + timedelta(minutes=5)


def test_what_was_charged_lately_is_summed_by_counter(ledger: Store) -> None:
    month, spring = claim("month", 1000), claim("campaign", 1000, scope="spring")
    buy(ledger, "old", 100, month, spring)
    buy(ledger, "poster", 30, month, spring, at=NOON + timedelta(days=1))
    buy(ledger, "new", 7, month, at=NOON + timedelta(days=2))
    ledger.adjust(adjustment(20, confirmed=True, at=NOON + timedelta(days=3)))
    assert ledger.spent_since(NOON + timedelta(days=1)) == {month.key: 27, spring.key: 20}
    assert ledger.spent_since(NOON + timedelta(days=4)) == {}


# --- Assets ----------------------------------------------------------------------------------------------------------


def latest(ledger: Store, asset: str = "poster", at_most: int = 10) -> list[tuple[str, str]]:
    return [(entry.kind.value, entry.picture_key) for entry in ledger.latest_of_asset(asset, at_most)]


def test_what_an_asset_got_is_listed_newest_first(ledger: Store) -> None:
    assert latest(ledger) == []
    buy(ledger, "a", 5, claim(), labels={"asset": "poster"}, picture_key="one")
    ledger.record_cached(record("b", asset="poster"), cache_hit("b", picture_key="two:x/1"))
    buy(ledger, "c", 5, labels={"asset": "poster"}, picture_key="three")
    buy(ledger, "d", 5, labels={"asset": "poster-2"}, picture_key="another")
    buy(ledger, "e", 5, picture_key="nobody's")
    assert latest(ledger) == [("reserve", "three"), ("cached", "two:x/1"), ("reserve", "one")]
    assert latest(ledger, at_most=2) == [("reserve", "three"), ("cached", "two:x/1")]
    assert latest(ledger, "poster-2") == [("reserve", "another")]
    (oldest,) = ledger.latest_of_asset("poster", 3)[2:]
    assert (oldest.reservation_id, oldest.request_id, oldest.counters) == ("a/1", "a", (claim().key,))


def test_attempts_that_brought_an_asset_no_picture_are_passed_over_however_many(ledger: Store) -> None:
    buy(ledger, "a", 5, labels={"asset": "poster"}, picture_key="one")
    for name in map(str, range(12)):
        ledger.reserve(record(name, asset="poster"), [reservation(5, request_id=name)])
    for name in map(str, range(6)):
        ledger.resolve(release(f"{name}/1"))
    for name in map(str, range(6, 10)):
        ledger.resolve(settle(f"{name}/1", 5, unconfirmed=True, basis=Basis.QUOTED, images=0))
    assert latest(ledger, at_most=1) == [("reserve", "one")]


def test_of_a_request_for_an_asset_only_the_attempt_that_brought_a_picture_is_listed(ledger: Store) -> None:
    reservations = [reservation(5, attempt=number, picture_key=f"key {number}") for number in (1, 2, 3)]
    ledger.reserve(record(asset="poster"), reservations)
    ledger.resolve(settle("poster/1", 5, images=0))
    ledger.resolve(settle("poster/2", 5))
    ledger.adjust(adjustment(4, "poster/2", at=NOON))
    assert latest(ledger) == [("reserve", "key 2")]


# --- Verify -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(ledger: Store) -> Store:
    """A ledger with two open holds (entries 3 and 4) and a settled request, `poster`, that was corrected."""
    month, campaign = claim("month", 1000), claim("campaign", 1000, scope="spring")
    buy(ledger, "poster", 30, month, campaign)
    for name, amount in (("open", 20), ("held", 10)):
        ledger.reserve(record(name), [reservation(amount, month, request_id=name)])
    ledger.adjust(adjustment(26, confirmed=True))
    ledger.raise_budget(a_raise())
    return ledger


def test_a_ledger_nobody_touched_is_clean(busy: Store) -> None:
    found = busy.verify()
    assert found.differences == ()
    assert (found.entries, found.counters, found.open_holds) == (5, 2, 2)
    assert (found.spent_nusd, found.held_nusd, found.unconfirmed_nusd) == (26, 30, 0)


def test_an_empty_ledger_is_clean(ledger: Store) -> None:
    found = ledger.verify()
    assert (found.entries, found.differences, found.hold_ratio_median, found.hold_ratio_worst) == (0, (), None, None)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE counters SET spent_nusd = 25 WHERE budget = 'month'",
            "'month' from 2026-11-01T00:00:00+00:00 has spent $0.000000025, its entries say $0.000000026",
        ),
        ("UPDATE counters SET held_nusd = 0 WHERE budget = 'month'", "holds $0, its entries say $0.00000003"),
        ("DELETE FROM counters WHERE budget = 'campaign'", "counter 1 is missing"),
        ("UPDATE entries SET amount_nusd = 29 WHERE kind = 'settle'", "'campaign' for 'spring' from"),
        ("UPDATE entries SET amount_nusd = -5 WHERE kind = 'adjust'", "its entries say $0.000000025"),
        ("UPDATE entries SET amount_nusd = 19 WHERE seq = 3", "its entries say $0.000000029"),
        ("UPDATE entries SET counters = '[2]' WHERE seq = 1", "'campaign' for 'spring'"),
        ("DELETE FROM entries WHERE kind = 'adjust'", "its entries say $0.00000003"),
        ("DELETE FROM entries WHERE seq = 1", "entry 2 (settle) answers no reservation"),
        ("DELETE FROM entries WHERE seq = 2", "reservation poster/1 (entry 1) has neither a hold nor an end"),
        ("DELETE FROM entries WHERE seq = 2", "1 entries between 1 and 5 are missing"),
        ("DELETE FROM entries WHERE seq = 3", "the hold of open/1 stands for no open reservation"),
        ("DELETE FROM requests WHERE request_id = 'poster'", "entry 1 (reserve) belongs to no request"),
        (
            "DELETE FROM holds WHERE reservation_id = 'open/1'",
            "reservation open/1 (entry 3) has neither a hold nor an end",
        ),
        ("INSERT INTO holds VALUES ('made up/1', 99, 0)", "the hold of made up/1 stands for no open reservation"),
        ("INSERT INTO deliveries VALUES (9, 'log', 1, 0, 0, '')", "a delivery to log is of alert 9, which is missing"),
        ("INSERT INTO holds VALUES ('poster/1', 1, 0)", "the hold of poster/1 stands for no open reservation"),
    ],
)
def test_whatever_was_changed_behind_the_ledgers_back_is_found(
    busy: Store, shelf: Shelf, statement: str, told: str
) -> None:
    shelf.tamper(statement)
    assert any(told in sentence for sentence in busy.verify().differences), busy.verify().differences


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET amount_nusd = 1",
        "DELETE FROM entries",
        "UPDATE requests SET importance = 'draft'",
        "DELETE FROM requests",
        "DELETE FROM counters",
        "UPDATE raises SET by_nusd = 1",
        "DELETE FROM raises",
    ],
)
def test_the_database_itself_refuses_to_change_what_was_written(busy: Store, shelf: Shelf, statement: str) -> None:
    with pytest.raises(LedgerUnavailable, match="never"):
        shelf.attempt(statement)
    assert busy.verify().differences == ()


def test_holds_are_compared_with_the_metered_costs_they_became(ledger: Store) -> None:
    for name, hold, cost in (("a", 110, 100), ("b", 100, 100), ("c", 200, 100)):
        ledger.reserve(record(name), [reservation(hold, request_id=name)])
        ledger.resolve(settle(f"{name}/1", cost))
    reserve_unconfirmed(ledger, 1000)
    buy(ledger, "free", 0)
    assert (ledger.verify().hold_ratio_median, ledger.verify().hold_ratio_worst) == (1.1, 2.0)
    ledger.reserve(record("d"), [reservation(150, request_id="d")])
    ledger.resolve(settle("d/1", 100))
    assert ledger.verify().hold_ratio_median == pytest.approx(1.3)
