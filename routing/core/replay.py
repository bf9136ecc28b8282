"""Trying a policy on requests of the past: what it would buy for each, and which budgets that would not fit into.

Nothing is bought. Prices are those of the day a request was made; limits are those of today, without raises.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from routing.core.budgets import Claim, CounterKey, OnBudget, Purchase, claims_for
from routing.core.entries import Balance
from routing.core.past import RequestEnded
from routing.core.plan import decide
from routing.core.policy import nothing_known
from routing.core.standing import counted_in, standing_of
from routing.errors import Refusal, RequestError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from routing.core.conditions import Standing
    from routing.core.features import Features
    from routing.core.past import Past
    from routing.core.picture import Size
    from routing.core.plan import Candidate, Plan
    from routing.core.policy import Settings, Standings


class Choice(NamedTuple):
    """What a policy buys for a request; ``quality`` is ``None`` where the model has no such choice."""

    importance: str
    deployment: str
    quality: str | None
    size: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What becomes of one request: its first candidate with its prices for all pictures, in nano-USD, or the error.

    Only what is ``bought`` costs that. ``unread`` are the rules of ``refuse`` that might say no, were its words known.
    """

    ended: RequestEnded = RequestEnded.FAILED
    choice: Choice | None = None
    expected_nusd: int = 0
    price_nusd: int = 0
    error: RequestError | Refusal | None = None
    unread: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Passed:
    """A budget's counter that something did not fit into: the first time, and how many requests it was in all.

    Those went on to something cheaper (``downgraded``) or were ``refused``. Of a rolling window all slices are one
    counter, named by the slice of the first time. Counts while a replay goes on.
    """

    key: CounterKey
    limit_nusd: int
    at: datetime
    request_id: str
    downgraded: int = 0
    refused: int = 0


class _Counted(NamedTuple):
    """A claim and the keys of all that counts against it: of a rolling window, every slice."""

    claim: Claim
    keys: tuple[CounterKey, ...]


@dataclass(slots=True, kw_only=True)
class Replay:
    """One policy, tried on requests in order of time; ``spent`` is what its budgets have spent until then.

    Budgets fill with what would be bought within them, at its expected price: so conditions on budgets see what they
    would have seen. ``within_nusd`` adds that up.
    """

    settings: Settings
    spent: dict[CounterKey, int] = field(default_factory=dict)
    within_nusd: int = 0
    _kept: set[Hashable] = field(default_factory=set)
    _passed: dict[Hashable, Passed] = field(default_factory=dict)
    _claims: dict[Hashable, tuple[_Counted, ...]] = field(default_factory=dict)
    _standings: dict[Hashable, tuple[Claim, ...]] = field(default_factory=dict)
    _span: tuple[datetime, datetime] | None = None
    _tags: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Find out which tags budgets look at."""
        budgets = self.settings.budgets
        names = [name for budget in budgets for name in (budget.per, *budget.match.tags) if name]
        self._tags = tuple(dict.fromkeys(names))

    @property
    def passed(self) -> tuple[Passed, ...]:
        """The counters that something did not fit into, in order of time."""
        return tuple(self._passed.values())

    def decide(self, past: Past) -> Decided:
        """Decide one request; one that was bought then is counted in the budgets."""
        self._forget_windows(past.at)
        features = past.features
        standings = self._standings_of(features, past.at) if self.settings.policy.reads_budgets else nothing_known
        try:
            plan = decide(self.settings, features, past.at.date(), standings, prompt=past.prompt)
        except (RequestError, Refusal) as error:
            return Decided(error=error)
        first = plan.candidates[0]
        choice = Choice(plan.importance, first.deployment.name, first.quality, first.size)
        ended = past.ended
        if ended is RequestEnded.BOUGHT and past.words is not None and self._is_kept(past, choice):
            ended = RequestEnded.CACHED
        if ended is RequestEnded.BOUGHT:
            self._book(past, plan)
        return Decided(
            ended=ended,
            choice=choice,
            expected_nusd=first.quote.expected_nusd,
            price_nusd=first.quote.price_nusd,
            unread=plan.unread,
        )

    def _is_kept(self, past: Past, choice: Choice) -> bool:
        """Tell whether the cache has it; from now on it has."""
        pictures = (past.words, *choice[1:])
        if pictures in self._kept:
            return True
        self._kept.add(pictures)
        return False

    def _book(self, past: Past, plan: Plan) -> None:
        """Count a purchase in the budgets as it would be made: a hold must have room, the expected price is spent."""
        full: Claim | None = None
        served = False
        ceiling: int | None = None
        for candidate in plan.candidates:
            price = candidate.quote.price_nusd
            if ceiling is not None and price >= ceiling:
                continue
            counted = self._claims_of(past, plan, candidate)
            refusing = self._full(counted, price)
            if refusing is None:
                for each in counted:
                    self.spent[each.claim.key] = self.spent.get(each.claim.key, 0) + candidate.quote.expected_nusd
                self.within_nusd += candidate.quote.expected_nusd
                served = True
                break
            full = full or refusing
            if (plan.route.on_budget or refusing.on_budget or self.settings.policy.on_budget) is OnBudget.REFUSE:
                break
            ceiling = price
        if full is not None:
            self._note(full, past, served=served)

    def _note(self, claim: Claim, past: Past, *, served: bool) -> None:
        key = claim.key
        which = (key.budget, key.scope, key.below, None if claim.earlier else key.start)
        passed = self._passed.get(which)
        if passed is None:
            passed = Passed(key=key, limit_nusd=claim.limit_nusd, at=past.at, request_id=past.request_id)
            self._passed[which] = passed
        if served:
            passed.downgraded += 1
        else:
            passed.refused += 1

    def _full(self, counted: tuple[_Counted, ...], price: int) -> Claim | None:
        """Find the first counter that has no room for a hold."""
        for claim, keys in counted:
            if sum(map(self._spent_by, keys)) + price > claim.limit_nusd:
                return claim
        return None

    def _spent_by(self, key: CounterKey) -> int:
        return self.spent.get(key, 0)

    # What budgets count is the same for many requests until the first of their windows ends.

    def _forget_windows(self, at: datetime) -> None:
        if self._span is not None and self._span[0] <= at < self._span[1]:
            return
        spans = [budget.window.span(at) for budget in self.settings.budgets]
        self._span = (
            max((span.start for span in spans), default=datetime.min.replace(tzinfo=at.tzinfo)),
            min((span.end for span in spans if span.end), default=datetime.max.replace(tzinfo=at.tzinfo)),
        )
        self._claims.clear()
        self._standings.clear()

    def _claims_of(self, past: Past, plan: Plan, candidate: Candidate) -> tuple[_Counted, ...]:
        tags, operation = past.features.tags, past.features.operation.value
        deployment = candidate.deployment.name
        which = (plan.importance, deployment, operation, tuple(map(tags.get, self._tags)))
        known = self._claims.get(which)
        if known is None:
            purchase = Purchase(importance=plan.importance, deployment=deployment, operation=operation, tags=tags)
            ranks = self.settings.policy.importance
            claims = claims_for(self.settings.budgets, purchase, ranks, past.at)
            known = self._claims[which] = tuple(_Counted(claim, _keys_of(claim)) for claim in claims)
        return known

    def _standings_of(self, features: Features, at: datetime) -> Standings:
        settings, tags = self.settings, tuple(map(features.tags.get, self._tags))

        def standing(importance: str | None) -> Standing:
            which = (importance, features.operation, tags)
            claims = self._standings.get(which)
            if claims is None:
                claims = counted_in(settings.budgets, features, importance, settings.policy.importance, at)
                self._standings[which] = claims
            used: Mapping[CounterKey, Balance] = {
                key: Balance(spent_nusd=self.spent.get(key, 0)) for claim in claims for key in _keys_of(claim)
            }
            return standing_of(claims, used)

        return standing


def _keys_of(claim: Claim) -> tuple[CounterKey, ...]:
    return (claim.key, *(replace(claim.key, start=start) for start in claim.earlier))
