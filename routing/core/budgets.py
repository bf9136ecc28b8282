"""Limits, and which counters a purchase must fit into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.window import Window


class OnBudget(StrEnum):
    """What to do when a budget has no room for a candidate."""

    DOWNGRADE = "downgrade"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which purchases a budget counts; an empty field matches all. Tag values are alternatives."""

    importance: frozenset[str] = frozenset()
    deployment: frozenset[str] = frozenset()
    operation: frozenset[str] = frozenset()
    tags: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))

    def covers(self, purchase: Purchase) -> bool:
        """Tell whether the budget counts this purchase."""
        return (
            (not self.importance or purchase.importance in self.importance)
            and (not self.deployment or purchase.deployment in self.deployment)
            and (not self.operation or purchase.operation in self.operation)
            and all(purchase.tags.get(key) in values for key, values in self.tags.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit in nano-USD on what is held and spent in a window.

    ``per`` names a tag whose every value has a counter of its own; requests without the tag share the counter ``""``.
    ``alert_at`` are amounts in nano-USD. ``protect`` gives an importance a share of the limit that less important
    requests may not use. ``forecast`` asks for an alert as soon as the limit is about to be passed at the present rate.
    """

    name: str
    limit_nusd: int
    window: Window
    per: str | None = None
    match: Match = field(default_factory=Match)
    on_budget: OnBudget | None = None
    alert_at: tuple[int, ...] = ()
    protect: Mapping[str, Fraction] = field(default_factory=lambda: MappingProxyType({}))
    forecast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What budgets look at: the deployment that is really called, and the request's labels."""

    importance: str
    deployment: str
    operation: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class CounterKey:
    """One counter: a budget, a tag value (``per``) and a window. ``below`` names a protected importance.

    A budget that protects ``final`` has a second counter, *below final*, that only less important purchases count in.
    """

    budget: str
    scope: str
    below: str
    start: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A counter that a purchase must fit into, and what it allows.

    A rolling window is counted in slices: ``key`` is the present one, ``earlier`` are the starts of those before it
    that count against the same limit, oldest first; it has no one ``end``. ``share`` is the counter's part of its
    budget's limit, and so of a raise.
    """

    key: CounterKey
    limit_nusd: int
    end: datetime | None
    alert_at: tuple[int, ...] = ()
    on_budget: OnBudget | None = None
    earlier: tuple[datetime, ...] = ()
    share: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRaise:
    """More room in a budget for a while, recorded with its reason and over by itself: ``at <= t < until``.

    ``scope`` is the value of the budget's ``per`` tag that it is meant for. ``by_nusd`` is added to the whole limit;
    what is kept for an importance grows by its share of that.
    """

    budget: str
    scope: str
    by_nusd: int
    at: datetime
    until: datetime
    reason: str


def claims_for(budgets: Iterable[Budget], purchase: Purchase, ranks: Sequence[str], at: datetime) -> tuple[Claim, ...]:
    """Find every counter this purchase must fit into, in sorted order; ``ranks`` are importances, least first."""
    claims = []
    for budget in budgets:
        if not budget.match.covers(purchase):
            continue
        span, earlier = budget.window.span(at), budget.window.earlier(at)
        scope = purchase.tags.get(budget.per, "") if budget.per else ""
        claims += [
            Claim(
                key=CounterKey(budget=budget.name, scope=scope, below=below, start=span.start),
                limit_nusd=int(budget.limit_nusd * share),
                end=None if earlier else span.end,
                alert_at=() if below else budget.alert_at,
                on_budget=budget.on_budget,
                earlier=earlier,
                share=share,
            )
            for below, share in shares(budget, ranks).items()
            if not below or ranks.index(below) > ranks.index(purchase.importance)
        ]
    return tuple(sorted(claims, key=lambda claim: claim.key))


def raised(claim: Claim, raises: Iterable[BudgetRaise]) -> Claim:
    """Lift a claim's limit by its share of the raises of its budget and scope; those of others are left out."""
    by_nusd = raised_by(raises, claim.key.budget, claim.key.scope)
    return replace(claim, limit_nusd=claim.limit_nusd + int(claim.share * by_nusd)) if by_nusd else claim


def raised_by(raises: Iterable[BudgetRaise], budget: str, scope: str) -> int:
    """Add up the raises of one budget and scope, in nano-USD."""
    return sum(each.by_nusd for each in raises if (each.budget, each.scope) == (budget, scope))


def shares(budget: Budget, ranks: Sequence[str]) -> dict[str, Fraction]:
    """Tell each counter's share of the limit: the whole (``""``), and what is left below each protected importance.

    What is kept for a more important one is out of reach too: below ``review`` is what neither ``review`` nor ``final``
    keeps.
    """
    found = {"": Fraction(1)}
    for protected in budget.protect:
        at_least = ranks.index(protected)
        kept = sum((share for name, share in budget.protect.items() if ranks.index(name) >= at_least), Fraction(0))
        found[protected] = max(Fraction(0), 1 - kept)
    return found
