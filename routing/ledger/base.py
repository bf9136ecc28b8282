"""The ports of a ledger: writing, reading, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from routing.core.window import EVER
from routing.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from routing.core.alerts import Alert, AlertStanding, Delivery
    from routing.core.budgets import BudgetRaise, CounterKey
    from routing.core.charge import Charge
    from routing.core.entries import (
        Adjustment,
        Balance,
        CacheHit,
        Entry,
        RequestRecord,
        Reservation,
        Resolution,
    )
    from routing.core.lineage import AssetSums
    from routing.core.past import Paid, Past
    from routing.core.spend import Dearest, SpendQuery, SpendRow


class ArchiveError(LedgerError):
    """An archive cannot be written, or is not what the ledger says of it."""


class WrongFile(ArchiveError):
    """The file that was named cannot be written or read as an archive, whatever the ledger says: name another."""


class Ledger(Protocol):
    """Writes money. Every method is one durable transaction, safe from any thread and process.

    All of them raise ``LedgerUnavailable`` where the store cannot be reached or written.
    """

    def reserve(self, record: RequestRecord, reservations: Sequence[Reservation]) -> None:
        """Set money aside for one or more attempts of a request, all of them or none.

        Every claim of every reservation is guarded: ``held + spent + amount <= limit``, over all slices of a rolling
        window, the limit being raised by what ``raise_budget`` recorded for that time. The request's record is written
        with its first reservation and left alone afterwards.

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
        """Correct what a resolved reservation was charged, to what it cost in truth; return the alerts this wrote.

        Written also where the difference is nothing: then it confirms.

        Raises:
            AlreadyResolved: where there is no such resolution; nothing was written.

        """

    def record_cached(self, record: RequestRecord, hit: CacheHit) -> None:
        """Book an answer that came from the cache; of a request and a ``picture_key`` that is booked already, nothing.

        Raises:
            RequestIdReused: as for ``reserve``.

        """

    def sweep(self, now: datetime, *, release: bool) -> tuple[Resolution, ...]:
        """Expire every reservation whose ``expires_at`` has passed; return how each was resolved.

        They are charged at their hold, ``unconfirmed``, or given back with ``release``.
        """

    def roll_up(self, at_least: int = 1) -> int:
        """Fold the next entries, at most 20,000, into the sums that reports read; nothing where fewer than this wait.

        Returns how many there were to fold: repeat it until there are none to fold everything. Each entry is folded
        exactly once, however many processes do so at a time.
        """

    def raise_budget(self, raised: BudgetRaise) -> None:
        """Record more room in a budget for a while; every process sees it with its next reservation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptHistory:
    """One attempt of a request: its reservation, its resolution where it has one, and corrections of that in order."""

    reserve: Entry
    resolution: Entry | None
    adjustments: tuple[Entry, ...] = ()

    @property
    def adjusted_nusd(self) -> int:
        """The sum of its corrections."""
        return sum(entry.amount_nusd for entry in self.adjustments)

    @property
    def cost_nusd(self) -> int:
        """What it is charged now, corrections included."""
        return (self.resolution.amount_nusd if self.resolution else 0) + self.adjusted_nusd

    @property
    def unconfirmed(self) -> bool:
        """Tell whether nobody knows yet if the vendor charged: the last word counts."""
        answers = (*((self.resolution,) if self.resolution else ()), *self.adjustments)
        return bool(answers) and answers[-1].unconfirmed

    @property
    def vendor_request_id(self) -> str:
        """What the vendor's bill calls it, as far as that is known; a correction may have brought it."""
        answers = (*((self.resolution,) if self.resolution else ()), *self.adjustments)
        return next((entry.vendor_request_id for entry in reversed(answers) if entry.vendor_request_id), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHistory:
    """Everything the ledger knows of one request.

    ``archived_to`` is the name of the file that its entries were moved to, or are on their way to.
    """

    record: RequestRecord
    attempts: tuple[AttemptHistory, ...]
    cached: tuple[Entry, ...] = ()
    archived_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of folding every entry and comparing it with the counters.

    ``differences`` are sentences, empty where all is well. ``hold_ratio_median`` and ``hold_ratio_worst`` compare holds
    with the costs they became (metered settles only; ``None`` without any). ``archived`` counts entries that were moved
    to files; their sums are part of ``spent_nusd``.
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
    archived: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """An HMAC over rows ``first_seq`` to ``last_seq`` (as many as ``rows_sealed``) and the seal before it.

    ``covers`` is ``entries`` or ``raises``; numbers of raises are of their own.
    """

    id: int
    covers: str
    first_seq: int
    last_seq: int
    rows_sealed: int
    at: datetime
    previous: str
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealCheck:
    """What became of the seals. ``differences`` are sentences, empty where all is well.

    ``entries`` and ``raises`` are how many the seals cover. ``unchecked`` counts the entries whose seals hold archived
    ones, ``unread`` names the files that would be needed to check them.
    """

    seals: int
    entries: int
    raises: int
    newest: Seal | None
    differences: tuple[str, ...] = ()
    unchecked: int = 0
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Entries that were moved to a file: those of requests made before ``until`` of which everything was over.

    The figures are ``0`` as long as the file is not written. ``finished``: nothing of it is left to do. ``all_sums``:
    the ledger kept all the sums of it that there are; an older version kept none of what requests cost by what a price
    reads of them, and none of assets by importance or tags.
    """

    id: int
    file: str
    until: datetime
    at: datetime
    finished: bool
    sealed: bool
    all_sums: bool = True
    requests: int = 0
    entries: int = 0
    first_seq: int = 0
    last_seq: int = 0
    spent_nusd: int = 0
    sha256: str = ""


class LedgerReader(Protocol):
    """Reads money."""

    def history(self, request_id: str) -> RequestHistory | None:
        """Look up one request; ``None`` where it was never written."""

    def latest_of_asset(self, asset: str, at_most: int) -> tuple[Entry, ...]:
        """List what brought pictures for an asset, newest first: reservations that paid, and answers from the cache.

        What was archived is left out.
        """

    def spend(self, query: SpendQuery) -> list[SpendRow]:
        """Group what was charged, dearest first, then by key.

        A request counts in the group and the time of its first charge or answer, so that rows add up to the total. A
        question that is cut into periods (``per``) is asked for each of them, by ``spend_each``.
        """

    def spend_each(self, queries: Sequence[SpendQuery]) -> list[list[SpendRow]]:
        """Answer several questions as ``spend`` does, all of one state of the ledger."""

    def dearest_assets(self, query: SpendQuery, most: int) -> Dearest:
        """Find the assets of a time that cost most, told by importance; what has none counts as one."""

    def finished_assets(self, query: SpendQuery, tag: str, importance: str) -> dict[str, int]:
        """Count the assets that got a picture of an importance in a time, by the value of a tag."""

    def asset_sums(self, highest: str, most: int | None) -> tuple[AssetSums, list[SpendRow]]:
        """Sum up all assets; with them come by importance the finished ones that cost most (``None``: all assets)."""

    def histories(self, since: datetime, until: datetime) -> Iterator[RequestHistory]:
        """Walk the requests made in ``[since, until)`` in order of time, without holding them all.

        Those that were archived are left out.
        """

    def pasts(self, since: datetime, until: datetime) -> Iterator[Past]:
        """Walk the same requests as ``histories`` does, with as much of each as a replay needs."""

    def paid_each(self, spans: Sequence[tuple[datetime, datetime]]) -> list[list[Paid]]:
        """Sum up the requests made in each ``[since, until)``, all of one state of the ledger.

        Those that are alike in all that a price reads of them are one, however many they are: alike but for tags and
        deadlines, which are left out, and for the lengths of prompts and of texts in them, which are told as spans.
        """

    def first_at(self) -> datetime | None:
        """Tell when the first request was made, archived or not; ``None`` where none ever was."""

    def newest(self, since: datetime, until: datetime, importance: str) -> Iterator[RequestHistory]:
        """Walk the requests for assets at one importance, newest first; those that were archived are left out."""

    def charges(self, since: datetime, until: datetime) -> Iterator[Charge]:
        """Walk all that spend counts, in order of time, without holding it all; what was archived is left out."""

    def children(self, request_id: str) -> tuple[str, ...]:
        """List the requests that were made from this one, by their ids."""

    def unconfirmed(self, since: datetime = EVER[0], until: datetime = EVER[1]) -> Iterator[AttemptHistory]:
        """Walk the attempts that are charged although nobody knows yet whether the vendor did, oldest first.

        Only those that ended in ``[since, until)``.
        """

    def balances(self, budget: str, starts: Sequence[datetime]) -> dict[CounterKey, Balance]:
        """Read every counter of a budget's windows (or slices) that start at these times."""

    def spent_since(self, since: datetime) -> dict[CounterKey, int]:
        """Sum by counter what was charged since a time, in nano-USD; reads every entry since."""

    def raises(self, at: datetime) -> tuple[BudgetRaise, ...]:
        """List the raises of all budgets that hold at a time, oldest first."""

    def entries(self, since_seq: int = 0) -> Iterator[Entry]:
        """Walk the entries after a sequence number, in order, without holding them all."""

    def verify(self) -> Verification:
        """Fold the entries and compare with the counters."""

    def archives(self) -> tuple[Archive, ...]:
        """List what was moved to files, oldest first; the last one may be unfinished."""

    def archives_behind(self, query: SpendQuery) -> tuple[Archive, ...]:
        """List the archives that an answer of ``spend`` misses: it would have needed their entries one by one.

        Those are groups by ``request_id`` or ``parent``, times that are no whole hours in UTC, groups by a tag of times
        that are no whole days, and groups by several tags or by ``asset`` of times that are no whole months; of what an
        older version archived, all groups by ``asset`` and something else.
        """


class AlertLog(Protocol):
    """Alerts, and how far each has come on its way to each channel."""

    def record_alerts(self, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
        """Write alerts; return those whose name was not there yet."""

    def alerts(self, since: datetime) -> tuple[AlertStanding, ...]:
        """List the alerts since a time with how far they have come, oldest first."""

    def claim_deliveries(self, channels: Sequence[str], now: datetime, until: datetime) -> tuple[Delivery, ...]:
        """Take what is due for these channels, so that nobody else takes it before ``until``; oldest alerts first.

        Due is what was never looked at, what failed and whose time has come again, and what was claimed by
        somebody who did not finish in time. An alert goes to the channels that are named when it is first looked at:
        one that is added later is not told old news. At most 100 at once.
        """

    def finish_deliveries(self, taken: Sequence[Delivery], failed: Sequence[tuple[Delivery, str, datetime]]) -> None:
        """Note which deliveries were taken, and which failed: with what error, and when to try again."""


class Safekeeping(Protocol):
    """Seals over what is written, and files for what is old."""

    def check_seals(self, key: bytes, *, expect: str = "", files: Sequence[Path] = ()) -> SealCheck:
        """Check every seal; what is archived is read from ``files``, which ``archives`` lists by their SHA-256.

        ``expect`` is the beginning of the digest of a seal that must be there.

        Raises:
            WrongFile: where a file is no archive of this ledger.
            ArchiveError: where one was changed.

        """

    def seal(self, key: bytes, at: datetime) -> tuple[int, Seal | None]:
        """Seal what is not sealed yet; return how many rows that was, and the newest seal.

        While an archive is unfinished nothing is sealed.
        """

    def check_archives(self, files: Sequence[Path]) -> tuple[Archive, ...]:
        """Read archives and compare them with what the ledger says of them; return the latter.

        Raises:
            WrongFile: where a file is no archive of this ledger.
            ArchiveError: where one was changed.

        """

    def archive(
        self,
        until: datetime,
        file: Path,
        at: datetime,
        *,
        key: bytes = b"",
        watch: Callable[[str], object] | None = None,
    ) -> Archive | None:
        """Move the entries of requests made before a UTC day to a file, or finish an archive that was interrupted.

        Moved are the requests of which everything is over: no hold open, no charge in doubt, no entry since. The newest
        request stays. The ledger keeps their sums and their ids. ``None`` where there is nothing to move. ``key`` is
        needed where the ledger has seals. ``watch`` is told each step before it begins.

        Raises:
            ArchiveError: where this cannot be done; what was begun is finished by doing it again.

        """


class Store(Ledger, LedgerReader, AlertLog, Safekeeping, Protocol):
    """A whole ledger, as an adapter provides it."""

    def close(self) -> None:
        """Let go of files and connections; further calls raise ``LedgerUnavailable``."""
