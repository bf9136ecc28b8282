"""What deciding costs: a policy of fifty rules of which the last matches, twenty candidates, and reading it all.

    python benchmarks/policy.py

Ours and two others are asked the same in turns, in one process: a plain loop over the rules as they come out of YAML
(dictionaries, ``fnmatch``, comparators looked up by name), and the same candidates quoted and filtered from scratch.
Every request has a prompt of its own, so no answer can be kept. Printed: the median and the 99th percentile in
microseconds, the ratios, and what is over its limit.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from routing.config.load import load, run_policy_tests
from routing.core.features import Features, features_of
from routing.core.plan import decide
from routing.core.quote import quote_for
from routing.core.request import ImageRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.core.policy import Route, Settings

TODAY = date(2026, 11, 21)
RULES, CANDIDATES = 50, 20
MODELS = (
    ("openai", "gpt-image-2"),
    ("openai", "gpt-image-2.5-flare"),
    ("google", "gemini/gemini-2.5-flash-image"),
    ("fal", "fal_ai/fal-ai/flux/schnell"),
)
LIMITS = {"rules_us": 10.0, "decide_us": 50.0, "load_ms": 60.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=2000, help="requests decided each way")
    parser.add_argument("--loads", type=int, default=20, help="how often both files are read")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = _files(Path(folder))
        settings = _settings(path)
        rules = yaml.safe_load((Path(folder) / "policy.yaml").read_text(encoding="utf-8"))["sort"]
        loads = _timed(lambda: run_policy_tests(load(path, {"KEY": "set"}, today=TODAY)), options.loads)
    requests = [_request(number) for number in range(options.rounds)]
    (route,) = settings.policy.routes["final"]
    ways: dict[str, Callable[[Features], object]] = {
        "rules": settings.policy.sort_request,
        "rules, plain loop": lambda features: plain_sort(rules, features),
        "decide": lambda features: decide(settings, features, TODAY),
        "decide, from scratch": lambda features: plain_decide(settings, route, features),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for features in requests:
        for name, way in ways.items():
            started = time.perf_counter_ns()
            way(features)
            times[name].append((time.perf_counter_ns() - started) / 1000)
    print(f"{RULES} rules, the last matches; {CANDIDATES} candidates, cheapest first; {options.rounds} requests")
    print(f"{'':<24}{'p50':>10}{'p99':>10}")
    for name, taken in times.items():
        print(f"{name:<24}{_median(taken):>7.1f} us{_worst(taken):>7.1f} us")
    print(f"{'read and check both':<24}{_median(loads):>7.1f} ms{_worst(loads):>7.1f} ms")
    for one, other in itertools.pairwise(ways):
        if other.startswith(one):
            print(f"{other} / {one}: {_median(times[other]) / _median(times[one]):.1f}")
    measured = {
        "rules_us": _median(times["rules"]), "decide_us": _median(times["decide"]), "load_ms": _median(loads),
    }  # fmt: skip
    over = {name: took for name, took in measured.items() if took > LIMITS[name]}
    for name, took in over.items():
        print(f"over the limit: {name} {took:.1f}, at most {LIMITS[name]:g}")
    sys.exit(bool(over))


def _request(number: int) -> Features:
    """One that no rule but the last wants, with words of its own."""
    prompt = f'A poster of campaign {number} that says "Grand Opening {number}", ' + "in the morning light, " * 8
    return features_of(ImageRequest(prompt=prompt, tags={"campaign": f"winter-{number}", "kind": "poster"}))


def _files(folder: Path) -> Path:
    """Write a policy of fifty rules of every kind, and twenty deployments."""
    kinds = [
        "{{tags: {{kind: banner-{0}}}}}",
        "{{tags: {{campaign: 'spring-{0}-*'}}}}",
        "{{tags: {{kind: [thumbnail, icon-{0}], campaign: '*'}}}}",
        "{{text_chars: {{at_least: {1}}}}}",
        "{{script: [cjk, arabic], n: {2}}}",
        "{{n: {{at_least: 2}}, tags: {{campaign: 'a{0}*'}}}}",
        "{{megapixels: {{at_least: {1}}}}}",
        "{{references: {{at_least: 1}}, prompt_chars: {{at_least: {1}}}}}",
    ]
    rules = [
        f"  - {{when: {kinds[at % len(kinds)].format(at, 5000 - at, 1 + at // 8)}, importance: draft}}"
        for at in range(RULES - 2)
    ]
    names = [f"d{at}" for at in range(CANDIDATES)]
    bought = [
        f"  {name}: {{provider: {provider}, model: {model}}}"
        for name, (provider, model) in zip(names, itertools.cycle(MODELS), strict=False)
    ]
    (folder / "policy.yaml").write_text(
        "version: 1\ntags: [campaign, kind]\nimportance: [draft, final]\nsort:\n" + "\n".join(rules)
        + "\n  - {when: {tags: {campaign: 'winter-*'}}, importance: final}\n  - {importance: draft}\n"
        + f"routes:\n  draft: [{{use: [d0]}}]\n  final: [{{use: [{', '.join(names)}], pick: cheapest, max_price: 5}}]\n"
        + "tests:\n  - {given: {tags: {campaign: winter-1}}, expect: {importance: final}}\n",
        encoding="utf-8",
    )  # fmt: skip
    router = folder / "router.yaml"
    router.write_text(
        "version: 1\npolicy: policy.yaml\nproviders:\n  openai: {kind: openai, api_key_env: KEY}\n"
        "  google: {kind: litellm, api_key_env: KEY}\n  fal: {kind: litellm, api_key_env: KEY}\n"
        "deployments:\n" + "\n".join(bought) + "\n",
        encoding="utf-8",
    )
    return router


def _settings(path: Path) -> Settings:
    return load(path, {"KEY": "set"}, today=TODAY).settings


def plain_sort(rules: list[dict[str, Any]], features: Features) -> str:
    """Walk the rules as YAML gave them."""
    known = {
        "importance": features.importance, "operation": features.operation.value, "size": features.size,
        "megapixels": features.megapixels, "n": features.n, "references": len(features.references),
        "prompt_chars": features.prompt_chars, "text_chars": features.text_chars, "script": features.script,
    }  # fmt: skip
    for rule in rules:
        conditions = dict(rule.get("when", {}))
        tags = conditions.pop("tags", {})
        if all(_plain_holds(known[name], wanted) for name, wanted in conditions.items()) and all(
            _plain_holds(features.tags.get(name), wanted) for name, wanted in tags.items()
        ):
            return str(rule["importance"])
    raise LookupError


def _plain_holds(value: Any, wanted: Any) -> bool:  # noqa: ANN401 - whatever YAML holds
    if value is None:
        return False
    if isinstance(wanted, dict):
        compare = {"at_least": lambda a, b: a >= b, "at_most": lambda a, b: a <= b, "not": lambda a, b: a != b}
        return all(compare[word](value, bound) for word, bound in wanted.items())
    if isinstance(wanted, list):
        return any(_plain_holds(value, each) for each in wanted)
    return fnmatchcase(value, wanted) if isinstance(wanted, str) else bool(value == wanted)


def plain_decide(settings: Settings, route: Route, features: Features) -> list[str]:
    """Quote and filter every candidate of the route anew, without naming a reason or a rule."""
    quoted = []
    for name in route.use:
        deployment = settings.deployments[name]
        model = deployment.model
        size, quality = features.size or model.default_size, features.quality or model.default_quality
        if features.operation not in model.operations or features.prompt_chars > model.prompt_chars_at_most:
            continue
        card = settings.prices.card(name, TODAY)
        quote = quote_for(replace(features), model, card, size=size, quality=quality, n=features.n)
        if quote.price_nusd <= (route.max_price_nusd or quote.price_nusd):
            quoted.append((quote.expected_nusd, name))
    return [name for _, name in sorted(quoted)]


def _timed(work: Callable[[], object], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter_ns()
        work()
        taken.append((time.perf_counter_ns() - started) / 1e6)
    return taken


def _median(taken: list[float]) -> float:
    return statistics.median(taken)


def _worst(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.99)]


if __name__ == "__main__":
    main()
