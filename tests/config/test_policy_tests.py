"""The ``tests:`` of a policy, run."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from routing.config.load import load, run_policy_tests

DEAR = "gpt-image-2: may cost $0.210765, over the call's max_price $0.01"
SOUND = Path(__file__).parents[1] / "golden" / "config" / "sound"


@pytest.fixture
def said(tmp_path: Path) -> object:
    """Run one test of the sound policy, with no key at all, and return what is said."""

    def run(entry: str) -> list[str]:
        shutil.copy(SOUND / "router.yaml", tmp_path)
        policy = (SOUND / "policy.yaml").read_text(encoding="utf-8")
        (tmp_path / "policy.yaml").write_text(f"{policy}tests:\n  - {entry}\n", encoding="utf-8")
        config = load(tmp_path / "router.yaml", {}, today=date(2026, 11, 21))
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in run_policy_tests(config)]

    return run


@pytest.mark.parametrize(
    "entry",
    [
        "{given: {}, expect: {importance: draft, use: nano-banana}}",
        "{given: {importance: review}, expect: {quality: medium, rule: named by the call}}",
        "{given: {tags: {stage: final}}, expect: {importance: final, quality: high, rule: 5}}",
        "{given: {tags: {stage: final}}, expect: {rule: 'policy.yaml:5'}}",
        "{given: {importance: final, size: 2048x2048}, expect: {size: 2048x2048}}",
        "{given: {importance: draft, references: 4}, expect: {use: gpt-image-2}}",
        "{given: {importance: draft, references: 2, operation: edit, n: 4}, expect: {importance: draft}}",
        "{given: {importance: final, size: 4096x4096}, expect: {refused: true}}",
        "{given: {importance: final, size: 4096x4096}, expect: {refused: RequestError}}",
        "{given: {importance: final, max_price: 0.01}, expect: {refused: PriceCapExceeded}}",
        "{given: {importance: draft}, expect: {refused: false}}",
    ],
)
def test_a_test_that_holds_says_nothing(said: object, entry: str) -> None:
    assert callable(said)
    assert said(entry) == []


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        (
            "{given: {}, expect: {importance: review, use: gpt-image-2}}",
            [
                "expected importance review, got draft; expected use gpt-image-2, got nano-banana",
                "policy.yaml:6 gives draft; policy.yaml:9 buys from nano-banana",
            ],
        ),
        (
            "{given: {tags: {stage: final}}, expect: {rule: 6}}",
            ["expected rule 6, got policy.yaml:5", "policy.yaml:5 gives final; policy.yaml:13 buys from gpt-image-2"],
        ),
        (
            "{given: {importance: draft, references: 5}, expect: {use: nano-banana}}",
            [
                "expected use nano-banana, got gpt-image-2",
                "named by the call gives draft; policy.yaml:9 buys from gpt-image-2",
                "not nano-banana: gemini/gemini-2.5-flash-image takes at most 3 reference images, the call brings 5",
            ],
        ),
        (
            "{given: {importance: draft}, expect: {refused: true}}",
            [
                "expected a refusal, but it is bought",
                "named by the call gives draft; policy.yaml:9 buys from nano-banana",
            ],
        ),
        (
            "{given: {importance: final, max_price: 0.01}, expect: {use: gpt-image-2}}",
            [
                "expected use gpt-image-2, but it is refused (PriceCapExceeded)",
                f"nothing fits under max_price: {DEAR}",
            ],
        ),
        (
            "{given: {importance: final, max_price: 0.01}, expect: {refused: RequestError}}",
            ["expected RequestError, but it is refused (PriceCapExceeded)", f"nothing fits under max_price: {DEAR}"],
        ),
    ],
)
def test_a_test_that_fails_says_what_came_out_and_why(said: object, entry: str, answer: list[str]) -> None:
    assert callable(said)
    assert said(entry) == ["; ".join(["policy.yaml:15:5: tests[0]: " + answer[0], *answer[1:]])]
