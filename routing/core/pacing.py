"""Rate limits: what a purchase takes out of a minute, what a vendor lets through, and how long to wait for room.

Every take is remembered with its moment, in whole milliseconds, and counts until it is older than the window: an exact
sliding window, never a bucket that is refilled at some odd moment. So no window holds more than the limit, wherever it
begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GUARD_MS = 1_000
"""How much later than after a minute a take is free again.

We know when a request leaves, the vendor counts when it arrives. Two requests that leave a minute and a second apart
arrive at least a minute apart unless the first was a second slower. It costs 1.6 % of the allowance.
"""
WINDOW_MS = 60_000 + GUARD_MS


class Kind(StrEnum):
    """What vendors count in a minute."""

    REQUESTS = "requests"
    IMAGES = "images"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a purchase takes out of the minute, all of it or nothing."""

    requests: int = 0
    images: int = 0
    tokens: int = 0

    def __add__(self, other: Needs) -> Needs:
        """Sum of two."""
        return Needs(
            requests=self.requests + other.requests,
            images=self.images + other.images,
            tokens=self.tokens + other.tokens,
        )

    def of(self, kind: Kind) -> int:
        """Tell how much of one kind."""
        amount: int = getattr(self, kind)
        return amount


NOTHING = Needs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a vendor lets through in a minute; ``None`` is not known, and paced by nothing."""

    requests: int | None = None
    images: int | None = None
    tokens: int | None = None

    def of(self, kind: Kind) -> int | None:
        """Tell the limit of one kind."""
        limit: int | None = getattr(self, kind)
        return limit

    def lowered(self, told: Mapping[Kind, int]) -> Allowance:
        """Take the lower limit where the vendor told one too."""
        least = {kind: min(limits) for kind in Kind if (limits := [n for n in (self.of(kind), told.get(kind)) if n])}
        return Allowance(
            requests=least.get(Kind.REQUESTS), images=least.get(Kind.IMAGES), tokens=least.get(Kind.TOKENS)
        )

    def pictures_at_once(self, *, per_call: int, tokens_each: int) -> int | None:
        """Tell how many pictures one minute has room for, at least one; ``None`` for any number.

        ``per_call`` are the pictures of one request, ``tokens_each`` the tokens of one picture.
        """
        bounds = []
        if self.images is not None:
            bounds.append(self.images)
        if self.requests is not None:
            bounds.append(self.requests * per_call)
        if self.tokens is not None and tokens_each:
            bounds.append(self.tokens // tokens_each)
        return max(1, min(bounds)) if bounds else None


UNKNOWN = Allowance()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a vendor said of one kind with an answer: its limit, what was left, and when all of it is there again."""

    kind: Kind
    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """What was taken, and when."""

    at_ms: int
    needs: Needs


def wait_ms(takes: Iterable[Take], needs: Needs, ahead: Needs, allowance: Allowance, now_ms: int) -> int:
    """Tell how long until there is room for all of ``needs``, those who wait ``ahead`` served first; 0 is now.

    Exact where all who wait fit into one window, else never too long. What is more than a whole minute's allowance
    counts as all of it: whether that passes is for the vendor to say.
    """
    if allowance == UNKNOWN:
        return 0  # before the log is looked at: without limits it may be long
    recent = sorted((take for take in takes if take.at_ms > now_ms - WINDOW_MS), key=lambda take: take.at_ms)
    return max(_wait_ms(recent, kind, needs, ahead, allowance.of(kind), now_ms) for kind in Kind)


def _wait_ms(  # noqa: PLR0913, PLR0917 - the parts of one sum
    recent: list[Take], kind: Kind, needs: Needs, ahead: Needs, limit: int | None, now_ms: int
) -> int:
    if limit is None or not needs.of(kind):
        return 0
    # Of a long line, each unit goes one window after the one that is a whole limit ahead of it.
    windows, before = divmod(min(needs.of(kind), limit) + ahead.of(kind) - 1, limit)
    over = sum(take.needs.of(kind) for take in recent) + before + 1 - limit
    for take in recent:
        if over <= 0:
            break
        over -= take.needs.of(kind)
        if over <= 0:
            return windows * WINDOW_MS + take.at_ms + WINDOW_MS - now_ms
    return windows * WINDOW_MS


def taken_by_others(takes: Iterable[Take], told: Told, sent_ms: int) -> int:
    """Tell how much of a limit somebody else took, at least, by what the vendor said to a request sent at a moment.

    Whatever of ours the vendor may have counted by then is ours: only the rest is another's.
    """
    if told.limit is None or told.remaining is None:
        return 0
    ours = sum(take.needs.of(told.kind) for take in takes if take.at_ms > sent_ms - WINDOW_MS)
    return max(0, told.limit - told.remaining - ours)


def back_at_ms(told: Told, sent_ms: int) -> int:
    """Tell the moment to remember another's take by, so that it counts until the vendor says it is gone."""
    if told.reset_s is None:
        return sent_ms
    return min(sent_ms, sent_ms + round(told.reset_s * 1000) + GUARD_MS - WINDOW_MS)
