"""Alerts as log events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.money import usd_text

if TYPE_CHECKING:
    from routing.core.entries import Alert
    from routing.logs import Log


class LogChannel:
    """Tells every alert to the log, as a warning."""

    def __init__(self, log: Log) -> None:
        """Use the router's own log."""
        self._log = log

    def send(self, alert: Alert) -> None:
        """Write one event; amounts are decimal strings in USD."""
        self._log.warning(
            "budget_threshold",
            budget=alert.key.budget,
            scope=alert.key.scope or None,
            window_start=alert.key.start.isoformat(),
            threshold_usd=usd_text(alert.threshold_nusd),
            limit_usd=usd_text(alert.limit_nusd),
            spent_usd=usd_text(alert.spent_nusd),
        )
