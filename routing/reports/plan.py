"""A plan, explained: where a request goes, by which rule, at what price, and why nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.alerts import crossed
from routing.core.money import divide_half_up, usd_text
from routing.core.policy import Degrade, OnBad, OnUnknown, Show
from routing.core.prices import Unit
from routing.core.retries import RISKED_AT_MOST
from routing.reports.amounts import NUSD_EXPONENT, readable, readable_column
from routing.reports.budgets import counter_name
from routing.reports.sheet import UNLIMITED, Sheet, fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.core.budgets import Claim
    from routing.core.entries import Balance
    from routing.core.plan import Candidate, Plan
    from routing.core.policy import Policy
    from routing.core.prices import Line

UNIT_WORDS = {
    Unit.TEXT_IN: "prompt text, tokens",
    Unit.TEXT_CACHED_IN: "prompt text from the vendor's cache, tokens",
    Unit.IMAGE_IN: "reference images, tokens",
    Unit.IMAGE_CACHED_IN: "reference images from the vendor's cache, tokens",
    Unit.TEXT_OUT: "thoughts and words, tokens",
    Unit.IMAGE_OUT: "the picture, tokens",
    Unit.IMAGE: "pictures",
}
"""Units as they read in a bill."""

MICRO_NUSD_EXPONENT = 15
MILLION_EXPONENT = 6


def asked_for(candidate: Candidate) -> str:
    """Say what a deployment is asked for: ``gpt-image-2 at high, 1536x1024``."""
    quality = f" at {candidate.quality}" if candidate.quality else ""
    return f"{candidate.deployment.name}{quality}, {candidate.size}"


def rule_words(policy: Policy) -> dict[str, str]:
    """Say what each sort rule asks, by the place that plans name it with."""
    return {rule.label: str(rule.when) if rule.when.conditions else "the default" for rule in policy.sort}


def why_importance(plan: Plan, words: Mapping[str, str]) -> str:
    """Say the importance and what gave it: ``final, by policies/default.yaml:14 (tags.stage is final)``."""
    capped = f", capped by {_rule(plan.capped_by, words)}" if plan.capped_by else ""
    return f"{plan.importance}, {_rule(plan.rule, words)}{capped}"


def _rule(label: str, words: Mapping[str, str]) -> str:
    return f"{label} ({words[label]})" if label in words else label


def route_words(plan: Plan) -> str:
    """Say the variant of the route that took the request: its place, its condition, and what it may use."""
    route = plan.route
    place = route.label or f"the route of {plan.importance}"
    when = f" ({route.when})" if route.when.conditions else ""
    order = f"{route.pick.value} of " if len(route.use) > 1 else ""
    return f"{place}{when}: {order}{', '.join(route.use)}"


_SHOWN = {Show.LAST: "the asset's last picture", Show.PLACEHOLDER: "a placeholder"}


def degrade_words(plan: Plan) -> str:
    """Say what is done where nothing can be had: who is bought from then, and what is shown."""
    bought = (f"{asked_for(each)} for at most {readable(each.quote.price_nusd)}" for each in plan.stand_ins)
    steps = [*bought, *(_SHOWN[each] for each in plan.route.degrade.show)]
    return "; else ".join(steps) if steps else "none of its stand-ins can serve this"


def again_words(plan: Plan) -> str:
    """Say where the route pays that price more than once for the same pictures; ``""`` where it does not."""
    route, risks = plan.route, []
    if route.bad is OnBad.RETRY:
        risks.append("once for a bad picture")
    if route.unknown is OnUnknown.RETRY:
        risks.append(f"up to {RISKED_AT_MOST - 1} times where nobody knows what became of a call")
    return f"{', '.join(risks)}: each is paid besides" if risks else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A budget counter that a purchase would count in: its limit as it is raised now, and how it stands.

    Of a rolling window ``balance`` is that of all slices.
    """

    claim: Claim
    balance: Balance

    @property
    def left_nusd(self) -> int:
        """What may still be reserved, in nano-USD."""
        return self.claim.limit_nusd - self.balance.spent_nusd - self.balance.held_nusd

    def alerts(self, price_nusd: int) -> tuple[int, ...]:
        """List the thresholds that spending a price would reach, in nano-USD."""
        spent = self.balance.spent_nusd
        return crossed(self.claim.alert_at, spent, spent + price_nusd)

    def alerts_with_held(self, price_nusd: int) -> tuple[int, ...]:
        """List those that it would reach only once what is held is spent too."""
        first = self.balance.spent_nusd + price_nusd
        return crossed(self.claim.alert_at, first, first + self.balance.held_nusd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A plan for ``n`` pictures and what is around it.

    ``touched`` are the budget counters of the first candidate, ``words`` the conditions of the policy's sort rules by
    their place, ``per`` the tag of each budget that counts every value of one. ``downgrades``: where one of these
    budgets has no room, what is cheaper is tried.
    """

    plan: Plan
    n: int
    touched: Sequence[Touched] = ()
    words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    per: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notices: Sequence[str] = ()
    downgrades: bool = False


def plan_report(explained: Explanation, width: int = UNLIMITED) -> list[str]:
    """Explain a plan in lines of at most ``width`` columns."""
    plan, n = explained.plan, explained.n
    first = plan.candidates[0]
    facts = [
        ("importance", why_importance(plan, explained.words)),
        ("buys", f"{asked_for(first)}{f', {n} pictures' if n > 1 else ''}"),
        ("by route", route_words(plan)),
        ("price", f"at most {readable(first.quote.price_nusd)}, expected {readable(first.quote.expected_nusd)}"),
        *([("again", again)] if (again := again_words(plan)) else []),
        *([("or else", degrade_words(plan))] if plan.route.degrade != Degrade() else []),
        *(("note", notice) for notice in explained.notices),
    ]
    lines = [line for name, text in facts for line in fact(name, text, width)]
    sheets = [_lines_sheet(first.quote.lines, n)]
    if len(plan.candidates) > 1 or plan.dropped:
        sheets.append(_candidates_sheet(plan, downgrades=explained.downgrades))
    if explained.touched:
        sheets.append(_touched_sheet(explained))
    for sheet in sheets:
        lines += ["", *sheet.lines(width)]
    return lines


def plan_json(explained: Explanation) -> dict[str, object]:
    """Plain values of a plan: amounts as exact decimal strings in USD."""
    plan = explained.plan
    first = plan.candidates[0]
    return {
        "importance": plan.importance,
        "rule": plan.rule,
        "capped_by": plan.capped_by or None,
        "route": plan.route.label,
        "n": explained.n,
        **_candidate_json(first),
        "lines": lines_json(first.quote.lines),
        "then": [_candidate_json(candidate) for candidate in plan.candidates[1:]],
        "bad": plan.route.bad.value,
        "unknown": plan.route.unknown.value,
        "degrade": {
            "use": [_candidate_json(candidate) for candidate in plan.stand_ins],
            "show": [each.value for each in plan.route.degrade.show],
        },
        "dropped": dropped_json(plan),
        "budgets": [_touched_json(touched, first.quote.price_nusd) for touched in explained.touched],
        "notices": list(explained.notices),
    }


def _touched_json(touched: Touched, price_nusd: int) -> dict[str, object]:
    key = touched.claim.key
    return {
        "budget": key.budget,
        "scope": key.scope,
        "below": key.below,
        "limit_usd": usd_text(touched.claim.limit_nusd),
        "spent_usd": usd_text(touched.balance.spent_nusd),
        "held_usd": usd_text(touched.balance.held_nusd),
        "left_usd": usd_text(touched.left_nusd),
        "fits": price_nusd <= touched.left_nusd,
        "alerts_usd": [usd_text(at) for at in touched.alerts(price_nusd)],
        "alerts_with_held_usd": [usd_text(at) for at in touched.alerts_with_held(price_nusd)],
    }


def dropped_json(plan: Plan) -> list[dict[str, str]]:
    """Plain values of what was left out, and why."""
    return [
        {"deployment": drop.deployment, "reason": drop.reason.value, "detail": drop.detail} for drop in plan.dropped
    ]


def lines_json(lines: Sequence[Line]) -> list[dict[str, object]]:
    """Plain values of a bill: ``amount_usd`` is exact before the one rounding of the sum."""
    return [
        {
            "unit": line.unit.value,
            "quantity": line.quantity,
            "usd_per_million": _fixed(line.rate.per_million_nusd, NUSD_EXPONENT),
            "amount_usd": _fixed(line.amount_micro, MICRO_NUSD_EXPONENT),
            "since": line.rate.since.isoformat(),
            "source": line.rate.source,
        }
        for line in lines
    ]


def _candidate_json(candidate: Candidate) -> dict[str, object]:
    return {
        "deployment": candidate.deployment.name,
        "model": candidate.deployment.model.name,
        "size": str(candidate.size),
        "quality": candidate.quality,
        "price_usd": usd_text(candidate.quote.price_nusd),
        "expected_usd": usd_text(candidate.quote.expected_nusd),
    }


def _lines_sheet(lines: Sequence[Line], n: int) -> Sheet:
    rows = tuple(
        (UNIT_WORDS[line.unit], _quantity(line, n), _rate(line), readable(divide_half_up(line.amount_micro, 10**6)))
        for line in lines
    )
    return Sheet(columns=("price", "quantity", "rate", "at most"), rows=rows)


def _quantity(line: Line, n: int) -> str:
    """Write what n pictures take as n times what one takes."""
    each, rest = divmod(line.quantity, n)
    return f"{line.quantity:,}" if n == 1 or rest else f"{n} x {each:,}"


def _rate(line: Line) -> str:
    if line.unit is Unit.IMAGE:
        return f"{readable(line.rate.per_million_nusd // 10**MILLION_EXPONENT)} each"
    return f"{readable(line.rate.per_million_nusd)} a million"


def _candidates_sheet(plan: Plan, *, downgrades: bool) -> Sheet:
    candidates = plan.candidates
    prices = readable_column(candidate.quote.price_nusd for candidate in candidates)
    rows = [
        (candidate.deployment.name, price, _place(plan, place, downgrades=downgrades))
        for place, (candidate, price) in enumerate(zip(candidates, prices, strict=True))
    ]
    rows += [(drop.deployment, "", f"not: {drop.detail}") for drop in plan.dropped]
    return Sheet(columns=("deployment", "at most", "verdict"), rows=tuple(rows))


def _place(plan: Plan, place: int, *, downgrades: bool) -> str:
    candidate = plan.candidates[place]
    asked = f"{candidate.quality + ', ' if candidate.quality else ''}{candidate.size}"
    if not place:
        return f"bought: {asked}"
    # Where a budget has no room, only what is cheaper is tried, and that only where the policy says so.
    cheaper = downgrades and all(
        candidate.quote.price_nusd < other.quote.price_nusd for other in plan.candidates[:place]
    )
    return f"next, if that fails{' or a budget has no room' if cheaper else ''}: {asked}"


def _touched_sheet(explained: Explanation) -> Sheet:
    price_nusd = explained.plan.candidates[0].quote.price_nusd
    claims = [touched.claim for touched in explained.touched]
    rows = tuple(
        (
            counter_name(claim.key.budget, claim.key.scope, claim.key.below, explained.per.get(claim.key.budget, "")),
            limit,
            left,
            _room(touched, price_nusd),
        )
        for touched, claim, limit, left in zip(
            explained.touched,
            claims,
            readable_column(claim.limit_nusd for claim in claims),
            readable_column(touched.left_nusd for touched in explained.touched),
            strict=True,
        )
    )
    return Sheet(columns=("budget", "limit", "left", "verdict"), rows=rows)


def _room(touched: Touched, price_nusd: int) -> str:
    """Say whether a price fits, and which alerts spending it would fire."""
    if price_nusd > touched.left_nusd:
        return "has no room for it"
    parts = ["fits"]
    for thresholds, when in (
        (touched.alerts(price_nusd), ""),
        (touched.alerts_with_held(price_nusd), "once what is held is spent too, "),
    ):
        if thresholds:
            reached = " and ".join(map(readable, thresholds))
            parts.append(f"{when}its alert{'s' * (len(thresholds) > 1)} at {reached} would fire")
    return "; ".join(parts)


def _fixed(number: int, exponent: int) -> str:
    """Write a scaled whole number as a decimal, exact and without trailing zeros."""
    text = f"{Decimal(number).scaleb(-exponent):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
