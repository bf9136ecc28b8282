"""What the policy says no to: neither reserved nor sent nor written, and free to be made otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import PromptRefused
from routing.core.refusals import RefusalRule
from tests.shop import open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.shop import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    rules = (RefusalRule(words=("lorem",), because="placeholder text", label="policy.yaml:9"),)
    made = open_bench(settings(policy=replace(settings().policy, refuse=rules)))
    yield made
    made.router.close()


def test_what_a_rule_refuses_is_neither_reserved_nor_sent_nor_written(bench: Bench) -> None:
    with pytest.raises(PromptRefused, match=r"policy\.yaml:9, placeholder text") as caught:
        bench.router.generate("a secret LOREM fox", request_id="poster-1")
    assert (caught.value.rule, caught.value.because) == ("policy.yaml:9", "placeholder text")
    assert bench.calls == []
    assert bench.store.history("poster-1") is None
    assert "secret" not in repr(bench.log.events)


def test_a_quote_says_no_too(bench: Bench) -> None:
    with pytest.raises(PromptRefused):
        bench.router.quote("a lorem fox")


def test_a_promotion_of_other_words_is_looked_at_again(bench: Bench) -> None:
    draft = bench.router.generate("a fox", request_id="poster-1")
    with pytest.raises(PromptRefused):
        bench.router.promote(draft, importance="final", prompt="a lorem fox")
    assert bench.router.promote(draft, importance="final").importance == "final"


def test_of_many_requests_only_those_that_are_refused_fail(bench: Bench) -> None:
    outcomes = list(bench.router.generate_many(["a fox", "a lorem fox", "an owl"]))
    assert [type(outcome.error) for outcome in outcomes if outcome.error] == [PromptRefused]
    assert len(bench.calls) == 2


def test_what_is_refused_may_be_asked_again_otherwise_under_the_same_id(bench: Bench) -> None:
    with pytest.raises(PromptRefused):
        bench.router.generate("a lorem fox", request_id="poster-1")
    assert bench.router.generate("a fox", request_id="poster-1").images
