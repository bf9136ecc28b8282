"""How much of a vendor's minute is used, and how often it says "too many": one process, and four that share a Valkey.

    python benchmarks/limits.py
    python benchmarks/limits.py --minutes 10 --processes 1 4 8

The sandbox allows 50 images in any 60 seconds, counted by its own clock when a request has arrived, and answers 429 to
every excess. Callers want far more than that, one or two images at a time, from a cold start. Printed for each row:

images    had within the minutes, and of those that the vendor allows in them (used)
429       answers "too many", by the vendor's own log
lasting   60 s over the time in which 50 more images were had, on average: what it comes to in the long run
CPU       of all processes together, with every caller but one waiting in line

A margin of a second makes 61 s of a minute, so that ``lasting`` cannot pass 98.4 %.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import threading
import time
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.workers import work_together
from routing.assembly import open_router
from routing.errors import ProviderRateLimited
from routing.logs import SilentLog
from routing.sandbox.server import Sandbox
from tests.valkey_server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.router import Router

ALLOWED = 50
CALLERS = 24
"""In each process."""
CONFIG = """\
version: 1
policy: policy.yaml
providers:
  openai: {{kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: OPENAI_BASE_URL, timeout: 60s}}
deployments:
  gpt-image-2: {{provider: openai, model: gpt-image-2, images_per_minute: {allowed}}}
limits: {{url: "{limits}"}}
"""
POLICY = """\
version: 1
importance: [draft, final]
sort: [{importance: draft}]
routes:
  draft: [{use: [gpt-image-2], ask: {quality: low}}]
  final: [{use: [gpt-image-2], ask: {quality: high}}]
"""


def work(folder: Path, seconds: float) -> None:
    """One process: waits for a line, then wants images until the time is up."""
    with open_router(folder / "router.yaml", log=SilentLog()) as router:
        print("ready", flush=True)
        sys.stdin.readline()
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=call, args=(router, number, until)) for number in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def call(router: Router, caller: int, until: float) -> None:
    for number in count():
        left = until - time.monotonic()
        if left <= 0:
            return
        try:
            router.generate(f"caller {caller} of {os.getpid()}, {number}", n=1 + number % 2, deadline=left)
        except ProviderRateLimited:  # no room in the time that is left
            return


def measure(processes: int, minutes: float) -> bool:
    """Print one row; tell whether it keeps the promise."""
    seconds = minutes * 60
    server = Server() if processes > 1 else None
    with tempfile.TemporaryDirectory() as name, Sandbox.spawn(pictures="flat", images_per_minute=ALLOWED) as vendor:
        folder = Path(name)
        limits = server.url if server else "memory://"
        (folder / "router.yaml").write_text(CONFIG.format(allowed=ALLOWED, limits=limits), encoding="utf-8")
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        env = {**os.environ, "OPENAI_API_KEY": "sandbox", "OPENAI_BASE_URL": vendor.openai_base_url}
        command = [sys.executable, __file__, "--work", str(folder), "--minutes", str(minutes)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        work_together(command, processes, within_s=seconds + 120, env=env)
        visits = vendor.log()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if server:
        server.remove()
    refused = sum(visit["status"] == 429 for visit in visits)
    moments = sorted(
        datetime.fromisoformat(visit["time"]).timestamp()
        for visit in visits
        for _ in range(visit["images"] if visit["status"] == 200 else 0)
    )
    had = sum(moment - moments[0] < seconds for moment in moments)
    rounds = (len(moments) - 1) // ALLOWED
    lasting = rounds * 60 / (moments[rounds * ALLOWED] - moments[0]) if rounds else 0.0
    used = had / (ALLOWED * minutes)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{processes:>9} {processes * CALLERS:>7} {had:>7} {used:>7.1%} {refused:>5} {lasting:>8.1%} {cpu:>8.1f} s",
        flush=True,
    )
    return not refused and min(used, lasting) >= 0.97


def run(processes: Sequence[int], minutes: float) -> None:
    """Print every row; end with an error where one does not keep the promise."""
    print(f"{ALLOWED} images in any 60 s, for {minutes:g} minutes")
    print("processes callers  images    used   429  lasting        CPU")
    kept = [measure(each, minutes) for each in processes]
    if not all(kept):
        raise SystemExit("the promise is no 429 and at least 97 %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.minutes * 60)
    else:
        run(options.processes, options.minutes)


if __name__ == "__main__":
    main()
