"""Where budgets stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.budgets import Budget, CounterKey, raised_by, shares
from routing.core.entries import Balance, back_at
from routing.core.forecast import Forecast, forecast
from routing.core.money import Money, usd_text
from routing.core.window import WindowKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import BudgetRaise

_NOTHING: Mapping[CounterKey, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStatus:
    """Where one counter of a budget stands now. ``below`` names the importance a share is kept for.

    ``limit`` holds what it is ``raised`` by. A ``rolling`` window counts all its slices, and ``resets_at`` is when the
    first of what it holds comes back. ``forecast`` is there once there are three days of spending to tell from.
    """

    budget: str
    scope: str
    below: str
    limit: Money
    spent: Money
    held: Money
    resets_at: datetime | None
    raised: Money = Money(0)
    rolling: bool = False
    forecast: Forecast | None = None

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
            "raised_usd": usd_text(self.raised),
            "spent_usd": usd_text(self.spent),
            "held_usd": usd_text(self.held),
            "left_usd": usd_text(self.left),
            "rolling": self.rolling,
            "resets_at": _text(self.resets_at),
            "forecast": self.forecast
            and {
                "expected_usd": usd_text(self.forecast.expected_nusd),
                "reached_at": _text(self.forecast.reached_at),
            },
        }


def budget_status(  # noqa: PLR0913 - what is known of one budget, and when
    budget: Budget,
    balances: Mapping[CounterKey, Balance],
    ranks: Sequence[str],
    at: datetime,
    *,
    raises: Iterable[BudgetRaise] = (),
    lately: Mapping[CounterKey, int] = _NOTHING,
) -> list[BudgetStatus]:
    """List a budget's counters of the window of ``at``; one that nothing was counted in yet stands at zero.

    ``balances`` are those of the window, or of all slices of a rolling one; ``raises`` those that hold. ``lately`` is
    what was spent in the last 28 days, for the forecast of a window that never ends.
    """
    parts, raises = shares(budget, ranks), tuple(raises)
    slices: dict[tuple[str, str], dict[datetime, Balance]] = defaultdict(dict)
    if not budget.per:
        slices = defaultdict(dict, {("", below): {} for below in parts})
    for key, balance in balances.items():
        if key.below in parts:
            slices[key.scope, key.below][key.start] = balance
    found = []
    for (scope, below), held in sorted(slices.items()):
        raised = int(parts[below] * raised_by(raises, budget.name, scope))
        limit = Money(int(budget.limit_nusd * parts[below]) + raised)
        key = CounterKey(budget=budget.name, scope=scope, below=below, start=budget.window.span(at).start)
        found.append(_status(budget, key, held, at, limit=limit, raised=Money(raised), lately_nusd=lately.get(key, 0)))
    return found


def _status(  # noqa: PLR0913 - as above
    budget: Budget,
    key: CounterKey,
    slices: Mapping[datetime, Balance],
    at: datetime,
    *,
    limit: Money,
    raised: Money,
    lately_nusd: int,
) -> BudgetStatus:
    span, earlier = budget.window.span(at), budget.window.earlier(at)
    balance = sum(slices.values(), Balance())
    rolling = budget.window.kind is WindowKind.ROLLING
    expected = None
    if not rolling and not key.below:
        expected = forecast(
            window_start=span.start,
            window_end=span.end,
            now=at,
            spent_nusd=balance.spent_nusd,
            limit_nusd=limit,
            first_spent_at=balance.first_at,
            lately_nusd=lately_nusd,
        )
    return BudgetStatus(
        budget=key.budget,
        scope=key.scope,
        below=key.below,
        limit=limit,
        spent=Money(balance.spent_nusd),
        held=Money(balance.held_nusd),
        resets_at=back_at(slices, (*earlier, span.start)) if rolling else span.end,
        raised=raised,
        rolling=rolling,
        forecast=expected,
    )


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
