"""The policy as values: how importance is found, and what it buys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.budgets import Budget, OnBudget
from routing.core.conditions import UNKNOWN, Standing, Test, When
from routing.core.refusals import RefusalRule, check_refusals
from routing.core.suggest import did_you_mean
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from typing import Any

    from routing.core.deployment import Deployment
    from routing.core.features import Features
    from routing.core.picture import Size
    from routing.core.prices import PriceBook

NAMED_BY_CALL = "named by the call"


class Pick(StrEnum):
    """In which order a route's candidates are considered."""

    FIRST = "first"
    CHEAPEST = "cheapest"


class OnUnknown(StrEnum):
    """What follows a call of which nobody knows whether it was charged, or that was charged and brought nothing."""

    STOP = "stop"
    RETRY = "retry"


class OnBad(StrEnum):
    """What is done with a bad picture (blank, too small, another format), which is paid for either way."""

    DELIVER = "deliver"
    RETRY = "retry"


class Show(StrEnum):
    """What a caller is shown without buying, where nothing could be had."""

    LAST = "last"
    PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Degrade:
    """What a route does where nothing could be had: buy from these deployments, then show this, each in order."""

    use: tuple[str, ...] = ()
    show: tuple[Show, ...] = ()


class DraftUse(StrEnum):
    """What becomes of a draft's picture where the draft is promoted: left behind, or taken along as a reference."""

    LEAVE = "leave"
    REFERENCE = "reference"


class Unsupported(StrEnum):
    """What becomes of an option that a deployment does not know."""

    REFUSE = "refuse"
    DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class SortRule:
    """A rule that gives a request its importance, or caps what a caller may ask for. ``label`` is its place."""

    when: When = field(default_factory=When)
    importance: str | None = None
    at_most: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a route asks of whichever deployment serves it; ``None`` leaves it to the caller.

    ``pixels_at_most`` makes a larger picture smaller, keeping its shape.
    """

    quality: str | None = None
    size: Size | None = None
    pixels_at_most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What an importance buys. ``max_price_nusd`` caps one request; ``label`` is its place in the file.

    ``deadline_s`` bounds how long a request may take, also where the call allows more. ``may_name`` are the deployments
    that a call may name; ``None``: those of ``use`` and ``on_failure``. ``unknown`` says whether money is risked twice,
    ``unsupported`` whether a deployment that does not know an option is left out, or the option. ``bad`` is what is
    done with a bad picture, ``degrade`` what is done where nothing could be had.
    """

    use: tuple[str, ...]
    when: When = field(default_factory=When)
    pick: Pick = Pick.FIRST
    ask: Ask = field(default_factory=Ask)
    max_price_nusd: int | None = None
    on_failure: tuple[str, ...] = ()
    on_budget: OnBudget | None = None
    deadline_s: float | None = None
    may_name: tuple[str, ...] | None = None
    unknown: OnUnknown = OnUnknown.STOP
    unsupported: Unsupported = Unsupported.REFUSE
    bad: OnBad = OnBad.DELIVER
    degrade: Degrade = field(default_factory=Degrade)
    draft: DraftUse = DraftUse.LEAVE
    label: str = ""

    @property
    def nameable(self) -> tuple[str, ...]:
        """The deployments that a call may name."""
        return (*self.use, *self.on_failure) if self.may_name is None else self.may_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The importance of a request, the rule that gave it, and the cap that lowered it, if any."""

    importance: str
    rule: str
    capped_by: str = ""


if TYPE_CHECKING:
    Standings = Callable[[str | None], Standing]
    """How full the budgets are that would count a request of some importance (``None``: it has none yet)."""


def nothing_known(_importance: str | None) -> Standing:
    """Know nothing of any budget: conditions on budgets never hold."""
    return UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy file: ``importance`` is ordered, least first; ``tags`` are the declared keys (``None``: any).

    ``refuse`` is what it says no to before anything is reserved; ``moderate`` are the importances whose prompts
    moderation looks at first, and ``moderate_label`` is where that stands.
    """

    name: str
    importance: tuple[str, ...]
    sort: tuple[SortRule, ...]
    routes: Mapping[str, tuple[Route, ...]]
    on_budget: OnBudget = OnBudget.DOWNGRADE
    tags: frozenset[str] | None = None
    refuse: tuple[RefusalRule, ...] = ()
    moderate: frozenset[str] = frozenset()
    moderate_label: str = "moderate"
    fingerprint: str = ""
    reads_budgets: bool = field(init=False, repr=False, compare=False)
    """Whether any rule asks how full the budgets are."""
    _rules: tuple[tuple[Test, str, str], ...] = field(init=False, repr=False, compare=False)
    _caps: tuple[tuple[Test, int, SortRule], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make ready what is asked for every request."""
        whens = [rule.when for rule in self.sort] + [rule.when for rule in self.refuse]
        whens += [route.when for routes in self.routes.values() for route in routes]
        rules = tuple((rule.when.holds, rule.importance, rule.label) for rule in self.sort if rule.importance)
        # A half-read file may name what it does not declare; it never gets as far as a request.
        caps = tuple(
            (rule.when.holds, self.rank(rule.at_most), rule) for rule in self.sort if rule.at_most in self.importance
        )
        object.__setattr__(self, "reads_budgets", any(when.reads_budgets for when in whens))
        object.__setattr__(self, "_rules", rules)
        object.__setattr__(self, "_caps", caps)

    def rank(self, importance: str | None) -> int:
        """Place in the order, 0 for the least."""
        return self.importance.index(importance or "")

    def sort_request(self, features: Features, standings: Standings = nothing_known) -> Sorted:
        """Give a request its importance: the call's own word first, else the first rule that matches; then the caps.

        Rules ask for the budgets that would count the request whatever its importance, caps for those that would count
        it at the importance it got.

        Raises:
            RequestError: for an importance or a tag key that the policy does not declare.

        """
        self._check_declared(features)
        importance, rule = features.importance, NAMED_BY_CALL
        if importance is None:
            importance, rule = self._first_match(features, standings(None))
        capped_by = ""
        if self._caps:
            standing, rank = standings(importance), self.rank(importance)
            for holds, cap, capping in self._caps:
                if cap < rank and holds(features, standing):
                    rank, capped_by = cap, capping.label
            importance = self.importance[rank]
        return Sorted(importance=importance, rule=rule, capped_by=capped_by)

    def check_refused(
        self, features: Features, importance: str, prompt: str | None, standings: Standings = nothing_known
    ) -> tuple[str, ...]:
        """Say no where a rule of ``refuse`` does; return the labels of those that need words which are not known.

        Raises:
            PromptRefused: by the first rule of which all holds.

        """
        if not self.refuse:
            return ()
        return check_refusals(self.refuse, features, importance, standings(importance), prompt)

    def route_for(self, importance: str, features: Features, standings: Standings = nothing_known) -> Route | None:
        """Find the first variant of the importance's route whose conditions hold."""
        standing = standings(importance)
        return next((route for route in self.routes[importance] if route.when.holds(features, standing)), None)

    def _first_match(self, features: Features, standing: Standing) -> tuple[str, str]:
        for holds, importance, label in self._rules:
            if holds(features, standing):
                return importance, label
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
    """Everything the files say that deciding and booking need.

    ``prepared`` is a memory of ``decide``'s own: what it found out once about a route and requests of one shape.
    """

    policy: Policy
    deployments: Mapping[str, Deployment]
    prices: PriceBook
    budgets: tuple[Budget, ...] = ()
    hold_for_s: float = 900.0
    release_expired: bool = False
    prepared: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def per(self) -> dict[str, str]:
        """The tag of each budget whose every value has a counter of its own."""
        return {budget.name: budget.per for budget in self.budgets if budget.per}

    def with_keys(self) -> Settings:
        """Count every deployment as having its key, for what is only planned."""
        deployments = {name: replace(each, missing_key=None) for name, each in self.deployments.items()}
        return replace(self, deployments=deployments)
