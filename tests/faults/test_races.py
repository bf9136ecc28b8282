"""Several at once at the same money: no limit is passed, no correction is booked twice, no bill breaks the books."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from routing import BudgetExceeded, ProviderUnavailable
from routing.core import reconciliation
from routing.core.entries import Adjustment, EntryKind
from routing.core.health import WELL, Health
from routing.sandbox import Sandbox
from tests.faults.campaign import ROOT, Campaign, prompt_of
from tests.ledger.purchases import NOON, a_raise, buy, claim, record, release, reservation, rolling, settle
from tests.ledger.shelves import SHELVES, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.core.bill import BillLine
    from routing.core.budgets import BudgetRaise
    from routing.core.matching import BookedAttempt
    from routing.core.reconciliation import Finding

MILLISECOND = timedelta(milliseconds=1)
LIMIT = 300


@pytest.fixture(params=["sqlite file", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    made = SHELVES[request.param](tmp_path)
    yield made
    made.close()


# --- Limits -----------------------------------------------------------------------------------------------------------


class Market:
    """Buyers and raisers at two campaigns' budgets, each through a store of its own, by one clock."""

    def __init__(self, shelf: Shelf, seed: int) -> None:
        self.stores = [shelf.open(), shelf.open()]
        self.raises: list[BudgetRaise] = []
        self._seed = seed
        self._ticks = itertools.count()
        self._names = itertools.count()

    def now(self) -> datetime:
        return NOON + next(self._ticks) * MILLISECOND

    def buy(self, number: int) -> None:
        chance, store = random.Random(self._seed + number), self.stores[number % 2]
        for _ in range(60):
            name, amount, at = f"r{next(self._names)}", chance.randint(1, 40), self.now()
            scope = chance.choice("ab")
            claims = (claim("campaign", LIMIT, scope=scope), rolling("day", 2 * LIMIT, at=at))
            try:
                store.reserve(record(name, at=at), [reservation(amount, *claims, request_id=name, at=at)])
            except BudgetExceeded:
                continue
            ending = settle(f"{name}/1", chance.randint(0, amount), at=at)
            store.resolve(chance.choice([ending, release(f"{name}/1", at)]))

    def lift(self, number: int) -> None:
        chance, store = random.Random(self._seed - number), self.stores[number % 2]
        for _ in range(15):
            at = self.now()
            made = a_raise(chance.randint(1, 60), "campaign", scope=chance.choice("ab"), at=at,
                           until=at + chance.randint(5, 80) * MILLISECOND)  # fmt: skip
            self.raises.append(made)
            store.raise_budget(made)

    def room(self, scope: str, at: datetime) -> int:
        """Tell what a campaign's limit was at a time, with every raise that held then."""
        return LIMIT + sum(each.by_nusd for each in self.raises if each.scope == scope and each.at <= at < each.until)


def test_raises_that_come_and_end_while_others_buy_let_nobody_pass_what_held_at_that_time(shelf: Shelf) -> None:
    market = Market(shelf, seed=3)
    with ThreadPoolExecutor(8) as pool:
        working = [pool.submit(market.buy, number) for number in range(6)]
        working += [pool.submit(market.lift, number) for number in range(2)]
        for each in working:
            each.result()
    used: dict[str, int] = {"a": 0, "b": 0}
    held: dict[str, tuple[str, int]] = {}
    tight = 0
    for entry in market.stores[0].entries():
        if entry.kind is EntryKind.RESERVE:
            scope = next(key.scope for key in entry.counters if key.budget == "campaign")
            held[entry.reservation_id] = scope, entry.amount_nusd
            used[scope] += entry.amount_nusd
            assert used[scope] <= market.room(scope, entry.at)
            assert sum(used.values()) <= 2 * LIMIT
            tight += used[scope] > LIMIT
        else:
            scope, amount = held[entry.reservation_id]
            used[scope] += entry.amount_nusd - amount
    assert tight  # else no raise was ever needed
    assert market.stores[1].verify().differences == ()


@pytest.mark.parametrize("back", [MILLISECOND, timedelta(hours=5)])
def test_a_clock_that_goes_back_over_the_edge_of_a_slice_finds_no_new_room(shelf: Shelf, back: timedelta) -> None:
    store = shelf.open()
    buy(store, "first", 100, rolling(limit=100, at=NOON), at=NOON)
    earlier = NOON - back
    with pytest.raises(BudgetExceeded):
        buy(store, "second", 1, rolling(limit=100, at=earlier), at=earlier)


# --- Corrections ------------------------------------------------------------------------------------------------------


def test_of_corrections_that_race_the_last_one_written_holds_to_the_nano_dollar(shelf: Shelf) -> None:
    stores = [shelf.open(), shelf.open()]
    buy(stores[0], "poster", 50, claim("month", 10**9))

    def correct(number: int) -> None:
        for cost in random.Random(number).choices(range(1000), k=40):
            words = {"reason": str(cost), "at": NOON, "cost_nusd": cost}
            stores[number % 2].adjust(Adjustment(reservation_id="poster/1", **words))  # type: ignore[arg-type]  # mixed

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(correct, range(6)))
    history = stores[0].history("poster")
    assert history is not None
    (attempt,) = history.attempts
    assert len(attempt.adjustments) == 240
    assert attempt.cost_nusd == int(attempt.adjustments[-1].reason)
    found = stores[1].verify()
    assert (found.spent_nusd, found.differences) == (attempt.cost_nusd, ())


@pytest.fixture
def doubtful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campaign]:
    """Forty calls, of which nobody knows what became; half of them are on the bill, and one was answered."""
    monkeypatch.setattr(Health, "after", lambda *_: WELL)  # else the vendor would be left alone after a few
    with Sandbox.start(pictures="flat") as vendor:
        campaign = Campaign(folder=tmp_path, vendor=vendor)
        vendor.inject(["reset", "reset-early"] * 20)
        with campaign.open() as router:
            for outcome in router.generate_many([prompt_of(str(number)) for number in range(41)]):
                assert outcome.result or isinstance(outcome.error, ProviderUnavailable)
        campaign.billed_nusd()
        yield campaign


def test_two_who_book_the_same_bill_at_once_book_it_once(doubtful: Campaign) -> None:
    assert doubtful.vendor.bill()["images"] == 21
    words = [sys.executable, "-m", "routing", *doubtful.reconciling()]
    doubtful.fetch()
    env = {**os.environ, **doubtful.env}
    both = [subprocess.Popen(words, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    reports = [json.loads(each.communicate(timeout=60)[0]) for each in both]
    booked = [each["attempt"] for report in reports for each in report["adjustments"]]
    assert len({*booked}) == 40
    doubtful.check_the_bill_sets_it_right()
    store = doubtful.store()
    adjusted = [entry for entry in store.entries() if entry.kind is EntryKind.ADJUST and entry.amount_nusd]
    store.close()
    assert len(adjusted) == len({entry.reservation_id for entry in adjusted}) == 40


def test_an_answer_that_comes_while_a_bill_is_compared_is_not_booked_over(
    doubtful: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = reconciliation.reconcile
    answered: list[str] = []

    def meanwhile(lines: list[BillLine], attempts: list[BookedAttempt], *others: object) -> tuple[Finding, ...]:
        found = compare(lines, attempts, *others)  # type: ignore[arg-type]  # handed on as they are
        if not answered:
            free = next(each for each in found if each.kind is reconciliation.Kind.NOT_CHARGED and each.attempt)
            assert free.attempt is not None
            answered.append(free.attempt.id)
            store = doubtful.store()
            store.adjust(Adjustment(reservation_id=free.attempt.id, at=datetime.now(UTC), cost_nusd=7, reason="late"))
            store.close()
        return found

    monkeypatch.setattr(reconciliation, "reconcile", meanwhile)
    told = doubtful.reconcile()
    assert (told["agree"], told["changed_meanwhile"]) == (False, answered)
    assert answered[0] not in {each["attempt"] for each in told["adjustments"]}
    assert doubtful.verified().spent_nusd == doubtful.billed_nusd() + 7
