"""What ``routing spend`` is asked: shared by the ways it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.cli.periods import period_words

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from routing.core.spend import SpendQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for: the question, how it is answered, and the words of its period."""

    query: SpendQuery
    config: Path
    now: datetime
    as_json: bool
    as_csv: bool

    @property
    def period(self) -> str:
        """The period and its zone in words."""
        return period_words(self.query.since, self.query.until, self.query.zone)
