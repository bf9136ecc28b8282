"""What a purchase will cost at most, and what it is expected to cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.core.prices import PER_MILLION, Line, Rate, RateCard, Unit, Usage
from routing.core.request import PARTIAL_IMAGES
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from routing.core.deployment import Model
    from routing.core.features import Features
    from routing.core.picture import Size

CHARS_PER_TOKEN = 4
"""Typical of English prompts; only the expected price rests on it, never the bound."""


_HALF = PER_MILLION // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An upper bound and an expected price, in nano-USD, by a tariff and for a prompt of so many UTF-8 bytes."""

    price_nusd: int
    expected_nusd: int
    tariff: Tariff
    prompt_bytes: int = 0

    @property
    def lines(self) -> tuple[Line, ...]:
        """The bound taken apart; most quotes are only compared, so this is made when it is read."""
        rate, fixed = self.tariff.text_in, self.tariff.lines
        if rate is None:
            return fixed
        return (Line(unit=Unit.TEXT_IN, quantity=self.prompt_bytes * self.tariff.n, rate=rate), *fixed)


def variant_of(operation: str, quality: str | None, size: Size) -> str:
    """Name the price per picture that depends on operation, quality and size."""
    return f"{operation}/{quality or 'any'}/{size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What ``n`` pictures cost at one size and quality, whatever the prompt: the rest of the price is linear in it.

    ``lines`` and ``fixed_micro`` (of the bound), ``expected_micro`` leave the prompt out; ``text_in`` is the rate it is
    paid by, ``None`` where it costs nothing, and ``per_token_micro`` what a token of it costs in all ``n``. ``*_micro``
    are millionths of a nano-USD.
    """

    n: int
    lines: tuple[Line, ...]
    fixed_micro: int = 0
    expected_micro: int = 0
    text_in: Rate | None = None
    per_token_micro: int = 0

    def quote(self, prompt_bytes: int, prompt_chars: int) -> Quote:
        """Add a prompt."""
        tokens = -(-prompt_chars // CHARS_PER_TOKEN)
        # The price is rounded up, so that it stays an upper bound; the expectation half up, by a division of its own:
        # this is done for every candidate of every request.
        return Quote(
            price_nusd=-(-(self.fixed_micro + prompt_bytes * self.per_token_micro) // PER_MILLION),
            expected_nusd=(self.expected_micro + tokens * self.per_token_micro + _HALF) // PER_MILLION,
            tariff=self,
            prompt_bytes=prompt_bytes,
        )


def quote_for(  # noqa: PLR0913 - what shapes the price of a picture, each by name
    features: Features, model: Model, card: RateCard, *, size: Size, quality: str | None, n: int
) -> Quote:
    """Quote ``n`` pictures of a model at one size and quality.

    Raises:
        PriceUnknown: where a price or a token count is not known; it is never taken as zero.

    """
    tariff = tariff_for(features, model, card, size=size, quality=quality, n=n)
    return tariff.quote(features.prompt_bytes, features.prompt_chars)


def tariff_for(  # noqa: PLR0913 - as above
    features: Features, model: Model, card: RateCard, *, size: Size, quality: str | None, n: int
) -> Tariff:
    """Find what pictures cost apart from the prompt.

    Raises:
        PriceUnknown: where a price or a token count is not known; it is never taken as zero.

    """
    words = replace(features, prompt_chars=1, prompt_bytes=1)  # the least there is: only its rate is looked for
    bound = usage_of(words, model, size=size, quality=quality, at_most=True)
    expected = usage_of(words, model, size=size, quality=quality, at_most=False)
    if bound is None or expected is None:
        what = f"{model.name} at {size}" + (f" and quality {quality}" if quality else "")
        raise PriceUnknown(f"it is not known how many tokens {what} takes", deployment=card.deployment)
    variant = variant_of(features.operation.value, quality, size) if model.priced_by_variant else ""
    lines = card.lines(bound * n, variant)
    text = next((line for line in lines if line.unit is Unit.TEXT_IN), None)
    rest = tuple(line for line in lines if line is not text)
    return Tariff(
        n=n,
        lines=rest,
        fixed_micro=sum(line.amount_micro for line in rest),
        expected_micro=sum(
            line.amount_micro for line in card.lines(expected * n, variant) if line.unit != Unit.TEXT_IN
        ),
        text_in=text.rate if text else None,
        per_token_micro=n * text.rate.per_million_nusd if text else 0,
    )


def usage_of(features: Features, model: Model, *, size: Size, quality: str | None, at_most: bool) -> Usage | None:
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
    partial_images = _partial_images(features, model)
    if partial_images and not rule.partial_image:
        return None
    references = (*features.references, features.mask) if features.mask else features.references
    patch = 0 if at_most else rule.reference_patch
    return Usage(
        text_in=features.prompt_bytes if at_most else -(-features.prompt_chars // CHARS_PER_TOKEN),
        image_in=sum(_reference_tokens(size, patch, rule.reference_at_most) for size in references),
        text_out=rule.text_out_at_most if at_most else rule.text_out_typical,
        image_out=output + rule.partial_image * partial_images,
        images=1,
    )


def _partial_images(features: Features, model: Model) -> int:
    """Count the partial images that the model will be asked for; those it does not know are never sent."""
    asked, known = features.extras.get(PARTIAL_IMAGES, ""), model.extras.get(PARTIAL_IMAGES)
    return int(asked) if known is not None and asked in (known or (asked,)) and asked.isdecimal() else 0


def _reference_tokens(size: Size, patch: int, at_most: int) -> int:
    if not patch:
        return at_most
    return min(at_most, -(-size.width // patch) * -(-size.height // patch))
