"""A month of a creative team through each shipped policy, over real HTTP, against the sandbox vendor.

    python benchmarks/campaign.py --workload campaign.jsonl

The workload has one JSON object a line, as `routing diff --workload` takes it; ``expected_importance`` is what it
should come to.

Every request goes through the real SDKs. Printed per policy: spend, what it saves against buying everything on
gpt-image-2 at high, the ratio to the floor, and the ledger minus the vendor's own bill. Prices are quoted by the
published rates; the floor is what a buyer who knows the month beforehand would pay on gpt-image-2: low for drafts,
medium for reviews, high for finals, repeats from a cache, half price in the batch lane wherever a deadline of 24 hours
or more allows it. The policies here buy without the batch lane, without the cache unless `--cache` says so,
and drafts on cheaper models.
"""

from __future__ import annotations

import argparse
import math
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routing import ImageRequest, open_router
from routing.logs import SilentLog
from routing.sandbox.server import Sandbox
from routing.testing import blank_picture
from routing.workload import REFERENCE, read_workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing import Router
    from routing.workload import Row

ROOT = Path(__file__).parents[1]
POLICIES = ("single-model", "nano-banana-drafts", "default")
QUALITIES = {"draft": 16, "review": 48, "final": 96}
REFERENCE_TOKENS = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workload", type=Path, required=True, help="campaign.jsonl")
    parser.add_argument("--policy", action="append", choices=POLICIES, help="only this policy (repeatable)")
    parser.add_argument("--parallel", type=int, default=16)
    parser.add_argument("--cache", action="store_true", help="answer repeats from the cache")
    options = parser.parse_args()
    rows = read_workload(options.workload)
    everything_high = sum(price_usd(row, "final") for row in rows)
    floor = floor_usd(rows)
    images = sum(row.n for row in rows)
    print(f"{len(rows)} requests, {images} images; all high ${everything_high:.2f}, floor ${floor:.2f}")
    print(f"{'policy':<20} {'spend':>9} {'saved':>7} {'x floor':>8} {'ledger-bill':>12} {'sorted':>10}"
          f" {'hold/cost p50':>14} {'worst':>6} {'requests/s':>11}")  # fmt: skip
    failed = False
    for policy in options.policy or POLICIES:
        ran = run(policy, rows, options.parallel, cache=options.cache)
        spend = ran["ledger_nusd"] / 1e9
        print(f"{policy:<20} {'$' + format(spend, '.2f'):>9} {1 - spend / everything_high:>7.1%} {spend / floor:>8.3f}"
              f" {ran['ledger_nusd'] - ran['bill_nusd']:>12} {ran['sorted']:>5}/{len(rows)}"
              f" {ran['hold_p50']:>14.3f} {ran['hold_worst']:>6.3f} {len(rows) / ran['seconds']:>11.0f}")  # fmt: skip
        failed |= ran["ledger_nusd"] != ran["bill_nusd"] or ran["sorted"] != len(rows)
    sys.exit(failed)


def run(policy: str, rows: list[Row], parallel: int, *, cache: bool) -> dict[str, Any]:
    """Buy the whole month under one policy; nothing is kept."""
    with tempfile.TemporaryDirectory() as folder, Sandbox.spawn(pictures="flat") as vendor:
        config = _config(Path(folder), policy, cache=cache)
        env = {
            "OPENAI_API_KEY": "sandbox", "OPENAI_BASE_URL": vendor.openai_base_url,
            "GEMINI_API_KEY": "sandbox", "GEMINI_BASE_URL": vendor.google_base_url,
            "FAL_KEY": "sandbox", "FAL_BASE_URL": vendor.fal_base_url,
        }  # fmt: skip
        with open_router(config, env=env, log=SilentLog()) as router:
            started = time.perf_counter()
            right = _buy(router, rows, parallel)
            seconds = time.perf_counter() - started
            (total,) = router.spend(by=())
            checked = router.verify()
        if checked.differences:
            raise SystemExit(f"the ledger does not add up: {checked.differences}")
        return {
            "ledger_nusd": int(total.spent),
            "bill_nusd": vendor.bill()["total_nusd"],
            "sorted": right,
            "hold_p50": checked.hold_ratio_median or 0.0,
            "hold_worst": checked.hold_ratio_worst or 0.0,
            "seconds": seconds,
        }


def _config(folder: Path, policy: str, *, cache: bool) -> Path:
    """The shipped files, with another policy, without the cache unless asked."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    text = (ROOT / "router.yaml").read_text(encoding="utf-8")
    text = text.replace(", images_per_minute: 50, requests_per_minute: 50", "")  # a month in minutes
    lines = text.replace("policy: policies/default.yaml", f"policy: policies/{policy}.yaml").splitlines()
    kept = [line for line in lines if cache or not line.startswith("cache:")]
    target = folder / "router.yaml"
    target.write_text("\n".join(kept), encoding="utf-8")
    return target


def _buy(router: Router, rows: list[Row], parallel: int) -> int:
    expected = {row.request_id: row.expected_importance for row in rows}
    seen: Counter[bool] = Counter()
    for outcome in router.generate_many(_requests(rows), parallel=parallel):
        if outcome.result is None:
            raise SystemExit(f"{outcome.request}: {outcome.error}")
        seen[outcome.result.importance == expected[outcome.result.request_id]] += 1
    return seen[True]


def _requests(rows: list[Row]) -> Iterator[ImageRequest]:
    reference = blank_picture(REFERENCE)
    for row in rows:
        yield ImageRequest(
            prompt=row.prompt,
            importance=row.importance,
            operation=row.operation,
            size=row.size,
            n=row.n,
            images=(reference,) * row.references,
            tags=row.tags,
            asset=row.asset,
            parent=row.parent,
            request_id=row.request_id,
        )


def price_usd(row: Row, importance: str) -> float:
    """What a request costs on gpt-image-2 by the published rates; text at four characters a token."""
    size, q = row.size or REFERENCE, QUALITIES[importance]
    long, short = max(size.width, size.height), min(size.width, size.height)
    k = (2 * q * short + long) // (2 * long)
    out = -(-q * k * (2_000_000 + size.pixels) // 4_000_000)
    text = -(-len(row.prompt) // 4)
    return float(row.n * (out * 30 + text * 5 + row.references * REFERENCE_TOKENS * 8) / 1e6)


def floor_usd(rows: list[Row]) -> float:
    """What a buyer who knows the month beforehand would pay on gpt-image-2."""
    made = set()
    total = []
    for row in rows:
        importance = row.expected_importance or "draft"
        # Repeats count within an asset: the references of an edit are the asset's own pictures.
        same = (row.past.words, importance)
        if same in made:
            continue
        made.add(same)
        half = 0.5 if (row.deadline_h or 0) >= 24 else 1.0
        total.append(price_usd(row, importance) * half)
    return math.fsum(total)


if __name__ == "__main__":
    main()
