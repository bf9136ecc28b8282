"""How budgets are told: where each stands in a few words, its figures, its drawing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING

from routing.reports.page.burndown import Burndown, burndown, limit_at, shown_until
from routing.reports.page.scale import percent
from routing.reports.page.text import Amount, amount, amounts, isolated, moment_text, share, short_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from routing.reports.page.data import BudgetWindow

DRAWN_AT_MOST, LISTED_AT_MOST = 6, 40
"""Budgets that are drawn, and those after them that have a line each: a campaign each may be hundreds."""
NEAR = 0.8
"""Of a limit: from here on, a budget on course stands out too."""
SOON = timedelta(days=90)
"""A budget without an end that lasts longer than this is no worry of today."""
ALARMS = ("over", "near")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """One budget in a line; ``width`` is how much of its limit is used, for a style."""

    name: str
    level: str
    standing: str
    spent: Amount
    limit: Amount
    used: str
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetViews:
    """All budgets: what needs a look first, else in the order they come in. ``left_out`` are not even listed."""

    drawn: tuple[BudgetView, ...]
    listed: tuple[BudgetLine, ...]
    left_out: int


def budget_views(budgets: Sequence[BudgetWindow], now: datetime) -> BudgetViews:
    """Draw the first six and list as many as anybody reads; moments are shown in the zone of ``now``."""
    ordered = sorted(budgets, key=lambda budget: _concern(budget, now))
    drawn, others = ordered[:DRAWN_AT_MOST], ordered[DRAWN_AT_MOST:]
    return BudgetViews(
        drawn=tuple(_view(budget, now) for budget in drawn),
        listed=_lines(others[:LISTED_AT_MOST], now),
        left_out=len(others[LISTED_AT_MOST:]),
    )


def _concern(budget: BudgetWindow, now: datetime) -> int:
    level, _ = _standing(budget, now)
    return ALARMS.index(level) if level in ALARMS else len(ALARMS)


def _lines(budgets: Sequence[BudgetWindow], now: datetime) -> tuple[BudgetLine, ...]:
    spent = amounts(budget.spent for budget in budgets)
    limits = amounts(limit_at(budget, now) for budget in budgets)
    return tuple(
        _line(budget, written, limit, now) for budget, written, limit in zip(budgets, spent, limits, strict=True)
    )


def _line(budget: BudgetWindow, spent: Amount, limit: Amount, now: datetime) -> BudgetLine:
    level, standing = _standing(budget, now)
    most = limit_at(budget, now)
    return BudgetLine(
        name=budget.name,
        level=level,
        standing=standing,
        spent=spent,
        limit=limit,
        used=share(budget.spent, most),
        width=percent(min(1.0, max(0, budget.spent) / most)) if most > 0 else "0%",
    )


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
    ends = shown_until(budget, now).astimezone(zone)
    with_year = starts.year != ends.year
    return BudgetView(
        name=budget.name,
        left=left,
        beyond=left_nusd < 0,
        limit=amount(limit),
        level=level,
        standing=standing,
        facts=_facts(budget, now),
        drawing=drawing,
        # Of a lifetime, the day is exact enough.
        starts=_edge(starts, with_year=with_year, with_hour=budget.ends_at is not None),
        ends=_edge(ends, with_year=with_year, with_hour=budget.ends_at is not None)
        if budget.ends_at or ends > now
        else "no end",
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
    if reached_at and now < reached_at < (budget.ends_at or now + SOON):
        return "near", f"reaches its limit about {_about(reached_at, now)} at this rate"
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
    elif budget.forecast and budget.forecast.reached_at and now < budget.forecast.reached_at and budget.spent < limit:
        facts.append(Fact(term="At this rate", text=f"limit reached about {_about(budget.forecast.reached_at, now)}"))
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
    if budget.rolling:
        facts.append(Fact(term="Starts afresh", text="never: its window rolls on"))
    elif budget.ends_at:
        ends = moment_text(budget.ends_at.astimezone(zone))
        facts.append(Fact(term="Ended" if over else "Starts afresh", text=ends))
    else:
        facts.append(Fact(term="Starts afresh", text="never"))
    return tuple(facts)


def _about(at: datetime, now: datetime) -> str:
    """Name a day to come, with its year where that is not this one."""
    at = at.astimezone(now.tzinfo)
    return short_day(at) if at.year == now.year else f"{short_day(at)} {at.year}"


def _edge(at: datetime, *, with_year: bool, with_hour: bool) -> str:
    """Name an end of the axis: its day, with the year where that is needed; else the hour where it is not midnight."""
    if with_year:
        return f"{short_day(at)} {at.year}"
    return f"{short_day(at)}, {at:%H:%M}" if with_hour and at.time() != time() else short_day(at)
