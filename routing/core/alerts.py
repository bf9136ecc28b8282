"""What a person should be told once: a threshold, a forecast above the limit, money in doubt, an action taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from zlib import crc32

from routing.core.money import NUSD_PER_USD, divide_half_up

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from routing.core.budgets import Claim, CounterKey, Purchase
    from routing.core.entries import Resolution


RETRY_FIRST_S = 30
RETRY_AT_MOST_S = 3600
"""A delivery that fails is tried again after half a minute, then after twice as long each time, up to an hour."""


DELIVERIES_AT_ONCE = 100
"""How many a ledger gives out at most to one who asks."""
NO_TIME = timedelta()


class AlertKind(StrEnum):
    """What an alert is about; ``test`` is no news and never written to a ledger."""

    THRESHOLD = "threshold"
    FORECAST = "forecast"
    UNCONFIRMED = "unconfirmed"
    OVERRUN = "overrun"
    ACTION = "action"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert. ``name`` is its identity: a ledger keeps one alert of a name, whoever writes it, however often.

    ``key`` is the budget's counter it is about, where it is about one. Amounts are nano-USD. ``detail`` says in words
    what the amounts do not.
    """

    kind: AlertKind
    name: str
    at: datetime
    key: CounterKey | None = None
    threshold_nusd: int = 0
    limit_nusd: int = 0
    spent_nusd: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One alert on its way to one channel. ``tries`` counts this one; ``claimed_until`` is when another may try."""

    alert: Alert
    channel: str
    tries: int
    claimed_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertStanding:
    """An alert and how far it has come: the channels that took it, and those that did not, each with its last error."""

    alert: Alert
    delivered: tuple[str, ...] = ()
    failing: tuple[tuple[str, str], ...] = ()


def threshold_alert(  # noqa: PLR0913, PLR0917 - every figure stands in the alert
    key: CounterKey,
    threshold_nusd: int,
    limit_nusd: int,
    spent_nusd: int,
    at: datetime,
    length: timedelta = NO_TIME,
) -> Alert:
    """Word that a budget's spending reached a threshold: once per budget, scope, window and threshold.

    ``length`` is that of a rolling window, whose ``key`` is its present slice.
    """
    return Alert(
        kind=AlertKind.THRESHOLD,
        name=f"threshold/{key.budget}/{key.scope}/{key.below}/{key.start.isoformat()}/{int(threshold_nusd)}",
        at=at,
        key=key,
        threshold_nusd=threshold_nusd,
        limit_nusd=limit_nusd,
        spent_nusd=spent_nusd,
        detail=f"in the last {_span(length)}" if length else "",
    )


def _span(length: timedelta) -> str:
    hours = length // timedelta(hours=1)
    return f"{hours} hours" if hours % 24 or hours == 24 else f"{hours // 24} days"  # noqa: PLR2004 - hours of a day


def crossed(thresholds: Iterable[int], before_nusd: int, after_nusd: int) -> tuple[int, ...]:
    """Find the thresholds that spending reached on its way from before to after."""
    return tuple(threshold for threshold in thresholds if before_nusd < threshold <= after_nusd)


def overrun_alert(resolution: Resolution, deployment: str, held_nusd: int) -> Alert:
    """Word that a call cost more than was held for it: once per reservation."""
    cost_nusd, call = resolution.amount_nusd, resolution.reservation_id
    return Alert(
        kind=AlertKind.OVERRUN,
        name=f"overrun/{call}",
        at=resolution.at,
        limit_nusd=held_nusd,
        spent_nusd=cost_nusd,
        detail=f"the call {call} to {deployment} cost {dollars(cost_nusd)}; {dollars(held_nusd)} was held for it",
    )


def action_alert(claim: Claim, purchase: Purchase, served_by: str | None, at: datetime) -> Alert:
    """Word that a budget refuses or downgrades purchases: once per budget, scope, window, importance and action.

    ``served_by`` is the deployment that bought instead. A rolling window counts as a new one every day.
    """
    key = replace(claim.key, start=min((claim.key.start, *claim.earlier)))
    window = f"{at:%Y-%m-%d}" if claim.earlier else key.start.isoformat()
    downgraded = served_by is not None and served_by != purchase.deployment
    action = f"downgraded from {purchase.deployment} to {served_by}" if downgraded else "refused"
    return Alert(
        kind=AlertKind.ACTION,
        name=f"action/{key.budget}/{key.scope}/{key.below}/{window}/{purchase.importance}/{action}",
        at=at,
        key=key,
        limit_nusd=claim.limit_nusd,
        detail=f"{purchase.importance} requests {action}",
    )


def trial_alert(at: datetime) -> Alert:
    """Make the alert that ``routing alerts test`` sends."""
    return Alert(kind=AlertKind.TEST, name=f"test/{at.isoformat()}", at=at)


def next_try(delivery: Delivery, now: datetime) -> datetime:
    """Say when a delivery that failed comes back.

    The wait is shortened by up to a quarter, by an amount that the alert's name decides: what failed together does not
    come back together.
    """
    wait_s = min(RETRY_FIRST_S * 2 ** min(delivery.tries - 1, 16), RETRY_AT_MOST_S)
    share = crc32(delivery.alert.name.encode()) / 2**32
    return now + timedelta(seconds=wait_s * (1 - share / 4))


def dollars(nusd: int) -> str:
    """Write an amount for reading: ``$1,234.50``, ``$0.0387``; what is too small to show is ``<$0.0001``."""
    amount = abs(nusd)
    in_cents = amount >= NUSD_PER_USD or amount % (NUSD_PER_USD // 100) == 0
    decimals = 2 if in_cents else 4
    units = divide_half_up(amount, NUSD_PER_USD // 10**decimals)
    if amount and not units:
        return "<$0.0001"
    whole, rest = divmod(units, 10**decimals)
    return f"{'-' if nusd < 0 else ''}${whole:,}.{rest:0{decimals}}"
