"""The one look of every table: aligned text, ready in a millisecond.

Written here and not taken from a library, whose import would take longer than all the rest of ``routing spend``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import combining, east_asian_width

NUMBERS = frozenset(
    {
        *("at most", "billed", "booked", "cached", "calls", "charged", "difference", "held", "images", "left", "limit"),
        *("quantity", "requests", "share", "spent", "unconfirmed", "used"),
        *("after", "before", "change", "downgraded", "refused"),
        *("average", "not spent", "saved", "would cost", "USD a million"),
        *("a picture", "last hour", "images/min", "requests/min", "tokens/min"),
    }
)
"""Columns that stand right, and are never folded."""

GAP = "  "
RULE = "─"
WORD_AT_MOST = 20
"""Longer words than this may be cut by a fold."""
UNLIMITED = 1_000_000
INDENT = 12
"""Where the text of a fact begins."""

_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal, end a line, or turn the direction of all that follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Rows under their column names; ``total`` is a last row below a line."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()

    def lines(self, width: int = UNLIMITED) -> list[str]:
        """Lay it out. Where it is wider than ``width``, text folds and nothing is cut off: half an amount misleads."""
        records = [self.columns, *self.rows, *([self.total] if self.total else [])]
        records = [tuple(map(harmless, record)) for record in records]
        widths = self._widths(records, width)
        rule = RULE * (sum(widths) + len(GAP) * (len(widths) - 1))
        laid_out = [self._record(record, widths) for record in records]
        head, *body = laid_out
        if not self.total:
            return [*head, rule, *(line for lines in body for line in lines)]
        *rows, total = body
        return [*head, rule, *(line for lines in rows for line in lines), rule, *total]

    def _widths(self, records: list[tuple[str, ...]], available: int) -> list[int]:
        """Take from the widest columns of text until it fits, or until a word would have to be cut."""
        cells = list(zip(*records, strict=True))
        widths = [max(map(cell_width, column)) for column in cells]
        longest = [
            min(WORD_AT_MOST, max(cell_width(w) for cell in column for w in cell.split(" "))) for column in cells
        ]
        while sum(widths) + len(GAP) * (len(widths) - 1) > available:
            foldable = [
                place
                for place, name in enumerate(self.columns)
                if name not in NUMBERS and widths[place] > longest[place]
            ]
            if not foldable:
                break
            widths[max(foldable, key=lambda place: widths[place])] -= 1
        return widths

    def _record(self, record: tuple[str, ...], widths: list[int]) -> list[str]:
        folded = [fold(cell, width) for cell, width in zip(record, widths, strict=True)]
        height = max(map(len, folded))
        columns = [
            [_justify(line, width, right=name in NUMBERS) for line in (*lines, *[""] * (height - len(lines)))]
            for name, lines, width in zip(self.columns, folded, widths, strict=True)
        ]
        return [GAP.join(parts).rstrip() for parts in zip(*columns, strict=True)]


def harmless(text: str) -> str:
    """Show what would steer a terminal as a replacement character: labels may hold anything."""
    return _HARMFUL.sub("\N{REPLACEMENT CHARACTER}", text)


def cell_width(text: str) -> int:
    """Count the columns of a terminal that a text takes: Chinese and Japanese characters take two."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def fold(text: str, width: int) -> list[str]:
    """Cut a text into lines of at most ``width`` columns, at its spaces where it has any."""
    lines = []
    while cell_width(text) > width:
        end = 1
        while cell_width(text[: end + 1]) <= width:
            end += 1
        space = text.rfind(" ", 1, end + 1)
        if space > 0:
            end = space
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*lines, text]


def fact(name: str, text: str, width: int) -> list[str]:
    """Lay out something that has a name: the text beside it, folded under its own beginning."""
    first, *others = fold(harmless(text), max(width - INDENT, INDENT))
    return [f"{name:<{INDENT}}{first}", *(" " * INDENT + other for other in others)]


def _justify(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - cell_width(text))
    return blanks + text if right else text + blanks
