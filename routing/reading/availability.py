"""What can be bought from now, read from the ledger and from what this process has seen."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from routing.core.availability import LATELY, DeploymentStatus, deployment_statuses

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from routing.core.entries import Entry
    from routing.core.health import Health
    from routing.core.policy import Settings
    from routing.ledger.base import LedgerReader


def read_deployments(
    settings: Settings, ledger: LedgerReader | None, at: datetime, known: Mapping[str, Health], elapsed_s: float
) -> list[DeploymentStatus]:
    """List every deployment; without a ledger nothing was called yet.

    ``known`` are the healths of this process, in seconds of a clock that shows ``elapsed_s`` now.

    Raises:
        LedgerUnavailable: where the ledger cannot be read.

    """
    since = at - LATELY
    ends: list[tuple[datetime, tuple[Entry, Entry]]] = []
    for history in ledger.histories(since, at + LATELY) if ledger else ():
        ends += [(one.resolution.at, (one.reserve, one.resolution)) for one in history.attempts if one.resolution]
    ends.sort(key=itemgetter(0))
    ahead_s = at.timestamp() - elapsed_s
    own = {name: replace(health, cool_until_s=health.cool_until_s + ahead_s) for name, health in known.items()}
    return deployment_statuses(settings, [pair for _, pair in ends], at, own)
