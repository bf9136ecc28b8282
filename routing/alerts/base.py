"""The port of an alert channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routing.core.entries import Alert


class AlertChannel(Protocol):
    """Somewhere an alert is told."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert; an exception means that it was not taken and will be sent again."""
