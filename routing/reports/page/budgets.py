"""How budgets are told: where each stands in a few words, its figures, its drawing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

from routing.reports.page.burndown import Burndown, burndown, limit_at
from routing.reports.page.text import Amount, amount, isolated, moment_text, share, short_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from routing.reports.page.data import BudgetWindow

BUDGETS_AT_MOST = 20
NEAR = 0.8
"""Of a limit: from here on, a budget on course stands out too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A term and what is to be said of it; ``exact`` is the amount in it to the nano-dollar."""

    term: str
    text: str
    exact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """One budget as it is told. ``level`` is ``calm``, ``near``, ``over`` or ``past``; ``standing`` says it in words.

    ``left`` is what is left, or how much is spent and held ``beyond`` the limit.
    """

    name: str
    left: Amount
    beyond: bool
    limit: Amount
    level: str
    standing: str
    facts: tuple[Fact, ...]
    drawing: Burndown | None
    starts: str
    ends: str
    description: str


def budget_views(budgets: Sequence[BudgetWindow], now: datetime) -> tuple[BudgetView, ...]:
    """Tell the first twenty, in the order they come in; moments are shown in the zone of ``now``."""
    return tuple(_view(budget, now) for budget in budgets[:BUDGETS_AT_MOST])


def _view(budget: BudgetWindow, now: datetime) -> BudgetView:
    zone = now.tzinfo
    over = budget.ends_at is not None and now >= budget.ends_at
    limit = limit_at(budget, now)
    left_nusd = limit - budget.spent - (0 if over else budget.held)
    left = amount(abs(left_nusd))
    of = f"{'beyond' if left_nusd < 0 else 'left of'} {amount(limit).text}"
    level, standing = _standing(budget, now)
    drawing = burndown(budget, now)
    starts = budget.starts_at.astimezone(zone)
    ends = budget.ends_at.astimezone(zone) if budget.ends_at else None
    with_year = starts.year != (ends or now).year
    return BudgetView(
        name=budget.name,
        left=left,
        beyond=left_nusd < 0,
        limit=amount(limit),
        level=level,
        standing=standing,
        facts=_facts(budget, now),
        drawing=drawing,
        starts=_edge(starts, with_year=with_year),
        ends=_edge(ends, with_year=with_year) if ends else "no end",
        description=f"{isolated(budget.name)}: {left.text} {of}, {standing}",
    )


def _standing(budget: BudgetWindow, now: datetime) -> tuple[str, str]:
    limit = limit_at(budget, now)
    if now < budget.starts_at:
        return "past", "has not begun"
    if budget.ends_at is not None and now >= budget.ends_at:
        return ("over", "closed above its limit") if budget.spent > limit else ("past", "closed within its limit")
    if budget.spent > limit:
        return "over", "over its limit"
    if budget.spent + budget.held >= limit:
        return "over", "its limit is reached"
    reached_at = budget.forecast.reached_at if budget.forecast else None
    if reached_at and now < reached_at and (budget.ends_at is None or reached_at < budget.ends_at):
        return "near", f"reaches its limit about {short_day(reached_at.astimezone(now.tzinfo))} at this rate"
    level = "near" if budget.spent >= NEAR * limit else "calm"
    passed = [threshold for threshold in budget.thresholds if threshold <= budget.spent]
    return level, f"past its alert at {amount(max(passed)).text}" if passed else "within its limit"


def _facts(budget: BudgetWindow, now: datetime) -> tuple[Fact, ...]:
    zone, limit = now.tzinfo, limit_at(budget, now)
    spent = amount(budget.spent)
    facts = [Fact(term="Spent", text=f"{spent.text}, {share(budget.spent, limit)}", exact=spent.exact)]
    over = budget.ends_at is not None and now >= budget.ends_at
    if budget.held and not over:
        held = amount(budget.held)
        facts.append(Fact(term="Held now", text=held.text, exact=held.exact))
    if budget.forecast and budget.ends_at and not over:
        expected = amount(budget.forecast.expected)
        text = f"{expected.text} at the end, {share(budget.forecast.expected, limit)}"
        facts.append(Fact(term="At this rate", text=text, exact=expected.exact))
    if budget.thresholds:
        told = [
            f"{share(threshold, budget.limit) if budget.limit else amount(threshold).text}"
            f"{' (reached)' if budget.spent >= threshold else ''}"
            for threshold in sorted(budget.thresholds)
        ]
        facts.append(Fact(term="Alerts at", text=", ".join(told)))
    for given in sorted(budget.raises, key=lambda given: given.at):
        more = amount(given.by)
        until = moment_text(given.until.astimezone(zone))
        text = f"by {more.text} from {moment_text(given.at.astimezone(zone))} until {until}: {isolated(given.reason)}"
        facts.append(Fact(term="Raised", text=text, exact=more.exact))
    if budget.ends_at:
        ends = moment_text(budget.ends_at.astimezone(zone))
        facts.append(Fact(term="Ended" if over else "Starts afresh", text=ends))
    else:
        facts.append(Fact(term="Starts afresh", text="never"))
    return tuple(facts)


def _edge(at: datetime, *, with_year: bool) -> str:
    """Name an end of the axis: its day, with the year where that is needed; else the hour where it is not midnight."""
    if with_year:
        return f"{short_day(at)} {at.year}"
    return short_day(at) if at.time() == time() else f"{short_day(at)}, {at:%H:%M}"
