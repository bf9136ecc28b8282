"""A process that uses a ledger, started by tests: ``python -m tests.ledger.worker WHAT ADDRESS NAME``.

An address is the path of a file, or a URL of PostgreSQL, ``#`` and the name of a schema.

It says ``ready`` once everything is imported, and begins when a line comes in, so that processes begin together.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from routing.errors import BudgetExceeded
from routing.ledger import archive as steps
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import DECEMBER, NOON, buy, claim

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


def deliver(store: Store, _name: str) -> None:
    """Take deliveries until there are none, telling each that was taken."""
    while taken := store.claim_deliveries(("log", "mail"), NOON, NOON + timedelta(minutes=1)):
        for delivery in taken:
            say(delivery.alert.name, delivery.channel)
        store.finish_deliveries(taken, [])
    say("none left")


def archive(store: Store, name: str) -> None:
    """Archive what is older than December to the file ``name``, telling each step and waiting before it."""
    steps.REQUESTS_AT_ONCE = 5

    def watch(step: str) -> None:
        say(step)
        sys.stdin.readline()

    store.archive(DECEMBER, Path(name), DECEMBER, watch=watch)
    say("archived")


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
    jobs: dict[str, Callable[[Store, str], None]] = {
        "open": lambda *_: say("open"),
        "hammer": hammer,
        "endless": endless,
        "deliver": deliver,
        "archive": archive,
    }
    jobs[what](store, name)
    if what != "endless":
        store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
