"""What the ledger writes: requests, reservations, their one resolution, and the fold that proves the counters."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.errors import BudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.budgets import Claim, CounterKey
    from routing.core.features import Features
    from routing.core.prices import Usage


class EntryKind(StrEnum):
    """What an entry says. ``reserve`` is answered by exactly one of ``settle``, ``release``, ``expire``."""

    RESERVE = "reserve"
    SETTLE = "settle"
    RELEASE = "release"
    EXPIRE = "expire"
    ADJUST = "adjust"
    CACHED = "cached"


STANDS_IN = "stands in for "
"""How the reason begins of what was bought in the stead of a route's own deployments; their names follow."""

RESOLUTIONS = frozenset({EntryKind.SETTLE, EntryKind.RELEASE, EntryKind.EXPIRE})


class Basis(StrEnum):
    """What a charge rests on: the vendor's usage, or our own quote."""

    METERED = "metered"
    QUOTED = "quoted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """What the ledger keeps of a request, written with its first reservation.

    The prompt only as its hash, unless the ledger was told to keep prompts. The ``features`` are what rules read, so
    that an edited policy can be tried on what was.
    """

    request_id: str
    fingerprint: str
    at: datetime
    importance: str
    rule: str
    policy: str
    prompt_hash: str
    features: Features
    asset: str | None = None
    parent: str | None = None
    prompt: str | None = field(default=None, repr=False)


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
    ``vendor_request_id`` is what the vendor calls it, where it said so: what its bill is compared by.
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
    vendor_request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A later correction of a resolved reservation: what it did cost in truth, in all, in nano-USD.

    The ledger books the difference from what it was charged until then, so that the same correction made twice books
    nothing the second time.
    """

    reservation_id: str
    at: datetime
    cost_nusd: int
    reason: str
    confirmed: bool = True
    vendor_request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheHit:
    """Pictures that came from the cache: nothing was bought; ``saved_nusd`` is what they would have cost.

    ``reason`` says why where they are not what the route buys.
    """

    request_id: str
    at: datetime
    deployment: str
    model: str
    images: int
    saved_nusd: int
    picture_key: str
    size: str = ""
    quality: str | None = None
    reason: str = ""


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
    vendor_request_id: str = ""
    counters: tuple[CounterKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a counter holds and has spent, in nano-USD; ``first_at`` is when its first reservation was made.

    No entries can tell the latter of a counter by itself, so balances are compared without it.
    """

    held_nusd: int = 0
    spent_nusd: int = 0
    first_at: datetime | None = field(default=None, compare=False)

    def __add__(self, other: Balance) -> Balance:
        """Sum two counters."""
        return Balance(
            held_nusd=self.held_nusd + other.held_nusd,
            spent_nusd=self.spent_nusd + other.spent_nusd,
            first_at=min((at for at in (self.first_at, other.first_at) if at), default=None),
        )


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


def back_at(balances: Mapping[datetime, Balance], starts: Sequence[datetime]) -> datetime | None:
    """Tell when room comes back in a rolling window: when its oldest slice that holds something no longer counts.

    ``starts`` are those of all its slices, oldest first, the present one last; ``None`` where none holds anything.
    """
    for start in starts:
        balance = balances.get(start, Balance())
        if balance.held_nusd or balance.spent_nusd:
            return start + len(starts) * (starts[-1] - starts[-2])
    return None


def budget_exceeded(
    claim: Claim, balance: Balance, needed_nusd: int, resets_at: datetime | None = None
) -> BudgetExceeded:
    """Word the refusal: which budget, what it allows, what is left, when it starts afresh.

    Of a rolling window ``balance`` is that of all slices, and ``resets_at`` when the first of it comes back.
    """
    key = claim.key
    resets_at = claim.end or resets_at
    remaining = claim.limit_nusd - balance.held_nusd - balance.spent_nusd
    scope = f" for {key.scope!r}" if key.scope else ""
    kept = f", the rest is kept for {key.below}" if key.below else ""
    return BudgetExceeded(
        f"budget {key.budget!r}{scope} has ${usd_text(max(0, remaining))} left of ${usd_text(claim.limit_nusd)}"
        f" (spent ${usd_text(balance.spent_nusd)}, held ${usd_text(balance.held_nusd)}{kept}),"
        f" ${usd_text(needed_nusd)} is needed; {_afresh(claim, resets_at)}",
        budget=key.budget,
        limit=claim.limit_nusd,
        needed=needed_nusd,
        remaining=remaining,
        resets_at=resets_at,
    )


def _afresh(claim: Claim, resets_at: datetime | None) -> str:
    if claim.earlier:
        when = f", from {resets_at.isoformat()} on" if resets_at else ""
        return f"it is rolling: room comes back bit by bit{when}"
    return f"it starts afresh at {resets_at.isoformat()}" if resets_at else "it never starts afresh"
