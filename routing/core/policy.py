"""The policy as values: how importance is found, and what it buys."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.budgets import Budget, OnBudget
from routing.core.conditions import When
from routing.core.suggest import did_you_mean
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.core.deployment import Deployment
    from routing.core.picture import Size
    from routing.core.prices import PriceBook
    from routing.core.request import Features

NAMED_BY_CALL = "named by the call"


class Pick(StrEnum):
    """In which order a route's candidates are considered."""

    FIRST = "first"
    CHEAPEST = "cheapest"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortRule:
    """A rule that gives a request its importance, or caps what a caller may ask for. ``label`` is its place."""

    when: When = field(default_factory=When)
    importance: str | None = None
    at_most: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a route asks of whichever deployment serves it; ``None`` leaves it to the caller."""

    quality: str | None = None
    size: Size | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What an importance buys. ``max_price_nusd`` caps one request; ``label`` is its place in the file."""

    use: tuple[str, ...]
    when: When = field(default_factory=When)
    pick: Pick = Pick.FIRST
    ask: Ask = field(default_factory=Ask)
    max_price_nusd: int | None = None
    on_failure: tuple[str, ...] = ()
    on_budget: OnBudget | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The importance of a request, the rule that gave it, and the cap that lowered it, if any."""

    importance: str
    rule: str
    capped_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy file: ``importance`` is ordered, least first; ``tags`` are the declared keys (``None``: any)."""

    name: str
    importance: tuple[str, ...]
    sort: tuple[SortRule, ...]
    routes: Mapping[str, tuple[Route, ...]]
    on_budget: OnBudget = OnBudget.DOWNGRADE
    tags: frozenset[str] | None = None
    fingerprint: str = ""

    def rank(self, importance: str) -> int:
        """Place in the order, 0 for the least."""
        return self.importance.index(importance)

    def sort_request(self, features: Features) -> Sorted:
        """Give a request its importance: the call's own word first, else the first rule that matches; then the caps.

        Raises:
            RequestError: for an importance or a tag key that the policy does not declare.

        """
        self._check_declared(features)
        importance, rule = features.importance, NAMED_BY_CALL
        if importance is None:
            importance, rule = self._first_match(features)
        capped_by = ""
        for cap in self.sort:
            if cap.at_most and self.rank(cap.at_most) < self.rank(importance) and cap.when.holds(features):
                importance, capped_by = cap.at_most, cap.label
        return Sorted(importance=importance, rule=rule, capped_by=capped_by)

    def route_for(self, importance: str, features: Features) -> Route | None:
        """Find the first variant of the importance's route whose conditions hold."""
        return next((route for route in self.routes[importance] if route.when.holds(features)), None)

    def _first_match(self, features: Features) -> tuple[str, str]:
        for rule in self.sort:
            if rule.importance and rule.when.holds(features):
                return rule.importance, rule.label
        # config refuses a policy without a default; a hand-made one may still lack it
        raise RequestError(f"no sort rule of policy {self.name} matches; pass importance={self.importance[0]!r}")

    def _check_declared(self, features: Features) -> None:
        if features.importance is not None and features.importance not in self.importance:
            raise RequestError(
                f"unknown importance {features.importance!r}{did_you_mean(features.importance, self.importance)}: "
                f"policy {self.name} declares {', '.join(self.importance)}"
            )
        for key in features.tags if self.tags is not None else ():
            if key not in (self.tags or ()):
                raise RequestError(
                    f"unknown tag {key!r}{did_you_mean(key, self.tags or ())}: "
                    f"policy {self.name} declares {', '.join(sorted(self.tags or ()))} under `tags:`"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the files say that deciding and booking need."""

    policy: Policy
    deployments: Mapping[str, Deployment]
    prices: PriceBook
    budgets: tuple[Budget, ...] = ()
    hold_for_s: float = 900.0
    release_expired: bool = False
