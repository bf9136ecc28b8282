"""What was saved, by importance: what each would have cost at the baseline, and what it did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.reports.page.text import Amount, amounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.reports.page.data import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedLine:
    """One importance; ``saved`` is below zero where the baseline would have been cheaper."""

    rank: int
    importance: str
    pictures: int
    would_cost: Amount
    did_cost: Amount
    saved: Amount


def compared_lines(baseline: Baseline, ranks: Sequence[str]) -> tuple[ComparedLine, ...]:
    """Tell them in the order they come in."""
    found = baseline.importances
    columns = (
        amounts(each.would_cost for each in found),
        amounts(each.did_cost for each in found),
        amounts(each.would_cost - each.did_cost for each in found),
    )
    return tuple(
        ComparedLine(
            rank=ranks.index(each.importance),
            importance=each.importance,
            pictures=each.pictures,
            would_cost=would,
            did_cost=did,
            saved=saved,
        )
        for each, would, did, saved in zip(found, *columns, strict=True)
    )
