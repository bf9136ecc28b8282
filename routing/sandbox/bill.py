"""The vendor's own bill: what was charged, for what, when, and to the nano-dollar."""

from __future__ import annotations

import csv
import io
import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.sandbox.prices import amount_nusd, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from routing.sandbox.prices import Line

__all__ = ["KEPT_ROWS", "VENDORS", "Bill", "Row", "vendor_of"]

KEPT_ROWS = 200_000
"""Lines of the bill and rows of the log that are kept; sums stay exact beyond it."""

VENDORS: Mapping[str, str] = {
    "/v1/": "openai",
    "/openai/": "azure",
    "/v1beta/": "google",
    "/fal/": "fal",
    "/apimart/": "apimart",
}
"""Where a purchase was made, and who sends the bill for it."""

NO_REQUEST_IDS = frozenset({"google"})
"""Vendors whose bills do not name requests."""


def vendor_of(path: str) -> str:
    """Who sells at that address."""
    return next((vendor for prefix, vendor in VENDORS.items() if path.startswith(prefix)), "")


@dataclass(slots=True)
class Sum:
    """What one model has cost so far."""

    images: int = 0
    total_nusd: int = 0


@dataclass(slots=True)
class Item:
    """What one product of one model has cost on one day."""

    units: int = 0
    total_nusd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request on the bill."""

    seq: int
    at: datetime
    vendor: str
    request_id: str
    model: str
    images: int
    amount_nusd: int
    usage: Mapping[str, object] | None


@dataclass(slots=True)
class Bill:
    """Charges, and their sums: in all, by model, and by day and product."""

    total: Sum = field(default_factory=Sum)
    by_model: dict[str, Sum] = field(default_factory=dict)
    by_day: dict[tuple[date, str, str], Item] = field(default_factory=dict)
    """By day (UTC), vendor, and product: `gpt-image-2, image out`."""
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=KEPT_ROWS))

    def charge(  # noqa: PLR0913 - the columns of the bill
        self,
        *,
        seq: int,
        at: datetime,
        path: str,
        request_id: str,
        model: str,
        images: int,
        lines: Iterable[Line],
        usage: Mapping[str, object] | None,
    ) -> int:
        """Put one request on the bill; returns its amount in nano-USD."""
        lines = tuple(lines)
        amount, vendor = amount_nusd(lines), vendor_of(path)
        for sums in (self.total, self.by_model.setdefault(model, Sum())):
            sums.images += images
            sums.total_nusd += amount
        rest = amount
        for line in lines[1:]:
            rest -= self._itemize(at.date(), vendor, model, line, amount_nusd((line,)))
        # The first product takes what rounding leaves, so that the products add up to the amount.
        if lines:
            self._itemize(at.date(), vendor, model, lines[0], rest)
        self.rows.append(
            Row(
                seq=seq,
                at=at,
                vendor=vendor,
                request_id="" if vendor in NO_REQUEST_IDS else request_id,
                model=model,
                images=images,
                amount_nusd=amount,
                usage=usage,
            )
        )
        return amount

    def _itemize(self, day: date, vendor: str, model: str, line: Line, amount: int) -> int:
        item = self.by_day.setdefault((day, vendor, f"{model}, {line.what}"), Item())
        item.units += line.units
        item.total_nusd += amount
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
            "lines": [
                {
                    "seq": row.seq,
                    "time": row.at.isoformat(timespec="milliseconds"),
                    "vendor": row.vendor,
                    "request_id": row.request_id,
                    "model": row.model,
                    "images": row.images,
                    "amount_nusd": row.amount_nusd,
                    "usage": row.usage,
                }
                for row in self.rows
            ],
        }

    def as_csv(self, vendor: str = "") -> str:
        """The download that vendors offer to accountants: a row a request, amounts as decimals."""
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(("request_id", "created_at", "model", "images", "cost_usd"))
        rows.writerows(
            (row.request_id, f"{row.at:%Y-%m-%dT%H:%M:%SZ}", row.model, row.images, dollars(row.amount_nusd))
            for row in self._of(vendor)
        )
        return text.getvalue()

    def as_json_lines(self, vendor: str = "") -> str:
        """The download for programs: an object a request, seconds since 1970, an amount with its currency."""
        return "".join(
            json.dumps(
                {
                    "object": "usage.request",
                    "id": row.request_id or None,
                    "created": int(row.at.timestamp()),
                    "model": row.model,
                    "images": row.images,
                    # A JSON number, as vendors write it; the shortest text of a float gives these back exactly.
                    "amount": {"value": float(dollars(row.amount_nusd)), "currency": "usd"},
                }
            )
            + "\n"
            for row in self._of(vendor)
        )

    def _of(self, vendor: str) -> Iterable[Row]:
        return (row for row in self.rows if vendor in {"", row.vendor})
