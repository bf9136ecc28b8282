"""Entries as lines that are the same bytes from every store and from every archive: what is sealed, and what is kept.

A line holds every column of an entry, what a report reads of its request, and the names of the counters it counts in.
The words of a prompt are no part of it: they may be deleted.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from routing.ledger.operations import fetch, fetch_all
from routing.ledger.rows import whole_numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

Cell: TypeAlias = "int | str | None"
Line: TypeAlias = "dict[str, Cell]"

WHOLE = frozenset(
    {
        "seq",
        "request",
        "attempt",
        "at",
        "amount_nusd",
        "unconfirmed",
        "overrun",
        "images",
        "requested_at",
        "prompt_chars",
        "text_chars",
        "n",
        "reference_pictures",
    }
)
"""Columns of whole numbers; all others are text. Either may hold nothing."""

OF_ENTRY = (
    "seq",
    "request",
    "attempt",
    "kind",
    "at",
    "amount_nusd",
    "deployment",
    "model",
    "size",
    "quality",
    "basis",
    "unconfirmed",
    "overrun",
    "images",
    "usage",
    "reason",
    "picture_key",
    "vendor_request_id",
    "counters",
)
BUDGETS = "budgets"
"""The counters by name: a JSON list of budget, start in milliseconds, scope and what it is kept below."""
OF_REQUEST = (
    "request_id",
    "fingerprint",
    "requested_at",
    "importance",
    "named_importance",
    "rule",
    "policy",
    "operation",
    "asset",
    "parent",
    "prompt_hash",
    "prompt_chars",
    "text_chars",
    "n",
    "reference_pictures",
    "requested_size",
)
AS_JSON = ("tags", "features")
"""JSON objects, which a database may write its own way."""

COLUMNS = (*OF_ENTRY, BUDGETS, *OF_REQUEST, *AS_JSON)
"""The columns of a line in their order, which never changes: seals and archives rest on it."""

RAISE_COLUMNS = ("id", "budget", "scope", "by_nusd", "at", "until", "reason")

_AS_THEY_ARE = (*OF_ENTRY, *OF_REQUEST)
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_SORTED = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def encoded(line: Mapping[str, Cell]) -> bytes:
    """Write a line: a JSON list in plain ASCII, and a line break."""
    return f"{_ENCODER.encode(list(line.values()))}\n".encode("ascii")


class Lines:
    """Makes lines of rows; remembers the names of counters, which never change."""

    def __init__(self) -> None:
        """Know no counter yet."""
        self._names: dict[int, list[Cell]] = {}

    def between(self, cursor: Cursor, first: int, last: int, most: int) -> list[Line]:
        """Read the lines of the entries numbered ``first`` to ``last``, at most so many."""
        return self.of(cursor, fetch_all(cursor, "whole_entries", {"first": first, "last": last, "most": most}))

    def of(self, cursor: Cursor, rows: Iterable[Row]) -> list[Line]:
        """Make lines of whole rows; of what was tampered with some line all the same, to be told from the true one."""
        return [self._line(cursor, row) for row in rows]

    def _line(self, cursor: Cursor, row: Row) -> Line:
        cells: Line = {name: row[name] for name in _AS_THEY_ARE}
        cells[BUDGETS] = self._budgets(cursor, row["counters"])
        for name in AS_JSON:
            cells[name] = _canonical(row[name])
        return {name: cells[name] for name in COLUMNS}

    def _budgets(self, cursor: Cursor, counters: str | None) -> str | None:
        if counters is None:
            return None
        try:
            return _ENCODER.encode([self._name(cursor, counter) for counter in whole_numbers(counters)])
        except (TypeError, ValueError):
            return None

    def _name(self, cursor: Cursor, counter: int) -> list[Cell]:
        if counter not in self._names:
            row = fetch(cursor, "counter_of_id", {"id": counter})
            if row is None:
                return []
            self._names[counter] = [row["budget"], row["start"], row["scope"], row["below"]]
        return self._names[counter]


def raise_lines(cursor: Cursor, first: int, last: int, most: int) -> list[Line]:
    """Read the lines of the raises numbered ``first`` to ``last``, at most so many."""
    rows = fetch_all(cursor, "whole_raises", {"first": first, "last": last, "most": most})
    return [{name: row[name] for name in RAISE_COLUMNS} for row in rows]


@lru_cache(maxsize=1024)
def _canonical(text: str | None) -> str | None:
    """Write a JSON object with its keys in order; ``None`` where a request is missing."""
    if text is None:
        return None
    try:
        return _SORTED.encode(json.loads(text))
    except ValueError:
        return text
