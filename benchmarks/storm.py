"""What gets through a storm, and what it costs: this router beside the openai SDK and LiteLLM's Router.

    python benchmarks/storm.py
    python benchmarks/storm.py --requests 200 --in-flight 32

Two vendors sell the same model (two sandboxes, 0.2 s an answer). Of all orders 10 % each end in a 429, a 500, a cut
connection, silence (longer than the 2 s that everybody gives a call), a body that stops in the middle, and an answer
without a picture: three of five fail. While the middle third of the requests ends the first vendor is down (503 at
once). Silence, cut connections and bad bodies come after the work, and are on the bill.

Printed for each row: the share of requests that brought a picture, POSTs for each picture, what was paid for pictures
that nobody got (the vendors' own bills less the pictures delivered, as dollars and as a share of the bill), and how far
the books of this router are from the bills, before and after ``routing ledger reconcile``.

Ours stands twice: as it is, where a call of unknown outcome is never followed by another, and with ``unknown: retry``
on the route, each attempt on a hold of its own. It fails (status 1) where the latter delivers less than 99.5 %, or
where books and bills differ after reconciling. The SDK knows one vendor, with its own two retries and with nine;
LiteLLM's Router has both, nine retries, and its cool-downs as they come (its blocking ``image_generation``, from as
many threads). An SDK's "success" without a picture in it is counted as none.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.request import urlopen

from routing.logs import SilentLog
from routing.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing import Router

    Buy = Callable[[int], bool]
    """Asks for one picture; tells whether it came."""

LATENCY_S = 0.2
TIMEOUT_S = 2.0
DEADLINE_S = 120.0
FAULTS = ("429:1", "500", "reset", "hang:5", "truncated", "empty")
EACH = 0.1
STORM = dict.fromkeys(FAULTS, EACH)
DOWN = {"503": 1.0}
SIZE: Literal["1024x1024"] = "1024x1024"
ENOUGH = 0.995
RETRIES = 9
CONFIG = """\
version: 1
policy: policy.yaml
providers:
  one: {kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: ONE_BASE_URL, timeout: 2s}
  two: {kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: TWO_BASE_URL, timeout: 2s}
deployments:
  one: {provider: one, model: gpt-image-2}
  two: {provider: two, model: gpt-image-2}
budgets:
  month: {limit: 1000, window: calendar_month}
ledger: {url: "sqlite:///spend.db"}
"""
POLICY = """\
version: 1
importance: [final]
sort: [{{importance: final}}]
routes:
  final: [{{use: [one], on_failure: [two], ask: {{quality: low}}, unknown: {unknown}}}]
"""


@dataclass(kw_only=True)
class Storm:
    """Two vendors in bad weather; the first is down while the middle third of the requests ends."""

    one: Sandbox
    two: Sandbox
    requests: int
    ended: int = 0
    delivered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        self.one.inject(rates=STORM, seed=1)
        self.two.inject(rates=STORM, seed=2)

    def count(self, *, delivered: bool) -> None:
        with self._lock:
            self.ended += 1
            self.delivered += delivered
            if self.ended == self.requests // 3:
                self.one.inject(rates=DOWN)
            elif self.ended == 2 * self.requests // 3:
                self.one.inject(rates=STORM, seed=3)

    def settled(self) -> tuple[int, int, int]:
        """Tell POSTs, pictures and nano-dollars of both vendors, once nothing is under way any more."""
        before = None
        while (now := self._sums()) != before:
            before = now
            time.sleep(1)
        return now

    def _sums(self) -> tuple[int, int, int]:
        bills = [vendor.bill() for vendor in (self.one, self.two)]
        posts = sum(len(vendor.log()) for vendor in (self.one, self.two))
        return posts, sum(bill["images"] for bill in bills), sum(bill["total_nusd"] for bill in bills)


def prompt_of(number: int) -> str:
    return f"a fox on a red bicycle, number {number:04}"


# --- Who buys ---------------------------------------------------------------------------------------------------------


def ours(router: Router) -> Buy:
    from routing import RoutingError

    def buy(number: int) -> bool:
        try:
            return bool(router.generate(prompt_of(number), size=SIZE, deadline=DEADLINE_S).images)
        except RoutingError:
            return False

    return buy


def sdk(storm: Storm, retries: int) -> Buy:
    import openai

    client = openai.OpenAI(
        base_url=storm.one.openai_base_url, api_key="sandbox", max_retries=retries, timeout=TIMEOUT_S
    )

    def buy(number: int) -> bool:
        try:
            reply = client.images.generate(model="gpt-image-2", prompt=prompt_of(number), size=SIZE, quality="low", n=1)
        except (openai.OpenAIError, ValueError):
            return False
        return has_picture(reply)

    return buy


def litellm_router(storm: Storm) -> Buy:
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    import litellm
    import openai

    litellm.suppress_debug_info = True
    deployments = [
        {
            "model_name": "final",
            "litellm_params": {"model": "openai/gpt-image-2", "api_base": vendor.openai_base_url, "api_key": "sandbox"},
        }
        for vendor in (storm.one, storm.two)
    ]
    router = litellm.router.Router(model_list=deployments, num_retries=RETRIES, timeout=TIMEOUT_S)

    def buy(number: int) -> bool:
        try:
            reply = router.image_generation(prompt=prompt_of(number), model="final", size=SIZE, quality="low", n=1)
        except (openai.OpenAIError, ValueError):
            return False
        return has_picture(reply)

    return buy


def has_picture(reply: object) -> bool:
    data: list[Any] = getattr(reply, "data", None) or []
    try:
        return bool(data) and base64.b64decode(data[0].b64_json or "", validate=True).startswith(b"\x89PNG")
    except ValueError:
        return False


# --- One row ----------------------------------------------------------------------------------------------------------


def rage(storm: Storm, buy: Buy, in_flight: int) -> float:
    """Ask for every picture; return the seconds it took."""
    storm.begin()
    started = time.monotonic()
    with ThreadPoolExecutor(in_flight) as threads:
        for came in threads.map(buy_and_count(storm, buy), range(storm.requests)):
            assert isinstance(came, bool)
    return time.monotonic() - started


def buy_and_count(storm: Storm, buy: Buy) -> Buy:
    def go(number: int) -> bool:
        came = buy(number)
        storm.count(delivered=came)
        return came

    return go


def told(name: str, storm: Storm, seconds: float, books: str = "") -> float:
    """Print a row; return the share that was delivered."""
    posts, images, billed = storm.settled()
    wasted = billed * (images - storm.delivered) // images if images else 0
    share = storm.delivered / storm.requests
    print(
        f"{name:<32} {share:>9.1%} {posts / max(1, storm.delivered):>10.2f} {'$' + format(wasted / 1e9, '.4f'):>9}"
        f" {wasted / billed if billed else 0:>7.1%} {seconds:>8.1f}  {books}",
        flush=True,
    )
    return share


def run_ours(name: str, unknown: str, requests: int, in_flight: int) -> tuple[float, bool]:
    """Print a row of ours; tell the share that was delivered, and whether the books became the bill."""
    from routing import open_router

    with tempfile.TemporaryDirectory() as kept, ExitStack() as ending:
        folder, storm = Path(kept), open_storm(ending, requests)
        (folder / "router.yaml").write_text(CONFIG, encoding="utf-8")
        (folder / "policy.yaml").write_text(POLICY.format(unknown=unknown), encoding="utf-8")
        env = {
            "OPENAI_API_KEY": "sandbox",
            "ONE_BASE_URL": storm.one.openai_base_url,
            "TWO_BASE_URL": storm.two.openai_base_url,
        }
        with open_router(folder / "router.yaml", env=env, log=SilentLog()) as router:
            seconds = rage(storm, ours(router), in_flight)
            _, _, billed = storm.settled()
            before = sum(row.spent for row in router.spend(by=())) - billed
            for provider, vendor in (("one", storm.one), ("two", storm.two)):
                reconcile(folder, provider, vendor, env)
            after = sum(row.spent for row in router.spend(by=())) - billed
            clean = not router.verify().differences and not router.verify().held_nusd
        books = f"${before / 1e9:+.4f} before, {after} nUSD after"
        return told(name, storm, seconds, books), after == 0 and clean


def reconcile(folder: Path, provider: str, vendor: Sandbox, env: dict[str, str]) -> None:
    """Book a vendor's whole bill, as a person would."""
    with urlopen(f"{vendor.url}/_bill.csv?vendor=openai") as answer:  # noqa: S310 - the sandbox, on loopback
        (folder / "bill.csv").write_bytes(answer.read())
    now, day = datetime.now(UTC), timedelta(days=1)
    words = ["--provider", provider, "--since", f"{now - day:%Y-%m-%d}", "--until", f"{now + 2 * day:%Y-%m-%d}"]
    command = [sys.executable, "-m", "routing", "ledger", "reconcile", "--bill", "bill.csv", *words]
    command += ["--complete", "--apply", "--json"]
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **env, "PYTHONPATH": root}, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"the books of {provider} do not become its bill: {done.stderr}{json.loads(done.stdout)}")


def open_storm(ending: ExitStack, requests: int) -> Storm:
    one, two = (ending.enter_context(Sandbox.spawn(pictures="flat", latency_s=LATENCY_S)) for _ in range(2))
    return Storm(one=one, two=two, requests=requests)


def run_peer(name: str, made: Callable[[Storm], Buy], requests: int, in_flight: int) -> None:
    with ExitStack() as ending:
        storm = open_storm(ending, requests)
        told(name, storm, rage(storm, made(storm), in_flight))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=64)
    options = parser.parse_args()
    bounds = (options.requests, options.in_flight)
    print(f"{options.requests} requests, {options.in_flight} in flight; {EACH:.0%} each of {', '.join(FAULTS)}")
    print(f"{'':<32} {'delivered':>9} {'POSTs each':>10} {'wasted':>9} {'of bill':>7} {'seconds':>8}  books less bills")
    _, careful = run_ours("ours", "stop", *bounds)
    share, exact = run_ours("ours, unknown: retry", "retry", *bounds)
    run_peer("openai SDK, its 2 retries", lambda storm: sdk(storm, 2), *bounds)
    run_peer(f"openai SDK, {RETRIES} retries", lambda storm: sdk(storm, RETRIES), *bounds)
    run_peer(f"LiteLLM Router, {RETRIES} retries", litellm_router, *bounds)
    sys.exit(share < ENOUGH or not careful or not exact)


if __name__ == "__main__":
    main()
