"""Keeping a cache within its bounds: what is too old goes, and where there is too much, the oldest goes first."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.clock import Clock
    from routing.logs import Log

LOOK_EVERY_S = 3600.0
"""How often a process that writes looks through the whole cache, were it only for what has become too old."""
LOOK_AFTER = 20
"""A look is due as well once a process has written this part of ``max_bytes``: others write meanwhile, unseen."""
TIDY_DOWN_TO = 0.9
"""Of ``max_bytes``, once they are passed: so that not every picture from then on is worth a look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long pictures are kept and how many bytes of them; ``None`` is no bound."""

    keep_for_s: float | None = None
    max_bytes: int | None = None

    def are_over(self, age_s: float) -> bool:
        """Tell whether something of this age counts as gone."""
        return self.keep_for_s is not None and age_s > self.keep_for_s

    def can_hold(self, size: int) -> bool:
        """Tell whether something of this many bytes may be kept at all."""
        return self.max_bytes is None or size <= self.max_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One thing in a cache: its name there, its bytes, and when it was written (seconds since 1970)."""

    name: str
    bytes: int
    written_at_s: float


class Shelf(Protocol):
    """Where things are kept."""

    def list_kept(self) -> Iterable[Kept]:
        """List everything, in any order."""

    def remove(self, doomed: Sequence[Kept]) -> None:
        """Take things away; one that is gone already, or was written anew since, is passed over."""


class Tidier:
    """Decides when a shelf is looked through, and what goes.

    Looking takes as long as the shelf is full, so it is done seldom, and with ``background`` in a thread of its own:
    nobody waits for it. Between two looks a process counts what it writes itself. Several processes may tidy one shelf;
    each finds the same to be the oldest.
    """

    def __init__(self, shelf: Shelf, bounds: Bounds, *, clock: Clock, log: Log, background: bool) -> None:
        """Begin without knowing what the shelf holds: the first thing written makes it look."""
        self._shelf = shelf
        self._bounds = bounds
        self._clock = clock
        self._log = log
        self._background = background
        self._looking = threading.Lock()
        self._looked_at_s = float("-inf")
        self._held = 0
        self._written = 0

    def wrote(self, size: int) -> None:
        """Count bytes that were written, and look through the shelf where that is due."""
        self._written += size  # two threads at once may lose one of two: the next look counts everything afresh
        if not self._is_due() or not self._looking.acquire(blocking=False):
            return
        self._written, self._looked_at_s = 0, self._clock.elapsed_s()
        if not self._background:
            self._look()
            return
        try:
            threading.Thread(target=self._look, name="routing-cache", daemon=True).start()
        except RuntimeError:
            self._looking.release()  # no thread to be had: another time

    def _is_due(self) -> bool:
        if self._clock.elapsed_s() - self._looked_at_s >= LOOK_EVERY_S:
            return True
        most = self._bounds.max_bytes
        return most is not None and (self._held + self._written > most or self._written * LOOK_AFTER >= most)

    def _look(self) -> None:
        try:
            self._tidy()
        except Exception as error:  # noqa: BLE001 - whatever a shelf raises: pictures are bought and kept all the same
            self._log.warning("cache_not_tidied", error=f"{type(error).__name__}: {error}")
        finally:
            self._looking.release()

    def _tidy(self) -> None:
        now_s = self._clock.now().timestamp()
        kept = sorted(self._shelf.list_kept(), key=attrgetter("written_at_s"))
        held = sum(each.bytes for each in kept)
        most = self._bounds.max_bytes
        goal = most * TIDY_DOWN_TO if most is not None and held > most else held
        doomed: list[Kept] = []
        for each in kept:
            too_old = self._bounds.are_over(now_s - each.written_at_s)
            # What was written last stays, though it may fill the cache alone: somebody was just given it.
            if not too_old and (held <= goal or each is kept[-1]):
                break
            doomed.append(each)
            held -= each.bytes
        self._held = held
        if doomed:
            self._shelf.remove(doomed)
            self._log.info("cache_tidied", removed=len(doomed), bytes=sum(d.bytes for d in doomed), left=held)
