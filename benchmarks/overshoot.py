"""Whether a limit holds while everybody asks at once: this router beside LiteLLM's Router, on the same vendor.

    python benchmarks/overshoot.py

A lifetime budget of $1, pictures of $0.041 each, a vendor that takes 2 s for an answer (the sandbox, which charges when
an order comes in), 200 callers who all begin together. A caller who got a picture asks for the next one; one who was
refused asks again a second later, as a real team would, and goes home only when it was refused while nothing was under
way any more: a hold is a little more than the cost it becomes, so what a settlement gives back can still be spent.
Printed for each row: pictures bought, refusals (repeated ones included), the vendor's own bill, the bill as a share of
the limit, and what the row's own books say minus the bill.

Ours stands three times: threads of one process, and four processes that share a ledger in SQLite, and in a PostgreSQL
that is started for it. It fails (status 1) where one of them passed the limit, spent less than 95 % of it, or has books
that differ from the bill.

LiteLLM's Router is set up for its best case: one process and one event loop, so that what it spent needs no Redis to be
known everywhere; ``aimage_generation``, because its blocking twin does not look at budgets at all;
``provider_budget_config`` with a window of 30 days for want of a lifetime (``max_budget`` of a deployment goes through
the same check, counted in the same place); its own price list, which gives this model's cost from the usage to the last
digit; no retries. It compares what is booked with the limit before a call, and books after the answer in a task of its
own: a caller's second also follows a picture, so that the booking is in before the same caller asks again (on a busy
machine it may be late even so, and more is bought), and the row's last figure is read once it stands still.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.workers import work_together
from routing.logs import SilentLog
from routing.sandbox.server import Sandbox
from tests.postgres_server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from routing import Router

LIMIT_USD = 1
LIMIT_NUSD = LIMIT_USD * 10**9
LATENCY_S = 2.0
CALLERS = 200
PAUSE_S = 1.0
ROW_S = 60.0
"""After so long a caller gives up, and the row counts as failed."""
PROMPT, SIZE, QUALITY = "a fox on a red bicycle, flat colours", "1024x1536", "medium"
CONFIG = """\
version: 1
policy: policy.yaml
providers:
  openai: {{kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: OPENAI_BASE_URL, timeout: 60s}}
deployments:
  gpt-image-2: {{provider: openai, model: gpt-image-2}}
budgets:
  everything: {{limit: {limit}, window: lifetime}}
ledger: {{url: "{ledger}"}}
"""
POLICY = """\
version: 1
importance: [review]
sort:
  - {importance: review}
routes:
  review: [{use: [gpt-image-2], ask: {quality: medium}}]
on_budget: refuse
"""


@dataclass(slots=True)
class Tally:
    """What the callers of one process got."""

    bought: int = 0
    refused: int = 0
    failed: int = 0


def work_ours(folder: Path, callers: int) -> dict[str, int]:
    """One process of this router: a thread for each caller, one router for all of them."""
    from routing import open_router

    with open_router(folder / "router.yaml", log=SilentLog()) as router, ThreadPoolExecutor(callers) as threads:
        tallies = [Tally() for _ in range(callers)]
        begin = threading.Barrier(callers)
        wait_for_the_word()
        list(threads.map(lambda tally: ask_ours(router, tally, begin), tallies))
    return total(tallies)


def ask_ours(router: Router, tally: Tally, begin: threading.Barrier) -> None:
    from routing import BudgetExceeded

    begin.wait()
    until = time.monotonic() + ROW_S
    while time.monotonic() < until:
        try:
            router.generate(PROMPT, size=SIZE)
            tally.bought += 1
        except BudgetExceeded:
            tally.refused += 1
            # Whoever holds something now asks again once it is settled: the last of them finds nothing held.
            if not any(int(budget.held) for budget in router.budgets()):
                return
        time.sleep(PAUSE_S)
    tally.failed += 1


def work_litellm(_folder: Path, callers: int) -> dict[str, int]:
    """One process of LiteLLM's Router: a task for each caller."""
    return asyncio.run(serve_litellm(callers))


async def serve_litellm(callers: int) -> dict[str, int]:
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    import litellm

    litellm.suppress_debug_info = True
    parameters = {"model": "openai/gpt-image-2", "api_base": os.environ["OPENAI_BASE_URL"], "api_key": "sandbox"}
    budget = litellm.types.utils.BudgetConfig(max_budget=LIMIT_USD, budget_duration="30d")
    router = litellm.router.Router(
        model_list=[{"model_name": "review", "litellm_params": parameters}],
        num_retries=0,
        provider_budget_config={"openai": budget},
    )

    async def buy() -> object:
        return await router.aimage_generation(prompt=PROMPT, model="review", size=SIZE, quality=QUALITY, n=1)

    async def booked() -> float:
        return float(await router.cache.async_get_cache("provider_spend:openai:30d") or 0)

    await asyncio.sleep(1)  # it begins its window in a task of its own
    tallies = [Tally() for _ in range(callers)]
    under_way: set[int] = set()
    wait_for_the_word()
    await asyncio.gather(*(ask_litellm(buy, tally, under_way) for tally in tallies))
    before, now = -1.0, await booked()
    while before != now:
        await asyncio.sleep(1)
        before, now = now, await booked()
    return {**total(tallies), "booked_nusd": round(now * 1e9)}


async def ask_litellm(buy: Callable[[], Awaitable[object]], tally: Tally, under_way: set[int]) -> None:
    until = time.monotonic() + ROW_S
    while time.monotonic() < until:
        under_way.add(id(tally))
        try:
            await buy()
            tally.bought += 1
        except ValueError as error:
            if "crossed budget" not in str(error):
                raise
            tally.refused += 1
            if under_way == {id(tally)}:
                return
        finally:
            under_way.discard(id(tally))
        await asyncio.sleep(PAUSE_S)
    tally.failed += 1


CONTENDERS: dict[str, Callable[[Path, int], dict[str, int]]] = {"ours": work_ours, "LiteLLM": work_litellm}


def wait_for_the_word() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def total(tallies: list[Tally]) -> dict[str, int]:
    return {name: sum(getattr(tally, name) for tally in tallies) for name in ("bought", "refused", "failed")}


def run(contender: str, folder: Path, url: str, processes: int) -> dict[str, int]:
    """Let the processes of one row begin together; what they counted, added up."""
    env = {**os.environ, "OPENAI_API_KEY": "sandbox", "OPENAI_BASE_URL": url}
    command = [sys.executable, __file__, "--work", contender, "--callers", str(CALLERS // processes)]
    told = work_together([*command, "--folder", str(folder)], processes, within_s=2 * ROW_S, env=env)
    counted = [json.loads(each.splitlines()[-1]) for each in told]
    return {name: sum(counts[name] for counts in counted) for name in counted[0]}


def measure(name: str, contender: str, ledger: str, processes: int) -> bool:
    """Print one row; tell whether it kept what is promised."""
    with tempfile.TemporaryDirectory() as kept, Sandbox.spawn(pictures="flat", latency_s=LATENCY_S) as vendor:
        folder = Path(kept)
        (folder / "router.yaml").write_text(CONFIG.format(limit=LIMIT_USD, ledger=ledger), encoding="utf-8")
        (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
        started = time.monotonic()
        counted = run(contender, folder, vendor.openai_base_url, processes)
        seconds = time.monotonic() - started
        bill: dict[str, Any] = vendor.bill()
        books = counted["booked_nusd"] if "booked_nusd" in counted else booked_by_ours(folder)
    billed: int = bill["total_nusd"]
    print(
        f"{name:<30} {counted['bought']:>7} {counted['refused']:>8} {'$' + format(billed / 1e9, '.6f'):>10}"
        f" {billed / LIMIT_NUSD:>10.3f} {books - billed:>17} {seconds:>8.1f}", flush=True,
    )  # fmt: skip
    if counted["failed"]:
        print(f"  {counted['failed']} callers were still refused after {ROW_S:g} s, while something was held")
    exact = books == billed and counted["bought"] == bill["images"] and not counted["failed"]
    return exact and 0.95 <= billed / LIMIT_NUSD <= 1


def booked_by_ours(folder: Path) -> int:
    """What our ledger says was spent, once it is proved against its entries."""
    from routing import open_router

    with open_router(folder / "router.yaml", log=SilentLog(), env={"OPENAI_API_KEY": "sandbox"}) as router:
        checked = router.verify()
        (everything,) = router.spend(by=())
    if checked.differences or checked.held_nusd:
        raise SystemExit(f"the ledger does not add up: {checked.held_nusd} held, {checked.differences}")
    return int(everything.spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--work", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path(), help=argparse.SUPPRESS)
    parser.add_argument("--callers", type=int, default=CALLERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps(CONTENDERS[options.work](options.folder, options.callers)))
        return
    print(f"limit ${LIMIT_USD}, {CALLERS} callers at once, an answer takes {LATENCY_S:g} s")
    print(
        f"{'':<30} {'bought':>7} {'refused':>8} {'bill':>10} {'bill/limit':>10} {'books-bill, nUSD':>17} {'seconds':>8}"
    )
    kept = [
        measure("ours, 1 process, SQLite", "ours", "sqlite:///spend.db", 1),
        measure("ours, 4 processes, SQLite", "ours", "sqlite:///spend.db", 4),
    ]
    server = Server(fsync=True)
    try:
        kept.append(measure("ours, 4 processes, PostgreSQL", "ours", server.url, 4))
    finally:
        server.remove()
    measure("LiteLLM Router, 1 process", "LiteLLM", "memory://", 1)
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
