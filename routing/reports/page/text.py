"""Text that users wrote, made fit to stand in a page; dates and amounts as the page writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, TypeVar, cast

from routing.core.money import NUSD_PER_USD
from routing.reports.amounts import dollars, exact_usd, readable_column

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

CHARS_AT_MOST = 200
"""As long as a name may be; what is longer is cut."""

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Characters that HTML or UTF-8 cannot hold, and those that turn the direction of the text after them."""

EN_DASH = "\N{EN DASH}"
CENTS = 2
FINE_BELOW = NUSD_PER_USD
"""From a dollar on, a reader wants cents; below, a picture's price needs its hundredths of a cent."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount for reading, and exactly."""

    text: str
    exact: str


def cleaned(value: Value) -> Value:
    """Copy dataclasses, tuples and mappings with every text in them cleaned, and every amount a plain number."""
    return cast("Value", _copied(value))


def _copied(value: object) -> object:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, int):
        return int(value)  # money refuses what a drawing needs: to be multiplied by a share
    if isinstance(value, tuple):
        return tuple(map(_copied, value))
    if isinstance(value, Mapping):
        merged: Counter[str] = Counter()
        for key, nusd in value.items():
            merged[_clean(key)] += int(nusd)
        return merged
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: _copied(getattr(value, field.name)) for field in fields(value)})
    return value


def _clean(text: str) -> str:
    text = " ".join(_INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text).split())
    return text if len(text) <= CHARS_AT_MOST else f"{text[: CHARS_AT_MOST - 1].rstrip()}…"


def isolated(name: str) -> str:
    """Keep a name of any script from moving its neighbours, where no markup can: in a tooltip."""
    return name if name.isascii() else f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"


def amount(nusd: int) -> Amount:
    """One amount that stands alone."""
    text = readable_column([nusd])[0] if abs(nusd) < FINE_BELOW else dollars(nusd, CENTS)
    return Amount(text=text, exact=exact_usd(nusd))


def amounts(column: Iterable[int]) -> list[Amount]:
    """Write amounts that stand below each other: cents where any is a dollar or more."""
    column = list(column)
    if any(abs(nusd) >= FINE_BELOW for nusd in column):
        texts = [dollars(nusd, CENTS) for nusd in column]
    else:
        texts = readable_column(column)
    return [Amount(text=text, exact=exact_usd(nusd)) for text, nusd in zip(texts, column, strict=True)]


def share(part: int, whole: int) -> str:
    """Write a share in whole percent; ``<1 %`` is not nothing."""
    if whole <= 0 or part < 0:
        return EN_DASH
    percent = round(100 * part / whole)
    return f"{'<1' if part and not percent else percent}\N{NO-BREAK SPACE}%"


def day_text(day: date, *, weekday: bool = False) -> str:
    """Write a day: ``3 November 2026``, with its weekday ``Tue 3 November 2026``."""
    return f"{day:%a} {day.day} {day:%B %Y}" if weekday else f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """Write a day for an axis: ``3 Nov``."""
    return f"{day.day} {day:%b}"


def moment_text(at: datetime) -> str:
    """Write a moment: ``3 November 2026, 14:05``; midnight is the day alone."""
    return day_text(at) if at.time() == time() else f"{day_text(at)}, {at:%H:%M}"


def period_text(first: date, last: date) -> str:
    """Write a period as short as it stays clear: ``1-30 November 2026``, with dashes."""
    if first == last:
        return day_text(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}{EN_DASH}{day_text(last)}"
    if first.year == last.year:
        return f"{first.day} {first:%B} {EN_DASH} {day_text(last)}"
    return f"{day_text(first)} {EN_DASH} {day_text(last)}"
