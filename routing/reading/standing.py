"""How full the budgets are, read for one request that a policy with conditions on budgets decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.standing import counted_in, standing_of

if TYPE_CHECKING:
    from datetime import datetime

    from routing.core.budgets import CounterKey
    from routing.core.conditions import Standing
    from routing.core.entries import Balance
    from routing.core.features import Features
    from routing.core.policy import Settings, Standings
    from routing.ledger.base import LedgerReader


def read_standings(settings: Settings, ledger: LedgerReader, features: Features, at: datetime) -> Standings:
    """Give ``decide`` what the ledger says of the budgets at a time; each budget is read once, and only if asked of.

    Raises:
        LedgerUnavailable: when it is asked, where the ledger cannot be read.

    """
    read: dict[str, dict[CounterKey, Balance]] = {}

    def standing(importance: str | None) -> Standing:
        claims = counted_in(settings.budgets, features, importance, settings.policy.importance, at)
        for claim in claims:
            budget = claim.key.budget
            if budget not in read:
                read[budget] = ledger.balances(budget, [claim.key.start, *claim.earlier])
        balances = {key: balance for name in read for key, balance in read[name].items()}
        return standing_of(claims, balances, ledger.raises(at) if claims else ())

    return standing
