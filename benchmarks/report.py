"""How long a report takes on ledgers of any age, beside the same report read from every entry; and what folding costs.

    python benchmarks/report.py
    python benchmarks/report.py --entries 10000 10000000 --store sqlite

Each ledger looks back on two years of a team's requests, and is folded before anything is asked. A question is a whole
process, ``routing spend ...``, started again and again in turns over all ledgers; beside the median stand the same
process reading entries alone (once), and the median as a multiple of that of the smallest ledger. ``page`` is the whole
HTML page of this month, ``all assets`` is ``routing assets``, ``one request`` is ``routing show``.

Then a process writes to the largest ledger as fast as it can, in turns with and without somebody who folds what it
writes as a router does, only that it looks every second, not every minute. ``folded`` is how much of what was written
in a turn was folded within it; the rest came after the last look.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ledger_fill import size
from benchmarks.report_fill import CALLS_AN_ASSET, SAMPLES, call, fill
from routing.assembly import open_store
from routing.upkeep import FOLD_AT_LEAST, FOLD_AT_MOST
from tests.postgres_server import Server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.ledger.base import Store

ROOT = Path(__file__).parents[1]
NOW = datetime.now(UTC)
QUESTIONS = {
    "this month": ["spend", "--json"],
    "all": ["spend", "--all", "--json"],
    "by campaign": ["spend", "--all", "--by", "campaign", "--json"],
    "by month": ["spend", "--monthly", "--json"],
    "since a date": ["spend", "--by", "campaign", "--since", f"{NOW - timedelta(days=100):%Y-%m-%dT%H:%M}", "--json"],
    "days in Berlin": ["spend", "--daily", "--by", "importance", "--zone", "Europe/Berlin", "--json"],
    "savings": ["spend", "--savings", "--all", "--json"],
    "page": ["spend", "--html", "page.html"],
    "page of a year": ["spend", "--html", "page.html", "--since", f"{NOW - timedelta(days=365):%Y-%m-%d}"],
    "all assets": ["assets"],
    "one request": ["show", "earlier-0000000000000", "--json"],
}
NOT_JSON = frozenset({"page", "page of a year", "all assets"})
PATIENCE_S = 900
LOOK_EVERY_S = 1.0
"""A router looks once a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One of the ledgers that are measured, and the folder that ``routing`` is started in."""

    name: str
    url: str
    entries: int
    folder: Path


def age(name: str, url: str, entries: int, folder: Path) -> Ledger:
    """Make a ledger, fill it, fold it; print what that took."""
    folder.mkdir()
    started = time.perf_counter()
    fill(url, entries, NOW)
    filled = time.perf_counter()
    grown = size(url)
    with closing(open_store(url, Path())) as store:
        fold_all(store)
    folded = time.perf_counter()
    router = (ROOT / "router.yaml").read_text(encoding="utf-8").replace("sqlite:///spend.db", "sqlite:///none.db")
    (folder / "router.yaml").write_text(router.replace("ledger: {url:", "ledger: {url_env: LEDGER_URL, url:"), "utf-8")
    (folder / "policies").symlink_to(ROOT / "policies")
    print(
        f"{name}: {entries:,} entries, {grown / 1e6:,.0f} MB, filled in {filled - started:.0f} s; folded in"
        f" {folded - filled:.1f} s ({entries / (folded - filled):,.0f} a second),"
        f" {(size(url) - grown) / 1e6:,.0f} MB more",
        flush=True,
    )
    return Ledger(name=name, url=url, entries=entries, folder=folder)


def ask(ledger: Ledger, options: Sequence[str], *, from_entries: bool = False) -> tuple[float, str]:
    """Run ``routing``; return the seconds it took, and what it printed."""
    command = [sys.executable, __file__, "--from-entries"] if from_entries else [sys.executable, "-m", "routing"]
    environment = {**os.environ, "LEDGER_URL": ledger.url, "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    command += options
    done = subprocess.run(
        command, check=False, cwd=ledger.folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S
    )
    took = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"routing {' '.join(options)}: {done.stderr}")
    return took, done.stdout


def ask_entries(options: Sequence[str]) -> None:
    """Be ``routing`` without any sums."""
    from routing.cli import main
    from routing.ledger import paid, spend

    spend.rollups_for = lambda by: ()  # noqa: ARG005 - the name is part of the shape
    paid.ROLLUPS = ()
    sys.argv = ["routing", *options]
    main()


def compare(ledgers: Sequence[Ledger], rounds: int, *, peer: bool) -> None:
    """Ask every ledger every question in turns; print a row for each."""
    print(f"\n{'store':<11} {'entries':>11} {'question':<15} {'s':>6} {'x small':>8} {'entries s':>10} {'as long':>8}")
    for question, options in QUESTIONS.items():
        taken: dict[Ledger, list[float]] = {ledger: [] for ledger in ledgers}
        said = {}
        for _ in range(rounds):
            for ledger in ledgers:
                took, said[ledger] = ask(ledger, options)
                taken[ledger].append(took)
        smallest: dict[str, float] = {}
        for ledger in ledgers:
            median = statistics.median(taken[ledger])
            times = median / smallest.setdefault(ledger.name, median)
            told = ""
            if peer:
                alone, also_said = ask(ledger, options, from_entries=True)
                told = f" {alone:>10.2f} {alone / median:>8.1f}"
                if question not in NOT_JSON and json.loads(also_said) != json.loads(said[ledger]):
                    raise SystemExit(f"{question}: sums and entries do not say the same: {said[ledger]} {also_said}")
            print(
                f"{ledger.name:<11} {ledger.entries:>11,} {question:<15} {median:>6.2f} {times:>8.2f}{told}", flush=True
            )


# --- Writing ----------------------------------------------------------------------------------------------------------


def write(store: Store, callers: int, seconds: float, *, folding: bool) -> tuple[float, float]:
    """Reserve and settle from many threads as fast as the store answers; calls a second, and the share that was folded.

    The clock stops with the last caller: whoever folds may be asleep by then.
    """
    calls = [call("", number, NOW) for number in range(SAMPLES)]
    until = time.perf_counter() + seconds
    done = [0] * callers
    mark = f"{time.time_ns()}"
    ended = threading.Event()

    def work(caller: int) -> None:
        while time.perf_counter() < until:
            number = done[caller]
            name = f"{mark}-{caller}-{number}"
            asked, held, charged = calls[(caller * CALLS_AN_ASSET + number) % SAMPLES]
            asset = f"asset-{mark}-{caller}-{number // CALLS_AN_ASSET}"
            store.reserve(
                replace(asked, request_id=name, asset=asset), [replace(held, id=f"{name}/1", request_id=name)]
            )
            store.resolve(replace(charged, reservation_id=f"{name}/1"))
            done[caller] += 1

    def fold() -> None:
        while not ended.wait(LOOK_EVERY_S):
            while store.roll_up(FOLD_AT_LEAST) >= FOLD_AT_MOST:
                pass

    threads = [threading.Thread(target=work, args=(caller,)) for caller in range(callers)]
    folder = threading.Thread(target=fold)
    started = time.perf_counter()
    if folding:
        folder.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    ended.set()
    if folding:
        folder.join()
    return sum(done) / took, 1 - fold_all(store) / (2 * sum(done))


def fold_all(store: Store) -> int:
    """Fold what is left; return how many entries that was."""
    return sum(iter(store.roll_up, 0))


def hinder(ledger: Ledger, callers: int, seconds: float, pairs: int) -> None:
    """Write in turns with and without folding; print what is left of the speed."""
    with closing(open_store(ledger.url, Path())) as store:
        fold_all(store)
        write(store, callers, seconds, folding=True)
        taken: dict[bool, list[float]] = {False: [], True: []}
        folded = []
        for pair in range(pairs):
            for folding in (False, True) if pair % 2 else (True, False):
                speed, share = write(store, callers, seconds, folding=folding)
                taken[folding].append(speed)
                folded += [share] if folding else []
        if differences := store.verify().differences:
            raise SystemExit(f"the ledger does not add up: {differences}")
    alone, beside = (statistics.median(taken[folding]) for folding in (False, True))
    ratio = statistics.median(after / before for before, after in zip(taken[False], taken[True], strict=True))
    print(
        f"{ledger.name:<11} {ledger.entries:>11,} {callers:>7} {alone:>10,.0f} {beside:>10,.0f}"
        f" {statistics.median(folded):>8.2f} {ratio:>8.3f}",
        flush=True,
    )


def main() -> None:
    if sys.argv[1:2] == ["--from-entries"]:
        ask_entries(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--entries", type=int, nargs="+", default=(10_000, 1_000_000), help="sizes, smallest first")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked")
    parser.add_argument("--no-peer", action="store_true", help="do not read every entry, which takes its time")
    parser.add_argument("--seconds", type=float, default=4, help="how long each turn of writing takes")
    parser.add_argument("--pairs", type=int, default=7, help="how many turns of writing; 0 for none")
    options = parser.parse_args()
    with ExitStack() as ending:
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
        ledgers = []
        for name in ("SQLite", "PostgreSQL"):
            if options.store in {None, name.lower()}:
                for entries in options.entries:
                    url = f"sqlite:///{folder}/{entries}.db"
                    if name == "PostgreSQL":
                        server = Server(fsync=True)
                        ending.callback(server.remove)
                        url = server.url
                    ledgers.append(age(name, url, entries, folder / f"{name}-{entries}"))
        compare(ledgers, options.rounds, peer=not options.no_peer)
        if options.pairs:
            columns = f"{'calls/s':>10} {'folding':>10} {'folded':>8} {'ratio':>8}"
            print(f"\n{'store':<11} {'entries':>11} {'callers':>7} {columns}")
            for name in {ledger.name: None for ledger in ledgers}:
                largest = [ledger for ledger in ledgers if ledger.name == name][-1]
                for callers in (1, 8):
                    hinder(largest, callers, options.seconds, options.pairs)


if __name__ == "__main__":
    main()
