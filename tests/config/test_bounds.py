"""However large or twisted the files, an answer comes within bounded time and memory: the system holds it to both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOUND = Path(__file__).parents[1] / "golden" / "config" / "sound"
ROUTER, POLICY = (SOUND / "router.yaml").read_bytes(), (SOUND / "policy.yaml").read_bytes()

SECONDS = 60
"""Of the processor; most take a fraction of one, and a busy machine does not count."""
BYTES = 400_000_000
"""Of data; the imports alone take a tenth of it."""

PROGRAM = f"""
import datetime, pathlib, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))
resource.setrlimit(resource.RLIMIT_DATA, ({BYTES}, {BYTES}))
from routing.config.load import load, run_policy_tests
from routing.errors import ConfigError
try:
    problems = run_policy_tests(load(pathlib.Path(sys.argv[1]), {{}}, today=datetime.date(2026, 11, 21)))
except ConfigError as error:
    problems = error.problems
print(len(problems), len("".join(map(str, problems))))
"""


def lines(pattern: str, count: int) -> bytes:
    """Many lines, each with its number where the pattern has a #."""
    return "".join(pattern.replace("#", str(number)) + "\n" for number in range(count)).encode()


def rules(pattern: str, count: int) -> bytes:
    return POLICY.replace(b"sort:\n", b"sort:\n" + lines(f"  - {{when: {pattern}, importance: final}}", count))


def listed(count: int, step: int = 0) -> str:
    return ", ".join(f"a{number + step}" for number in range(count))


ROUTERS = {
    "brackets": b"a: " + b"[" * 900_000,
    "braces": b"a: " + b"{" * 900_000,
    "keys": lines("k#: 1", 15_000),
    "one key again and again": ROUTER + lines("x: 1", 15_000),
    "deployments": ROUTER.replace(
        b"deployments:\n", b"deployments:\n" + lines("  d#: {provider: openai, model: x#}", 990)
    ),
    "budgets": ROUTER + b"budgets:\n" + lines("  b#: {limit: x, windw: month, per: kindd}", 990),
    "prices": ROUTER + b"prices:\n" + lines("  - {deployment: x#, since: 2026-09-01, per_image: 1, source: x}", 990),
    "digits": ROUTER + b"x: " + b"9" * 900_000,
    "a long key": ROUTER + b"y" * 900_000 + b": 1",
    "what looks like keys": ROUTER + b"x: " + b"sk-a1B2" * 120_000,
    "what looks like base64": ROUTER + b"x: " + b"aB3/" * 220_000,
    "escapes": ROUTER + b'x: "' + b"\\u00e9" * 150_000 + b'"',
    "aliases of aliases": b"a: &a [1]\n" + lines("b#: &b# [*a, *a]", 20_000),
    "an unclosed quote": ROUTER + b'x: "' + b"y\n" * 400_000,
    "comments": ROUTER + b"# x\n" * 200_000,
    "a long address": ROUTER + b"ledger: {url: sqlite:///" + b"x/" * 400_000 + b"}",
    "a long window": ROUTER + b"budgets: {m: {limit: 1, window: " + b"rolling 1" * 90_000 + b"}}",
}
POLICIES = {
    "rules": rules("{tags: {kind: k#}}", 900),
    "rules with bounds": rules("{n: {at_least: #}, prompt_chars: {at_most: #}}", 900),
    "rules with patterns": rules("{tags: {kind: '*a*a*a*#*'}}", 900),
    "alternatives": POLICY.replace(
        b"sort:\n",
        b"sort:\n"
        + b"".join(
            f"  - {{when: {{tags: {{kind: [{listed(90, at)}]}}}}, importance: final}}\n".encode() for at in range(200)
        ),
    ),
    "conditions": rules(f"{{tags: {{{', '.join(f't{number}: x' for number in range(990))}}}}}", 1),
    "caps": POLICY.replace(b"sort:\n", b"sort:\n" + lines("  - {when: {tags: {kind: k#}}, at_most: review}", 900)),
    "variants": POLICY.replace(b"  draft:\n", b"  draft:\n" + lines("    - {when: {n: #}, use: [gpt-image-2]}", 900)),
    "importances": POLICY.replace(b"[draft, review, final]", f"[{listed(990)}]".encode()),
    "tags": POLICY.replace(b"[stage, kind, audience]", f"[{listed(990)}]".encode()),
    "uses": POLICY.replace(b"[nano-banana, gpt-image-2]", b"[" + b"gpt-image-2," * 990 + b"]"),
    "tests": POLICY + b"tests:\n" + lines("  - {given: {n: 2}, expect: {use: nano-banana, quality: '#'}}", 990),
    "a long prompt": POLICY + b'tests:\n  - {given: {prompt: "' + b"x" * 900_000 + b'"}, expect: {use: gpt-image-2}}\n',
    "a long size": POLICY.replace(b"pick: cheapest", b"ask: {size: " + b"1" * 900_000 + b"x1}"),
    "a long word": POLICY.replace(b"importance: draft}", b"importance: " + b"draft" * 180_000 + b"}"),
}


def answered(folder: Path, router: bytes, policy: bytes) -> tuple[int, int]:
    """Load in a process that the system ends when it takes too much; count the problems it found and their letters."""
    (folder / "router.yaml").write_bytes(router)
    (folder / "policy.yaml").write_bytes(policy)
    command = [sys.executable, "-c", PROGRAM, str(folder / "router.yaml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    problems, characters = map(int, done.stdout.split())
    return problems, characters


@pytest.mark.parametrize("name", ROUTERS)
def test_a_router_file_is_answered_within_bounds(tmp_path: Path, name: str) -> None:
    problems, characters = answered(tmp_path, ROUTERS[name], POLICY)
    assert problems <= 100
    assert characters <= 200_000


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_answered_within_bounds(tmp_path: Path, name: str) -> None:
    problems, characters = answered(tmp_path, ROUTER, POLICIES[name])
    assert problems <= 1000
    assert characters <= 2_000_000
