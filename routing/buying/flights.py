"""Single flight: while something is being bought, whoever wants the very same waits for it instead of buying too."""

from __future__ import annotations

import os
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from routing.closing import NAP_S
from routing.errors import Charged, ProviderTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from routing.closing import ClosingClock

T = TypeVar("T")


class Flights(Generic[T]):
    """What is being bought right now in this process, by key: pictures by what they show, requests by their id."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        # By process too: a fork copies what is under way, but no thread that would ever finish it.
        self._under_way: dict[tuple[int, str], Flight[T]] = {}

    @contextmanager
    def board(
        self, keys: Iterable[str], wait_s: float, clock: ClosingClock, takes: Callable[[T], bool] = lambda _: True
    ) -> Iterator[Boarding[T]]:
        """Wait until nobody else is buying any of these; what others bought meanwhile is ``landed``.

        The rest is the caller's own to buy until the block ends. Where that brings nothing, or nothing that the next
        one of those who wait ``takes``, that one has its turn: never two at once. ``wait_s`` bounds all waiting
        together.

        Raises:
            ProviderTimeout: where others were still buying by then; nothing was charged.
            LedgerUnavailable: where the router was closed meanwhile; nothing was charged either.

        """
        boarding: Boarding[T] = Boarding()
        give_up_at = monotonic() + wait_s
        try:
            # In one order for everybody, or two who want two pictures could wait for each other.
            for key in sorted(set(keys)):
                self._board(boarding, (os.getpid(), key), partial(_wait, give_up_at=give_up_at, clock=clock), takes)
            yield boarding
        finally:
            for place, own in boarding.own.items():
                if self._under_way.get(place) is own:
                    del self._under_way[place]
                    own.set_result(boarding.landed.get(place[1]))

    def _board(
        self,
        boarding: Boarding[T],
        place: tuple[int, str],
        wait: Callable[[Flight[T]], T | None],
        takes: Callable[[T], bool],
    ) -> None:
        def lands(flight: Flight[T]) -> bool:
            found = wait(flight)
            if found is None or not takes(found):
                return False
            boarding.landed[place[1]] = found
            return True

        # Noted before it is offered: an interrupt in between finds it, or finds nothing to end.
        own = boarding.own.setdefault(place, Flight())
        ended: Flight[T] | None = None
        while (other := self._under_way.setdefault(place, own)) is not own:
            if lands(other):
                return
            ended = ended or other
        # This one's turn, unless one who waited for the same has had it by the time this thread came to look.
        while ended is not None:
            if ended.heir is None:
                ended.heir = own
                return
            ended = ended.heir
            if lands(ended):
                return


class Flight(Future["T | None"]):
    """What is being bought, and whose turn it was next where that brought nothing."""

    heir: Flight[T] | None = None


def _wait(other: Flight[T], give_up_at: float, clock: ClosingClock) -> T | None:
    """Wait for what another brings; not for ever behind one that a signal's handler interrupted to close the router."""
    while True:
        left_s = give_up_at - monotonic()
        try:
            return other.result(timeout=max(0.0, min(NAP_S, left_s)))
        except TimeoutError:
            clock.check()
            if left_s <= NAP_S:
                told = "the same is being bought for another call, and was not there by the deadline: ask again"
                raise ProviderTimeout(told, retryable=True, charged=Charged.NO) from None


class Boarding(Generic[T]):
    """One request's part in what is under way: its own purchases, and what is there by key."""

    def __init__(self) -> None:
        """Begin with neither."""
        self.own: dict[tuple[int, str], Flight[T]] = {}
        self.landed: dict[str, T] = {}

    def land(self, key: str, bought: T) -> None:
        """Hand it to those who wait for it, once the block ends."""
        self.landed[key] = bought
