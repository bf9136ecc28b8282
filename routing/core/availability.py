"""What can be bought from now: every deployment with its health, its price, its limits and its end."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from routing.core.entries import EntryKind
from routing.core.features import Features
from routing.core.health import WELL, Ended, Health, State
from routing.core.money import Money, usd_text
from routing.core.quote import quote_for
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from routing.core.deployment import Deployment
    from routing.core.entries import Entry
    from routing.core.pacing import Allowance
    from routing.core.picture import Size
    from routing.core.policy import Settings
    from routing.core.prices import PriceBook

LATELY = timedelta(hours=1)
"""What a deployment did longer ago says little of how it is."""

_ENDED = {
    "ProviderRejectedKey": Ended.TURNED_AWAY,
    "ProviderOutOfMoney": Ended.TURNED_AWAY,
    "ProviderUnavailable": Ended.FAILED,
    "ProviderTimeout": Ended.FAILED,
    "ProviderError": Ended.WELL,
    "ContentRejected": Ended.WELL,
}
"""How a call ended, by the name of its error, with which the reason in the ledger begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStatus:
    """One deployment now. ``health`` is counted in seconds of the epoch, ``calls`` and ``failed`` are the last hour's.

    ``prices`` are what one picture of ``size`` is expected to cost, by quality (``None``: the model has none), a prompt
    not counted; empty where no price is known.
    """

    deployment: Deployment
    at: datetime
    health: Health
    calls: int
    failed: int
    size: Size
    prices: tuple[tuple[str | None, Money], ...]

    @property
    def state(self) -> str:
        """One word: ``well``, ``failing``, ``cooling``, ``probe_due``, ``no_key`` or ``shut_down``."""
        model = self.deployment.model
        if model.shutdown and model.shutdown <= self.at.date():
            return "shut_down"
        return "no_key" if self.deployment.missing_key else self.health.state(self.at.timestamp()).value

    @property
    def again_at(self) -> datetime | None:
        """Until when it is left alone, if it is."""
        if self.health.state(self.at.timestamp()) is not State.COOLING:
            return None
        return datetime.fromtimestamp(self.health.cool_until_s, self.at.tzinfo)

    @property
    def allowance(self) -> Allowance:
        """What the account lets through in a minute, as far as the team says."""
        return self.deployment.allowance

    def as_json(self) -> dict[str, object]:
        """Plain values: amounts as exact decimal strings in USD."""
        model, limits = self.deployment.model, self.allowance
        return {
            "deployment": self.deployment.name,
            "provider": self.deployment.provider,
            "model": model.name,
            "state": self.state,
            "failures_in_a_row": self.health.failures,
            "why": self.health.why,
            "again_at": self.again_at.isoformat() if self.again_at else None,
            "missing_key": self.deployment.missing_key,
            "last_hour": {"calls": self.calls, "failed": self.failed},
            "size": str(self.size),
            "picture_usd": {quality or "any": usd_text(price) for quality, price in self.prices},
            "per_minute": {"requests": limits.requests, "images": limits.images, "tokens": limits.tokens},
            "shuts_down_on": model.shutdown.isoformat() if model.shutdown else None,
            "substitute": model.substitute or None,
        }


def deployment_statuses(
    settings: Settings, ends: Iterable[tuple[Entry, Entry]], at: datetime, known: Mapping[str, Health]
) -> list[DeploymentStatus]:
    """Tell of every deployment, in the order of the file.

    ``ends`` are reservations of the last hour with how they ended, oldest end first. ``known`` is what this process has
    seen itself, which goes before what the ledger tells.
    """
    healths: dict[str, Health] = defaultdict(lambda: WELL)
    calls: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for reserve, end in ends:
        name, ended = reserve.deployment, _ended(end)
        calls[name] += 1
        failed[name] += ended not in {Ended.WELL, None}
        if ended is not None:
            healths[name] = healths[name].after(ended, end.at.timestamp(), end.reason)
    return [
        DeploymentStatus(
            deployment=deployment,
            at=at,
            health=known.get(name, healths[name]),
            calls=calls[name],
            failed=failed[name],
            size=deployment.size or deployment.model.default_size,
            prices=tuple(_prices(deployment, settings.prices, at.date())),
        )
        for name, deployment in settings.deployments.items()
    ]


def _ended(end: Entry) -> Ended | None:
    if end.kind is EntryKind.SETTLE and end.images:
        return Ended.WELL
    return _ENDED.get(end.reason.partition(":")[0])


def _prices(deployment: Deployment, prices: PriceBook, on: date) -> Iterable[tuple[str | None, Money]]:
    model = deployment.model
    words = Features(prompt_chars=0, prompt_bytes=0)
    for quality in model.qualities or (None,):
        try:
            card = prices.card(deployment.name, on)
            size = deployment.size or model.default_size
            quote = quote_for(words, model, card, size=size, quality=quality, n=1)
        except PriceUnknown:
            continue
        yield quality, Money(quote.expected_nusd)
