"""What was spent, as a table and as data."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from routing.core.money import Money, divide_half_up
from routing.core.spend import Period, total_of
from routing.reports.amounts import readable, readable_column, readable_share
from routing.reports.sheet import UNLIMITED, Sheet, cell_width, fold
from routing.reports.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from routing.core.spend import SpendRow

NO_VALUE = "-"
"""Stands for a tag or an asset that the request did not have, and for nothing in a column where little comes about."""
PERIOD_COLUMNS = {Period.DAY: "day", Period.WEEK: "week of", Period.MONTH: "month"}
FIGURES_AT_LEAST = 4
"""Spent, share, requests and images are shown however narrow it is; the others are told below where they do not fit."""
LINES_AT_MOST = 12
"""How many groups have a line of their own drawn."""
A_MONTH = timedelta(days=31)


def spend_json(rows: Sequence[SpendRow]) -> dict[str, object]:
    """Plain values: every group, and their total."""
    return {"rows": [row.as_json() for row in rows], "total": total_of(rows).as_json()}


def spend_table(
    rows: Sequence[SpendRow], by: Sequence[str], width: int = UNLIMITED, per: Period | None = None
) -> Sheet:
    """Lay out the groups in the order they come, each with its share of the total.

    Of the figures, those in which nothing came about are left out, and the last ones where they make it wider than
    ``width``.
    """
    figures = _figures(rows)
    names = [*([PERIOD_COLUMNS[per]] if per else []), *by]
    keys = [[*([period_text(row.period, per)] if per and row.period else []), *map(_value, row.key)] for row in rows]
    for count in range(len(figures), FIGURES_AT_LEAST, -1):
        sheet = _sheet(names, keys, figures[:count])
        if width >= UNLIMITED or max(map(cell_width, sheet.lines(width))) <= width:
            return sheet
    return _sheet(names, keys, figures[:FIGURES_AT_LEAST])


def spend_remarks(rows: Sequence[SpendRow]) -> list[str]:
    """Say what the table may have no room for, each only where there is some of it."""
    total = total_of(rows)
    remarks = []
    if total.average is not None and total.images > 1:
        remarks.append(f"a picture cost {readable(total.average)} on average")
    if total.unconfirmed:
        remarks.append(f"{readable(total.unconfirmed)} of it is unconfirmed: charged, the vendor's answer unknown")
    if total.held:
        remarks.append(f"{readable(total.held)} is held now, for calls under way: not spent, and no part of it")
    if total.saved:
        remarks.append(f"{readable(total.saved)} was saved by the cache: not spent, and no part of it")
    return remarks


def spark_lines(rows: Sequence[SpendRow], per: Period, width: int) -> list[str]:
    """Draw the course of each group's spending, dearest first, from the first period to the last.

    Every group has a scale of its own; negative spending (corrections) is drawn as the lowest.
    """
    periods = sorted({row.period for row in rows if row.period})
    if len(periods) < 2:  # noqa: PLR2004 - one point is no course
        return []
    spent: dict[tuple[str, ...], dict[date, int]] = {}
    for row in rows:
        if row.period:
            spent.setdefault(row.key, {})[row.period] = int(row.spent)
    dearest = sorted(spent, key=lambda key: (-sum(spent[key].values()), key))
    shown, every = dearest[:LINES_AT_MOST], _every(periods[0], periods[-1], per)
    names = [fold(", ".join(map(_value, key)) or "total", width)[0] for key in shown]
    amounts = readable_column(sum(spent[key].values()) for key in shown)
    room = max(8, width - max(map(cell_width, names)) - max(map(len, amounts)) - 4)
    drawn = Sheet(
        columns=("", "course", "spent"),
        rows=tuple(
            (name, sparkline([spent[key].get(day, 0) for day in every], room), amount)
            for key, name, amount in zip(shown, names, amounts, strict=True)
        ),
    ).lines()[2:]
    scale = ", each on a scale of its own" if len(shown) > 1 else ""
    span = f"{period_text(every[0], per)} to {period_text(every[-1], per)}{scale}"
    left_out = len(dearest) - len(shown)
    return [f"{span}{f'; {left_out} more are not drawn' if left_out else ''}:", *drawn]


def period_text(day: date, per: Period) -> str:
    """Name a period by its first day: ``2026-11-03``; a month as ``2026-11``."""
    return f"{day:%Y-%m}" if per is Period.MONTH else day.isoformat()


def _every(first: date, last: date, per: Period) -> list[date]:
    """List the first days of all periods of a time, those without spending too."""
    found = [first]
    while found[-1] < last:
        day = found[-1]
        if per is Period.MONTH:
            found.append((day + A_MONTH).replace(day=1))
        else:
            found.append(day + timedelta(days=1 if per is Period.DAY else 7))
    return found


def _figures(rows: Sequence[SpendRow]) -> list[tuple[str, list[str]]]:
    """Make the columns of figures, the total last in each."""
    total = total_of(rows)
    every = [*rows, total]
    figures = [
        ("spent", readable_column(row.spent for row in every)),
        ("share", [readable_share(row.spent, total.spent) for row in every]),
        ("requests", [f"{row.requests:,}" for row in every]),
        ("images", [f"{row.images:,}" for row in every]),
        ("average", _averages(every)),
    ]
    if total.cached:
        figures.append(("cached", [f"{row.cached:,}" if row.cached else NO_VALUE for row in every]))
    for name, amounts in (
        ("not spent", [row.saved for row in every]),
        ("unconfirmed", [row.unconfirmed for row in every]),
        ("held", [row.held for row in every]),
    ):
        if any(amounts):
            written = zip(amounts, readable_column(amounts), strict=True)
            figures.append((name, [text if nusd else NO_VALUE for nusd, text in written]))
    return figures


def _averages(rows: Sequence[SpendRow]) -> list[str]:
    """Write averages with equally many decimals, and nothing where there is no picture."""
    known = iter(readable_column(_to_hundredth_of_a_cent(row.average) for row in rows if row.average is not None))
    return [NO_VALUE if row.average is None else next(known) for row in rows]


def _to_hundredth_of_a_cent(average: Money) -> int:
    fine = 100_000
    return divide_half_up(average, fine) * fine if abs(average) >= fine else average


def _value(key: str) -> str:
    return key or NO_VALUE


def _sheet(names: list[str], keys: list[list[str]], figures: list[tuple[str, list[str]]]) -> Sheet:
    cells = [cells for _, cells in figures]
    total = ["total", *[""] * (len(names) - 1)] if names else []
    return Sheet(
        columns=(*names, *(name for name, _ in figures)),
        rows=tuple((*key, *(column[place] for column in cells)) for place, key in enumerate(keys)),
        total=(*total, *(column[-1] for column in cells)),
    )
