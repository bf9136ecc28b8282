"""Dated prices, and what was consumed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.money import divide_half_up
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

PER_MILLION = 1_000_000


class Unit(StrEnum):
    """What a price is for one of."""

    TEXT_IN = "text_in"
    TEXT_CACHED_IN = "text_cached_in"
    IMAGE_IN = "image_in"
    IMAGE_CACHED_IN = "image_cached_in"
    TEXT_OUT = "text_out"
    IMAGE_OUT = "image_out"
    IMAGE = "image"


TOKEN_KINDS = tuple((unit, unit.value) for unit in Unit if unit is not Unit.IMAGE)
"""Every kind of token, and its field of ``Usage``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One price of one unit from a date on.

    ``per_million_nusd`` is nano-USD for a million units (tokens or pictures), so that every published price is a whole
    number. ``variant`` narrows a price per picture to one operation, quality and size (``generate/high/1024x1024``).
    """

    unit: Unit
    per_million_nusd: int
    since: date
    source: str
    variant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call consumed: tokens by kind (cached ones are not counted again as fresh), and pictures."""

    text_in: int = 0
    text_cached_in: int = 0
    image_in: int = 0
    image_cached_in: int = 0
    text_out: int = 0
    image_out: int = 0
    images: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Sum of two calls."""
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in Usage.__slots__})

    def __mul__(self, times: int) -> Usage:
        """The same call several times."""
        return Usage(**{name: getattr(self, name) * times for name in Usage.__slots__})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a bill: so many of a unit at a rate. ``amount_micro`` is millionths of a nano-USD, unrounded."""

    unit: Unit
    quantity: int
    rate: Rate

    @property
    def amount_micro(self) -> int:
        """Quantity times price, before any rounding."""
        return self.quantity * self.rate.per_million_nusd


@dataclass(frozen=True, slots=True, kw_only=True)
class RateCard:
    """The rates of one deployment on one day."""

    deployment: str
    rates: Mapping[tuple[Unit, str], Rate]

    @property
    def by_picture(self) -> bool:
        """Tell whether pictures have prices of their own, whatever tokens they take."""
        return any(unit is Unit.IMAGE for unit, _ in self.rates)

    def lines(self, usage: Usage, variant: str = "") -> tuple[Line, ...]:
        """Take a usage apart into rows.

        A model priced by the picture has an ``image`` rate and no token rates: its tokens cost nothing extra. A model
        priced by tokens has no ``image`` rate. A token kind with a quantity but no rate is refused.

        Raises:
            PriceUnknown: where something was used that the book has no price for.

        """
        image_rate = self.rates.get((Unit.IMAGE, variant)) or self.rates.get((Unit.IMAGE, ""))
        if image_rate:
            return (Line(unit=Unit.IMAGE, quantity=usage.images, rate=image_rate),)
        if self.by_picture:
            what = f"a picture as {variant}" if variant else "a picture"
            raise PriceUnknown(f"{self.deployment} has no price for {what}", deployment=self.deployment)
        lines = []
        for unit, field in TOKEN_KINDS:
            quantity = getattr(usage, field)
            if not quantity:
                continue
            rate = self.rates.get((unit, ""))
            if rate is None:
                raise PriceUnknown(f"{self.deployment} has no price for {unit.value}", deployment=self.deployment)
            lines.append(Line(unit=unit, quantity=quantity, rate=rate))
        return tuple(lines)

    def cost_nusd(self, usage: Usage, variant: str = "") -> int:
        """What a usage costs, rounded once, half up."""
        return cost_of(self.lines(usage, variant))


def cost_of(lines: Iterable[Line]) -> int:
    """Add up rows in nano-USD, rounded once, half up."""
    return divide_half_up(sum(line.amount_micro for line in lines), PER_MILLION)


class PriceBook:
    """Every rate of every deployment; the youngest that has begun on a day is that day's price."""

    def __init__(self, rates: Mapping[str, Iterable[Rate]]) -> None:
        """Sort each deployment's rates by date; of two from one day the later in the list goes first."""
        self._rates = {name: sorted(given, key=lambda rate: rate.since) for name, given in rates.items()}
        self._cards: dict[tuple[str, date], RateCard] = {}

    def days(self, deployment: str) -> tuple[date, ...]:
        """List the days from which a deployment has another price, oldest first."""
        return tuple(dict.fromkeys(rate.since for rate in self._rates.get(deployment, ())))

    def card(self, deployment: str, on: date) -> RateCard:
        """Look up a deployment's rates of a day.

        Raises:
            PriceUnknown: where the deployment has no price on that day.

        """
        known = self._cards.get((deployment, on))
        if known:
            return known
        begun = [rate for rate in self._rates.get(deployment, ()) if rate.since <= on]
        # A new price per picture replaces token prices and the other way round: the youngest rate says which holds.
        if not begun:
            raise PriceUnknown(f"{deployment} has no price on {on.isoformat()}", deployment=deployment)
        by_picture = begun[-1].unit is Unit.IMAGE
        rates: dict[tuple[Unit, str], Rate] = {}
        for rate in begun:
            if (rate.unit is Unit.IMAGE) is not by_picture:
                continue
            if by_picture and not rate.variant:
                rates.clear()  # one price for every picture ends the older ones by size and quality
            rates[rate.unit, rate.variant] = rate
        card = RateCard(deployment=deployment, rates=rates)
        self._cards[deployment, on] = card
        return card
