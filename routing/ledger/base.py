"""The ports of a ledger: writing, reading, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from routing.core.budgets import CounterKey
    from routing.core.entries import (
        Adjustment,
        Alert,
        Balance,
        CacheHit,
        Entry,
        RequestRecord,
        Reservation,
        Resolution,
    )
    from routing.core.spend import SpendQuery, SpendRow


class Ledger(Protocol):
    """Writes money. Every method is one durable transaction, safe from any thread and process.

    All of them raise ``LedgerUnavailable`` where the store cannot be reached or written.
    """

    def reserve(self, record: RequestRecord, reservations: Sequence[Reservation]) -> None:
        """Set money aside for one or more attempts of a request, all of them or none.

        Every claim of every reservation is guarded: ``held + spent + amount <= limit``. The request's record is
        written with its first reservation and left alone afterwards.

        Raises:
            BudgetExceeded: for the first claim, in sorted order, that has no room; nothing was written.
            RequestIdReused: where ``record.request_id`` stands for another request (another fingerprint), or an
                attempt of this number was made already; nothing was written.

        """

    def resolve(self, resolution: Resolution) -> tuple[Alert, ...]:
        """Settle, release or expire a reservation; return the alerts this wrote, each for the first time.

        A charge above what was held is booked in full and flagged ``overrun``.

        Raises:
            AlreadyResolved: where the reservation has ended already, or never was; nothing was written.

        """

    def adjust(self, adjustment: Adjustment) -> tuple[Alert, ...]:
        """Correct what a resolved reservation was charged; ``AlreadyResolved`` where there is no such resolution."""

    def record_cached(self, record: RequestRecord, hit: CacheHit) -> None:
        """Book an answer that came from the cache; ``RequestIdReused`` as for ``reserve``."""

    def sweep(self, now: datetime, *, release: bool) -> tuple[Resolution, ...]:
        """Expire every reservation whose ``expires_at`` has passed; return how each was resolved.

        They are charged at their hold, ``unconfirmed``, or given back with ``release``.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptHistory:
    """One attempt of a request: its reservation, and its resolution where it has one."""

    reserve: Entry
    resolution: Entry | None
    adjusted_nusd: int = 0

    @property
    def cost_nusd(self) -> int:
        """What it is charged now, corrections included."""
        return (self.resolution.amount_nusd if self.resolution else 0) + self.adjusted_nusd


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHistory:
    """Everything the ledger knows of one request."""

    record: RequestRecord
    attempts: tuple[AttemptHistory, ...]
    cached: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of folding every entry and comparing it with the counters.

    ``differences`` are sentences, empty where all is well. ``hold_ratio_median`` and ``hold_ratio_worst`` compare holds
    with the costs they became (metered settles only; ``None`` without any).
    """

    entries: int
    counters: int
    open_holds: int
    spent_nusd: int
    held_nusd: int
    unconfirmed_nusd: int
    differences: tuple[str, ...]
    hold_ratio_median: float | None = None
    hold_ratio_worst: float | None = None


class LedgerReader(Protocol):
    """Reads money."""

    def history(self, request_id: str) -> RequestHistory | None:
        """Look up one request; ``None`` where it was never written."""

    def spend(self, query: SpendQuery) -> list[SpendRow]:
        """Group what was charged, dearest first, then by key."""

    def balances(self, budget: str, start: datetime) -> dict[CounterKey, Balance]:
        """Read every counter of a budget's window."""

    def entries(self, since_seq: int = 0) -> Iterator[Entry]:
        """Walk the entries after a sequence number, in order, without holding them all."""

    def verify(self) -> Verification:
        """Fold the entries and compare with the counters."""


class AlertLog(Protocol):
    """Alerts that were written and not yet acknowledged."""

    def pending_alerts(self) -> tuple[Alert, ...]:
        """List alerts that no channel has taken yet, oldest first."""

    def acknowledge(self, alerts: Sequence[Alert]) -> None:
        """Mark alerts as delivered."""


class Store(Ledger, LedgerReader, AlertLog, Protocol):
    """A whole ledger, as an adapter provides it."""

    def close(self) -> None:
        """Let go of files and connections; further calls raise ``LedgerUnavailable``."""
