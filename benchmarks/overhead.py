"""What the router adds to a call: beside the bare openai SDK and LiteLLM's Router, on the same vendor, in turns.

    python benchmarks/overhead.py

Each contender lives in a process of its own and is asked in turns, so that whatever else the machine does falls on all
of them alike. The vendor is the sandbox at zero latency with flat pictures. Printed: p50 and p99 of a call at 1, 32
and 256 in flight, processor time per call, resident memory with pictures of 3 MB, import and start-up times, and the
ratios that matter. Ours writes the durable SQLite ledger (WAL, synchronous=FULL: two waits for the disk a call, so the
disk's own fsync is measured beside it) and a log event for every call; "no disk" is the same with the ledger in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.disk import fsync_ms
from routing.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[[int], object]

ROOT = Path(__file__).parents[1]
IN_FLIGHT = (1, 32, 256)
CONFIG = """\
version: 1
policy: policy.yaml
providers:
  openai: {kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: OPENAI_BASE_URL, timeout: 60s}
deployments:
  gpt-image-2: {provider: openai, model: gpt-image-2}
budgets:
  month: {limit: 1000000, window: calendar_month, alert_at: [50%]}
ledger: {url: "sqlite:///spend.db"}
"""
POLICY = """\
version: 1
importance: [draft, final]
sort:
  - {importance: draft}
routes:
  draft: [{use: [gpt-image-2], ask: {quality: low}}]
  final: [{use: [gpt-image-2], ask: {quality: high}}]
"""


def bare(_folder: Path) -> Call:
    """The openai SDK as it comes, without its own retries."""
    import openai

    client = openai.OpenAI(max_retries=0, timeout=60)
    return lambda _n: client.images.generate(model="gpt-image-2", prompt="a fox", size="1024x1024", quality="low", n=1)


def litellm_router(_folder: Path) -> Call:
    """LiteLLM's Router with one deployment, set up as its documents say."""
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}
    import litellm

    parameters = {"model": "openai/gpt-image-2", "api_base": os.environ["OPENAI_BASE_URL"], "api_key": "sandbox"}
    router = litellm.router.Router(model_list=[{"model_name": "draft", "litellm_params": parameters}], num_retries=0)
    return lambda _n: router.image_generation(prompt="a fox", model="draft", size="1024x1024", quality="low", n=1)


def ours(folder: Path, config: str = CONFIG) -> Call:
    """This router: policy, quote, budget, durable ledger, log."""
    from routing import open_router

    (folder / "router.yaml").write_text(config, encoding="utf-8")
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    router = open_router(folder / "router.yaml")
    return lambda _n: router.generate("a fox", importance="draft", size="1024x1024")


def ours_without_disk(folder: Path) -> Call:
    """The same with the ledger in memory: what is not the disk's part."""
    return ours(folder, CONFIG.replace("sqlite:///spend.db", "memory://"))


CONTENDERS: dict[str, Callable[[Path], Call]] = {
    "openai SDK": bare,
    "LiteLLM Router": litellm_router,
    "ours": ours,
    "ours, no disk": ours_without_disk,
}


def serve(name: str) -> None:
    """A contender's process: reads ``{"in_flight", "calls"}`` lines, answers with what it measured."""
    with tempfile.TemporaryDirectory() as folder:
        call = CONTENDERS[name](Path(folder))
        call(0)

        def timed(number: int) -> float:
            started = time.perf_counter()
            call(number)
            return time.perf_counter() - started

        print("ready", flush=True)
        for line in sys.stdin:
            asked = json.loads(line)
            before = resource.getrusage(resource.RUSAGE_SELF)
            if asked["in_flight"] == 1:
                seconds = [timed(number) for number in range(asked["calls"])]
            else:
                gate = ThreadPoolExecutor(asked["in_flight"])
                seconds = list(gate.map(timed, range(asked["calls"])))
                gate.shutdown()
            after = resource.getrusage(resource.RUSAGE_SELF)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            answer = {"seconds": seconds, "cpu_s": cpu / asked["calls"], "rss_mb": after.ru_maxrss / 1024}
            print(json.dumps(answer), flush=True)


class Contender:
    """A handle on one contender's process."""

    def __init__(self, name: str, url: str) -> None:
        env = {**os.environ, "OPENAI_API_KEY": "sandbox", "OPENAI_BASE_URL": url}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, text=True, env=env,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, in_flight: int, calls: int) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"in_flight": in_flight, "calls": calls}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


def measure(rounds: int, calls: int) -> None:
    print(f"one fsync here: {fsync_ms(tempfile.gettempdir()):.2f} ms")
    print("p50 / p99 of a call in ms, processor ms a call (contenders in turns)")
    print(f"{'in flight':<10}" + "".join(f"{name:>27}" for name in CONTENDERS) + f"{'added by ours / LiteLLM':>26}")
    with Sandbox.spawn(pictures="flat") as vendor:
        contenders = {name: Contender(name, vendor.openai_base_url) for name in CONTENDERS}
        for in_flight in IN_FLIGHT:
            seen: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
            for _ in range(rounds):
                for name, contender in contenders.items():
                    seen[name].append(contender.ask(in_flight, max(calls, 2 * in_flight)))
            print_row(in_flight, seen)
        for contender in contenders.values():
            contender.close()
    print("\nresident memory after 64 calls with pictures of 3 MB, 8 in flight")
    with Sandbox.spawn(pictures="padded:3000000") as vendor:
        for name in CONTENDERS:
            contender = Contender(name, vendor.openai_base_url)
            print(f"  {name:<16} {contender.ask(8, 64)['rss_mb']:>6.0f} MB")
            contender.close()


def print_row(in_flight: int, seen: dict[str, list[dict[str, Any]]]) -> None:
    p50, cells = {}, []
    for name, answers in seen.items():
        seconds = sorted(second for answer in answers for second in answer["seconds"])
        p50[name] = statistics.median(seconds) * 1e3
        p99 = seconds[int(len(seconds) * 0.99)] * 1e3
        cpu = statistics.median(answer["cpu_s"] for answer in answers) * 1e3
        cells.append(f"{p50[name]:>8.2f} /{p99:>8.2f},{cpu:>6.2f}")
    base = p50["openai SDK"]
    added, theirs = p50["ours"] - base, p50["LiteLLM Router"] - base
    ratio = f"{added:.2f} / {theirs:.2f} = {added / theirs:.2f}" if theirs > 0 else f"{added:.2f} / {theirs:.2f}"
    print(f"{in_flight:<10}" + "".join(f"{cell:>27}" for cell in cells) + f"{ratio:>26}")


def start_up(runs: int) -> None:
    print("\nwhole processes, median of", runs)
    with tempfile.TemporaryDirectory() as folder:
        shelf = Path(folder)
        (shelf / "router.yaml").write_text(CONFIG, encoding="utf-8")
        (shelf / "policy.yaml").write_text(POLICY, encoding="utf-8")
        commands = {
            "python -c pass": ["-c", "pass"],
            "import openai": ["-c", "import openai"],
            "import routing": ["-c", "import routing"],
            "routing --help": ["-m", "routing", "--help"],
            "routing spend": ["-m", "routing", "spend", "--config", str(shelf / "router.yaml")],
        }
        took: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
                took[name].append(time.perf_counter() - started)
    median = {name: statistics.median(seconds) * 1e3 for name, seconds in took.items()}
    for name, milliseconds in median.items():
        print(f"  {name:<16} {milliseconds:>6.0f} ms")
    empty = median["python -c pass"]
    ratio = (median["import routing"] - empty) / (median["import openai"] - empty)
    print(f"  import routing / import openai, both less an empty process: {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--serve", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=200, help="calls a round, at least twice the number in flight")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    measure(options.rounds, options.calls)
    start_up(11)


if __name__ == "__main__":
    main()
