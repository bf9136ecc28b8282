"""The port of an alert channel, and who subscribes to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routing.core.alerts import Alert, AlertKind


class NotTaken(Exception):
    """A channel did not take an alert; the message says why, and holds no address, key or password."""


class AlertChannel(Protocol):
    """Somewhere an alert is told."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert; an exception means that it was not taken and will be sent again.

        Raises:
            NotTaken: with words that may be shown; of any other exception only the type is told.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A channel under its name, and what it is told: nothing in ``kinds`` or ``budgets`` means all.

    An alert that is about no budget passes a choice of budgets.
    """

    name: str
    channel: AlertChannel
    kinds: frozenset[AlertKind] = frozenset()
    budgets: frozenset[str] = frozenset()

    def wants(self, alert: Alert) -> bool:
        """Tell whether the channel is to hear of an alert."""
        if self.kinds and alert.kind not in self.kinds:
            return False
        return not self.budgets or alert.key is None or alert.key.budget in self.budgets


class Mute:
    """Stands where a channel cannot be opened: what is for it stays in the ledger until it can."""

    def __init__(self, why: str) -> None:
        """Say what has to be done."""
        self._why = why

    def send(self, alert: Alert) -> None:  # noqa: ARG002 - it takes none
        """Take nothing."""
        raise NotTaken(self._why)
