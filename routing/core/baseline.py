"""A declared baseline: what the pictures of past requests would have been expected to cost there.

Pure arithmetic; nothing is bought. Prices are those of the day a request was made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.core.conditions import OF_BUDGETS, UNKNOWN
from routing.core.past import LENGTHS
from routing.core.plan import decide
from routing.core.policy import Ask, Pick, Policy, Route, SortRule
from routing.core.quote import CHARS_PER_TOKEN
from routing.core.suggest import did_you_mean
from routing.errors import Refusal, RequestError

if TYPE_CHECKING:
    from datetime import date

    from routing.core.conditions import Condition
    from routing.core.features import Features
    from routing.core.past import Paid
    from routing.core.policy import Settings
    from routing.core.quote import Quote

IN_SUMS = frozenset({
    *LENGTHS, *OF_BUDGETS, "importance", "importance_named", "megapixels", "n", "operation", "references", "script",
    "size",
})  # fmt: skip
"""What conditions may read of requests that are known as sums; of budgets nothing is known either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the pictures would have been bought as. ``name`` finishes "less than": ``everything as final``."""

    name: str
    settings: Settings
    assumption: str

    def cost_micro(self, paid: Paid) -> int:
        """Tell what the bought pictures were expected to cost here on their day, in millionths of a nano-USD: exactly.

        Raises:
            RequestError, Refusal: where nobody could have made them here.

        """
        tariff = self._quote(paid, paid.features.prompt_chars).tariff
        tokens = paid.prompt_tokens
        if tokens is None:
            tokens = -(-paid.features.prompt_chars // CHARS_PER_TOKEN) * paid.requests
        return paid.requests * tariff.expected_micro + tokens * tariff.per_token_micro

    def price_days(self) -> tuple[date, ...]:
        """List the days on which something here gets another price, or ends."""
        prices = self.settings.prices
        days = {day for name in self._names for day in prices.days(name)}
        ends = (self.settings.deployments[name].model.shutdown for name in self._names)
        return tuple(sorted(days | {day for day in ends if day}))

    @property
    def reads_more(self) -> bool:
        """Tell whether it looks at what no sums hold: tags, how long a call may take, or what is not known here."""
        return any(each.field not in IN_SUMS for each in self._conditions)

    def is_one_price(self, paid: Paid) -> bool:
        """Tell whether every one of these requests has the same price here but for its prompt, which counts by length.

        Those that are known as sums have prompts and texts of some span of lengths. No condition and no model's limit
        may lie within; and where the cheapest is picked, it must be the same one for the shortest and the longest
        prompt: as prices are linear in it, nothing else is cheaper in between.
        """
        if all(least == most for least, most in paid.spans) or not paid.images or paid.partial:
            return True
        for name, span in zip(LENGTHS, paid.spans, strict=True):
            if any(_parts(each, paid.features, span) for each in self._conditions if each.field == name):
                return False
        longest = paid.spans[0][1]
        models = (self.settings.deployments[name].model for name in self._names)
        if any(longest > model.prompt_chars_at_most for model in models):
            return False
        if all(route.pick is not Pick.CHEAPEST for route in self._routes):
            return True
        try:
            first, last = (self._quote(paid, chars) for chars in paid.spans[0])
        except (RequestError, Refusal):
            return True  # for one as for all: what a prompt's length forbids was looked at above
        return first.tariff == last.tariff

    def _quote(self, paid: Paid, prompt_chars: int) -> Quote:
        features = replace(
            paid.features,
            prompt_chars=prompt_chars,
            importance=None,
            size=paid.size or paid.features.size,
            quality=None,
            deployment=None,
            n=paid.images,
            max_price_nusd=None,
        )
        return decide(self.settings, features, paid.at.date()).candidates[0].quote

    @property
    def _routes(self) -> tuple[Route, ...]:
        (routes,) = self.settings.policy.routes.values()
        return routes

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for route in self._routes for name in (*route.use, *route.on_failure)))

    @property
    def _conditions(self) -> tuple[Condition, ...]:
        return tuple(condition for route in self._routes for condition in route.when.conditions)


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


def _parts(condition: Condition, features: Features, span: tuple[int, int]) -> bool:
    """Tell whether a condition on a length holds for some of a span and not for others: looked at where it may turn."""
    least, most = span
    values = (*(condition.one_of or ()), *(condition.none_of or ()), condition.at_least, condition.at_most)
    edges = [int(value) for value in values if value is not None]
    points = {least, most, *(edge + away for edge in edges for away in (-1, 0, 1))}
    told = {
        condition.holds(_of_length(features, condition.field, point), UNKNOWN)
        for point in points
        if least <= point <= most
    }
    return len(told) > 1


def _of_length(features: Features, name: str, chars: int) -> Features:
    return replace(features, text_chars=chars) if name == "text_chars" else replace(features, prompt_chars=chars)
