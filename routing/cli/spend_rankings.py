"""Which campaigns, assets and deployments the money of a report page went to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from routing.reports.page.data import Ranking, RankingRow, Step
from routing.reports.page.rankings import ROWS_AT_MOST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from routing.core.spend import Dearest, SpendQuery, SpendRow
    from routing.ledger.base import LedgerReader

RANKED = ("campaign", "asset", "deployment")
"""What the money of a period is ranked by."""


def rankings(store: LedgerReader, query: SpendQuery, highest: str) -> Iterator[Ranking]:
    """Rank the money of a period; of many names only the dearest are kept apart.

    ``highest`` is the importance that finishes an asset.
    """
    for by in RANKED:
        if by == "asset":
            found = _of_assets(store.dearest_assets(query, ROWS_AT_MOST))
        else:
            finished = store.finished_assets(query, by, highest) if by == "campaign" else {}
            found = _ranking(by, store.spend(replace(query, by=(by, "importance"), per=None)), finished)
        if found:
            yield found


def _of_assets(dearest: Dearest) -> Ranking | None:
    found = _ranking("asset", dearest.rows, {})
    if not found:
        return None
    return replace(
        found,
        others=dearest.others,
        others_spent=int(dearest.others_spent),
        others_pictures=dearest.others_images,
    )


def _ranking(by: str, rows: Iterable[SpendRow], finished: Mapping[str, int]) -> Ranking | None:
    """Sum up rows whose keys begin with a name and an importance; ``None`` where nothing has a name."""
    groups: dict[str, dict[str, tuple[int, int]]] = {}
    for row in rows:
        steps = groups.setdefault(row.key[0], {})
        spent, pictures = steps.get(row.key[1], (0, 0))
        steps[row.key[1]] = (spent + int(row.spent), pictures + row.images)
    groups = {name: {each: step for each, step in steps.items() if any(step)} for name, steps in groups.items()}
    sums = [
        (-sum(spent for spent, _ in steps.values()), name, sum(pictures for _, pictures in steps.values()))
        for name, steps in groups.items()
        if steps
    ]
    if {name for _, name, _ in sums} <= {""}:
        return None
    sums.sort()
    rest = sums[ROWS_AT_MOST:]
    return Ranking(
        by=by,
        rows=tuple(
            RankingRow(
                name=name,
                spent=-owed,
                pictures=pictures,
                finished=finished.get(name, 0) if by == "campaign" and name else None,
                steps=tuple(
                    Step(importance=importance, pictures=made, spent=spent)
                    for importance, (spent, made) in groups[name].items()
                ),
            )
            for owed, name, pictures in sums[:ROWS_AT_MOST]
        ),
        others=len(rest),
        others_spent=-sum(owed for owed, _, _ in rest),
        others_pictures=sum(pictures for _, _, pictures in rest),
    )
