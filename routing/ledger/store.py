"""The half of a store that reads: the same for every database, given cursors that see one state of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from routing.ledger import reading, verification

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime

    from routing.core.budgets import CounterKey
    from routing.core.entries import Alert, Balance, Entry
    from routing.core.spend import SpendQuery, SpendRow
    from routing.ledger.base import RequestHistory, Verification
    from routing.ledger.operations import Cursor


class Reader(Protocol):
    """Lends a cursor that sees one state of the ledger."""

    def reading(self) -> AbstractContextManager[Cursor]:
        """Lend it for the length of a ``with``."""

    def close(self) -> None:
        """Close what is not lent."""


class ReadingStore:
    """``LedgerReader``, and what ``AlertLog`` reads."""

    def __init__(self, reader: Reader, tag: str) -> None:
        """``tag`` is how the database reads a tag in SQL."""
        self._reader = reader
        self._tag = tag

    def history(self, request_id: str) -> RequestHistory | None:
        """See ``LedgerReader.history``."""
        with self._reader.reading() as cursor:
            return reading.history(cursor, request_id)

    def spend(self, query: SpendQuery) -> list[SpendRow]:
        """See ``LedgerReader.spend``."""
        with self._reader.reading() as cursor:
            return reading.spend(cursor, query, self._tag)

    def balances(self, budget: str, start: datetime) -> dict[CounterKey, Balance]:
        """See ``LedgerReader.balances``."""
        with self._reader.reading() as cursor:
            return reading.balances(cursor, budget, start)

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
            return verification.verify(cursor)

    def pending_alerts(self) -> tuple[Alert, ...]:
        """See ``AlertLog.pending_alerts``."""
        with self._reader.reading() as cursor:
            return reading.pending_alerts(cursor)
