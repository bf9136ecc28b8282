"""What every export has in common: typed columns, and a CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from routing.core.money import usd_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

LINES_AT_ONCE = 1000

_QUOTE = '"'
_SPECIAL = re.compile('[",;\t\r\n]|^ | $')
"""Text with one of these stands in quotes."""

_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                      r"\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}\t\r])")  # fmt: skip
"""Where a spreadsheet may read a formula: at the start of a cell, and after whatever a spreadsheet that is set to
another separator takes for the end of one. Inside a quoted cell a comma is no end in either."""


class Kind(StrEnum):
    """What a column holds: ``usd`` is nano-USD, ``moment`` an aware time, ``second`` one cut to whole seconds."""

    TEXT = "text"
    USD = "usd"
    COUNT = "count"
    FLAG = "flag"
    MOMENT = "moment"
    SECOND = "second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """One column: its name, and how it is read from a row; ``None`` is nothing."""

    name: str
    kind: Kind
    read: Callable[[T], object]


def csv_text(columns: Sequence[Column[T]], rows: Iterable[T]) -> Iterator[str]:
    """Write CSV piece by piece, its first line the names; amounts are exact, what is not there is an empty cell.

    Lines end with a line feed alone. Text that a spreadsheet would read as a formula begins with an apostrophe;
    numbers stay numbers.
    """
    lines = [",".join(_text(column.name) for column in columns)]
    for row in rows:
        if len(lines) > LINES_AT_ONCE:
            yield "\n".join([*lines, ""])
            lines.clear()
        lines.append(",".join([_cell(column, row) for column in columns]))
    yield "\n".join([*lines, ""])


def safe_cell(text: str) -> str:
    """Keep a spreadsheet from reading a formula into a text, by an apostrophe before it."""
    return _FORMULA.sub(r"\1'", text.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def moment_text(at: datetime, kind: Kind) -> str:
    """Write a time in UTC: ``2026-11-21T12:00:00.250Z``, or to the second."""
    spec = "seconds" if kind is Kind.SECOND else "milliseconds"
    return at.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    """Write a text; most come again and again. The standard library would leave a lone carriage return unquoted."""
    cell = safe_cell(text)
    return f'"{cell.replace(_QUOTE, 2 * _QUOTE)}"' if _SPECIAL.search(cell) else cell


def _cell(column: Column[T], row: T) -> str:
    value = column.read(row)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return moment_text(value, column.kind)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return usd_text(value) if column.kind is Kind.USD else str(value)
    return _text(str(value))
