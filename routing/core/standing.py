"""How full the budgets are that a request would count in, as far as that can be told before anything is chosen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from routing.core.budgets import Purchase, claims_for, raised_by
from routing.core.conditions import Standing
from routing.core.entries import Balance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import Budget, BudgetRaise, Claim, CounterKey
    from routing.core.features import Features

_EMPTY = Balance()


def counted_in(
    budgets: Iterable[Budget], features: Features, importance: str | None, ranks: Sequence[str], at: datetime
) -> tuple[Claim, ...]:
    """Find the counters of whole limits that a request would count in, whatever it is bought from.

    A budget of some deployments is left out, for none is chosen yet; so is one of some importances where the request
    has none yet (``None``). What a budget keeps for an importance is not looked at: its limit is.
    """
    known = [
        replace(budget, protect={})
        for budget in budgets
        if not budget.match.deployment and not (importance is None and budget.match.importance)
    ]
    request = Purchase(
        importance=importance or "", deployment="", operation=features.operation.value, tags=features.tags
    )
    return claims_for(known, request, ranks, at)


def standing_of(
    claims: Iterable[Claim], balances: Mapping[CounterKey, Balance], raises: Sequence[BudgetRaise] = ()
) -> Standing:
    """Find the highest used share and the least left of these counters, all slices of a rolling window together.

    A raise that holds counts with the limit. What is left is never less than nothing.
    """
    used_share: Fraction | None = None
    left_nusd: int | None = None
    for claim in claims:
        keys = (claim.key, *(replace(claim.key, start=start) for start in claim.earlier))
        used = sum(b.held_nusd + b.spent_nusd for b in (balances.get(key, _EMPTY) for key in keys))
        limit = claim.limit_nusd + raised_by(raises, claim.key.budget, claim.key.scope)
        used_share = max(used_share or Fraction(0), Fraction(used, limit))
        left = max(0, limit - used)
        left_nusd = left if left_nusd is None else min(left_nusd, left)
    return Standing(used_share=used_share, left_nusd=left_nusd)
