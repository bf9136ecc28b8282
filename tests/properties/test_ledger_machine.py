"""The ledger against a model of plain dictionaries, through any history of calls and restarts."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from routing.core.budgets import Budget, BudgetRaise, Match, Purchase, claims_for
from routing.core.entries import Adjustment, Balance, EntryKind, fold
from routing.core.window import Window, WindowKind
from routing.errors import AlreadyResolved, BudgetExceeded, RequestIdReused
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import HOLD_FOR, record, release, reservation, settle
from tests.ledger.shelves import FileShelf, PostgresShelf, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.core.alerts import Alert
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
    Budget(
        name="day",
        limit_nusd=700,
        window=Window(kind=WindowKind.ROLLING, length=timedelta(hours=24)),
        per="campaign",
        alert_at=(250, 600),
        protect={"final": Fraction(1, 5)},
    ),
)
MIDNIGHT = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
STARTS = tuple(MIDNIGHT + away for away in (-HOUR / 6, HOUR / 12, 2 * HOUR, 23 * HOUR, 24 * HOUR, 25 * HOUR, 48 * HOUR))
BEFORE = MIDNIGHT - 7 * 24 * HOUR
ROLLING = BUDGETS[2].window
AMOUNTS = st.one_of(st.integers(0, 300), st.sampled_from([200, 400, 500, 600, 700, 1000, 1001]))


@dataclass
class Held:
    """What the model knows of one reservation."""

    claims: tuple[Claim, ...]
    amount: int
    at: datetime
    expires_at: datetime


@dataclass
class Model:
    """Counters, reservations, raises and alerts as plainly as they can be written down."""

    held: Counter[CounterKey] = field(default_factory=Counter)
    spent: Counter[CounterKey] = field(default_factory=Counter)
    open: dict[str, Held] = field(default_factory=dict)
    ended: dict[str, Held] = field(default_factory=dict)
    cost: dict[str, int] = field(default_factory=dict)
    unconfirmed: dict[str, int] = field(default_factory=dict)
    raises: list[BudgetRaise] = field(default_factory=list)
    alerts: set[tuple[CounterKey, int]] = field(default_factory=set)
    overruns: set[str] = field(default_factory=set)
    charged: int = 0

    def refusing(self, asked: list[Held]) -> tuple[Claim, int] | None:
        """Find the first claim without room, and its limit."""
        needs: Counter[CounterKey] = Counter()
        claims = {claim.key: claim for held in asked for claim in held.claims}
        for held in asked:
            for claim in held.claims:
                needs[claim.key] += held.amount
        for key in sorted(claims):
            limit = self.limit(claims[key], asked[0].at)
            if self.used(claims[key]) + needs[key] > limit:
                return claims[key], limit
        return None

    def limit(self, claim: Claim, at: datetime) -> int:
        by = sum(
            each.by_nusd
            for each in self.raises
            if (each.budget, each.scope) == (claim.key.budget, claim.key.scope) and each.at <= at < each.until
        )
        return claim.limit_nusd + int(claim.share * by)

    def used(self, claim: Claim) -> int:
        """Count the slices behind, and as many ahead: clocks may differ."""
        present = claim.key.start
        starts = (*claim.earlier, present, *(present + (present - start) for start in claim.earlier))
        keys = [replace(claim.key, start=start) for start in starts]
        return sum(self.held[key] + self.spent[key] for key in keys)

    def reserve(self, name: str, held: Held) -> None:
        self.open[name] = held
        for claim in held.claims:
            self.held[claim.key] += held.amount
            self.spent[claim.key] += 0

    def resolve(
        self, name: str, charged: int, at: datetime, *, unconfirmed: bool = False
    ) -> set[tuple[CounterKey, int]]:
        held = self.ended[name] = self.open.pop(name)
        for claim in held.claims:
            self.held[claim.key] -= held.amount
        if unconfirmed:
            self.unconfirmed[name] = charged
        self.cost[name] = charged
        if charged > held.amount:
            self.overruns.add(f"overrun/{name}")
        return self.charge(held, charged, at)

    def charge(self, held: Held, amount: int, at: datetime) -> set[tuple[CounterKey, int]]:
        """Add to every counter; return the thresholds this reaches for the first time."""
        self.charged += amount
        fresh = set()
        for claim in held.claims:
            self.spent[claim.key] += amount
            starts: tuple[datetime, ...] = (claim.key.start,)
            if claim.earlier:
                now = max(at, claim.key.start)  # clocks may differ
                starts = (*ROLLING.earlier(now), ROLLING.span(now).start)
            if claim.key.start not in starts:
                continue
            keys = [replace(claim.key, start=start) for start in starts]
            after = sum(self.spent[key] for key in keys)
            fresh |= {
                (keys[-1], step)
                for step in claim.alert_at
                if after - amount < step <= after and not any((key, step) in self.alerts for key in keys)
            }
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
        asked = [Held(claims=claims, amount=amount, at=at, expires_at=at + HOLD_FOR) for amount in amounts]
        reservations = [
            reservation(amount, *claims, request_id=request_id, attempt=attempt, at=at)
            for attempt, amount in enumerate(amounts, 1)
        ]
        refusing = self.model.refusing(asked)
        if refusing is not None:
            claim, limit = refusing
            with pytest.raises(BudgetExceeded) as refused:
                self.store.reserve(record(request_id, tags=tags, importance=importance), reservations)
            assert (refused.value.budget, refused.value.limit) == (claim.key.budget, limit)
            assert refused.value.remaining == limit - self.model.used(claim)
            assert self.store.history(request_id) is None
            return
        self.store.reserve(record(request_id, tags=tags, importance=importance), reservations)
        for each, held in zip(reservations, asked, strict=True):
            self.model.reserve(each.id, held)
        assert all(self.model.used(claim) <= self.model.limit(claim, at) for claim in claims)

    @rule(
        budget=st.sampled_from(["month", "campaign", "day", "gone"]),
        scope=st.sampled_from(["", "spring"]),
        by=st.integers(1, 300),
        at=st.sampled_from(STARTS),
        hours=st.sampled_from([1, 24]),
    )
    def raise_a_budget(self, budget: str, scope: str, by: int, at: datetime, hours: int) -> None:
        raised = BudgetRaise(budget=budget, scope=scope, by_nusd=by, at=at, until=at + hours * HOUR, reason="launch")
        self.store.raise_budget(raised)
        self.model.raises.append(raised)

    @precondition(lambda self: self.model.open or self.model.ended)
    @rule(data=st.data())
    def reserve_an_attempt_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted({*self.model.open, *self.model.ended})))
        request_id, _, attempt = name.rpartition("/")
        again = reservation(1, request_id=request_id, attempt=int(attempt))
        with pytest.raises(RequestIdReused):
            self.store.reserve(record(request_id), [again])

    @precondition(lambda self: self.model.open)
    @rule(data=st.data(), percent=st.integers(0, 150), unconfirmed=st.booleans(), later=st.sampled_from([0, 1, 24, 25]))
    def settle(self, data: st.DataObject, percent: int, unconfirmed: bool, later: int) -> None:  # noqa: FBT001 - hypothesis names it
        name = data.draw(st.sampled_from(sorted(self.model.open)))
        charged = self.model.open[name].amount * percent // 100
        at = self.model.open[name].at + later * HOUR
        written = self.store.resolve(settle(name, charged, at=at, unconfirmed=unconfirmed))
        assert steps_of(written) == self.model.resolve(name, charged, at, unconfirmed=unconfirmed)

    @precondition(lambda self: self.model.open)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.open)))
        assert self.store.resolve(release(name)) == ()
        assert self.model.resolve(name, 0, MIDNIGHT) == set()

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
            self.model.resolve(resolution.reservation_id, charged, now, unconfirmed=not give_back)
        assert steps_of(self.written_alerts()) == self.model.alerts >= known

    @precondition(lambda self: self.model.ended)
    @rule(data=st.data(), cost=st.integers(0, 600), confirmed=st.booleans(), at=st.sampled_from(STARTS))
    def adjust(self, data: st.DataObject, cost: int, confirmed: bool, at: datetime) -> None:  # noqa: FBT001 - hypothesis names it
        name = data.draw(st.sampled_from(sorted(self.model.ended)))
        difference = cost - self.model.cost[name]
        adjustment = Adjustment(reservation_id=name, at=at, cost_nusd=cost, reason="the bill", confirmed=confirmed)
        assert steps_of(self.store.adjust(adjustment)) == self.model.charge(self.model.ended[name], difference, at)
        self.model.cost[name] = cost
        if confirmed:
            self.model.unconfirmed.pop(name, None)
        else:
            self.model.unconfirmed[name] = self.model.unconfirmed.get(name, 0) + difference

    @precondition(lambda self: self.model.open)
    @rule(data=st.data())
    def adjust_too_early(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model.open)))
        with pytest.raises(AlreadyResolved):
            self.store.adjust(Adjustment(reservation_id=name, at=STARTS[1], cost_nusd=1, reason="too early"))

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.opened()

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        found: dict[CounterKey, Balance] = {}
        for budget in BUDGETS:
            starts = sorted({key.start for key in self.model.spent if key.budget == budget.name})
            found |= self.store.balances(budget.name, starts)
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
    def every_threshold_and_every_overrun_alerted_once(self) -> None:
        written = self.written_alerts()
        assert steps_of(written) == self.model.alerts
        assert {alert.name for alert in written if alert.key is None} == self.model.overruns
        assert len(written) == len(self.model.alerts) + len(self.model.overruns)

    @invariant()
    def raises_are_those_of_the_model(self) -> None:
        for at in STARTS:
            holding = [each for each in self.model.raises if each.at <= at < each.until]
            assert self.store.raises(at) == tuple(sorted(holding, key=lambda each: each.at))

    @invariant()
    def unconfirmed_attempts_are_those_of_the_model(self) -> None:
        found = {attempt.reserve.reservation_id: attempt.cost_nusd for attempt in self.store.unconfirmed()}
        assert found == {name: self.model.cost[name] for name in self.model.unconfirmed}

    def written_alerts(self) -> list[Alert]:
        return [standing.alert for standing in self.store.alerts(BEFORE)]


def steps_of(alerts: Iterable[Alert]) -> set[tuple[CounterKey, int]]:
    return {(alert.key, alert.threshold_nusd) for alert in alerts if alert.key is not None}


class PostgresMachine(LedgerMachine):
    def make_shelf(self) -> Shelf:
        return PostgresShelf()


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLedger = LedgerMachine.TestCase

# Its rules are those of SQLite, its batches are not: fewer examples, since each step asks a server a dozen times.
PostgresMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=25, deadline=None)
TestLedgerInPostgres = PostgresMachine.TestCase
