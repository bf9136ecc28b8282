"""Where the money went: the dearest campaigns, assets, deployments, and all the rest in one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.reports.assets import plural
from routing.reports.page.days import Part, parts
from routing.reports.page.text import Amount, amounts, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.reports.page.data import Ranking, RankingRow, Step

ROWS_AT_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """What one importance took of a row; ``counted`` is its name for that many pictures."""

    rank: int
    counted: str
    pictures: int
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class RowView:
    """One row. ``others`` is how many names it stands for, where it stands for the rest."""

    name: str
    amount: Amount
    share: str
    pictures: int
    per_finished: Amount | None
    parts: tuple[Part, ...]
    steps: tuple[StepView, ...]
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingView:
    """A table; ``asks_finished`` tells whether it has a column for the price of a finished asset."""

    by: str
    rows: tuple[RowView, ...]
    asks_finished: bool


def ranking_view(ranking: Ranking, ranks: Sequence[str], spent: int) -> RankingView:
    """Order the rows, dearest first, and sum up what is beyond the tenth; ``spent`` is the whole."""
    ordered = sorted(ranking.rows, key=lambda row: (-row.spent, row.name))
    shown, rest = ordered[:ROWS_AT_MOST], ordered[ROWS_AT_MOST:]
    others, others_spent = len(rest) + ranking.others, sum(row.spent for row in rest) + ranking.others_spent
    column = amounts([*(row.spent for row in shown), others_spent])
    dearest = max([1, *(row.spent for row in shown)])
    each = iter(amounts(row.spent // row.finished for row in shown if row.finished))
    rows = [
        replace(_row(row, written, ranks, dearest, spent), per_finished=next(each) if row.finished else None)
        for row, written in zip(shown, column, strict=False)
    ]
    if others:
        rows.append(
            RowView(
                name="",
                amount=column[-1],
                share=share(others_spent, spent),
                pictures=sum(row.pictures for row in rest) + ranking.others_pictures,
                per_finished=None,
                parts=(),
                steps=(),
                others=others,
            )
        )
    return RankingView(
        by=ranking.by, rows=tuple(rows), asks_finished=any(row.finished is not None for row in ranking.rows)
    )


def _row(row: RankingRow, written: Amount, ranks: Sequence[str], dearest: int, spent: int) -> RowView:
    by_rank = Counter({ranks.index(step.importance): step.spent for step in row.steps})
    return RowView(
        name=row.name,
        amount=written,
        share=share(row.spent, spent),
        pictures=row.pictures,
        per_finished=None,
        parts=parts([by_rank[rank] for rank in range(len(ranks))], dearest),
        steps=_steps(row.steps, ranks),
    )


def _steps(steps: Sequence[Step], ranks: Sequence[str]) -> tuple[StepView, ...]:
    ordered = sorted(steps, key=lambda step: ranks.index(step.importance))
    return tuple(
        StepView(
            rank=ranks.index(step.importance),
            counted=plural(step.importance, step.pictures),
            pictures=step.pictures,
            amount=written,
        )
        for step, written in zip(ordered, amounts(step.spent for step in ordered), strict=True)
    )
