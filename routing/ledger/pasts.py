"""Past requests as a replay takes them: their features, and what they cost; no entry is read by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.past import Past, RequestEnded
from routing.ledger.reading import requests_after
from routing.ledger.rows import features_from, from_ms

if TYPE_CHECKING:
    from datetime import datetime

    from routing.ledger.operations import Cursor
    from routing.ledger.reading import Place
    from routing.ledger.rows import Row

NOT_WRITTEN = "{}"
"""What an older version left for the features that have no column of their own."""


def pasts_after(cursor: Cursor, place: Place, until: datetime) -> tuple[list[Past], Place | None]:
    """Read the next page of requests, and where the one after it begins; ``None`` where this is the last."""
    found, following = requests_after(cursor, place, until, "charges_of_requests_between")
    return [_past(request, charges) for request, charges in found], following


def _past(request: Row, charges: list[Row]) -> Past:
    return Past(
        request_id=request["request_id"],
        at=from_ms(request["at"]),
        features=features_from(request),
        asset=request["asset"],
        importance=request["importance"],
        ended=_ended(charges),
        charges=tuple([(row["deployment"], row["charged"]) for row in charges if row["charged"]]),
        partial=request["features"] == NOT_WRITTEN,
        prompt=request["prompt"],
    )


def _ended(charges: list[Row]) -> RequestEnded:
    """Tell how a request ended; an attempt that has not ended yet may still bring the pictures.

    A request is written with its first entry: one that has none is older than what is kept here, and was most likely
    bought.
    """
    if not charges:
        return RequestEnded.BOUGHT
    for row in charges:
        if row["charged"] or row["unended"]:
            return RequestEnded.BOUGHT
    return RequestEnded.CACHED if any(row["cached"] for row in charges) else RequestEnded.FAILED
