"""What can be bought: models with their abilities, and deployments, the named ways to them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from routing.core.features import MEGAPIXEL
from routing.core.pacing import UNKNOWN, Allowance
from routing.core.picture import Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from routing.core.request import Operation

PER_TOKEN_AREA = 4_000_000
BASE_AREA = 2_000_000
"""Constants of the gpt-image token formula; it reproduces the vendor's calculator and 120 of 120 published prices."""


class SizeRule(Protocol):
    """Which sizes a model makes."""

    def allows(self, size: Size) -> bool:
        """Tell whether exactly this size can be made."""

    def nearest(self, size: Size) -> Size:
        """Find the legal size closest in shape, then in area."""

    def within(self, size: Size, pixels_at_most: int) -> Size | None:
        """Find the nearest legal size of at most so many pixels; ``None`` where every legal one has more."""

    def __str__(self) -> str:
        """Say the rule in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSizes:
    """A closed list of sizes."""

    sizes: tuple[Size, ...]

    def allows(self, size: Size) -> bool:
        """Tell whether the size is on the list."""
        return size in self.sizes

    def nearest(self, size: Size) -> Size:
        """Pick by aspect ratio first, by area second."""
        return _nearest(size, self.sizes)

    def within(self, size: Size, pixels_at_most: int) -> Size | None:
        """Pick in the same way among the sizes that are small enough."""
        small = tuple(listed for listed in self.sizes if listed.pixels <= pixels_at_most)
        return _nearest(size, small) if small else None

    def __str__(self) -> str:
        """List the sizes."""
        return ", ".join(str(size) for size in self.sizes)


def _nearest(size: Size, sizes: tuple[Size, ...]) -> Size:
    def distance(other: Size) -> tuple[float, float]:
        shape = abs(math.log((other.width * size.height) / (other.height * size.width)))
        return round(shape, 2), abs(math.log(other.pixels / size.pixels))

    return min(sizes, key=distance)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSizes:
    """Any size within bounds: both edges a multiple, a longest edge, a steepest ratio, an area."""

    multiple_of: int
    edge_at_most: int
    ratio_at_most: int
    pixels_at_least: int
    pixels_at_most: int

    def allows(self, size: Size) -> bool:
        """Tell whether the size keeps every bound."""
        long, short = max(size.width, size.height), min(size.width, size.height)
        return (
            size.width % self.multiple_of == 0
            and size.height % self.multiple_of == 0
            and long <= self.edge_at_most
            and long <= self.ratio_at_most * short
            and self.pixels_at_least <= size.pixels <= self.pixels_at_most
        )

    def nearest(self, size: Size) -> Size:
        """Scale into the bounds, keeping the shape as far as they have room for it: else it grows squarer.

        Raises:
            ValueError: where they have no room for a square either.

        """
        for share in range(SQUARER_STEPS + 1):
            squarer = _squarer(size, share / SQUARER_STEPS)
            found = min(_around(self, squarer), key=lambda found: found[0], default=None)
            if found:
                return found[1]
        raise ValueError(f"no size keeps all of these bounds: {self}")

    def within(self, size: Size, pixels_at_most: int) -> Size | None:
        """Scale in the same way into bounds of a smaller area."""
        if pixels_at_most < self.pixels_at_least:
            return None
        smaller = replace(self, pixels_at_most=min(self.pixels_at_most, pixels_at_most))
        found = min(_around(smaller, size), key=lambda found: found[0], default=None)
        return found[1] if found else None

    def __str__(self) -> str:
        """Say the bounds."""
        return (
            f"WxH in multiples of {self.multiple_of}, edge at most {self.edge_at_most}, "
            f"ratio at most {self.ratio_at_most}:1, {self.pixels_at_least:,} to {self.pixels_at_most:,} pixels"
        )


SQUARER_STEPS = 8


def _squarer(size: Size, share: float) -> Size:
    """Go a share of the way to the square of the same area."""
    ratio = (size.width / size.height) ** (1 - share)
    width, height = math.sqrt(size.pixels * ratio), math.sqrt(size.pixels / ratio)
    return Size(width=max(1, round(width)), height=max(1, round(height))) if share else size


def _around(rule: FreeSizes, size: Size) -> Iterator[tuple[tuple[float, int], Size]]:
    """Walk the legal sizes around the scaled one, each with its distance from it."""
    ratio = min(max(size.width / size.height, 1 / rule.ratio_at_most), rule.ratio_at_most)
    area = min(max(size.pixels, rule.pixels_at_least), rule.pixels_at_most)
    width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
    shrink = min(1.0, rule.edge_at_most / max(width, height))
    step = rule.multiple_of
    base = Size(width=round(width * shrink / step) * step, height=round(height * shrink / step) * step)
    steps = range(-3 * step, 4 * step, step)
    for dw in steps:
        for dh in steps:
            found = Size(width=max(step, base.width + dw), height=max(step, base.height + dh))
            if rule.allows(found):
                yield (abs(found.width - width) + abs(found.height - height), found.width), found


class OutputTokens(Protocol):
    """How many output tokens one picture costs."""

    def count(self, size: Size, quality: str | None) -> int | None:
        """Count the tokens of one picture; ``None`` where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormulaTokens:
    """The gpt-image formula, in integers; ``grid`` is tokens along the longer side, by quality."""

    grid: Mapping[str, int]

    def count(self, size: Size, quality: str | None) -> int | None:
        """Count the tokens of one picture."""
        q = self.grid.get(quality or "")
        if q is None:
            return None
        long, short = max(size.width, size.height), min(size.width, size.height)
        k = (2 * q * short + long) // (2 * long)
        return -(-q * k * (BASE_AREA + size.pixels) // PER_TOKEN_AREA)


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppedTokens:
    """A fixed count up to an area: ``steps`` are (pixels at most, tokens), ascending."""

    steps: tuple[tuple[int, int], ...]

    def count(self, size: Size, quality: str | None) -> int | None:  # noqa: ARG002 - the port's shape
        """Count the tokens of one picture."""
        return next((tokens for pixels, tokens in self.steps if size.pixels <= pixels), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRule:
    """How a token-billed model counts: what is bound to come in, what comes out of one picture.

    ``reference_at_most`` bounds the tokens of one reference; ``reference_patch`` is the edge in pixels of the patch
    that a reference is usually counted by (0: always the bound). ``text_out_*`` are the tokens of thoughts and words,
    ``partial_image`` those of one partial image.
    """

    output: OutputTokens
    reference_at_most: int = 0
    reference_patch: int = 0
    text_out_typical: int = 0
    text_out_at_most: int = 0
    partial_image: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TypicalTime:
    """How long a call for one picture of one megapixel usually takes, by quality (``None`` without such a choice).

    ``growth`` is what each further megapixel adds, as a share of that.
    """

    seconds: Mapping[str | None, float]
    growth: float = 0.0

    def of(self, size: Size, quality: str | None) -> float | None:
        """Tell the seconds for a size; ``None`` where nobody knows."""
        seconds = self.seconds.get(quality)
        return None if seconds is None else seconds * max(1.0, 1 + self.growth * (size.pixels / MEGAPIXEL - 1))


NOTHING_KNOWN = TypicalTime(seconds=MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What one model can do, from the catalog.

    ``images_per_call`` is how many pictures one call may ask for; more are bought in several calls. ``qualities`` are
    ordered, least first; empty where the model has no such choice. ``extras`` maps a parameter that the model knows to
    its legal values (empty: any). ``priced_by_variant``: the price of a picture depends on operation, quality and size.
    ``approximate_sizes``: the vendor is told a shape, and how many pixels come is only about what is published.
    ``replaces`` are names of retired models that callers still bring.
    """

    name: str
    vendor: str
    operations: frozenset[Operation]
    sizes: SizeRule
    default_size: Size
    qualities: tuple[str, ...] = ()
    default_quality: str | None = None
    images_per_call: int = 1
    prompt_chars_at_most: int = 32_000
    references_at_most: int = 0
    mask: bool = False
    backgrounds: tuple[str, ...] = ()
    output_formats: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    tokens: TokenRule | None = None
    priced_by_variant: bool = False
    approximate_sizes: bool = False
    typical: TypicalTime = NOTHING_KNOWN
    batch: bool = False
    unconfirmed: bool = False
    shutdown: date | None = None
    substitute: str = ""
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One named thing we can buy from: provider, model, and the team's defaults.

    ``wire_model`` is the name the provider is called with. ``missing_key`` names the environment variable that holds
    no key; a deployment without a key is dropped from every plan with that reason. ``allowance`` is what the vendor
    lets through in a minute, as far as the team knows it.
    """

    name: str
    provider: str
    model: Model
    wire_model: str
    quality: str | None = None
    size: Size | None = None
    timeout_s: float = 360.0
    missing_key: str | None = None
    allowance: Allowance = UNKNOWN


def missing_keys(deployments: Iterable[Deployment]) -> dict[str, list[str]]:
    """List the variables that hold no key, each with the deployments that are not used for it."""
    found: dict[str, list[str]] = {}
    for deployment in deployments:
        if deployment.missing_key:
            found.setdefault(deployment.missing_key, []).append(deployment.name)
    return found
