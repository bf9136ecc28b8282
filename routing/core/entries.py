"""What the ledger writes: requests, reservations, their one resolution, and the fold that proves the counters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.core.request import NO_TAGS
from routing.errors import BudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from routing.core.budgets import Claim, CounterKey
    from routing.core.prices import Usage


class EntryKind(StrEnum):
    """What an entry says. ``reserve`` is answered by exactly one of ``settle``, ``release``, ``expire``."""

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    EXPIRE = "expire"
    ADJUST = "adjust"
    CACHED = "cached"


RESOLUTIONS = frozenset({EntryKind.SETTLE, EntryKind.RELEASE, EntryKind.EXPIRE})


class Basis(StrEnum):
    """What a charge rests on: the vendor's usage, or our own quote."""

    METERED = "metered"
    QUOTED = "quoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """What the ledger keeps of a request, written with its first reservation. The prompt only as its hash.

    The numbers (``prompt_chars`` ...) are the features that rules read, so that an edited policy can be tried on what
    was.
    """

    request_id: str
    fingerprint: str
    at: datetime
    importance: str
    rule: str
    policy: str
    operation: str
    prompt_hash: str
    prompt_chars: int
    text_chars: int
    n: int
    references: int
    size: str | None = None
    named_importance: str | None = None
    asset: str | None = None
    parent: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one attempt: one call to one deployment. ``id`` is ``request_id/attempt``."""

    id: str
    request_id: str
    at: datetime
    expires_at: datetime
    deployment: str
    model: str
    size: str
    quality: str | None
    images: int
    amount_nusd: int
    claims: tuple[Claim, ...]
    picture_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The one end of a reservation. ``amount_nusd`` is what is charged: 0 for a release.

    ``unconfirmed``: charged although the vendor's answer is unknown. ``reason`` says why where it is no plain settle.
    """

    reservation_id: str
    kind: EntryKind
    at: datetime
    amount_nusd: int = 0
    basis: Basis | None = None
    unconfirmed: bool = False
    images: int = 0
    usage: Usage | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A later correction of a resolved reservation: ``delta_nusd`` is added to what it was charged."""

    reservation_id: str
    at: datetime
    delta_nusd: int
    reason: str
    confirmed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHit:
    """Pictures that came from the cache: nothing was bought; ``saved_nusd`` is what they would have cost."""

    request_id: str
    at: datetime
    deployment: str
    model: str
    images: int
    saved_nusd: int
    picture_key: str
    size: str = ""
    quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger, as it was written.

    ``amount_nusd`` is the hold of a ``reserve``, the charge of a resolution, the signed correction of an ``adjust`` and
    the money not spent of a ``cached``. ``counters`` are the budget counters a ``reserve`` counts in.
    """

    seq: int
    at: datetime
    kind: EntryKind
    reservation_id: str
    request_id: str
    amount_nusd: int
    deployment: str = ""
    model: str = ""
    size: str = ""
    quality: str | None = None
    basis: Basis | None = None
    unconfirmed: bool = False
    overrun: bool = False
    images: int = 0
    usage: Usage | None = None
    reason: str = ""
    picture_key: str = ""
    counters: tuple[CounterKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a counter holds and has spent, in nano-USD."""

    held_nusd: int = 0
    spent_nusd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A threshold that a budget's spending reached: once per budget, window and threshold. Amounts in nano-USD."""

    key: CounterKey
    threshold_nusd: int
    limit_nusd: int
    spent_nusd: int
    at: datetime


def fold(entries: Iterable[Entry]) -> dict[CounterKey, Balance]:
    """Compute every counter afresh from the entries alone."""
    held: dict[CounterKey, int] = defaultdict(int)
    spent: dict[CounterKey, int] = defaultdict(int)
    reserved: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind is EntryKind.RESERVE:
            reserved[entry.reservation_id] = entry
            for key in entry.counters:
                held[key] += entry.amount_nusd
        elif entry.kind is not EntryKind.CACHED:
            reserve = reserved[entry.reservation_id]
            for key in reserve.counters:
                spent[key] += entry.amount_nusd
                if entry.kind in RESOLUTIONS:
                    held[key] -= reserve.amount_nusd
    return {key: Balance(held_nusd=held[key], spent_nusd=spent[key]) for key in held | spent}


def crossed(claim: Claim, before_nusd: int, after_nusd: int) -> tuple[int, ...]:
    """Find the thresholds that spending reached on its way from before to after."""
    return tuple(threshold for threshold in claim.alert_at if before_nusd < threshold <= after_nusd)


def budget_exceeded(claim: Claim, balance: Balance, needed_nusd: int) -> BudgetExceeded:
    """Word the refusal: which budget, what it allows, what is left, when it starts afresh."""
    key = claim.key
    remaining = claim.limit_nusd - balance.held_nusd - balance.spent_nusd
    scope = f" for {key.scope!r}" if key.scope else ""
    kept = f", the rest is kept for {key.below}" if key.below else ""
    fresh = f"; it starts afresh at {claim.end.isoformat()}" if claim.end else "; it never starts afresh"
    return BudgetExceeded(
        f"budget {key.budget!r}{scope} has ${usd_text(max(0, remaining))} left of ${usd_text(claim.limit_nusd)}"
        f" (spent ${usd_text(balance.spent_nusd)}, held ${usd_text(balance.held_nusd)}{kept}),"
        f" ${usd_text(needed_nusd)} is needed{fresh}",
        budget=key.budget,
        limit=claim.limit_nusd,
        needed=needed_nusd,
        remaining=remaining,
        resets_at=claim.end,
    )
