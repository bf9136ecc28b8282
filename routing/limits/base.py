"""The ports of rate limits: who paces purchases, and where what was taken is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from routing.core.pacing import NOTHING, UNKNOWN, Allowance, Needs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.core.pacing import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Room that was taken in a deployment's minute, and how long it was waited for."""

    deployment: str
    id: str
    needs: Needs
    waited_s: float = 0.0


class Limiter(Protocol):
    """Lets purchases through as fast as the vendor does, the more important first. Safe from any thread.

    A limiter that fails lets through: it guards against a vendor's "too many", the ledger guards the money.
    """

    def take(self, deployment: str, needs: Needs, *, allowance: Allowance, rank: int, give_up_at_s: float) -> Slot:
        """Wait until there is room for all of ``needs``, and take it.

        ``rank`` is higher the more important; ``give_up_at_s`` is a moment of the clock's ``elapsed_s``.

        Raises:
            ProviderRateLimited: as soon as it is certain that there is no room in time; nothing was taken or sent.

        """

    def send(self, slot: Slot) -> None:
        """Say that the request leaves just now: the vendor's minute begins here, not when room was taken."""

    def give_back(self, slot: Slot) -> None:
        """Give back what was taken for a request that is not sent."""

    def hear(self, slot: Slot, told: Sequence[Told], *, wait_s: float = 0.0) -> None:
        """Take in what the vendor said of its limits; ``wait_s`` is for how long it wants no request at all."""

    def close(self) -> None:
        """Let go of connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits in one process at one rank, taken together; ``age_ms`` is how long the eldest has waited."""

    rank: int
    age_ms: int
    needs: Needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One look whether a slot can be had now.

    ``ahead`` is what waits before it in its own process, ``line`` all else that waits there: other processes leave room
    for what of it is before them.
    """

    slot: Slot
    allowance: Allowance = UNKNOWN
    rank: int = 0
    age_ms: int = 0
    process: str = ""
    ahead: Needs = NOTHING
    line: tuple[Waiting, ...] = ()


class Book(Protocol):
    """Where takes are written down. Safe from any thread, and after a fork; never raises."""

    def take(self, ask: Ask) -> int:
        """Take all that a slot needs and return 0, or take nothing and return in how many ms to ask again."""

    def send(self, slot: Slot) -> None:
        """Count the slot from now on."""

    def give_back(self, slot: Slot) -> None:
        """Forget the slot."""

    def hear(self, slot: Slot, told: Sequence[Told], wait_ms: int) -> None:
        """Remember limits for an hour, what others took until it is free again, and a pause while it lasts."""

    def close(self) -> None:
        """Let go of connections."""


HEARD_FOR_MS = 3_600_000
"""How long a limit counts that a vendor told and did not repeat."""
PAUSE_AT_MOST_MS = 86_400_000
"""A vendor that asks for a longer pause than a day is tried again all the same: most likely a clock is wrong."""
