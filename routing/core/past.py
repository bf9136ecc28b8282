"""What is known of requests of the past: of each as much as a replay needs, of many what a price reads of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

    from routing.core.features import Features
    from routing.core.picture import Size

LENGTHS = ("prompt_chars", "text_chars")
"""Features that sums know only as a span."""


class RequestEnded(StrEnum):
    """How a request of the past ended. What was not bought then costs nothing in a replay either."""

    BOUGHT = "bought"
    CACHED = "cached"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A request of the past. ``at`` is in UTC; ``charges`` are what it cost then: deployment and nano-USD.

    ``importance`` is the one it had then, ``""`` where that is not known. Of requests with equal ``words`` (not
    ``None``), the cache answers all but the first that buys the same thing. ``partial``: of its features, some were not
    written down, and are taken to be as usual. ``prompt`` is ``None`` where the words were not kept.
    """

    request_id: str
    at: datetime
    features: Features
    asset: str | None = None
    importance: str = ""
    ended: RequestEnded = RequestEnded.BOUGHT
    words: Hashable = None
    charges: tuple[tuple[str, int], ...] = ()
    partial: bool = False
    prompt: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """Requests of the past that are alike: what they delivered, and what all of their attempts cost, in nano-USD.

    Each of ``requests`` delivered ``images`` of ``size``, and was made at ``at`` or later, within the same days of the
    same prices and the same month. ``features`` have the shortest prompt and text of them; the longest have
    ``prompt_chars_at_most`` and ``text_chars_at_most`` (``None``: the same), and ``prompt_tokens`` is what all prompts
    usually come to. Pictures ``from_cache`` are counted apart. ``failed_nusd`` was charged by attempts that brought no
    picture, ``unconfirmed_nusd`` nobody knows the truth of; both are part of ``spent_nusd``. ``partial``: an older
    version did not write down all of their features.
    """

    at: datetime
    importance: str
    features: Features
    size: Size | None
    images: int
    requests: int = 1
    prompt_tokens: int | None = None
    prompt_chars_at_most: int | None = None
    text_chars_at_most: int | None = None
    from_cache: int = 0
    spent_nusd: int = 0
    failed_nusd: int = 0
    unconfirmed_nusd: int = 0
    saved_nusd: int = 0
    partial: bool = False

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The shortest and the longest of each of ``LENGTHS``."""
        least = (self.features.prompt_chars, self.features.text_chars)
        most = (self.prompt_chars_at_most, self.text_chars_at_most)
        return tuple((low, low if high is None else high) for low, high in zip(least, most, strict=True))
