"""Where takes are written down in tests: each kind of book, by a clock that stands still."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from routing.core.pacing import NOTHING, Allowance, Kind, Needs, Told
from routing.limits.base import Ask, Slot, Waiting
from routing.limits.memory import MemoryBook
from routing.logs import SilentLog
from tests.valkey_server import shared_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.limits.base import Book
    from routing.testing import FrozenClock

WINDOW_S = 61.0
IMAGE = Needs(requests=1, images=1, tokens=200)


def milliseconds(clock: FrozenClock) -> Callable[[], int]:
    return lambda: round(clock.elapsed_s() * 1000)


def memory_book(clock: FrozenClock) -> Book:
    return MemoryBook(milliseconds(clock))


def valkey_book(clock: FrozenClock) -> Book:
    pytest.importorskip("redis", reason="redis is not installed")
    from routing.limits.redis import RedisBook  # noqa: PLC0415 - where redis is missing, the other book is tested

    return RedisBook(shared_server().url, clock, SilentLog(), now_ms=milliseconds(clock))


BOOKS: dict[str, Callable[[FrozenClock], Book]] = {"memory": memory_book, "valkey": valkey_book}
"""Every book passes the same suite: a new one is a row here."""

_NUMBERS = count(1)


def new_deployment() -> str:
    """A name that nobody else uses on the shared server."""
    return f"deployment-{uuid4().hex}"


def new_slot(deployment: str, needs: Needs = IMAGE) -> Slot:
    return Slot(deployment=deployment, id=f"slot-{next(_NUMBERS)}", needs=needs)


class Desk:
    """One deployment of a book, with its limits; ``take`` answers with a slot, or with the seconds to wait."""

    def __init__(self, book: Book, clock: FrozenClock, allowance: Allowance, deployment: str = "") -> None:
        self.book, self.clock, self.allowance = book, clock, allowance
        self.deployment = deployment or new_deployment()

    def take(self, needs: Needs = IMAGE, *, process: str = "here", ahead: Needs = NOTHING, **ask: Any) -> Slot | float:
        slot = new_slot(self.deployment, needs)
        wait_ms = self.book.take(Ask(slot=slot, allowance=self.allowance, process=process, ahead=ahead, **ask))
        return wait_ms / 1000 if wait_ms else slot

    def get(self, needs: Needs = IMAGE, **ask: Any) -> Slot:
        """Take what there must be room for."""
        slot = self.take(needs, **ask)
        assert isinstance(slot, Slot), f"no room for {slot} s"
        return slot

    def hear(self, slot: Slot, *told: Told, wait_s: float = 0.0) -> None:
        self.book.hear(slot, told, round(wait_s * 1000))


def images(limit: int, remaining: int | None = None, reset_s: float | None = None) -> Told:
    return Told(kind=Kind.IMAGES, limit=limit, remaining=remaining, reset_s=reset_s)


def waiting(rank: int, needs: Needs = IMAGE, age_s: float = 0.0) -> Waiting:
    return Waiting(rank=rank, age_ms=round(age_s * 1000), needs=needs)
