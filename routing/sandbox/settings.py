"""How one sandbox behaves, beyond what the vendors' rules say."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The dials of a sandbox; what is out of range is a `ValueError`."""

    latency_s: float = 0.0
    """Seconds from the moment an order is taken (and charged) to its answer."""

    images_per_minute: int | None = None
    """Images a model makes in any 60 seconds before the vendor answers 429; None does not limit."""

    pictures: str = "drawn"
    """`drawn` shows the prompt, `flat` is one colour, `padded:BYTES` is flat and about that heavy."""

    cached_share: float = 0.0
    """The share of text tokens that OpenAI reports, and charges, as cached."""

    output_details: bool = True
    """Whether OpenAI's usage carries `output_tokens_details`; it sometimes does not."""

    polls: int = 2
    """How often an APIMart task says that it is not done yet."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.latency_s < 0:
            raise ValueError(f"latency_s is {self.latency_s}: it cannot be negative")
        if self.images_per_minute is not None and self.images_per_minute < 1:
            raise ValueError(f"images_per_minute is {self.images_per_minute}: at least 1, or nothing at all")
        if not 0 <= self.cached_share <= 1:
            raise ValueError(f"cached_share is {self.cached_share}: it lies between 0 and 1")
        if self.polls < 0:
            raise ValueError(f"polls is {self.polls}: it cannot be negative")

    def cached(self, text_tokens: int) -> int:
        """How many of these text tokens count as cached, rounded down."""
        # Through the decimal text, so that a tenth is a tenth.
        return int(text_tokens * Fraction(str(self.cached_share)))
