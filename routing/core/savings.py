"""What the policy saved: the same pictures at a declared baseline, minus all that was really spent.

Pure arithmetic over requests of the past; nothing is bought. Prices are those of the day a request was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from routing.core.plan import decide
from routing.core.policy import Ask, Policy, Route, SortRule
from routing.core.suggest import did_you_mean
from routing.errors import Refusal, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, tzinfo

    from routing.core.features import Features
    from routing.core.picture import Size
    from routing.core.policy import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A request of the past: what it delivered, and what all of its attempts cost, in nano-USD.

    ``size`` is that of its bought ``images``; those ``from_cache`` are counted apart. ``failed_nusd`` was charged by
    attempts that brought no picture, ``unconfirmed_nusd`` nobody knows the truth of; both are part of ``spent_nusd``.
    ``partial``: an older version did not write down all of its features.
    """

    at: datetime
    importance: str
    features: Features
    size: Size | None
    images: int
    from_cache: int = 0
    spent_nusd: int = 0
    failed_nusd: int = 0
    unconfirmed_nusd: int = 0
    saved_nusd: int = 0
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the pictures would have been bought as. ``name`` finishes "less than": ``everything as final``."""

    name: str
    settings: Settings
    assumption: str

    def price_nusd(self, paid: Paid) -> int:
        """Tell what the bought pictures of a request were expected to cost here, on the day it was made.

        Raises:
            RequestError, Refusal: where nobody could have made them here.

        """
        features = replace(
            paid.features,
            importance=None,
            size=paid.size or paid.features.size,
            quality=None,
            deployment=None,
            n=paid.images,
            max_price_nusd=None,
        )
        return decide(self.settings, features, paid.at.date()).candidates[0].quote.expected_nusd


def baseline_of(settings: Settings, named: str | None = None) -> Baseline:
    """Make the baseline of an importance or a deployment; else that of the most important route.

    Whatever rules, caps and budgets say, everything goes there. Every deployment must count as having its key.

    Raises:
        RequestError: for a name that is neither.

    """
    ranks = settings.policy.importance
    named = named or ranks[-1]
    if named in ranks:
        routes = tuple(replace(route, max_price_nusd=None) for route in settings.policy.routes[named])
        name, assumption = f"everything as {named}", f"Every picture would have been bought as {named} is bought today"
    elif named in settings.deployments:
        routes = (Route(use=(named,), ask=Ask()),)
        name, assumption = f"everything from {named}", f"Every picture would have been bought from {named}"
    else:
        known = (*ranks, *settings.deployments)
        raise RequestError(
            f"unknown baseline {named!r}{did_you_mean(named, known)}: it is an importance or a deployment,"
            f" {', '.join(known)}"
        )
    policy = Policy(
        name=f"baseline {named}",
        importance=(named,),
        sort=(SortRule(importance=named, label="baseline"),),
        routes={named: routes},
    )
    return Baseline(name=name, settings=replace(settings, policy=policy, budgets=()), assumption=assumption)


@dataclass(slots=True, kw_only=True)
class Sums:
    """Sums over requests, in nano-USD; ``images`` are those bought."""

    requests: int = 0
    images: int = 0
    would_nusd: int = 0
    spent_nusd: int = 0
    failed_nusd: int = 0
    unconfirmed_nusd: int = 0

    @property
    def saved_nusd(self) -> int:
        """The difference; below zero where the baseline would have been cheaper."""
        return self.would_nusd - self.spent_nusd

    def add(self, paid: Paid, would_nusd: int) -> None:
        """Count one request."""
        self.requests += 1
        self.images += paid.images
        self.would_nusd += would_nusd
        self.spent_nusd += paid.spent_nusd
        self.failed_nusd += paid.failed_nusd
        self.unconfirmed_nusd += paid.unconfirmed_nusd

    def __add__(self, other: Sums) -> Sums:
        """Add up two groups."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in Sums.__slots__})


@dataclass(slots=True, kw_only=True)
class Savings:
    """The comparison, by first day of the month and importance.

    ``partial`` and ``unpriced`` are left out of it on both sides: what an older version wrote too little of, and what
    the baseline could not have made (``why`` is the first reason). ``from_cache`` counts pictures that were not bought,
    ``saved_by_cache_nusd`` what they would have cost; they are on neither side either. ``archived`` names files that
    older requests were moved to.
    """

    baseline: Baseline
    groups: dict[tuple[date, str], Sums] = field(default_factory=dict)
    partial: Sums = field(default_factory=Sums)
    unpriced: Sums = field(default_factory=Sums)
    why: str = ""
    from_cache: int = 0
    saved_by_cache_nusd: int = 0
    archived: tuple[str, ...] = ()

    @property
    def total(self) -> Sums:
        """All that is compared."""
        return sum(self.groups.values(), Sums())

    @property
    def spent_nusd(self) -> int:
        """All that was spent on these requests, compared or not."""
        return self.total.spent_nusd + self.partial.spent_nusd + self.unpriced.spent_nusd


def compare_with(baseline: Baseline, paid: Iterable[Paid], zone: tzinfo) -> Savings:
    """Set every request beside the baseline; months are those of ``zone``.

    What was charged without bringing a picture stands on the side of what was spent, and has nothing on the other.
    """
    found = Savings(baseline=baseline)
    for each in paid:
        found.from_cache += each.from_cache
        found.saved_by_cache_nusd += each.saved_nusd
        if not each.images and not each.spent_nusd:
            continue
        if each.partial:
            found.partial.add(each, 0)
            continue
        try:
            would_nusd = baseline.price_nusd(each) if each.images else 0
        except (RequestError, Refusal) as error:
            found.why = found.why or str(error)
            found.unpriced.add(each, 0)
            continue
        month = each.at.astimezone(zone).date().replace(day=1)
        found.groups.setdefault((month, each.importance), Sums()).add(each, would_nusd)
    return found
