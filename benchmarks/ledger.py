"""How many reservations and settlements a ledger takes: SQLite beside PostgreSQL, young and old.

    python benchmarks/ledger.py
    python benchmarks/ledger.py --entries 0 10000000
    python benchmarks/ledger.py --slow-disk

Every caller reserves and settles as fast as it is answered; every write is on disk before it is answered. ``--entries``
are the sizes to begin at, in entries that earlier calls left behind; ledgers of every size are measured in turns, so
that whatever else the machine does falls on all of them alike. Printed for each shape (processes x callers in each):
the budgets that the calls count in (one hot counter, or each call in one of 16), calls (a reservation and its
settlement) a second, p50 and p99 of a reservation, and the least served process as a share of the best served. At the
end each ledger is folded and compared with its counters, and tells how many bytes a call has added, indexes included.

Callers, stores and the PostgreSQL server share the machine, and the disk's own fsync is measured beside them: it bounds
everything here. A cloud disk needs several times as long, so ``--slow-disk`` adds 1 ms to every wait for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ledger_fill import ENTRIES_A_CALL, UNLIMITED, buy, fill, size
from benchmarks.slow_disk import slow_down
from benchmarks.workers import work_together
from routing.assembly import open_store
from tests.ledger.purchases import claim
from tests.postgres_server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.ledger.base import Store

SIZES = (0, 1_000_000)
SHAPES = ((1, 1, 1), (1, 8, 1), (1, 64, 1), (4, 64, 1), (4, 64, 16))
"""Processes, callers in each, counters that their calls are spread over."""
MORE_OF_POSTGRES = ((8, 1, 1), (8, 4, 1), (8, 8, 1), (8, 8, 16))
"""As of eight machines: 8, 32 and 64 workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One of the ledgers that are measured, and what it was like before."""

    name: str
    url: str
    entries: int
    bytes: int


def work(url: str, callers: int, counters: int, seconds: float) -> None:
    """One process: waits for a line, then calls until the time is up and tells how long each reservation took."""
    store = open_store(url, Path())
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.perf_counter() + seconds
    took: list[list[float]] = [[] for _ in range(callers)]
    threads = [
        threading.Thread(target=call, args=(store, f"{os.getpid()}-{i}", counters, until, took[i]))
        for i in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    print(json.dumps([second for seconds in took for second in seconds]))


def call(store: Store, name: str, counters: int, until: float, took: list[float]) -> None:
    claims = [claim("month", UNLIMITED, scope=str(number) if number else "") for number in range(counters)]
    while time.perf_counter() < until:
        took.append(buy(store, f"{name}-{len(took)}", claims[len(took) % counters]))


def measure(ledger: Ledger, shape: tuple[int, int, int], seconds: float) -> None:
    """Print one row."""
    processes, callers, counters = shape
    command = [sys.executable, __file__, "--work", ledger.url, "--callers", str(callers), "--counters", str(counters)]
    told = work_together([*command, "--seconds", str(seconds)], processes, within_s=seconds + 60)
    taken = [json.loads(each) for each in told]
    every = sorted(second for took in taken for second in took)
    served = [len(took) for took in taken]
    p50, p99 = (every[int(len(every) * share)] * 1e3 for share in (0.5, 0.99))
    fair = f"{min(served) / max(served):.2f}" if processes > 1 else ""
    print(
        f"{ledger.name:<11} {ledger.entries:>14,}"
        f" {counters:>7} {processes:>3} x {callers:<3} {len(every) / seconds:>8,.0f} {p50:>8.2f} {p99:>8.2f}"
        f" {fair:>8}", flush=True,
    )  # fmt: skip


def age(name: str, url: str, entries: int) -> Ledger:
    """Make a ledger and fill it; print what that took."""
    open_store(url, Path()).close()
    empty = size(url)
    told = ""
    if calls := entries // ENTRIES_A_CALL:
        started = time.perf_counter()
        fill(url, calls)
        seconds = time.perf_counter() - started
        told = f", {(size(url) - empty) / calls:,.0f} bytes a call, filled in {seconds:.0f} s"
    print(f"{name}: {entries:,} entries{told}", flush=True)
    return Ledger(name=name, url=url, entries=entries, bytes=size(url))


def prove(ledger: Ledger) -> None:
    """Fold every entry and compare, stop where it does not add up; print what the measured calls have added."""
    grown = size(ledger.url) - ledger.bytes
    started = time.perf_counter()
    store = open_store(ledger.url, Path())
    checked = store.verify()
    store.close()
    seconds = time.perf_counter() - started
    if checked.differences or checked.open_holds:
        raise SystemExit(f"the ledger does not add up: {checked.open_holds} holds, {checked.differences}")
    calls = (checked.entries - ledger.entries) / ENTRIES_A_CALL
    print(
        f"{ledger.name}: {checked.entries:,} entries add up, verified in {seconds:.1f} s;"
        f" {grown / calls:,.0f} bytes for each of {calls:,.0f} calls measured", flush=True,
    )  # fmt: skip


def run(sizes: Sequence[int], seconds: float) -> None:
    """Make every ledger, measure them in turns, and prove each at the end."""
    with ExitStack() as ending:
        folder = ending.enter_context(tempfile.TemporaryDirectory())
        ledgers = []
        for entries in sizes:
            server = Server(fsync=True)
            ending.callback(server.remove)
            for name, url in (("SQLite", f"sqlite:///{folder}/{entries}.db"), ("PostgreSQL", server.url)):
                ledgers.append(age(name, url, entries))
        print(f"\n{'store':<11} {'entries before':>14} {'budgets':>7} {'callers':>9} {'calls/s':>8} {'p50 ms':>8}"
              f" {'p99 ms':>8} {'fairness':>8}")  # fmt: skip
        for shape in SHAPES + MORE_OF_POSTGRES:
            for ledger in ledgers:
                if shape in SHAPES or ledger.name == "PostgreSQL":
                    measure(ledger, shape, seconds)
        for ledger in ledgers:
            prove(ledger)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--callers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--counters", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=4, help="how long each row is measured")
    parser.add_argument(
        "--entries", type=int, nargs="+", default=SIZES, help="sizes to begin at (default: 0 and 1 million)"
    )
    parser.add_argument("--slow-disk", action="store_true", help="add 1 ms to each fsync")
    options = parser.parse_args()
    if options.work:
        work(options.work, options.callers, options.counters, options.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.slow_disk and (why := slow_down(Path(folder))):
            print(why)
        # Asked of a process that is started now, as all that follow.
        ask = "import sys; from benchmarks.disk import fsync_ms; print(f'{fsync_ms(sys.argv[1]):.2f}')"
        fsync = subprocess.run([sys.executable, "-c", ask, folder], check=True, capture_output=True, text=True).stdout
        print(f"one fsync here: {fsync.strip()} ms")
        run(options.entries, options.seconds)


if __name__ == "__main__":
    main()
