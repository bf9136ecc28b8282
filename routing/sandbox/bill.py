"""The vendor's own bill: what was charged, for what, and to the nano-dollar."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.sandbox.prices import amount_nusd, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from routing.sandbox.prices import Line

__all__ = ["KEPT_ROWS", "Bill"]

KEPT_ROWS = 200_000
"""Lines of the bill and rows of the log that are kept; sums stay exact beyond it."""


@dataclass(slots=True)
class Sum:
    """What one model has cost so far."""

    images: int = 0
    total_nusd: int = 0


@dataclass(slots=True)
class Bill:
    """Charges, their sums, and the sums by model."""

    total: Sum = field(default_factory=Sum)
    by_model: dict[str, Sum] = field(default_factory=dict)
    rows: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=KEPT_ROWS))

    def charge(
        self, *, seq: int, model: str, images: int, lines: Iterable[Line], usage: Mapping[str, object] | None
    ) -> int:
        """Put one request on the bill; returns its amount in nano-USD."""
        amount = amount_nusd(lines)
        for sums in (self.total, self.by_model.setdefault(model, Sum())):
            sums.images += images
            sums.total_nusd += amount
        self.rows.append({"seq": seq, "model": model, "images": images, "amount_nusd": amount, "usage": usage})
        return amount

    def as_json(self) -> dict[str, object]:
        """The body of `GET /_bill`."""
        return {
            "total_nusd": self.total.total_nusd,
            "total_usd": dollars(self.total.total_nusd),
            "images": self.total.images,
            "by_model": {
                model: {
                    "total_nusd": sums.total_nusd,
                    "total_usd": dollars(sums.total_nusd),
                    "images": sums.images,
                }
                for model, sums in sorted(self.by_model.items())
            },
            "lines": list(self.rows),
        }
