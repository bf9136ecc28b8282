"""How many reservations and settlements a ledger takes: SQLite beside PostgreSQL, on one hot budget.

    python benchmarks/ledger.py

Every caller reserves and settles as fast as it is answered; every write is on disk before it is answered. Printed:
calls (a reservation and its settlement) a second, p50 and p99 of a reservation, and the least served process as a share
of the best served. Callers, stores and the PostgreSQL server share the machine, and the disk's own fsync is measured
beside them: it bounds everything here, and a cloud disk needs several times as long.
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
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.disk import fsync_ms
from routing.assembly import open_store
from tests.ledger.purchases import claim, record, reservation, settle
from tests.postgres_server import Server

if TYPE_CHECKING:
    from routing.ledger.base import Store

UNLIMITED = 10**15
SHAPES = ((1, 1), (1, 8), (1, 64), (4, 64))
"""Processes, and callers in each."""


def work(url: str, callers: int, seconds: float) -> None:
    """One process: waits for a line, then calls until the time is up and tells how long each reservation took."""
    store = open_store(url, Path())
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.perf_counter() + seconds
    took: list[list[float]] = [[] for _ in range(callers)]
    threads = [
        threading.Thread(target=call, args=(store, f"{os.getpid()}-{i}", until, took[i])) for i in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    print(json.dumps([second for seconds in took for second in seconds]))


def call(store: Store, name: str, until: float, took: list[float]) -> None:
    month = claim("month", UNLIMITED)
    while (started := time.perf_counter()) < until:
        request_id = f"{name}-{len(took)}"
        store.reserve(record(request_id), [reservation(5, month, request_id=request_id)])
        took.append(time.perf_counter() - started)
        store.resolve(settle(f"{request_id}/1", 5))


def measure(name: str, url: str, processes: int, callers: int, seconds: float) -> None:
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--work", url, "--callers", str(callers), "--seconds", str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(processes)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = [json.loads(worker.communicate()[0]) for worker in workers]
    every = sorted(second for took in taken for second in took)
    served = [len(took) for took in taken]
    p50, p99 = (every[int(len(every) * share)] * 1e3 for share in (0.5, 0.99))
    fair = f"{min(served) / max(served):>8.2f}" if processes > 1 else ""
    print(f"{name:<12} {processes:>3} x {callers:<4} {len(every) / seconds:>9,.0f} {p50:>9.2f} {p99:>9.2f} {fair}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--callers", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=4)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.callers, options.seconds)
        return
    server = Server(fsync=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(f"one fsync here: {fsync_ms(folder):.2f} ms")
            print(f"{'store':<12} {'callers':>10} {'calls/s':>9} {'p50 ms':>9} {'p99 ms':>9} {'fairness':>8}")
            for processes, callers in SHAPES:
                measure("SQLite", f"sqlite:///{folder}/{processes}-{callers}.db", processes, callers, options.seconds)
                measure("PostgreSQL", server.url, processes, callers, options.seconds)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
