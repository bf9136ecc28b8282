"""Where budgets stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.budgets import Budget, CounterKey, shares
from routing.core.entries import Balance
from routing.core.money import Money, usd_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStatus:
    """Where one counter of a budget stands now. ``below`` names the importance a share is kept for."""

    budget: str
    scope: str
    below: str
    limit: Money
    spent: Money
    held: Money
    resets_at: datetime | None

    @property
    def left(self) -> Money:
        """What may still be reserved; below zero after an overrun."""
        return self.limit - self.spent - self.held

    def as_json(self) -> dict[str, object]:
        """Plain values: amounts as exact decimal strings in USD."""
        return {
            "budget": self.budget,
            "scope": self.scope,
            "below": self.below,
            "limit_usd": usd_text(self.limit),
            "spent_usd": usd_text(self.spent),
            "held_usd": usd_text(self.held),
            "left_usd": usd_text(self.left),
            "resets_at": self.resets_at.isoformat() if self.resets_at else None,
        }


def budget_status(
    budget: Budget, balances: Mapping[CounterKey, Balance], ranks: Sequence[str], at: datetime
) -> list[BudgetStatus]:
    """List a budget's counters of the window of ``at``; one that nothing was counted in yet stands at zero."""
    span = budget.window.span(at)
    limits = {below: int(budget.limit_nusd * share) for below, share in shares(budget, ranks).items()}
    empty = {
        CounterKey(budget=budget.name, scope="", below=below, start=span.start): Balance()
        for below in limits
        if not budget.per
    }
    return [
        BudgetStatus(
            budget=key.budget,
            scope=key.scope,
            below=key.below,
            limit=Money(limits[key.below]),
            spent=Money(balance.spent_nusd),
            held=Money(balance.held_nusd),
            resets_at=span.end,
        )
        for key, balance in sorted({**empty, **balances}.items())
        if key.below in limits
    ]
