"""The ``tests:`` of a policy, run."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from routing.config.load import load, run_policy_tests

FULL_LANGUAGE = """\
version: 1
tags: [campaign]
importance: [draft, review, final]
sort:
  - {when: {importance_named: true, tags: {campaign: "test-*"}}, at_most: review}
  - {when: {budget_used: {at_least: 80%}}, importance: draft}
  - {when: {tags: {campaign: "spring-*"}, deadline: {at_least: 6h}}, importance: review}
  - {when: {tags: {campaign: "spring-*"}}, importance: final}
  - {importance: draft}
routes:
  draft:
    - {when: {script: {not: latin}}, use: [gpt-image-2], ask: {quality: medium}}
    - {use: [nano-banana, gpt-image-2], ask: {size: {at_most: 1MP}}, may_name: [gpt-image-2]}
  review:
    - {when: {budget_left: {at_most: 5}}, use: [gpt-image-2], ask: {quality: low}}
    - {use: [gpt-image-2], ask: {quality: medium}, may_name: []}
  final:
    - {use: [gpt-image-2], ask: {quality: high}, unsupported: drop}
refuse:
  - {words: [lorem ipsum], importance: [review, final]}
  - {missing: [ACME], when: {tags: {campaign: "acme-*"}}}
  - {options: {complexity: [high], background: []}, importance: draft}
"""
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
    "entry",
    [
        "{given: {tags: {campaign: spring-de}}, expect: {importance: final}}",
        "{given: {tags: {campaign: autumn}}, expect: {importance: draft}}",
        "{given: {tags: {campaign: spring-de}, deadline: 12h}, expect: {importance: review}}",
        "{given: {tags: {campaign: spring-de}, deadline: 5m}, expect: {importance: final}}",
        "{given: {tags: {campaign: spring-de}, budget_used: 90%}, expect: {importance: draft}}",
        "{given: {tags: {campaign: test-1}, importance: final}, expect: {importance: review}}",
        "{given: {importance: review, budget_left: 4.99}, expect: {quality: low}}",
        "{given: {importance: review, budget_left: 5.01}, expect: {quality: medium}}",
        "{given: {prompt: 'a sign: \"開店\"'}, expect: {use: gpt-image-2, quality: medium}}",
        "{given: {prompt: 'a sign: \"OPEN\"'}, expect: {use: nano-banana}}",
        "{given: {size: 2048x2048}, expect: {use: nano-banana, size: 1024x1024}}",
        "{given: {deployment: gpt-image-2}, expect: {use: gpt-image-2}}",
        "{given: {deployment: nano-banana}, expect: {refused: RequestError}}",
        "{given: {importance: review, deployment: gpt-image-2}, expect: {refused: RequestError}}",
        "{given: {prompt: Lorem ipsum, importance: final}, expect: {refused: PromptRefused}}",
        "{given: {prompt: Lorem ipsum, importance: draft}, expect: {refused: false}}",
        "{given: {tags: {campaign: acme-1}}, expect: {refused: PromptRefused}}",
        "{given: {tags: {campaign: acme-1}, prompt: an Acme fox}, expect: {use: nano-banana}}",
        "{given: {options: {complexity: high}}, expect: {refused: PromptRefused}}",
        "{given: {options: {background: opaque}}, expect: {refused: PromptRefused}}",
        "{given: {options: {complexity: low}}, expect: {use: gpt-image-2}}",
        "{given: {options: {seed: 7}, importance: review}, expect: {refused: RequestError}}",
        "{given: {options: {seed: 7, output_format: webp}, importance: final}, expect: {use: gpt-image-2}}",
    ],
)
def test_a_test_can_state_whatever_a_condition_asks(entry: str, tmp_path: Path) -> None:
    shutil.copy(SOUND / "router.yaml", tmp_path)
    (tmp_path / "policy.yaml").write_text(f"{FULL_LANGUAGE}tests:\n  - {entry}\n", encoding="utf-8")
    config = load(tmp_path / "router.yaml", {}, today=date(2026, 11, 21))
    assert (config.warnings, run_policy_tests(config)) == ((), [])


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
