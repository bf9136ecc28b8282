"""What a purchase will cost at most, and what it is expected to cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.prices import Line, RateCard, Usage, bound_of
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from routing.core.deployment import Model
    from routing.core.picture import Size
    from routing.core.request import ImageRequest

CHARS_PER_TOKEN = 4
"""Typical of English prompts; only the expected price rests on it, never the bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An upper bound and an expected price, in nano-USD, for ``n`` pictures; ``lines`` take the bound apart."""

    price_nusd: int
    expected_nusd: int
    lines: tuple[Line, ...]


def variant_of(operation: str, quality: str | None, size: Size) -> str:
    """Name the price per picture that depends on operation, quality and size."""
    return f"{operation}/{quality or 'any'}/{size}"


def quote_for(  # noqa: PLR0913 - what shapes the price of a picture, each by name
    request: ImageRequest, model: Model, card: RateCard, *, size: Size, quality: str | None, n: int
) -> Quote:
    """Quote ``n`` pictures of a model at one size and quality.

    Raises:
        PriceUnknown: where a price or a token count is not known; it is never taken as zero.

    """
    bound = usage_of(request, model, size=size, quality=quality, at_most=True)
    expected = usage_of(request, model, size=size, quality=quality, at_most=False)
    if bound is None or expected is None:
        what = f"{model.name} at {size}" + (f" and quality {quality}" if quality else "")
        raise PriceUnknown(f"it is not known how many tokens {what} takes", deployment=card.deployment)
    variant = variant_of(request.operation.value, quality, size) if model.priced_by_variant else ""
    lines = card.lines(bound * n, variant)
    return Quote(price_nusd=bound_of(lines), expected_nusd=card.cost_nusd(expected * n, variant), lines=lines)


def usage_of(request: ImageRequest, model: Model, *, size: Size, quality: str | None, at_most: bool) -> Usage | None:
    """Foresee the usage of one picture; ``None`` where its output tokens are not known.

    Text is bounded by its UTF-8 bytes: byte-level tokenizers never make more tokens than bytes. A mask is counted as
    one more reference, since no vendor says that it is free.
    """
    rule = model.tokens
    if rule is None:
        return Usage(images=1)
    output = rule.output.count(size, quality)
    if output is None:
        return None
    references = (*request.images, request.mask) if request.mask else request.images
    prompt = request.prompt
    patch = 0 if at_most else rule.reference_patch
    return Usage(
        text_in=len(prompt.encode()) if at_most else -(-len(prompt) // CHARS_PER_TOKEN),
        image_in=sum(_reference_tokens(picture.size, patch, rule.reference_at_most) for picture in references),
        text_out=rule.text_out_at_most if at_most else rule.text_out_typical,
        image_out=output,
        images=1,
    )


def _reference_tokens(size: Size, patch: int, at_most: int) -> int:
    if not patch:
        return at_most
    return min(at_most, -(-size.width // patch) * -(-size.height // patch))
