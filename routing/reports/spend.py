"""What was spent, as a table and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.spend import total_of
from routing.reports.amounts import readable, readable_column, readable_share
from routing.reports.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.core.spend import SpendRow

NO_VALUE = "-"
"""Stands for a tag or an asset that the request did not have."""


def spend_json(rows: Sequence[SpendRow]) -> dict[str, object]:
    """Plain values: every group, and their total."""
    return {"rows": [row.as_json() for row in rows], "total": total_of(rows).as_json()}


def spend_table(rows: Sequence[SpendRow], by: Sequence[str]) -> Sheet:
    """Lay out the groups, dearest first as they come, each with its share of the total."""
    total = total_of(rows)
    *spent, spent_in_all = readable_column([*(row.spent for row in rows), total.spent])
    cells = tuple(
        (*(value or NO_VALUE for value in row.key), amount, readable_share(row.spent, total.spent), *_counts(row))
        for row, amount in zip(rows, spent, strict=True)
    )
    names = ["total", *[""] * (len(by) - 1)] if by else []
    return Sheet(
        columns=(*by, "spent", "share", "requests", "images", "cached"),
        rows=cells,
        total=(*names, spent_in_all, readable_share(total.spent, total.spent), *_counts(total)),
    )


def spend_remarks(rows: Sequence[SpendRow]) -> list[str]:
    """Say what the table has no room for, each only where there is some of it."""
    total = total_of(rows)
    remarks = []
    if total.unconfirmed:
        remarks.append(f"{readable(total.unconfirmed)} of it is unconfirmed: charged, the vendor's answer unknown")
    if total.held:
        remarks.append(f"{readable(total.held)} is held now, for calls under way")
    if total.saved:
        remarks.append(f"{readable(total.saved)} was saved by the cache")
    return remarks


def _counts(row: SpendRow) -> list[str]:
    return [f"{row.requests:,}", f"{row.images:,}", f"{row.cached:,}"]
