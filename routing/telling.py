"""Telling channels what the ledger has for them: claim, send, note how it went; a round has an end, whoever hangs."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from routing.alerts.base import NotTaken
from routing.core.alerts import DELIVERIES_AT_ONCE, next_try

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from routing.alerts.base import Subscription
    from routing.core.alerts import Alert, Delivery
    from routing.ledger.base import AlertLog
    from routing.logs import Log

ROUND_S = 12.0
"""How long a round waits for its channels: a little longer than each gives its own connection."""
LEASE_S = 60.0
"""How long what a process has claimed is its own: five times a round."""
ERROR_CHARS_AT_MOST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How one delivery went: ``error`` is empty where it was taken."""

    alert: Alert
    channel: str
    error: str = ""


@dataclass(slots=True, kw_only=True)
class _Errand:
    """One channel's share of a round: oldest first, and no further than the first that is not taken."""

    to: Subscription
    alerts: Sequence[Alert]
    errors: list[str] = field(default_factory=list)
    given_up: bool = False

    def run(self) -> None:
        for alert in self.alerts:
            if self.given_up:
                return
            self.errors.append(_send(self.to, alert))
            if self.errors[-1]:
                return

    def outcome(self) -> list[str]:
        """Say of every alert why it was not taken; empty where it was."""
        self.given_up = True
        errors = [*self.errors]
        if len(errors) < len(self.alerts) and not (errors and errors[-1]):
            errors.append(f"no answer within {ROUND_S:g} s")
        return [*errors, *[f"waits for an older alert: {errors[-1]}"] * (len(self.alerts) - len(errors))]


class Teller:
    """Tells the subscribers of one router.

    ``apart``: each channel is spoken to in a thread of its own and a round ends after 12 s, whatever a channel does.
    Without it they are spoken to in turn, in the caller's thread, which waits as long as they take.
    """

    def __init__(self, store: AlertLog, subscriptions: Sequence[Subscription], log: Log, *, apart: bool) -> None:
        """Take the ports."""
        self._store = store
        self._subscriptions = {each.name: each for each in subscriptions}
        self._log = log
        self._apart = apart
        self._hanging: dict[str, threading.Thread] = {}

    def deliver(self, now: datetime) -> tuple[Told, ...]:
        """Send what is due, and note it in the ledger.

        Raises:
            LedgerError: where the ledger cannot say what is due, or be told how it went: then it is sent again.

        """
        told: list[Told] = []
        if not self._subscriptions:
            return ()  # whoever opens the same ledger with channels shall find everything
        while True:
            claimed = self._store.claim_deliveries(list(self._subscriptions), now, now + timedelta(seconds=LEASE_S))
            told += self._tell(claimed, now)
            if len(claimed) < DELIVERIES_AT_ONCE:
                return tuple(told)

    def _tell(self, claimed: Sequence[Delivery], now: datetime) -> list[Told]:
        by_channel: dict[str, list[Delivery]] = defaultdict(list)
        taken: list[Delivery] = []
        for delivery in claimed:
            if self._subscriptions[delivery.channel].wants(delivery.alert):
                by_channel[delivery.channel].append(delivery)
            else:
                taken.append(delivery)
        errors = self._run({name: [each.alert for each in given] for name, given in by_channel.items()})
        sent = [pair for name, given in by_channel.items() for pair in zip(given, errors[name], strict=True)]
        taken += [delivery for delivery, error in sent if not error]
        failed = [(delivery, error, next_try(delivery, now)) for delivery, error in sent if error]
        if claimed:
            self._store.finish_deliveries(taken, failed)
        for delivery, error, again in failed:
            self._log.warning(
                "alert_not_delivered",
                channel=delivery.channel,
                alert=delivery.alert.name,
                error=error,
                tries=delivery.tries,
                again_at=again.isoformat(timespec="seconds"),
            )
        return [Told(alert=delivery.alert, channel=delivery.channel, error=error) for delivery, error in sent]

    def _run(self, given: dict[str, list[Alert]]) -> dict[str, list[str]]:
        errands = [_Errand(to=self._subscriptions[name], alerts=alerts) for name, alerts in given.items()]
        if self._apart:
            _run_apart(errands, self._hanging)
        else:
            for errand in errands:
                errand.run()
        return {errand.to.name: errand.outcome() for errand in errands}


def try_channels(subscriptions: Sequence[Subscription], alert: Alert) -> tuple[Told, ...]:
    """Send one alert to every channel now, whatever it subscribes to; no ledger is touched."""
    errands = [_Errand(to=each, alerts=[alert]) for each in subscriptions]
    _run_apart(errands, {})
    return tuple(Told(alert=alert, channel=errand.to.name, error=errand.outcome()[0]) for errand in errands)


def _run_apart(errands: Sequence[_Errand], under_way: dict[str, threading.Thread]) -> None:
    """Run errands side by side until all are done or the round is over; ``under_way`` remembers who is not back."""
    threads = []
    for errand in errands:
        hanging = under_way.get(errand.to.name)
        if hanging is not None and hanging.is_alive():
            # One thread that waits for a channel is enough: its alerts come back later.
            errand.errors.append("still waits for the answer to an earlier alert")
            continue
        thread = threading.Thread(target=errand.run, name=f"routing-alerts-{errand.to.name}", daemon=True)
        under_way[errand.to.name] = thread
        thread.start()
        threads.append(thread)
    until_s = time.monotonic() + ROUND_S
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))


def _send(to: Subscription, alert: Alert) -> str:
    """Send; say why it was not taken, without words of libraries: they may repeat an address that is secret."""
    try:
        to.channel.send(alert)
    except NotTaken as why:
        return str(why)[:ERROR_CHARS_AT_MOST]
    except Exception as error:  # noqa: BLE001 - whatever a channel raises, the alert was not taken and stays
        return f"the channel failed: {type(error).__name__}"
    return ""
