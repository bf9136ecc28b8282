"""Processes that buy until they are killed or told to end: ``python -m tests.faults.buyer WHAT FOLDER ...``.

``kill`` imports everything once and forks: a process that is killed after a tenth of a second was buying by then.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from routing import open_router
from routing.cli.vendor import environment
from routing.errors import LedgerUnavailable, ProviderError, RoutingError
from routing.logs import SilentLog
from tests.faults.campaign import prompt_of
from tests.postgres_server import NOBODY

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing import Router

THREADS = 2
AT_ONCE = 3
LIFETIMES_S = (0.1, 0.2, 0.6)
"""Up to one of these a process lives: so are many killed while they open the ledger, and many while they buy."""


def say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())  # one write, so that threads do not mix their lines


def buy(router: Router, request_id: str) -> str:
    """Buy one picture; return what became of it in a word."""
    wishes = random.Random(request_id)
    try:
        result = router.generate(
            prompt_of(request_id),
            request_id=request_id,
            importance=wishes.choice(["draft", "draft", "review"]),
            size=wishes.choice(["1024x1024", "1536x1024"]),
            tags={"campaign": wishes.choice("abc")},
        )
    except ProviderError as error:
        return f"failed:{error.charged}"
    except RoutingError as error:
        return f"refused:{type(error).__name__}"
    return "settled" if result.settled else "held"


def endless(folder: Path, name: str, tell: Callable[[str], object] = lambda _: None) -> None:
    """Buy from a few threads for ever."""
    router = open_router(folder / "router.yaml", log=SilentLog())

    def spend(thread: int) -> None:
        for number in itertools.count():
            tell(buy(router, f"{name}-{thread}-{number}"))

    threads = [threading.Thread(target=spend, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def kill(folder: Path, seed: str, kills: str, shared: str = "") -> None:
    """Keep a few processes buying; kill each at a random moment and start another, so many times.

    With a ``shared`` name all of them ask for the same, each from the beginning on.

    They live the longer the less was bought so far: on a busy machine a tenth of a second is nothing.
    """
    chance, names, alive = random.Random(int(seed)), itertools.count(), dict[int, float]()
    heard, told = os.pipe()
    os.set_blocking(heard, False)
    killed = bought = 0
    while killed < int(kills):
        while len(alive) < min(AT_ONCE, int(kills) - killed):
            name = shared or f"p{next(names)}"
            child = os.fork()
            if not child:
                try:
                    endless(folder, name, lambda outcome: os.write(told, b".") if outcome == "settled" else None)
                finally:
                    os._exit(1)
            patience = max(1.0, killed / max(1, bought))
            alive[child] = time.monotonic() + patience * chance.uniform(0, chance.choice(LIFETIMES_S))
        child, moment = min(alive.items(), key=itemgetter(1))
        time.sleep(max(0.0, moment - time.monotonic()))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise SystemExit(f"a process ended by itself, with status {status}")
        del alive[child]
        killed += 1
        with suppress(BlockingIOError):
            bought += len(os.read(heard, 65536))
    say(killed)


def load(folder: Path, name: str) -> None:
    """Buy until a line comes in, telling what became of each."""
    threading.Thread(target=endless, args=(folder, name, say), daemon=True).start()
    sys.stdin.readline()
    os._exit(0)


def some(folder: Path, name: str, count: str) -> None:
    """Buy so many at once, and tell what became of each; or that the ledger cannot be opened."""
    try:
        router = open_router(folder / "router.yaml", log=SilentLog())
    except LedgerUnavailable:
        say("refused:LedgerUnavailable")
        return
    with router:
        outcomes: list[str] = []
        threads = [
            threading.Thread(target=lambda number=number: outcomes.append(buy(router, f"{name}-{number}")))
            for number in range(int(count))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    say(*sorted(outcomes))


def nobody(folder: Path, name: str, count: str) -> None:
    """Buy as somebody whom permissions bind."""
    if not os.geteuid():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    some(folder, name, count)


def warm_up(folder: Path) -> None:
    """Import whatever a purchase needs, by trying one where nobody listens."""
    import routing.ledger.postgres  # noqa: PLC0415 - one of the two ledgers that may be asked for
    import routing.ledger.sqlite  # noqa: F401, PLC0415 - the other

    with tempfile.TemporaryDirectory() as elsewhere:
        for name in ("router.yaml", "policy.yaml"):
            text = (folder / name).read_text(encoding="utf-8")
            (Path(elsewhere) / name).write_text(re.sub('url: "[^"]*"', 'url: "memory://"', text), encoding="utf-8")
        with open_router(Path(elsewhere) / "router.yaml", env=environment("http://127.0.0.1:9"), log=SilentLog()) as it:
            assert buy(it, "first") == "failed:no"


if __name__ == "__main__":
    what, where, *words = sys.argv[1:]
    warm_up(Path(where))
    say("ready")
    sys.stdin.readline()
    works: dict[str, Callable[..., None]] = {"kill": kill, "load": load, "nobody": nobody, "some": some}
    works[what](Path(where), *words)
