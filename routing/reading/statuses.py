"""Where every budget stands, read from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.forecast import LATELY
from routing.core.status import budget_status
from routing.core.window import WindowKind

if TYPE_CHECKING:
    from datetime import datetime

    from routing.core.policy import Settings
    from routing.core.status import BudgetStatus
    from routing.ledger.base import LedgerReader


def read_statuses(settings: Settings, ledger: LedgerReader | None, at: datetime) -> list[BudgetStatus]:
    """List the counters of all budgets in their windows of a time; without a ledger nothing is spent yet.

    Raises:
        LedgerUnavailable: where the ledger cannot be read.

    """
    endless = any(budget.window.kind is WindowKind.LIFETIME for budget in settings.budgets)
    raises = ledger.raises(at) if ledger else ()
    lately = ledger.spent_since(at - LATELY) if ledger and endless else {}
    return [
        status
        for budget in settings.budgets
        for status in budget_status(
            budget,
            ledger.balances(budget.name, [*budget.window.earlier(at), budget.window.span(at).start]) if ledger else {},
            settings.policy.importance,
            at,
            raises=raises,
            lately=lately,
        )
    ]
