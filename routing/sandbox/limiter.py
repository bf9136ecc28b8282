"""The vendor's own rate limit: images in a sliding minute, one window per model."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

__all__ = ["Limiter", "Standing"]

WINDOW_S = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a model stands: what is left, and when nothing will be taken any more."""

    limit: int
    remaining: int
    reset_s: float

    def headers(self) -> dict[str, str]:
        """The standing in OpenAI's header forms."""
        reset = f"{math.ceil(self.reset_s * 1000)}ms" if self.reset_s < 1 else f"{math.ceil(self.reset_s)}s"
        return {
            "x-ratelimit-limit-images": str(self.limit),
            "x-ratelimit-remaining-images": str(self.remaining),
            "x-ratelimit-reset-images": reset,
        }


@dataclass(slots=True)
class Limiter:
    """Takes images out of the minute, all of a request or none."""

    images_per_minute: int
    _taken: dict[str, deque[tuple[float, int]]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, model: str, images: int, now_s: float) -> float:
        """Take `images` now and return 0, or take nothing and return the seconds until they would fit."""
        taken = self._window(model, now_s)
        over = sum(count for _, count in taken) + images - self.images_per_minute
        if over <= 0:
            taken.append((now_s, images))
            return 0.0
        for then_s, count in taken:
            over -= count
            if over <= 0:
                return then_s + WINDOW_S - now_s
        return WINDOW_S  # more than the limit at once: it will never fit

    def standing(self, model: str, now_s: float) -> Standing:
        """What this model has left."""
        taken = self._window(model, now_s)
        left = self.images_per_minute - sum(count for _, count in taken)
        return Standing(self.images_per_minute, left, taken[-1][0] + WINDOW_S - now_s if taken else 0.0)

    def clear(self) -> None:
        """Forget what was taken."""
        self._taken.clear()

    def _window(self, model: str, now_s: float) -> deque[tuple[float, int]]:
        taken = self._taken[model]
        while taken and taken[0][0] + WINDOW_S <= now_s:
            taken.popleft()
        return taken
