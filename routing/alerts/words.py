"""An alert in words: a title, a few short sentences with the way on, and the same as plain values."""

from __future__ import annotations

from datetime import UTC, time
from hashlib import sha256
from typing import TYPE_CHECKING

from routing.core.alerts import AlertKind, dollars
from routing.core.money import usd_text
from routing.core.window import EPOCH

if TYPE_CHECKING:
    from datetime import datetime

    from routing.core.alerts import Alert
    from routing.core.budgets import CounterKey

WAY_ON = {
    AlertKind.THRESHOLD: "`routing budgets` shows what is left; limits are set under `budgets:` in router.yaml.",
    AlertKind.FORECAST: "`routing budgets` shows what is left, `routing spend` where it goes: ask for less importance, "
    "or raise the limit under `budgets:` in router.yaml.",
    AlertKind.UNCONFIRMED: "`routing ledger unconfirmed` lists these calls; the vendor's bill decides.",
    AlertKind.OVERRUN: "The whole cost is booked, also where that passes a limit. Compare the vendor's prices with "
    "those that `routing explain` shows.",
    AlertKind.ACTION: "`routing budgets` shows what is left; limits are set under `budgets:` in router.yaml.",
    AlertKind.TEST: "Nothing happened and nothing has to be done: `routing alerts test` was run.",
}
"""What to do about each kind."""


def alert_id(alert: Alert) -> str:
    """Name an alert by a short word that is the same whenever it is sent, so that a receiver can drop a repeat.

    The time is part of it: two ledgers may each have a budget of the same name.
    """
    return f"alert_{sha256(f'{alert.name}@{alert.at.isoformat()}'.encode()).hexdigest()[:32]}"


def title_of(alert: Alert) -> str:
    """Say in one line what happened."""
    budget = _budget(alert.key)
    if alert.kind is AlertKind.THRESHOLD:
        return f"Budget {budget} has reached {_share(alert)}"
    if alert.kind is AlertKind.FORECAST:
        return f"Budget {budget} is about to pass its limit"
    if alert.kind is AlertKind.UNCONFIRMED:
        return f"{dollars(alert.spent_nusd)} charged without the vendor's word"
    if alert.kind is AlertKind.OVERRUN:
        return "A picture cost more than its quote"
    if alert.kind is AlertKind.ACTION:
        return f"Budget {budget}: {alert.detail}"
    return "Test alert of image-routing"


def sentences_of(alert: Alert) -> tuple[str, ...]:
    """Say the figures, since when they are counted, and what can be done."""
    told = []
    if alert.detail and alert.kind not in (AlertKind.ACTION, AlertKind.THRESHOLD):
        told.append(f"{alert.detail[0].upper()}{alert.detail[1:]}.")
    if alert.kind is AlertKind.ACTION:
        counted = _since(alert.key)
        limit = f"{dollars(alert.limit_nusd)}{f', counted{counted},' if counted else ''}"
        told.append(f"The limit of {limit} leaves no room for them.")
    elif alert.key is not None:
        # Of a rolling window the detail says how long it is, and its key only where the present slice begins.
        counted = f" {alert.detail}" if alert.kind is AlertKind.THRESHOLD and alert.detail else _since(alert.key)
        told.append(f"Spent: {dollars(alert.spent_nusd)} of {dollars(alert.limit_nusd)}{counted}.")
    return (*told, WAY_ON[alert.kind])


def text_of(alert: Alert) -> str:
    """Put title and sentences below each other."""
    return "\n".join((title_of(alert), *sentences_of(alert)))


def values_of(alert: Alert) -> dict[str, object]:
    """Plain values: amounts as exact decimal strings in USD."""
    key = alert.key
    return {
        "kind": alert.kind.value,
        "name": alert.name,
        "at": alert.at.isoformat(),
        "budget": key.budget if key else None,
        "scope": (key.scope or None) if key else None,
        "window_start": key.start.isoformat() if key else None,
        "threshold_usd": usd_text(alert.threshold_nusd),
        "limit_usd": usd_text(alert.limit_nusd),
        "spent_usd": usd_text(alert.spent_nusd),
        "detail": alert.detail,
        "title": title_of(alert),
        "text": " ".join(sentences_of(alert)),
    }


def _budget(key: CounterKey | None) -> str:
    if key is None:
        return ""
    scope = f" {key.scope}" if key.scope else ""
    return f"{key.budget}{scope}{f', below {key.below}' if key.below else ''}"


def _share(alert: Alert) -> str:
    """Say ``its limit``, ``80% of its limit``, or an amount where that is no round share."""
    if alert.threshold_nusd >= alert.limit_nusd:
        return "its limit"
    percent, rest = divmod(100 * alert.threshold_nusd, alert.limit_nusd)
    return f"{dollars(alert.threshold_nusd) if rest else f'{percent}%'} of its limit"


def _since(key: CounterKey | None) -> str:
    if key is None or key.start == EPOCH:
        return ""
    return f" since {_moment(key.start)}"


def _moment(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%d %H:%M} UTC"
