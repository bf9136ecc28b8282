"""Amounts of money: whole numbers of nano-USD (1 USD = 1,000,000,000)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Self

from routing.errors import RequestError

NUSD_PER_USD = 1_000_000_000
MAX_NUSD = 2**63 - 1
"""Ledger columns are signed 64-bit: about 9.2 billion USD."""
EXPONENT_AT_MOST = 9
EXPONENT_AT_LEAST = -9
"""Between a nano-dollar and ten billion dollars."""


class Money(int):
    """An amount in nano-USD that adds, compares and stores like an ``int`` and prints as dollars."""

    __slots__ = ()

    def __str__(self) -> str:
        """Read as ``$0.0387``, exact to the nano-dollar."""
        sign, digits = ("-", usd_text(-self)) if self < 0 else ("", usd_text(self))
        return f"{sign}${digits}"

    def __repr__(self) -> str:
        """Read as the call that makes it."""
        return f'usd("{usd_text(self)}")'

    def __format__(self, spec: str) -> str:
        """Align like text (``{cost:>10}``): what is formatted is the dollar text."""
        return format(str(self), spec)

    def __add__(self, other: int) -> Self:
        """Sum of two amounts."""
        return type(self)(int(self) + int(other))

    __radd__ = __add__

    def __sub__(self, other: int) -> Self:
        """Difference of two amounts."""
        return type(self)(int(self) - int(other))

    def __mul__(self, other: int) -> Self:
        """A whole multiple of an amount."""
        return type(self)(int(self) * int(other))

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        """The amount owed the other way."""
        return type(self)(-int(self))


def usd(amount: str | int | Decimal) -> Money:
    """Read dollars exactly: ``usd("0.05")``, ``usd(40)``.

    Raises:
        RequestError: for a float (it cannot hold 0.1), for text that is no number, and for an amount finer than a
            nano-dollar or beyond 64 bits.

    """
    if isinstance(amount, float | bool) or not isinstance(amount, str | int | Decimal):
        raise RequestError(f'an amount of money is text or a whole number, not {amount!r}: write usd("{amount}")')
    try:
        dollars = Decimal(amount.strip() if isinstance(amount, str) else amount)
    except InvalidOperation:
        dollars = Decimal("nan")
    if not dollars.is_finite():
        raise RequestError(f'{amount!r} is not an amount in USD: write it like usd("0.05")')
    # The exponent is looked at first: an int of 1e999999999 would fill the memory.
    if dollars and dollars.adjusted() > EXPONENT_AT_MOST:
        raise RequestError(f"{amount} USD is more than the ledger can hold (about 9.2 billion)")
    if dollars and dollars.adjusted() < EXPONENT_AT_LEAST:
        raise RequestError(f"{amount} USD is finer than a nano-dollar (9 decimal places)")
    numerator, denominator = dollars.as_integer_ratio()
    whole, rest = divmod(numerator * NUSD_PER_USD, denominator)
    if rest:
        raise RequestError(f"{amount} USD is finer than a nano-dollar (9 decimal places)")
    if abs(whole) > MAX_NUSD:
        raise RequestError(f"{amount} USD is more than the ledger can hold (about 9.2 billion)")
    return Money(whole)


def usd_text(nusd: int) -> str:
    """Write nano-USD as a decimal string in USD, exact and without trailing zeros: ``38700000`` -> ``"0.0387"``."""
    nusd = int(nusd)
    whole, rest = divmod(abs(nusd), NUSD_PER_USD)
    text = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return f"-{text}" if nusd < 0 else text


def divide_half_up(amount: int, by: int) -> int:
    """Divide and round half up: what a cost does, once."""
    return (2 * amount + by) // (2 * by)
