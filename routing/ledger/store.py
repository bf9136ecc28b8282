"""What is the same for every database: reading, given cursors that see one state of it, and writing what is rare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from routing.core.window import EVER
from routing.ledger import (
    archive,
    archived,
    assets,
    paid,
    pasts,
    rare_operations,
    reading,
    rollup,
    seal_check,
    seals,
    spend,
    verification,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from routing.core.alerts import Alert, AlertStanding, Delivery
    from routing.core.budgets import BudgetRaise, CounterKey
    from routing.core.charge import Charge
    from routing.core.entries import Balance, Entry
    from routing.core.lineage import AssetSums
    from routing.core.past import Paid, Past
    from routing.core.spend import Dearest, SpendQuery, SpendRow
    from routing.ledger.base import Archive, AttemptHistory, RequestHistory, Seal, SealCheck, Verification
    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor

T = TypeVar("T")
Place = TypeVar("Place")


class Reader(Protocol):
    """Lends a cursor that sees one state of the ledger."""

    def reading(self) -> AbstractContextManager[Cursor]:
        """Lend it for the length of a ``with``."""

    def close(self) -> None:
        """Close what is not lent."""


class CommonStore(ABC):
    """``LedgerReader``, ``AlertLog``, and what is rare of ``Ledger``."""

    def __init__(self, reader: Reader, dialect: Dialect) -> None:
        """Read by ``reader``, in the SQL of ``dialect``."""
        self._reader = reader
        self._dialect = dialect

    @abstractmethod
    def _run_alone(self, operation: Callable[[Cursor], T]) -> T:
        """Run a rare operation as one durable transaction, in turn with all that is written; return what it returns.

        It gets a cursor for the statements of ``sql/*.sql``. One that raises has written nothing. In PostgreSQL every
        statement is a trip to the server while all other writers wait, and the whole must end within seconds: what
        walks over a large table does so in several operations. There it may be run again where the connection was cut
        before its commit, so it must change nothing but the ledger.
        """

    # --- Reading ----------------------------------------------------------------------------------------------------

    def history(self, request_id: str) -> RequestHistory | None:
        """See ``LedgerReader.history``."""
        with self._reader.reading() as cursor:
            return reading.history(cursor, request_id)

    def latest_of_asset(self, asset: str, at_most: int) -> tuple[Entry, ...]:
        """See ``LedgerReader.latest_of_asset``."""
        with self._reader.reading() as cursor:
            return reading.latest_of_asset(cursor, asset, at_most)

    def spend(self, query: SpendQuery) -> list[SpendRow]:
        """See ``LedgerReader.spend``."""
        (rows,) = self.spend_each([query])
        return rows

    def spend_each(self, queries: Sequence[SpendQuery]) -> list[list[SpendRow]]:
        """See ``LedgerReader.spend_each``."""
        with self._reader.reading() as cursor:
            return spend.spend(cursor, queries, self._dialect)

    def dearest_assets(self, query: SpendQuery, most: int) -> Dearest:
        """See ``LedgerReader.dearest_assets``."""
        with self._reader.reading() as cursor:
            return assets.dearest_assets(cursor, query, most, self._dialect)

    def finished_assets(self, query: SpendQuery, tag: str, importance: str) -> dict[str, int]:
        """See ``LedgerReader.finished_assets``."""
        with self._reader.reading() as cursor:
            return assets.finished_assets(cursor, query, tag, importance, self._dialect)

    def asset_sums(self, highest: str, most: int | None) -> tuple[AssetSums, list[SpendRow]]:
        """See ``LedgerReader.asset_sums``."""
        with self._reader.reading() as cursor:
            return assets.asset_sums(cursor, highest, most, self._dialect)

    def histories(self, since: datetime, until: datetime) -> Iterator[RequestHistory]:
        """See ``LedgerReader.histories``; read page by page."""
        return self._pages(reading.before(since), lambda cursor, place: reading.histories_after(cursor, place, until))

    def pasts(self, since: datetime, until: datetime) -> Iterator[Past]:
        """See ``LedgerReader.pasts``; read page by page."""
        return self._pages(reading.before(since), lambda cursor, place: pasts.pasts_after(cursor, place, until))

    def paid_each(self, spans: Sequence[tuple[datetime, datetime]]) -> list[list[Paid]]:
        """See ``LedgerReader.paid_each``."""
        with self._reader.reading() as cursor:
            return paid.paid_each(cursor, spans, self._dialect)

    def first_at(self) -> datetime | None:
        """See ``LedgerReader.first_at``."""
        with self._reader.reading() as cursor:
            return reading.first_at(cursor)

    def newest(self, since: datetime, until: datetime, importance: str) -> Iterator[RequestHistory]:
        """See ``LedgerReader.newest``; read few by few: whoever looks back soon has seen enough."""
        return self._pages(
            reading.before(until), lambda cursor, place: reading.newest_before(cursor, place, since, importance)
        )

    def charges(self, since: datetime, until: datetime) -> Iterator[Charge]:
        """See ``LedgerReader.charges``; read page by page."""
        return self._pages(reading.before(since), lambda cursor, place: reading.charges_after(cursor, place, until))

    def children(self, request_id: str) -> tuple[str, ...]:
        """See ``LedgerReader.children``."""
        with self._reader.reading() as cursor:
            return reading.children(cursor, request_id)

    def unconfirmed(self, since: datetime = EVER[0], until: datetime = EVER[1]) -> Iterator[AttemptHistory]:
        """See ``LedgerReader.unconfirmed``; read page by page."""
        return self._pages(0, lambda cursor, seq: reading.unconfirmed_after(cursor, seq, since, until, self._dialect))

    def balances(self, budget: str, starts: Sequence[datetime]) -> dict[CounterKey, Balance]:
        """See ``LedgerReader.balances``."""
        with self._reader.reading() as cursor:
            return reading.balances(cursor, budget, starts)

    def spent_since(self, since: datetime) -> dict[CounterKey, int]:
        """See ``LedgerReader.spent_since``."""
        with self._reader.reading() as cursor:
            return reading.spent_since(cursor, since, self._dialect)

    def raises(self, at: datetime) -> tuple[BudgetRaise, ...]:
        """See ``LedgerReader.raises``."""
        with self._reader.reading() as cursor:
            return reading.raises(cursor, at)

    def entries(self, since_seq: int = 0) -> Iterator[Entry]:
        """See ``LedgerReader.entries``; read page by page, so that a slow reader holds nothing up."""
        while True:
            with self._reader.reading() as cursor:
                page = reading.entries_after(cursor, since_seq)
            if not page:
                return
            yield from page
            since_seq = page[-1].seq

    def verify(self) -> Verification:
        """See ``LedgerReader.verify``."""
        with self._reader.reading() as cursor:
            return verification.verify(cursor, self._dialect)

    def archives(self) -> tuple[Archive, ...]:
        """See ``LedgerReader.archives``."""
        with self._reader.reading() as cursor:
            return archived.archives(cursor)

    def archives_behind(self, query: SpendQuery) -> tuple[Archive, ...]:
        """See ``LedgerReader.archives_behind``."""
        with self._reader.reading() as cursor:
            return archived.archives_behind(cursor, query)

    def alerts(self, since: datetime) -> tuple[AlertStanding, ...]:
        """See ``AlertLog.alerts``."""
        with self._reader.reading() as cursor:
            return reading.alerts(cursor, since)

    def _pages(self, place: Place, read: Callable[[Cursor, Place], tuple[list[T], Place | None]]) -> Iterator[T]:
        """Walk page by page, each on a cursor of its own; ``read`` gives a page and where the next one begins."""
        following: Place | None = place
        while following is not None:
            with self._reader.reading() as cursor:
                page, following = read(cursor, following)
            yield from page

    # --- Writing what is rare ---------------------------------------------------------------------------------------

    def raise_budget(self, raised: BudgetRaise) -> None:
        """See ``Ledger.raise_budget``."""
        self._run_alone(partial(rare_operations.raise_budget, raised=raised))

    def record_alerts(self, alerts: Sequence[Alert]) -> tuple[Alert, ...]:
        """See ``AlertLog.record_alerts``."""
        return self._run_alone(partial(rare_operations.record_alerts, alerts=alerts)) if alerts else ()

    def claim_deliveries(self, channels: Sequence[str], now: datetime, until: datetime) -> tuple[Delivery, ...]:
        """See ``AlertLog.claim_deliveries``; where nothing is due, nobody who writes is kept waiting."""
        with self._reader.reading() as cursor:
            if not channels or not reading.is_delivery_due(cursor, channels, now):
                return ()
        return self._run_alone(partial(rare_operations.claim_deliveries, channels=channels, now=now, until=until))

    def finish_deliveries(self, taken: Sequence[Delivery], failed: Sequence[tuple[Delivery, str, datetime]]) -> None:
        """See ``AlertLog.finish_deliveries``."""
        if taken or failed:
            self._run_alone(partial(rare_operations.finish_deliveries, taken=taken, failed=failed))

    def roll_up(self, at_least: int = 1) -> int:
        """See ``Ledger.roll_up``; what is added up while others write is written down in one short turn."""
        with self._reader.reading() as cursor:
            step = rollup.next_step(cursor, at_least)
            if step is None:
                return 0
            sums, nameless = rollup.sums(cursor, step, self._dialect)
            paid_sums, shapes = paid.sums(cursor, step, self._dialect)
        if nameless:
            with self._reader.reading() as cursor:
                found = rollup.nameless(cursor, step, self._dialect)
            self._run_alone(partial(rollup.name, nameless=found, dialect=self._dialect))
        if shapes:
            self._run_alone(partial(paid.name, nameless=shapes, dialect=self._dialect))
        if nameless or shapes:
            with self._reader.reading() as cursor:
                sums, _ = rollup.sums(cursor, step, self._dialect)
                paid_sums, _ = paid.sums(cursor, step, self._dialect)
        self._run_alone(partial(_fold, step=step, sums=sums, paid_sums=paid_sums, dialect=self._dialect))
        return step.last - step.after

    # --- Keeping it safe --------------------------------------------------------------------------------------------

    def check_seals(self, key: bytes, *, expect: str = "", files: Sequence[Path] = ()) -> SealCheck:
        """See ``Safekeeping.check_seals``."""
        found = archived.find_archives(self.archives(), files)
        lines = archived.lines_in_order([path for each, path in found if each.sealed])
        read = frozenset(each.id for each, _ in found)
        return seal_check.check_seals(self._reader.reading, key, expect=expect, archived=lines, read=read)

    def seal(self, key: bytes, at: datetime) -> tuple[int, Seal | None]:
        """See ``Safekeeping.seal``."""
        return seals.seal_what_is_new(self._reader.reading, self._run_alone, key, at)

    def check_archives(self, files: Sequence[Path]) -> tuple[Archive, ...]:
        """See ``Safekeeping.check_archives``."""
        return tuple(each for each, _ in archived.find_archives(self.archives(), files))

    def archive(
        self,
        until: datetime,
        file: Path,
        at: datetime,
        *,
        key: bytes = b"",
        watch: Callable[[str], object] | None = None,
    ) -> Archive | None:
        """See ``Safekeeping.archive``."""
        while self.roll_up(rollup.ENTRIES_A_STEP):
            pass
        self.roll_up()
        return archive.archive(
            archive.Archiving(
                dialect=self._dialect,
                reading=self._reader.reading,
                run=self._run_alone,
                until=until,
                file=file,
                at=at,
                key=key,
                watch=watch or str,
            )
        )


def _fold(cursor: Cursor, step: rollup.Step, sums: str, paid_sums: str, dialect: Dialect) -> None:
    """Write a step of folding down, unless somebody else has done so."""
    if rollup.fold(cursor, step, sums, dialect):
        paid.add(cursor, paid_sums, dialect)
