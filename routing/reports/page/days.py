"""Spending over time, stacked by importance: a bar a day, or a month where the period is longer than a year."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from routing.reports.page.scale import Scale, Tick, percent, scale, spread
from routing.reports.page.text import Amount, amount, amounts, day_text, isolated, share, short_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from routing.reports.page.data import PageData

BARS_OF_DAYS_AT_MOST = 366
ROOM_BETWEEN_UP_TO = 62
"""So many bars still have air between them, and lines between the importances of each."""
LABELLED_DAYS_UP_TO = 62
LABELS_WIDE, LABELS_NARROW = 10, 5
MONTHS_WIDE, MONTHS_NARROW = 13, 5

AIRY, DENSE = (".12", ".76"), ("", "1")
"""Where a bar begins in its slot, and how wide it is: with room between bars, and without."""
GAP = 5
"""Of 1,000 units of height, taken from the top of a part that stands below another."""

LAST_DAY_WITH_ROOM = 12
"""Of the month that a long period begins in: after it, its label would touch the next one's."""
MONTHS_BELONG_TO_CHART_FROM = 63
MONTHS_TOLD_AT_MOST = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One bar: its first day, its name, and what was spent by rank of importance."""

    day: date
    name: str
    spent: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One importance of all bars, as one path."""

    rank: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """A chart in units: one for a slot from left to right, 1,000 from top to bottom. ``hints`` are told at a slot."""

    slots: int
    series: tuple[Series, ...]
    hints: tuple[str, ...]
    grid: tuple[str, ...]
    zero: str
    scale: Scale
    days: tuple[Tick, ...]
    unit: str
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a horizontal bar, in the colour of an importance; ``width`` is for a style."""

    rank: int
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a legend or of the months: a name, an amount, its share, and a bar of the importances in it."""

    name: str
    amount: Amount
    share: str
    parts: tuple[Part, ...]


def ranks_of(data: PageData) -> tuple[str, ...]:
    """List the importances, least first: the policy's, then what only the ledger or a ranking knows."""
    spent = {name for day in data.days for name in day.spent}
    stepped = {step.importance for ranking in data.rankings for row in ranking.rows for step in row.steps}
    compared = {each.importance for each in data.baseline.importances} if data.baseline else set()
    return (*dict.fromkeys(data.importances), *sorted((spent | stepped | compared) - {*data.importances}))


def legend(data: PageData, ranks: Sequence[str]) -> tuple[Line, ...]:
    """Tell each importance's part of the whole, the most important first, as they stand in the stack."""
    totals = _totals(day.spent for day in data.days)
    told = [(rank, name) for rank, name in reversed([*enumerate(ranks)]) if totals[name]]
    return tuple(
        Line(name=name, amount=written, share=share(totals[name], data.spent), parts=(Part(rank=rank, width="100%"),))
        for (rank, name), written in zip(told, amounts(totals[name] for _, name in told), strict=True)
    )


def months(data: PageData, ranks: Sequence[str]) -> tuple[Line, ...]:
    """Sum up by month, where the days are too many to read; a part of a month counts as one."""
    first, last = data.first_day, data.last_day
    slots = _slots(data, ranks, by_month=True)
    if (last - first).days + 1 < MONTHS_BELONG_TO_CHART_FROM or len(slots) > MONTHS_TOLD_AT_MOST:
        return ()
    sums = [sum(slot.spent) for slot in slots]
    return tuple(
        Line(
            name=slot.name,
            amount=written,
            share=share(sum(slot.spent), data.spent),
            parts=parts(slot.spent, max(1, *sums)),
        )
        for slot, written in zip(slots, amounts(sums), strict=True)
    )


def parts(spent: Sequence[int], whole: int) -> tuple[Part, ...]:
    """Lay amounts by rank side by side; ``whole`` is the full width."""
    return tuple(Part(rank=rank, width=percent(min(1.0, nusd / whole))) for rank, nusd in enumerate(spent) if nusd > 0)


def bars(data: PageData, ranks: Sequence[str]) -> Bars | None:
    """Draw the period; ``None`` where nothing was spent."""
    if not any(any(day.spent.values()) for day in data.days):
        return None
    by_month = (data.last_day - data.first_day).days + 1 > BARS_OF_DAYS_AT_MOST
    slots = _slots(data, ranks, by_month=by_month)
    high = max(sum(nusd for nusd in slot.spent if nusd > 0) for slot in slots)
    low = min(sum(nusd for nusd in slot.spent if nusd < 0) for slot in slots)
    drawn = scale(low, high)
    airy = len(slots) <= ROOM_BETWEEN_UP_TO
    unit = "month" if by_month else "day"
    return Bars(
        unit=unit,
        slots=len(slots),
        series=_series(slots, drawn, len(ranks), airy=airy),
        hints=tuple(_hint(slot, ranks) for slot in slots),
        grid=tuple(drawn.y(line) for line in drawn.lines if line),
        zero=drawn.y(0),
        scale=drawn,
        days=_days(slots, by_month=by_month),
        summary=_summary(slots, unit),
    )


def _totals(days: Iterable[Mapping[str, int]]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for spent in days:
        totals.update(spent)
    return totals


def _slots(data: PageData, ranks: Sequence[str], *, by_month: bool) -> list[Slot]:
    """Every day or month of the period, spent or not."""
    starts: dict[date, list[Mapping[str, int]]] = {}
    for number in range((data.last_day - data.first_day).days + 1):
        day = data.first_day + timedelta(days=number)
        starts.setdefault(day.replace(day=1) if by_month else day, [])
    for spent in data.days:
        if not data.first_day <= spent.day <= data.last_day:
            raise ValueError(f"{spent.day} is not one of the days from {data.first_day} to {data.last_day}")
        starts[spent.day.replace(day=1) if by_month else spent.day].append(spent.spent)
    totals = {start: _totals(days) for start, days in starts.items()}
    return [
        Slot(
            day=start,
            name=f"{start:%B %Y}" if by_month else day_text(start, weekday=True),
            spent=tuple(total[name] for name in ranks),
        )
        for start, total in totals.items()
    ]


def _series(slots: Sequence[Slot], drawn: Scale, ranks: int, *, airy: bool) -> tuple[Series, ...]:
    """Draw filled bars: strokes as wide as these, stretched, are nothing in the PDF viewers of Chrome and Edge."""
    (left, width), gap = (AIRY, GAP) if airy else (DENSE, 0)
    shapes: list[list[str]] = [[] for _ in range(ranks)]
    for place, slot in enumerate(slots):
        above = below = 0
        last = max((rank for rank, nusd in enumerate(slot.spent) if nusd > 0), default=0)
        for rank, nusd in enumerate(slot.spent):
            if not nusd:
                continue
            start = above if nusd > 0 else below
            end = start + nusd
            above, below = (end, below) if nusd > 0 else (above, end)
            bottom, top = drawn.units(start), drawn.units(end)
            if nusd > 0 and rank != last and bottom - top > 3 * gap:
                top += gap
            if abs(bottom - top) >= 1:
                shapes[rank].append(f"M{place}{left} {bottom:.0f}h{width}V{top:.0f}h-{width}z")
    return tuple(Series(rank=rank, path="".join(found)) for rank, found in enumerate(shapes) if found)


def _hint(slot: Slot, ranks: Sequence[str]) -> str:
    lines = [f"{slot.name}: {amount(sum(slot.spent)).text}"]
    lines += [
        f"{isolated(name)} {amount(nusd).text}"
        for name, nusd in reversed([*zip(ranks, slot.spent, strict=True)])
        if nusd
    ]
    return "\n".join(lines)


def _days(slots: Sequence[Slot], *, by_month: bool) -> tuple[Tick, ...]:
    """Label days, or the first days of months; the year stands below the first label and below each January.

    In a chart of months it stands below each: not every January has a label there.
    """
    if not by_month and len(slots) <= LABELLED_DAYS_UP_TO:
        ticks = [
            Tick(at=percent((place + 0.5) / len(slots)), text=short_day(slot.day)) for place, slot in enumerate(slots)
        ]
        return spread(ticks, LABELS_WIDE, LABELS_NARROW)
    # A part of a month that begins the period has a label too, where there is room before the next.
    roomy = by_month or slots[0].day.day <= LAST_DAY_WITH_ROOM
    places = [(place, slot.day) for place, slot in enumerate(slots) if slot.day.day == 1 or (roomy and not place)]
    middle = 0.5 if by_month else 0
    ticks = [
        Tick(
            at=percent((place + middle) / len(slots)),
            text=f"{day:%b}",
            below=str(day.year) if by_month or not number or day.month == 1 else "",
        )
        for number, (place, day) in enumerate(places)
    ]
    return spread(ticks, MONTHS_WIDE, MONTHS_NARROW)


def _summary(slots: Sequence[Slot], unit: str) -> str:
    sums = [sum(slot.spent) for slot in slots]
    most = max(range(len(slots)), key=sums.__getitem__)
    if len(slots) == 1:
        return f"{slots[0].name}: {amount(sums[0]).text}."
    idle = sum(not any(slot.spent) for slot in slots)
    told = [
        f"On average {amount(sum(sums) // len(slots)).text} a {unit}",
        f"most on {slots[most].name}: {amount(sums[most]).text}",
    ]
    if idle:
        told.append(f"nothing on {idle} of {len(slots)} {unit}s")
    sentence = "; ".join(told)
    return f"{sentence}."
