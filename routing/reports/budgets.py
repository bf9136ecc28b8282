"""Where budgets stand, as a table and as data."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from routing.reports.amounts import readable_column, readable_share
from routing.reports.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from routing.core.status import BudgetStatus


def budgets_json(budgets: Sequence[BudgetStatus]) -> dict[str, object]:
    """Plain values of every counter."""
    return {"budgets": [status.as_json() for status in budgets]}


def budgets_table(budgets: Sequence[BudgetStatus], per: Mapping[str, str]) -> Sheet:
    """Lay out every counter: the limit, what is spent and held of it, what is left, and until when.

    ``per`` names the tag of each budget whose every value has a counter of its own.
    """
    columns = ("budget", "limit", "spent", "held", "left", "used", "starts afresh")
    rows = tuple(
        (
            counter_name(status.budget, status.scope, status.below, per.get(status.budget, "")),
            limit,
            spent,
            held,
            left,
            readable_share(status.spent + status.held, status.limit),
            _moment(status.resets_at),
        )
        for status, limit, spent, held, left in zip(
            budgets,
            readable_column(status.limit for status in budgets),
            readable_column(status.spent for status in budgets),
            readable_column(status.held for status in budgets),
            readable_column(status.left for status in budgets),
            strict=True,
        )
    )
    return Sheet(columns=columns, rows=rows)


def counter_name(budget: str, scope: str, below: str, per: str = "") -> str:
    """Name one counter: ``month``, ``campaign spring``, ``campaign (no campaign)``, ``month, below final``."""
    name = f"{budget} {scope}" if scope else f"{budget} (no {per})" if per else budget
    return f"{name}, below {below}" if below else name


def _moment(at: datetime | None) -> str:
    if at is None:
        return "never"
    return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%d %H:%M}"
