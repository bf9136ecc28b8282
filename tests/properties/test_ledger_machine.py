"""The ledger against a model of plain dictionaries, through any history of calls and restarts."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routing.core.budgets import Budget, Match, Purchase, claims_for
from routing.core.entries import Adjustment, Alert, Balance, EntryKind, fold
from routing.core.window import EPOCH, Window, WindowKind
from routing.errors import AlreadyResolved, BudgetExceeded, RequestIdReused
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import HOLD_FOR, record, release, reservation, settle
from tests.ledger.shelves import FileShelf, PostgresShelf, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.core.budgets import Claim, CounterKey
    from routing.core.entries import Resolution
    from routing.ledger.base import Store

RANKS = ("draft", "review", "final")
BUDGETS = (
    Budget(
        name="month",
        limit_nusd=1000,
        window=Window(kind=WindowKind.CALENDAR_MONTH),
        alert_at=(200, 500, 1000),
        protect={"review": Fraction(1, 10), "final": Fraction(3, 10)},
    ),
    Budget(
        name="campaign",
        limit_nusd=400,
        window=Window(kind=WindowKind.LIFETIME),
        per="campaign",
        match=Match(importance=frozenset({"draft", "final"})),
        alert_at=(300,),
    ),
)
STARTS = (datetime(2026, 11, 30, 23, 50, tzinfo=UTC), datetime(2026, 12, 1, 0, 5, tzinfo=UTC))
AMOUNTS = st.one_of(st.integers(0, 300), st.sampled_from([200, 400, 500, 600, 700, 1000, 1001]))


@dataclass
class Held:
    """What the model knows of one reservation."""

    claims: tuple[Claim, ...]
    amount: int
    expires_at: datetime


@dataclass
class Model:
    """Counters, reservations and alerts as plainly as they can be written down."""

    held: Counter[CounterKey] = field(default_factory=Counter)
    spent: Counter[CounterKey] = field(default_factory=Counter)
    open: dict[str, Held] = field(default_factory=dict)
    ended: dict[str, Held] = field(default_factory=dict)
    unconfirmed: dict[str, int] = field(default_factory=dict)
    alerts: set[tuple[CounterKey, int]] = field(default_factory=set)
    charged: int = 0

    def refusing(self, asked: list[Held]) -> Claim | None:
        """Find the first claim without room."""
        needs: Counter[CounterKey] = Counter()
        claims = {claim.key: claim for held in asked for claim in held.claims}
        for held in asked:
            for claim in held.claims:
                needs[claim.key] += held.amount
        full = (key for key in sorted(claims) if self.used(key) + needs[key] > claims[key].limit_nusd)
        return next((claims[key] for key in full), None)

    def used(self, key: CounterKey) -> int:
        return self.held[key] + self.spent[key]

    def reserve(self, name: str, held: Held) -> None:
        self.open[name] = held
        for claim in held.claims:
            self.held[claim.key] += held.amount
            self.spent[claim.key] += 0

    def resolve(self, name: str, charged: int, *, unconfirmed: bool = False) -> set[tuple[CounterKey, int]]:
        held = self.ended[name] = self.open.pop(name)
        for claim in held.claims:
            self.held[claim.key] -= held.amount
        if unconfirmed:
            self.unconfirmed[name] = charged
        return self.charge(held, charged)

    def charge(self, held: Held, amount: int) -> set[tuple[CounterKey, int]]:
        """Add to every counter; return the thresholds this reaches for the first time."""
        self.charged += amount
        reached = set()
        for claim in held.claims:
            before = self.spent[claim.key]
            self.spent[claim.key] += amount
            reached |= {(claim.key, step) for step in claim.alert_at if before < step <= before + amount}
        fresh = reached - self.alerts
        self.alerts |= fresh
        return fresh


class LedgerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shelf = self.make_shelf()
        self.store = self.opened()
        self.model = Model()
        self.requests = 0

    def make_shelf(self) -> Shelf:
        return FileShelf(self.folder)

    def opened(self) -> Store:
        store = self.shelf.open()
        if isinstance(store, SqliteStore):  # it is the logic that is tried, not the disk
            store._writer._connection.execute("PRAGMA synchronous = OFF")
        return store

    def teardown(self) -> None:
        self.shelf.close()
        shutil.rmtree(self.folder)

    @rule(
        amounts=st.lists(AMOUNTS, min_size=1, max_size=3),
        importance=st.sampled_from(RANKS),
        tags=st.sampled_from([{}, {"campaign": "spring"}, {"campaign": "winter"}]),
        at=st.sampled_from(STARTS),
    )
    def reserve(self, amounts: list[int], importance: str, tags: dict[str, str], at: datetime) -> None:
        self.requests += 1
        request_id = f"r{self.requests}"
        purchase = Purchase(importance=importance, deployment="gpt-image-2", operation="generate", tags=tags)
        claims = claims_for(BUDGETS, purchase, RANKS, at)
        asked = [Held(claims=claims, amount=amount, expires_at=at + HOLD_FOR) for amount in amounts]
        reservations = [
            reservation(amount, *claims, request_id=request_id, attempt=attempt, at=at)
            for attempt, amount in enumerate(amounts, 1)
        ]
        refusing = self.model.refusing(asked)
        if refusing is not None:
            with pytest.raises(BudgetExceeded) as refused:
                self.store.reserve(record(request_id, tags=tags, importance=importance), reservations)
            assert (refused.value.budget, refused.value.limit) == (refusing.key.budget, refusing.limit_nusd)
            assert refused.value.remaining == refusing.limit_nusd - self.model.used(refusing.key)
            assert self.store.history(request_id) is None
            return
        self.store.reserve(record(request_id, tags=tags, importance=importance), reservations)
        for each, held in zip(reservations, asked, strict=True):
            self.model.reserve(each.id, held)
        assert all(self.model.used(claim.key) <= claim.limit_nusd for claim in claims)

    @precondition(lambda self: self.model.open or self.model.ended)
    @rule(data=st.data())
    def reserve_an_attempt_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted({*self.model.open, *self.model.ended})))
        request_id, _, attempt = name.rpartition("/")
        again = reservation(1, request_id=request_id, attempt=int(attempt))
        with pytest.raises(RequestIdReused):
            self.store.reserve(record(request_id), [again])

    @precondition(lambda self: self.model.open)
    @rule(data=st.data(), percent=st.integers(0, 150), unconfirmed=st.booleans())
    def settle(self, data: st.DataObject, percent: int, unconfirmed: bool) -> None:  # noqa: FBT001 - hypothesis names it
        name = data.draw(st.sampled_from(sorted(self.model.open)))
        charged = self.model.open[name].amount * percent // 100
        written = self.store.resolve(settle(name, charged, unconfirmed=unconfirmed))
        assert steps_of(written) == self.model.resolve(name, charged, unconfirmed=unconfirmed)

    @precondition(lambda self: self.model.open)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.open)))
        assert self.store.resolve(release(name)) == ()
        assert self.model.resolve(name, 0) == set()

    @precondition(lambda self: self.model.ended)
    @rule(data=st.data())
    def resolve_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.ended)))
        with pytest.raises(AlreadyResolved):
            self.store.resolve(settle(name, 1))

    @rule(now=st.sampled_from([start + HOLD_FOR for start in STARTS]), give_back=st.booleans())
    def sweep(self, now: datetime, give_back: bool) -> None:  # noqa: FBT001 - hypothesis names it
        known = self.model.alerts.copy()
        expired = {name for name, held in self.model.open.items() if held.expires_at <= now}
        swept: tuple[Resolution, ...] = self.store.sweep(now, release=give_back)
        assert {resolution.reservation_id for resolution in swept} == expired
        for resolution in swept:
            charged = 0 if give_back else self.model.open[resolution.reservation_id].amount
            assert (resolution.kind, resolution.amount_nusd) == (EntryKind.EXPIRE, charged)
            self.model.resolve(resolution.reservation_id, charged, unconfirmed=not give_back)
        assert steps_of(self.store.pending_alerts()) == self.model.alerts >= known

    @precondition(lambda self: self.model.ended)
    @rule(data=st.data(), delta=st.integers(-300, 300), confirmed=st.booleans())
    def adjust(self, data: st.DataObject, delta: int, confirmed: bool) -> None:  # noqa: FBT001 - hypothesis names it
        name = data.draw(st.sampled_from(sorted(self.model.ended)))
        at = STARTS[1] + timedelta(days=1)
        adjustment = Adjustment(reservation_id=name, at=at, delta_nusd=delta, reason="the bill", confirmed=confirmed)
        assert steps_of(self.store.adjust(adjustment)) == self.model.charge(self.model.ended[name], delta)
        if confirmed:
            self.model.unconfirmed.pop(name, None)
        else:
            self.model.unconfirmed[name] = self.model.unconfirmed.get(name, 0) + delta

    @precondition(lambda self: self.model.open)
    @rule(data=st.data())
    def adjust_too_early(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.open)))
        with pytest.raises(AlreadyResolved):
            self.store.adjust(Adjustment(reservation_id=name, at=STARTS[1], delta_nusd=1, reason="too early"))

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.opened()

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        starts = {("month", key.start) for key in self.model.spent if key.budget == "month"} | {("campaign", EPOCH)}
        found = {
            key: balance for budget, start in starts for key, balance in self.store.balances(budget, start).items()
        }
        assert found == {
            key: Balance(held_nusd=self.model.held[key], spent_nusd=self.model.spent[key]) for key in self.model.spent
        }
        assert found == fold(self.store.entries())

    @invariant()
    def verify_is_clean(self) -> None:
        found = self.store.verify()
        assert found.differences == ()
        assert found.open_holds == len(self.model.open)
        assert found.held_nusd == sum(held.amount for held in self.model.open.values())
        assert found.spent_nusd == self.model.charged
        assert found.unconfirmed_nusd == sum(self.model.unconfirmed.values())

    @invariant()
    def every_threshold_alerted_once(self) -> None:
        pending = self.store.pending_alerts()
        assert steps_of(pending) == self.model.alerts
        assert len(pending) == len(self.model.alerts)


def steps_of(alerts: Iterable[Alert]) -> set[tuple[CounterKey, int]]:
    return {(alert.key, alert.threshold_nusd) for alert in alerts}


class PostgresMachine(LedgerMachine):
    def make_shelf(self) -> Shelf:
        return PostgresShelf()


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLedger = LedgerMachine.TestCase

# Its rules are those of SQLite, its batches are not: fewer examples, since each step asks a server a dozen times.
PostgresMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
TestLedgerInPostgres = PostgresMachine.TestCase
