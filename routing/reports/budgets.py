"""Where budgets stand, as a table and as data."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from routing.reports.amounts import DECIMALS_AT_LEAST, dollars, readable, readable_column, readable_share
from routing.reports.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import BudgetRaise
    from routing.core.status import BudgetStatus


def budgets_json(budgets: Sequence[BudgetStatus]) -> dict[str, object]:
    """Plain values of every counter."""
    return {"budgets": [status.as_json() for status in budgets]}


def budgets_table(budgets: Sequence[BudgetStatus], per: Mapping[str, str]) -> Sheet:
    """Lay out every counter: the limit, what is spent and held of it, what is left, until when, and how it will end.

    ``per`` names the tag of each budget whose every value has a counter of its own.
    """
    columns = ("budget", "limit", "spent", "held", "left", "used", "starts afresh")
    rows = [
        (
            counter_name(status.budget, status.scope, status.below, per.get(status.budget, "")),
            limit,
            spent,
            held,
            left,
            readable_share(status.spent + status.held, status.limit),
            "rolling" if status.rolling else _moment(status.resets_at),
        )
        for status, limit, spent, held, left in zip(
            budgets,
            readable_column(status.limit for status in budgets),
            readable_column(status.spent for status in budgets),
            readable_column(status.held for status in budgets),
            readable_column(status.left for status in budgets),
            strict=True,
        )
    ]
    if not any(status.forecast for status in budgets):
        return Sheet(columns=columns, rows=tuple(rows))
    foretold = tuple((*row, _foretold(status)) for row, status in zip(rows, budgets, strict=True))
    return Sheet(columns=(*columns, "forecast"), rows=foretold)


def raise_notes(raises: Iterable[BudgetRaise], per: Mapping[str, str]) -> list[str]:
    """Say which limits are raised, by how much, until when and why: ``month: raised by $100.00 until ...``."""
    return [
        f"{counter_name(each.budget, each.scope, '', per.get(each.budget, ''))}: raised by {readable(each.by_nusd)}"
        f" until {_moment(each.until)}: {each.reason}"
        for each in raises
    ]


def counter_name(budget: str, scope: str, below: str, per: str = "") -> str:
    """Name one counter: ``month``, ``campaign spring``, ``campaign (no campaign)``, ``month, below final``."""
    name = f"{budget} {scope}" if scope else f"{budget} (no {per})" if per else budget
    return f"{name}, below {below}" if below else name


def _foretold(status: BudgetStatus) -> str:
    if status.forecast is None:
        return ""
    ends = "" if status.resets_at is None else f"{dollars(status.forecast.expected_nusd, DECIMALS_AT_LEAST)} in the end"
    reached_at = status.forecast.reached_at
    if reached_at is None:
        return ends or "not within ten years"
    full = "full" if status.spent >= status.limit else f"full on {reached_at:%Y-%m-%d}"
    return f"{ends}, {full}" if ends else full


def _moment(at: datetime | None) -> str:
    if at is None:
        return "never"
    return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%d %H:%M}"
