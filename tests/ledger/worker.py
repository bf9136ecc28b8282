"""A process that uses a ledger, started by tests: ``python -m tests.ledger.worker open|hammer|endless ADDRESS NAME``.

An address is the path of a file, or a URL of PostgreSQL, ``#`` and the name of a schema.

It says ``ready`` once everything is imported, and begins when a line comes in, so that processes begin together.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from routing.errors import BudgetExceeded
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import buy, claim

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.ledger.base import Store

THREADS = 8
LIMIT = 5600
PRICE = 7


def say(*words: object) -> None:
    os.write(1, f"{' '.join(map(str, words))}\n".encode())  # one write, so that threads do not mix their lines


def hammer(store: Store, name: str) -> None:
    """Buy from many threads until the budget is used up; tell how often that worked."""
    bought: list[str] = []

    def spend(thread: int) -> None:
        for number in range(LIMIT):
            request_id = f"{name}-{thread}-{number}"
            try:
                buy(store, request_id, PRICE, claim("month", LIMIT), claim("campaign", LIMIT * 2, scope=name))
            except BudgetExceeded:
                return
            bought.append(request_id)

    threads = [threading.Thread(target=spend, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(len(bought))


def endless(store: Store, name: str) -> None:
    """Buy until killed, telling every request that is known to be on disk."""

    def spend(thread: int) -> None:
        for number in range(1_000_000):
            buy(store, f"{name}-{thread}-{number}", PRICE, claim("month", 10**12))
            say(f"{name}-{thread}-{number}")

    for thread in range(THREADS):
        threading.Thread(target=spend, args=(thread,)).start()


def opener(address: str) -> Callable[[], Store]:
    """Import what opens the ledger at an address."""
    url, _, schema = address.partition("#")
    if not schema:
        return partial(SqliteStore.open, address)
    from routing.ledger.postgres import PostgresStore  # noqa: PLC0415 - only where it is asked for

    return partial(PostgresStore.open, url, schema=schema)


def main(what: str, address: str, name: str) -> None:
    open_ledger = opener(address)
    say("ready")
    sys.stdin.readline()
    store = open_ledger()
    {"open": lambda *_: say("open"), "hammer": hammer, "endless": endless}[what](store, name)
    if what != "endless":
        store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
