"""Takes in a Redis or Valkey that many machines share: every step is one script, and the time is the server's.

Where the server cannot be reached, each process paces for itself and tries again in a while. It keeps a book of its own
slots for that, and tells them to a server that does not know them: one that was away, or that began anew.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from redis.retry import Retry

from routing.core.pacing import GUARD_MS, WINDOW_MS, Kind, Needs
from routing.limits.base import HEARD_FOR_MS, PAUSE_AT_MOST_MS
from routing.limits.memory import MemoryBook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.commands.core import Script

    from routing.core.clock import Clock
    from routing.core.pacing import Allowance, Told
    from routing.limits.base import Ask, Slot
    from routing.logs import Log

T = TypeVar("T")

ANSWER_WITHIN_S = 1.0
"""How long one step may take: longer is as bad as no server."""
TRY_AGAIN_S = 5.0
"""How long a process paces for itself before it looks for the server again."""
CONNECTIONS = 16
LEASE_MS = 3_000
"""How long a process in line that does not look any more keeps its place."""
FORGOT = -1
"""What the script answers that does not know our latest slot."""
FOLDER = Path(__file__).parent / "lua"
KINDS = tuple(Kind)


class RedisBook:
    """A book on a server; ``now_ms`` is for tests that hold the time still."""

    def __init__(self, url: str, clock: Clock, log: Log, *, now_ms: Callable[[], int] | None = None) -> None:
        """Remember where the server is; nothing is connected yet."""
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_WITHIN_S,
            socket_timeout=ANSWER_WITHIN_S,
            socket_connect_timeout=ANSWER_WITHIN_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis(connection_pool=pool)
        self._take, self._send, self._hear = (self._script(name) for name in ("take", "send", "hear"))
        self._clock = clock
        self._log = log
        self._now_ms = now_ms
        self._alone = MemoryBook(lambda: round(clock.elapsed_s() * 1000))
        self._away_until_s = float("-inf")

    def take(self, ask: Ask) -> int:
        """Take all or nothing, from the server's book or, while it is away, from this process's."""
        wait_ms = self._shared(partial(self._take_shared, ask))
        if wait_ms is None:
            return self._alone.take(ask)
        if not wait_ms:
            self._alone.send(ask.slot)
        return wait_ms

    def send(self, slot: Slot) -> None:
        """Count the slot from now on."""
        self._alone.send(slot)
        arguments = self._arguments(member=_member(slot))
        self._shared(lambda: self._send(keys=_keys(slot.deployment)[:1], args=[arguments]))

    def give_back(self, slot: Slot) -> None:
        """Forget the slot."""
        self._alone.give_back(slot)
        self._shared(lambda: self._redis.zrem(_keys(slot.deployment)[0], _member(slot)))

    def hear(self, slot: Slot, told: Sequence[Told], wait_ms: int) -> None:
        """Remember what the vendor said, for everyone."""
        self._alone.hear(slot, told, wait_ms)
        arguments = self._arguments(
            member=_member(slot),
            wait_ms=min(wait_ms, PAUSE_AT_MOST_MS),
            told=[_row(each) for each in told],
            guard_ms=GUARD_MS,
            heard_for_ms=HEARD_FOR_MS,
        )
        log, told_key, _, pause = _keys(slot.deployment)
        self._shared(lambda: self._hear(keys=[log, told_key, pause], args=[arguments]))

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        self._redis.connection_pool.disconnect()

    # Inside -----------------------------------------------------------------------------------------------------

    def _script(self, name: str) -> Script:
        return self._redis.register_script((FOLDER / f"{name}.lua").read_text(encoding="utf-8"))

    def _arguments(self, **values: object) -> str:
        now = {} if self._now_ms is None else {"now_ms": self._now_ms()}
        return json.dumps({**values, **now, "window_ms": WINDOW_MS})

    def _take_shared(self, ask: Ask) -> int:
        latest = self._alone.latest(ask.slot.deployment)
        wait_ms = self._ask(ask, missing=[], **({"latest": _member(latest)} if latest else {}))
        if wait_ms != FORGOT:
            return wait_ms
        taken = self._alone.taken(ask.slot.deployment)
        return self._ask(ask, missing=[{"member": _member(slot), "age_ms": age_ms} for slot, age_ms in taken])

    def _ask(self, ask: Ask, **known: object) -> int:
        arguments = self._arguments(
            member=_member(ask.slot),
            needs=_amounts(ask.slot.needs),
            limits=_limits(ask.allowance),
            rank=ask.rank,
            age_ms=ask.age_ms,
            process=ask.process,
            ahead=_amounts(ask.ahead),
            line=[{"rank": w.rank, "age_ms": w.age_ms, "needs": _amounts(w.needs)} for w in ask.line],
            lease_ms=LEASE_MS,
            **known,
        )
        return int(self._take(keys=_keys(ask.slot.deployment), args=[arguments]))

    def _shared(self, step: Callable[[], T]) -> T | None:
        """Do a step on the server; ``None`` where it is away. A connection that was cut is tried once more at once."""
        if self._clock.elapsed_s() < self._away_until_s:
            return None
        try:
            try:
                return step()
            except Disconnected:
                return step()
        except (RedisError, OSError) as error:
            self._away_until_s = self._clock.elapsed_s() + TRY_AGAIN_S
            self._log.warning(
                "limits_not_shared", error=type(error).__name__, pacing="by this process alone", again_s=TRY_AGAIN_S
            )
            return None


def _keys(deployment: str) -> list[str]:
    name = hashlib.sha256(deployment.encode()).hexdigest()[:24]
    return [f"routing:limits:{{{name}}}:{what}" for what in ("log", "told", "queue", "pause")]


def _member(slot: Slot) -> str:
    return " ".join(map(str, (slot.id, *_amounts(slot.needs))))


def _amounts(needs: Needs) -> list[int]:
    return [needs.of(kind) for kind in KINDS]


def _limits(allowance: Allowance) -> list[int]:
    return [allowance.of(kind) or 0 for kind in KINDS]


def _row(told: Told) -> dict[str, int]:
    """Write what was told for the script: a limit that is not known as 0, the rest as -1."""
    return {
        "kind": KINDS.index(told.kind) + 1,
        "limit": told.limit or 0,
        "remaining": -1 if told.remaining is None else told.remaining,
        "reset_ms": -1 if told.reset_s is None else round(told.reset_s * 1000),
    }
