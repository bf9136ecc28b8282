"""A vendor's bill: its lines, what it charged for each call, and what it charged for a day."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from routing.core.money import EXPONENT_AT_MOST, MAX_NUSD, NUSD_PER_USD, divide_half_up, usd_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

VENDOR_WORDS = frozenset(
    {
        "apimart",
        "azure",
        "azure_ai",
        "black_forest_labs",
        "fal",
        "fal-ai",
        "fal_ai",
        "gemini",
        "google",
        "models",
        "openai",
        "recraft",
        "stability",
        "vertex_ai",
        "xai",
    }
)
"""What may stand before a model's name, and says only who sells it."""

_DATED = re.compile(r"[-@](20\d\d-?\d\d-?\d\d)$")
_AMOUNT = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{0,60})?([eE][-+]?[0-9]{1,3})?")
FINEST_EXPONENT = -40
"""What is smaller than this is nothing, and would only fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line of a bill. ``place`` is where it stands: ``bill.csv:17``.

    ``start`` and ``end`` bound its time: equal for a moment, almost a day apart for a day, ``None`` where the bill does
    not say. A negative amount is a credit.
    """

    place: str
    amount_nusd: int
    model: str = ""
    vendor_request_id: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a bill says of one call: one line, or all the lines of one request id added up.

    ``name`` is its identity on every copy of the bill: the vendor's request id, or what the line says. ``model`` is the
    key of ``model_key``.
    """

    name: str
    identified: bool
    amount_nusd: int
    places: tuple[str, ...]
    model: str = ""
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCost:
    """What a vendor charged for one model on one day, UTC."""

    day: date
    model: str
    amount_nusd: int


def model_key(name: str) -> str:
    """Reduce the names of one model to one: ``openai/gpt-image-2-2026-04-21`` and ``gpt-image-2`` are the same.

    A vendor's words before it, a date behind it, and what an invoice adds after a comma (``, image output``) do not
    tell models apart.
    """
    parts = name.partition(",")[0].strip().lower().strip("/").split("/")
    while len(parts) > 1 and parts[0] in VENDOR_WORDS:
        parts = parts[1:]
    return _DATED.sub("", "/".join(parts))


def read_usd(text: str) -> tuple[int, bool] | None:
    """Read an amount of dollars as nano-USD, rounded once, half up; tell whether it was exact. ``None``: no amount."""
    if not _AMOUNT.fullmatch(text):
        return None
    dollars = Decimal(text)
    if not dollars or dollars.adjusted() < FINEST_EXPONENT:
        return 0, not dollars
    if dollars.adjusted() > EXPONENT_AT_MOST:
        return None
    numerator, denominator = dollars.as_integer_ratio()
    nusd = divide_half_up(numerator * NUSD_PER_USD, denominator)
    if abs(nusd) > MAX_NUSD:
        return None
    return nusd, nusd * denominator == numerator * NUSD_PER_USD


def charges_of(lines: Iterable[BillLine]) -> list[Charge]:
    """Add up the lines of each request id; every other line is a charge of its own."""
    by_id: dict[str, list[BillLine]] = defaultdict(list)
    alike: Counter[str] = Counter()
    charges = []
    for line in lines:
        if line.vendor_request_id:
            by_id[line.vendor_request_id].append(line)
            continue
        said = _said(line)
        alike[said] += 1
        # The second of two equal lines is another charge, and the same one each time the bill is read.
        name = f"{said} #{alike[said]}" if alike[said] > 1 else said
        charges.append(_charge(name, [line], identified=False))
    return [*(_charge(name, same, identified=True) for name, same in by_id.items()), *charges]


def _said(line: BillLine) -> str:
    """Name a line without an id by what it says; the spaces keep it apart from every vendor's ids."""
    at = f"{line.start:%Y-%m-%dT%H:%M:%S.%fZ}" if line.start else "no time"
    return f"line {at} {model_key(line.model)} {usd_text(line.amount_nusd)}"


def _charge(name: str, lines: list[BillLine], *, identified: bool) -> Charge:
    return Charge(
        name=name,
        identified=identified,
        amount_nusd=sum(line.amount_nusd for line in lines),
        places=tuple(line.place for line in lines),
        model=next((model_key(line.model) for line in lines if line.model), ""),
        start=min((line.start for line in lines if line.start), default=None),
        end=max((line.end for line in lines if line.end), default=None),
    )
