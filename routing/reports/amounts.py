"""Dollars and numbers of things for reading. JSON has its own, exact text (``usd_text``)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from routing.core.money import NUSD_PER_USD, usd_text

if TYPE_CHECKING:
    from collections.abc import Iterable

DECIMALS_AT_LEAST = 2
DECIMALS_AT_MOST = 4
"""A hundredth of a cent: finer digits matter to a ledger, not to a reader."""

NUSD_EXPONENT = 9


def number_of(number: int, what: str) -> str:
    """Count in words: ``1 line``, ``2,000 lines``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def readable(nusd: int) -> str:
    """Write one amount: ``$500.00``, ``$0.0387``; what is too small to show is ``<$0.0001``, never zero."""
    return dollars(nusd, _decimals(nusd))


def readable_column(amounts: Iterable[int]) -> list[str]:
    """Write amounts with equally many decimals, so that their points stand below each other."""
    amounts = list(amounts)
    decimals = max(map(_decimals, amounts), default=DECIMALS_AT_LEAST)
    return [dollars(nusd, decimals) for nusd in amounts]


def readable_share(part: int, whole: int) -> str:
    """Write a share in percent: ``41.3 %``; what is too small for that is ``<0.1 %``, never zero.

    Empty where there is no whole.
    """
    if not whole:
        return ""
    # The text of a float with one decimal is exact enough: nothing is computed from it.
    told = f"{100 * part / whole:.1f} %"
    return "<0.1 %" if part and told in {"0.0 %", "-0.0 %"} else told


def exact_usd(nusd: int) -> str:
    """Write an amount to the nano-dollar, with its dollar sign: for a difference that must be zero."""
    return f"-${usd_text(-nusd)}" if nusd < 0 else f"${usd_text(nusd)}"


def _decimals(nusd: int) -> int:
    cents_exactly = int(nusd) % (NUSD_PER_USD // 10**DECIMALS_AT_LEAST) == 0
    return DECIMALS_AT_LEAST if cents_exactly else DECIMALS_AT_MOST


def dollars(nusd: int, decimals: int) -> str:
    """Write one amount with this many decimals; what is too small for them is ``<$0.01``, never zero."""
    exact = Decimal(int(nusd)).scaleb(-NUSD_EXPONENT)
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    if exact and not rounded:
        return f"<${Decimal(1).scaleb(-decimals)}"
    sign = "-" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,}"
