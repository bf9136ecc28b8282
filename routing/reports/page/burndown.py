"""One budget's window drawn: what is left of its limit, from its start to its end, and where that leads."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from routing.reports.page.scale import DEPTH, Scale, Tick, percent, scale_to
from routing.reports.page.text import amount, share

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from routing.reports.page.data import BudgetWindow

POINTS_AT_MOST = 80
"""More than these are closer than a pixel on most screens."""
NOW_AT_LEAST, NOW_AT_MOST = 0.06, 0.94
"""Where the word for the present still stands inside the drawing."""
LABELS_APART = 110
"""Units between the labels of two thresholds: one in between is left out, its line is not."""

Course = list[tuple["datetime", int]]
"""Amounts over time; two at the same moment are a jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdLine:
    """Where an alert is due: a path, what it tells, and its label on the right where there is room for one."""

    path: str
    hint: str
    label: Tick | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Burndown:
    """Paths in a drawing of 1,000 by 1,000 units. ``forecast``, ``held`` and ``now`` are empty where it is over."""

    scale: Scale
    zero: str
    left: str
    area: str
    forecast: str
    held: str
    thresholds: tuple[ThresholdLine, ...]
    now_x: str
    now: Tick | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Moments and amounts become places here."""

    start: datetime
    end: datetime
    scale: Scale

    def share(self, at: datetime) -> float:
        return min(1.0, max(0.0, (at - self.start) / (self.end - self.start)))

    def x(self, at: datetime) -> str:
        return f"{DEPTH * self.share(at):.0f}"

    def path(self, course: Iterable[tuple[datetime, int]]) -> str:
        points = (f"{self.x(at)} {self.scale.units(nusd):.0f}" for at, nusd in course)
        return "M" + "L".join(point for point, _ in groupby(points))


def limit_at(budget: BudgetWindow, at: datetime) -> int:
    """Tell the limit in force: with the raises of that moment."""
    return budget.limit + sum(given.by for given in budget.raises if given.at <= at < given.until)


def shown_until(budget: BudgetWindow, now: datetime) -> datetime:
    """Tell where the drawing ends: with the window; without an end, where its limit is reached, but not beyond.

    What was takes at least half of a drawing: a limit that is reached in ten years would leave nothing of it.
    """
    if budget.ends_at:
        return budget.ends_at
    reached_at = budget.forecast.reached_at if budget.forecast else None
    return max(now, min(reached_at or now, now + (now - budget.starts_at)))


def burndown(budget: BudgetWindow, now: datetime) -> Burndown | None:
    """Draw it; ``None`` where no time has passed in the window, or there is neither a limit nor spending."""
    if now <= budget.starts_at or not (limit_at(budget, now) or budget.spent or budget.held):
        return None
    shown = min(now, budget.ends_at or now)
    running = budget.ends_at is None or now < budget.ends_at
    end = shown_until(budget, now)
    held = budget.held if running else 0
    left = _left(budget, shown)
    limits = _limits(budget, budget.starts_at, end)
    lowest = min(0, left[-1][1] - held, *(nusd for _, nusd in left))
    frame = _Frame(
        start=budget.starts_at, end=end, scale=scale_to(lowest, max(0, *(nusd for _, nusd in [*left, *limits])))
    )
    line, zero = frame.path(left), frame.scale.y(0)
    return Burndown(
        scale=frame.scale,
        zero=zero,
        left=line,
        area=f"{line}V{zero}H0Z",
        forecast=_forecast(budget, frame, left[-1]) if running else "",
        held=frame.path([left[-1], (now, left[-1][1] - held)]) if held else "",
        thresholds=_thresholds(budget, frame, limits),
        now_x=frame.x(shown),
        now=Tick(at=percent(min(NOW_AT_MOST, max(NOW_AT_LEAST, frame.share(now)))), text="now") if running else None,
    )


def _left(budget: BudgetWindow, shown: datetime) -> Course:
    """What is left over time: spending in straight lines between its points, jumps where a raise begins or ends."""
    points = [(budget.starts_at, 0)]
    points += [(point.at, point.spent) for point in budget.points if budget.starts_at < point.at < shown]
    points = points[:: -(-len(points) // POINTS_AT_MOST)]
    points.append((shown, budget.spent))
    course = []
    for at, limit in _limits(budget, budget.starts_at, shown):
        later = max(1, bisect_left(points, at, key=lambda point: point[0]))
        (before, low), (after, high) = points[later - 1 : later + 1]
        course.append((at, limit - low - round((high - low) * ((at - before) / (after - before)))))
    jumps = {at for at, _ in course}
    steady = [(at, limit_at(budget, at) - spent) for at, spent in points if at not in jumps]
    return sorted([*course, *steady], key=lambda moment: moment[0])


def _limits(budget: BudgetWindow, start: datetime, end: datetime) -> Course:
    """The limit over time, from start to end; at a raise it stands twice: before and after."""
    edges = {edge for given in budget.raises for edge in (given.at, given.until) if start < edge < end}
    course = [(start, limit_at(budget, start))]
    for edge in sorted(edges):
        course += [(edge, course[-1][1]), (edge, limit_at(budget, edge))]
    return [*course, (end, course[-1][1])]


def _forecast(budget: BudgetWindow, frame: _Frame, left: tuple[datetime, int]) -> str:
    """From what is left now, straight to where it ends, or to nothing where that comes first."""
    if budget.forecast is None or left[1] <= 0:
        return ""
    reached_at = budget.forecast.reached_at
    if reached_at is not None and reached_at <= frame.end:
        return frame.path([left, (reached_at, 0)]) if reached_at > left[0] else ""
    if budget.ends_at is None:
        if reached_at is None:
            return ""
        passed = (frame.end - left[0]) / (reached_at - left[0])
        return frame.path([left, (frame.end, left[1] - round(left[1] * passed))])
    return frame.path([left, (frame.end, max(0, limit_at(budget, left[0]) - budget.forecast.expected))])


def _thresholds(budget: BudgetWindow, frame: _Frame, limits: Course) -> tuple[ThresholdLine, ...]:
    lines, taken = [], -LABELS_APART * 1.0
    for threshold in sorted(budget.thresholds):  # from the top of the drawing downwards
        places = [frame.scale.units(limit - threshold) for _, limit in limits]
        if min(places) < 0 or max(places) > DEPTH:
            continue  # beyond the limit, and so beyond the drawing
        place = places[-1]
        roomy = place - taken >= LABELS_APART
        taken = place if roomy else taken
        told = share(threshold, budget.limit)  # as it is set, whatever it is raised by
        lines.append(
            ThresholdLine(
                path=frame.path((at, limit - threshold) for at, limit in limits),
                hint=f"Alert at {amount(threshold).text} spent ({told})",
                label=Tick(at=percent(place / DEPTH), text=told) if roomy else None,
            )
        )
    return tuple(lines)
