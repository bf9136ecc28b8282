"""Waiting for room, the more important first: one line for each deployment, and whoever stands first looks.

The others sleep until they stand first: hundreds of threads in line look no oftener than one.
"""

from __future__ import annotations

import os
import secrets
import threading
from bisect import insort
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from routing.core.pacing import NOTHING, Needs
from routing.errors import ProviderRateLimited
from routing.limits.base import Ask, Slot, Waiting
from routing.own_lock import OwnLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.clock import Clock
    from routing.core.pacing import Allowance, Told
    from routing.limits.base import Book

LOOK_EVERY_S = 1.0
"""How often whoever stands first looks although it is told to wait longer: room may be given back."""


@dataclass(slots=True, kw_only=True)
class _Claim:
    """Somebody in line; ``first`` is set while nobody in this process stands before it."""

    slot: Slot
    rank: int
    number: int
    since_s: float
    first: threading.Event = field(default_factory=threading.Event)

    @property
    def place(self) -> tuple[int, int]:
        return -self.rank, self.number


class Pacer:
    """A limiter over any book."""

    def __init__(self, book: Book, clock: Clock) -> None:
        """Begin with nobody in line."""
        self._book = book
        self._clock = clock
        self._start()
        self._lock = OwnLock(on_fork=self._start)

    def take(self, deployment: str, needs: Needs, *, allowance: Allowance, rank: int, give_up_at_s: float) -> Slot:
        """Stand in line until it is this one's turn and there is room."""
        started_s = self._clock.elapsed_s()
        claim = self._enter(deployment, needs, rank, started_s)
        try:
            while wait_ms := self._book.take(self._ask(claim, allowance)):
                wait_s = wait_ms / 1000
                if self._clock.elapsed_s() + wait_s > give_up_at_s:
                    raise ProviderRateLimited(
                        f"{deployment}: its rate limit has room in {wait_s:.1f} s, which is too late; nothing was sent",
                        deployment=deployment,
                        status_code=None,
                        retry_after_s=wait_s,
                    )
                self._wait(claim, wait_s, give_up_at_s)
        finally:
            self._leave(claim)
        return replace(claim.slot, waited_s=self._clock.elapsed_s() - started_s)

    def send(self, slot: Slot) -> None:
        """Have the vendor's minute begin now."""
        self._book.send(slot)

    def give_back(self, slot: Slot) -> None:
        """Give the room back."""
        self._book.give_back(slot)

    def hear(self, slot: Slot, told: Sequence[Told], *, wait_s: float = 0.0) -> None:
        """Write down what the vendor said."""
        if told or wait_s:
            self._book.hear(slot, told, round(wait_s * 1000))

    def close(self) -> None:
        """Close the book."""
        self._book.close()

    # The line ---------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Begin as a process of its own: nobody of the parent's line came along through a fork."""
        self._lines: dict[str, list[_Claim]] = {}
        self._numbers = count(1)
        self._process = f"{secrets.token_hex(8)}-{os.getpid()}"

    def _enter(self, deployment: str, needs: Needs, rank: int, now_s: float) -> _Claim:
        with self._lock:
            number = next(self._numbers)
            slot = Slot(deployment=deployment, id=f"{self._process}-{number}", needs=needs)
            claim = _Claim(slot=slot, rank=rank, number=number, since_s=now_s)
            line = self._lines.setdefault(deployment, [])
            before = line[0] if line else None
            insort(line, claim, key=lambda each: each.place)
            if line[0] is claim:
                claim.first.set()
                if before:
                    before.first.clear()
            return claim

    def _leave(self, claim: _Claim) -> None:
        with self._lock:
            line = self._lines[claim.slot.deployment]
            line.remove(claim)
            if line:
                line[0].first.set()
            else:
                del self._lines[claim.slot.deployment]

    def _ask(self, claim: _Claim, allowance: Allowance) -> Ask:
        with self._lock:
            line = tuple(self._lines[claim.slot.deployment])
        now_s = self._clock.elapsed_s()
        at = line.index(claim)
        others = (*line[:at], *line[at + 1 :])
        ranks = dict.fromkeys(each.rank for each in others)
        return Ask(
            slot=claim.slot,
            allowance=allowance,
            rank=claim.rank,
            age_ms=_age_ms(claim, now_s),
            process=self._process,
            ahead=_sum(line[:at]),
            line=tuple(_together(rank, [each for each in others if each.rank == rank], now_s) for rank in ranks),
        )

    def _wait(self, claim: _Claim, wait_s: float, give_up_at_s: float) -> None:
        if claim.first.is_set():
            self._clock.sleep(min(wait_s, LOOK_EVERY_S))
        else:
            while not claim.first.wait(max(0.0, min(LOOK_EVERY_S, give_up_at_s - self._clock.elapsed_s()))):
                self._clock.sleep(0)  # raises where the router is closed, should the first be unable to move on
                if self._clock.elapsed_s() >= give_up_at_s:
                    break


def _sum(claims: Iterable[_Claim]) -> Needs:
    return sum((claim.slot.needs for claim in claims), NOTHING)


def _age_ms(claim: _Claim, now_s: float) -> int:
    return round((now_s - claim.since_s) * 1000)


def _together(rank: int, claims: Sequence[_Claim], now_s: float) -> Waiting:
    return Waiting(rank=rank, age_ms=max(_age_ms(claim, now_s) for claim in claims), needs=_sum(claims))
