"""Takes in the memory of one process."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.core.pacing import WINDOW_MS, Kind, Needs, Take, back_at_ms, taken_by_others, wait_ms
from routing.limits.base import HEARD_FOR_MS, PAUSE_AT_MOST_MS, Slot
from routing.own_lock import OwnLock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from routing.core.pacing import Told
    from routing.limits.base import Ask


OTHERS = "others:"
"""How the name of a take begins that somebody else made."""


@dataclass(slots=True)
class _Page:
    """One deployment: its takes by slot, in the order they were written, and what its vendor said.

    Takes are kept for two windows: what a vendor says comes as late as its answer, and is compared with what was then.
    """

    takes: dict[str, Take] = field(default_factory=dict)
    limits: dict[Kind, int] = field(default_factory=dict)
    heard_at_ms: int = 0
    paused_until_ms: int = 0

    def prune(self, now_ms: int) -> None:
        while self.takes and self.takes[first := next(iter(self.takes))].at_ms <= now_ms - 2 * WINDOW_MS:
            del self.takes[first]
        if self.heard_at_ms <= now_ms - HEARD_FOR_MS:
            self.limits.clear()


class MemoryBook:
    """The default: every process paces for itself, and learns from the vendor's headers what others take."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """Begin with an empty book; ``now_ms`` tells milliseconds since any start."""
        self._now_ms = now_ms
        self._pages: dict[str, _Page] = defaultdict(_Page)
        self._lock = OwnLock()

    def take(self, ask: Ask) -> int:
        """Take all or nothing."""
        with self._lock:
            now_ms, page = self._open(ask.slot.deployment)
            allowance = ask.allowance.lowered(page.limits)
            wait = max(0, page.paused_until_ms - now_ms)
            wait = max(wait, wait_ms(page.takes.values(), ask.slot.needs, ask.ahead, allowance, now_ms))
            if not wait:
                page.takes[ask.slot.id] = Take(at_ms=now_ms, needs=ask.slot.needs)
            return wait

    def send(self, slot: Slot) -> None:
        """Count the slot from now on, last of all."""
        with self._lock:
            now_ms, page = self._open(slot.deployment)
            page.takes.pop(slot.id, None)
            page.takes[slot.id] = Take(at_ms=now_ms, needs=slot.needs)

    def give_back(self, slot: Slot) -> None:
        """Forget the slot."""
        with self._lock:
            self._pages[slot.deployment].takes.pop(slot.id, None)

    def hear(self, slot: Slot, told: Sequence[Told], wait_ms: int) -> None:
        """Remember what the vendor said."""
        with self._lock:
            now_ms, page = self._open(slot.deployment)
            page.paused_until_ms = max(page.paused_until_ms, now_ms + min(wait_ms, PAUSE_AT_MOST_MS))
            own = page.takes.get(slot.id)
            for each in told:
                if each.limit:
                    page.limits[each.kind], page.heard_at_ms = each.limit, now_ms
                others = taken_by_others(page.takes.values(), each, own.at_ms) if own else 0
                if own and others:
                    needs = Needs(**{each.kind.value: others})
                    page.takes[f"{OTHERS}{each.kind}:{slot.id}"] = Take(at_ms=back_at_ms(each, own.at_ms), needs=needs)

    def latest(self, deployment: str) -> Slot | None:
        """Find the slot that was taken or sent last, in the last window."""
        with self._lock:
            now_ms, page = self._open(deployment)
            name = next((name for name in reversed(page.takes) if not name.startswith(OTHERS)), None)
            if name is None or page.takes[name].at_ms <= now_ms - WINDOW_MS:
                return None
            return Slot(deployment=deployment, id=name, needs=page.takes[name].needs)

    def taken(self, deployment: str) -> list[tuple[Slot, int]]:
        """List the slots of the last window and how many ms ago each was taken."""
        with self._lock:
            now_ms, page = self._open(deployment)
            return [
                (Slot(deployment=deployment, id=name, needs=take.needs), now_ms - take.at_ms)
                for name, take in page.takes.items()
                if take.at_ms > now_ms - WINDOW_MS and not name.startswith(OTHERS)
            ]

    def close(self) -> None:
        """Nothing to let go of."""

    def _open(self, deployment: str) -> tuple[int, _Page]:
        now_ms, page = self._now_ms(), self._pages[deployment]
        page.prune(now_ms)
        return now_ms, page
