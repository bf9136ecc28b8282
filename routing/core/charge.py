"""One line of an export: a charge, a correction, or an answer from the cache, with the request it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.entries import EntryKind

if TYPE_CHECKING:
    from datetime import datetime

    from routing.core.entries import Entry, RequestRecord

CHARGING = frozenset({EntryKind.SETTLE, EntryKind.EXPIRE, EntryKind.ADJUST, EntryKind.CACHED})
"""The entries that spend is made of; a release charges nothing and is not among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An entry that spend counts, and its request. ``resolved_at`` is when its attempt was charged first.

    ``unconfirmed``: nobody knows to this day whether the vendor charged it; a later correction may have said so.
    """

    record: RequestRecord
    entry: Entry
    resolved_at: datetime
    unconfirmed: bool = False

    @property
    def cached(self) -> bool:
        """Tell whether the pictures came from the cache."""
        return self.entry.kind is EntryKind.CACHED

    @property
    def charged_nusd(self) -> int:
        """What it adds to the spending; below zero for a correction downwards."""
        return 0 if self.cached else self.entry.amount_nusd

    @property
    def saved_nusd(self) -> int:
        """What the cache kept from being spent."""
        return self.entry.amount_nusd if self.cached else 0
