"""What ``routing spend`` is asked: shared by the ways it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.cli.periods import period_words

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from routing.core.spend import SpendQuery
    from routing.ledger.base import LedgerReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for: the question, how it is answered, and the words of its period."""

    query: SpendQuery
    config: Path
    now: datetime
    as_json: bool
    as_csv: bool

    def begins(self, store: LedgerReader) -> datetime:
        """Tell from when on there may be something: the start that was asked for, else the first purchase."""
        return self.query.since or store.first_at() or self.now

    @property
    def period(self) -> str:
        """The period and its zone in words."""
        return period_words(self.query.since, self.query.until, self.query.zone)
