"""What a call did cost: by the usage that the vendor reported, else by its quote. Never nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.entries import Basis
from routing.core.money import MAX_NUSD
from routing.core.prices import Usage, cost_of
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from routing.core.prices import Line, RateCard
    from routing.core.quote import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """An amount in nano-USD, what it rests on, the lines that make it up; ``reason`` where the quote stands in."""

    nusd: int
    basis: Basis
    lines: tuple[Line, ...]
    reason: str = ""


def cost_of_call(  # noqa: PLR0913 - what was agreed, and what came, each by name
    quote: Quote, card: RateCard, usage: Usage | None, *, n: int, pictures: int, variant: str
) -> Cost:
    """Price a call for ``n`` pictures that brought ``pictures``; ``usage`` is ``None`` where none was reported."""
    if card.by_picture:
        # Vendors charge for what was asked, also where fewer pictures arrive or none at all.
        usage = Usage(images=max(n, usage.images if usage else 0, pictures))
    elif usage is not None and pictures and not usage.image_out:
        usage = None  # pictures that took no tokens do not exist
    if usage is None:
        return _quoted(quote, "the vendor reported no usage")
    try:
        lines = card.lines(usage, variant)
    except PriceUnknown as unknown:
        return _quoted(quote, str(unknown))
    nusd = cost_of(lines)
    if nusd > MAX_NUSD:
        return _quoted(quote, "the usage that the vendor reported is more than a ledger can hold")
    return Cost(nusd=nusd, basis=Basis.METERED, lines=lines)


def _quoted(quote: Quote, why: str) -> Cost:
    return Cost(nusd=quote.price_nusd, basis=Basis.QUOTED, lines=quote.lines, reason=f"charged at the quote: {why}")
