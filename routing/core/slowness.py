"""Calls that took far longer than such calls do, and what the likely cause is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routing.core.deployment import Model
    from routing.core.picture import Size
    from routing.core.request import ImageRequest

SLOW_FACTOR = 3.0
"""A call that takes more than so many times as long as such calls do is slow."""
QUEUE = "a queue at the vendor"
EDGES = ((3840, "4K"), (2048, "2K"))
"""The longer edge from which on a size is called so."""
HIGH = frozenset({"high", "xhigh", "max"})
MANY_REFERENCES = 4
_FORCED = {"complexity": "high", "reasoning": "force"}
"""Parameters that make a model think longer, and the value that does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """A call that was slow: how long it took, how long such calls take, and what may have caused it."""

    seconds: float
    typical_s: float
    causes: tuple[str, ...]

    def __str__(self) -> str:
        """Say it to the caller."""
        why = f"likely because of {' and '.join(self.causes)}"
        return f"slow: it took {self.seconds:.0f} s, such calls usually take {self.typical_s:.0f} s; {why}"


def why_slow(  # noqa: PLR0913 - what was asked in one call, and how long that took
    model: Model, request: ImageRequest, *, size: Size, quality: str | None, n: int, seconds: float
) -> Slow | None:
    """Tell whether a call for ``n`` pictures was slow, and why; ``None`` also where nobody knows how long they take."""
    typical_s = model.typical.of(size, quality)
    if typical_s is None or seconds <= SLOW_FACTOR * typical_s:
        return None
    causes = (
        *(f"{name} {value}" for name, value in _FORCED.items() if request.extras.get(name) == value),
        *(f"{name} size" for name in _large(size)),
        *([f"quality {quality}"] if quality in HIGH else []),
        *([f"{len(request.images)} references"] if len(request.images) >= MANY_REFERENCES else []),
        *([f"{n} pictures in one call"] if n > 1 else []),
    )
    return Slow(seconds=seconds, typical_s=typical_s, causes=causes or (QUEUE,))


def _large(size: Size) -> list[str]:
    longer = max(size.width, size.height)
    return [name for edge, name in EDGES if longer >= edge][:1]
