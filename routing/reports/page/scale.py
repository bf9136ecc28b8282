"""Axes: round amounts to draw lines at, and days to write below them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from math import gcd
from typing import TYPE_CHECKING

from routing.reports.page.text import amount

if TYPE_CHECKING:
    from collections.abc import Sequence

DEPTH = 1000
"""Units from the top of a drawing to its bottom."""
DIGITS = 9
"""Of a dollar, in nano-dollars."""
CENT = 10_000_000
LINES_AT_MOST = 5
BELOW_LIMIT = 0.86
"""Of the limit: a label higher than this would touch the limit's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label on an axis. ``at`` is its place in percent from the left or the top; ``minor`` gives way on a phone."""

    at: str
    text: str
    below: str = ""
    minor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Amounts as heights of a drawing of ``DEPTH`` units, from its top downwards."""

    low: int
    high: int
    lines: tuple[int, ...]

    def y(self, nusd: int) -> str:
        """The place of an amount, in units."""
        return _short(self.units(nusd))

    def units(self, nusd: int) -> float:
        """The place of an amount, as a number."""
        return DEPTH * (self.high - nusd) / (self.high - self.low)

    def ticks(self) -> tuple[Tick, ...]:
        """A label for every line."""
        unit = gcd(*self.lines[:-1]) or self.lines[-1]
        return tuple(
            Tick(
                at=percent(self.units(line) / DEPTH),
                text=_short_dollars(line, gcd(line, unit))
                if line % CENT == 0 or line % unit == 0
                else amount(line).text,
            )
            for line in self.lines
        )

    @property
    def label_width(self) -> int:
        """The longest label, in characters."""
        return max(len(tick.text) for tick in self.ticks())


def scale(low: int, high: int) -> Scale:
    """Span amounts (``low <= 0 <= high``) with 3 to 6 lines at round ones."""
    high = max(high, 1 if low == 0 else 0)
    step = _step(high - low)
    bottom, top = -(-low // step) if low >= 0 else low // step, -(-high // step)
    lines = tuple(step * line for line in range(bottom, top + 1))
    return Scale(low=lines[0], high=lines[-1], lines=lines)


def scale_to(low: int, limit: int) -> Scale:
    """Span amounts (``low <= 0 <= limit``) with the limit as the highest line: round ones stand well below it."""
    rounded = scale(low, limit)
    top = limit or rounded.high
    lines = (*(line for line in rounded.lines if line <= top * BELOW_LIMIT), top)
    return Scale(low=lines[0], high=top, lines=lines)


def percent(part: float) -> str:
    """Write a share of 0 to 1 for a style: ``33.3%``."""
    return f"{_short(100 * part)}%"


def spread(candidates: Sequence[Tick], wide: int, narrow: int) -> tuple[Tick, ...]:
    """Keep evenly every n-th label so that at most ``wide`` remain, and mark as minor all but ``narrow`` of them."""
    kept = _thin(candidates, wide)
    major = {tick.at for tick in _thin(kept, narrow)}
    return tuple(Tick(at=tick.at, text=tick.text, below=tick.below, minor=tick.at not in major) for tick in kept)


def _thin(candidates: Sequence[Tick], at_most: int) -> Sequence[Tick]:
    return candidates[:: -(-len(candidates) // at_most) or 1]


def _step(span: int) -> int:
    """The smallest round amount that a span has at most ``LINES_AT_MOST`` of."""
    steps = (digit * int(10**power) for power in count() for digit in (1, 2, 5))
    return next(step for step in steps if span <= step * LINES_AT_MOST)


def _short_dollars(nusd: int, unit: int) -> str:
    """Write an amount with as many decimals as its axis needs, which counts in ``unit``: none, or two at least."""
    decimals = next(digits for digits in (0, *range(2, DIGITS + 1)) if unit % 10 ** (DIGITS - digits) == 0)
    sign = "-" if nusd < 0 else ""
    return f"{sign}${Decimal(abs(nusd)).scaleb(-DIGITS):,.{decimals}f}"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
