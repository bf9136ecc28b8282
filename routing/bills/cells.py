"""The cells of a bill: amounts that never pass through a float, times that cannot be misread."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeAlias

from routing.core.bill import read_usd

A_DAY = timedelta(days=1) - timedelta(microseconds=1)
"""From the first to the last moment of a day."""

_UNIX = re.compile(r"[0-9]{9,10}(\.[0-9]{1,9})?|[0-9]{12,13}")
_MILLISECONDS = 12
"""So many digits and more are milliseconds: as seconds they would be thousands of years away."""

Cell: TypeAlias = "str | int | Decimal | bool | list[object] | dict[str, object] | None"
SHOWN_CHARS = 60
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""No bill is of another time, and every time can be counted from: a clock's slack before it, a day after it."""


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with a cell or a line, and the way out."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Dollars in nano-USD; ``exact`` where nothing had to be rounded."""

    nusd: int
    exact: bool


def text_of(cell: Cell) -> str:
    """Read a cell as text; nothing is the empty text."""
    return "" if cell is None else str(cell).strip()


def printable(text: str) -> str:
    """Take from a text what neither a terminal nor a ledger can write: control characters, half characters."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def amount_of(cell: Cell) -> Amount | Defect:
    """Read dollars, or say why not."""
    text = text_of(cell)
    plain = re.sub(r"^([-+]?)\s*(?:\$|USD|US\$)\s*|\s*USD$", r"\1", text)
    # Not bool: `true` is no amount, though Python would count it as 1.
    read = None if isinstance(cell, bool) else read_usd(plain)
    if read is not None:
        return Amount(nusd=read[0], exact=read[1])
    if not text:
        return Defect("there is no amount", "a line that costs nothing says 0")
    if re.fullmatch(r"[-+]?[0-9.,' ]+", plain) and re.search(r"[,' ]", plain):
        return Defect(
            f"{shown(text)} can be read in more than one way",
            "write 1234.56: a point before the cents, and nothing between the thousands",
        )
    if re.search(r"[€£¥]|\b(?!USD)[A-Z]{3}\b", text):
        return _foreign(text)
    return Defect(f"{shown(text)} is not an amount in USD", "write it like 0.21; a credit like -0.21")


def currency_defect(cell: Cell) -> Defect | None:
    """Say so where a currency is not the dollar."""
    text = text_of(cell)
    return None if text.upper() in {"", "USD", "US$", "$"} else _foreign(text)


def time_of(cell: Cell) -> tuple[datetime, datetime] | Defect | None:
    """Read a moment as itself twice, and a day as its first and last; or say why not. Without a zone it is UTC."""
    text = text_of(cell)
    if not text:
        return None
    try:
        found = _span_of(text)
    except (ValueError, OverflowError):
        found = None
    if found is not None and EARLIEST <= found[0] < LATEST:
        return found
    return Defect(
        f"{shown(text)} is no time", "write it like 2026-11-21, 2026-11-21T12:00:00Z or in seconds since 1970"
    )


def _span_of(text: str) -> tuple[datetime, datetime] | None:
    if _UNIX.fullmatch(text):
        number = Decimal(text)
        seconds = number / 1000 if len(text) >= _MILLISECONDS and "." not in text else number
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))
        return at, at
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
        return day, day + A_DAY
    if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]", text):
        at = datetime.fromisoformat(re.sub(r"\s*(?:UTC|GMT)$", "+00:00", text))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        return at, at
    return None


def shown(text: str) -> str:
    """Quote what a file holds, short and printable."""
    return repr(text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 3]}...")


def _foreign(text: str) -> Defect:
    return Defect(
        f"{shown(text)} is not in USD",
        "the ledger counts dollars: download the bill in USD; nothing is converted here",
    )
