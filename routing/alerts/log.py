"""Alerts as log events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.alerts.words import text_of
from routing.core.alerts import AlertKind
from routing.core.money import usd_text

if TYPE_CHECKING:
    from routing.core.alerts import Alert
    from routing.logs import Log

EVENTS = {
    AlertKind.THRESHOLD: "budget_threshold",
    AlertKind.FORECAST: "budget_forecast",
    AlertKind.ACTION: "budget_action",
    AlertKind.UNCONFIRMED: "money_unconfirmed",
    AlertKind.OVERRUN: "money_overrun",
    AlertKind.TEST: "alert_test",
}


class LogChannel:
    """Tells every alert to the log, as a warning."""

    def __init__(self, log: Log) -> None:
        """Use the router's own log."""
        self._log = log

    def send(self, alert: Alert) -> None:
        """Write one event; amounts are decimal strings in USD, and what says nothing is left out."""
        amounts = {
            "threshold_usd": alert.threshold_nusd,
            "limit_usd": alert.limit_nusd,
            "spent_usd": alert.spent_nusd,
        }
        words = {
            "budget": alert.key.budget if alert.key else "",
            "scope": alert.key.scope if alert.key else "",
            "window_start": alert.key.start.isoformat() if alert.key else "",
            "detail": alert.detail or ("" if alert.key else text_of(alert)),
        }
        fields = {**words, **{name: usd_text(amount) for name, amount in amounts.items() if amount}}
        self._log.warning(EVENTS[alert.kind], **{name: value for name, value in fields.items() if value})
