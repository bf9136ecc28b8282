"""The vendors' price lists and token formulas, in integers of nano-USD.

Written from the vendors' pages and kept apart from the router's own price book on purpose: they are two witnesses, and
a bill that agrees with a ledger says something only because neither was copied from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "APIMART_PER_IMAGE",
    "FAL_PER_IMAGE",
    "GEMINI",
    "OPENAI",
    "OPENAI_FACTORS",
    "PARTIAL_IMAGE_TOKENS",
    "GeminiRates",
    "Line",
    "OpenAIRates",
    "amount_nusd",
    "dollars",
    "each",
    "fal_gpt_image_2",
    "openai_image_tokens",
    "reference_tokens",
    "text_tokens",
    "usd",
]

MILLION = 1_000_000
NANO = 1_000_000_000


def usd(text: str) -> int:
    """Nano-USD of a decimal amount in dollars."""
    return int(Decimal(text) * NANO)


@dataclass(frozen=True, slots=True)
class Line:
    """One product of the bill: so many units at a rate in nano-USD per million units."""

    what: str
    units: int
    rate: int


def each(what: str, images: int, price_nusd: int) -> Line:
    """A line for things that are priced by the piece."""
    return Line(what, images, price_nusd * MILLION)


def amount_nusd(lines: Iterable[Line]) -> int:
    """The sum of the products, rounded half up once."""
    total = sum(line.units * line.rate for line in lines)
    return (2 * total + MILLION) // (2 * MILLION)


def dollars(amount: int) -> str:
    """An amount in nano-USD as an exact decimal string: `0.0387`, `12`, `0`."""
    whole, rest = divmod(amount, NANO)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


# --- OpenAI: https://developers.openai.com/api/docs/pricing, read 2026-11-21 ------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIRates:
    """Nano-USD per million tokens; there is no price of text output."""

    text_in: int
    text_in_cached: int
    image_in: int
    image_out: int


_OPENAI = OpenAIRates(text_in=usd("5"), text_in_cached=usd("1.25"), image_in=usd("8"), image_out=usd("30"))

OPENAI: Mapping[str, OpenAIRates] = {
    "gpt-image-2": _OPENAI,
    "gpt-image-2-2026-04-21": _OPENAI,
    "gpt-image-2.5-flare": _OPENAI,
    "gpt-image-2.5-sunburst": _OPENAI,
}

_FACTORS_2 = {"low": 16, "medium": 48, "high": 96}
_FACTORS_2_5 = {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96}

OPENAI_FACTORS: Mapping[str, Mapping[str, int]] = {
    "gpt-image-2": _FACTORS_2,
    "gpt-image-2-2026-04-21": _FACTORS_2,
    "gpt-image-2.5-flare": _FACTORS_2_5,
    "gpt-image-2.5-sunburst": _FACTORS_2_5,
}


def openai_image_tokens(factor: int, width: int, height: int) -> int:
    """Output tokens of one image: OpenAI's price calculator, as integers.

    1024x1024 at low, medium and high: 196, 1756, 7024. 2048x2048 at high: 14272.
    """
    long_side, short_side = max(width, height), min(width, height)
    cells = (2 * factor * short_side + long_side) // (2 * long_side)
    return -(-factor * cells * (2_000_000 + width * height) // 4_000_000)


PARTIAL_IMAGE_TOKENS = 100
"""Output tokens of each partial image of a stream."""


def reference_tokens(width: int, height: int) -> int:
    """Input tokens of one reference image: 32-pixel tiles, at most 1536 (inferred, not published)."""
    return min(1536, -(-width // 32) * -(-height // 32))


def text_tokens(text: str) -> int:
    """Input tokens of a text: four characters make one."""
    return -(-len(text) // 4)


# --- Google: https://ai.google.dev/gemini-api/docs/pricing, read 2026-11-21 -------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class GeminiRates:
    """Nano-USD per million tokens, and tokens per picture out (by `imageSize`) and in."""

    text_in: int
    image_in: int
    text_out: int
    image_out: int
    image_tokens: Mapping[str, int]
    reference_tokens: int


GEMINI: Mapping[str, GeminiRates] = {
    "gemini-2.5-flash-image": GeminiRates(
        text_in=usd("0.30"),
        image_in=usd("0.30"),
        text_out=usd("2.50"),
        image_out=usd("30"),
        image_tokens={"1K": 1290},
        reference_tokens=258,  # Gemini counts 258 tokens per image in
    ),
    "gemini-nano-banana-2.1": GeminiRates(
        text_in=usd("1.50"),
        image_in=usd("1.50"),
        text_out=usd("7.50"),  # thoughts too
        image_out=usd("30"),
        # 1K is published (.0336). 2K and 4K are a sandbox assumption: the steps of gemini-3.1-flash-image before it.
        image_tokens={"1K": 1120, "2K": 1680, "4K": 2520},
        reference_tokens=1120,  # .00168 a picture in, at 1.50 per million
    ),
}

# --- fal: https://fal.ai/models/<model>, read 2026-11-21; billed on success only --------------------------------------

FAL_PER_IMAGE: Mapping[str, int] = {
    "fal-ai/flux/schnell": usd("0.003"),
    "fal-ai/nano-banana": usd("0.039"),
}

_FAL_PIXELS = (1024 * 768, 1024 * 1024, 1024 * 1536, 1920 * 1080, 2560 * 1440, 3840 * 2160)

_FAL_GPT_IMAGE_2: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "openai/gpt-image-2": {
        "low": ("0.005", "0.006", "0.005", "0.005", "0.007", "0.012"),
        "medium": ("0.037", "0.053", "0.042", "0.040", "0.056", "0.101"),
        "high": ("0.145", "0.211", "0.165", "0.158", "0.222", "0.401"),
    },
    "openai/gpt-image-2/edit": {
        "low": ("0.011", "0.015", "0.018", "0.017", "0.019", "0.024"),
        "medium": ("0.043", "0.061", "0.054", "0.053", "0.068", "0.113"),
        "high": ("0.151", "0.219", "0.178", "0.158", "0.234", "0.413"),
    },
}


def fal_gpt_image_2(model: str, quality: str, width: int, height: int) -> int:
    """Nano-USD of one gpt-image-2 picture at fal: the published size with the nearest number of pixels."""
    nearest = min(range(len(_FAL_PIXELS)), key=lambda index: abs(_FAL_PIXELS[index] - width * height))
    return usd(_FAL_GPT_IMAGE_2[model][quality][nearest])


# --- APIMart: the price page's GPT-Image-2, per picture by resolution, observed 2026-10 -------------------------------

APIMART_PER_IMAGE: Mapping[str, int] = {"1k": usd("0.006"), "2k": usd("0.012"), "4k": usd("0.018")}
