"""Options that a route may leave out: what is sent, kept and told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import Charged, ProviderUnavailable
from routing.cli.starter import starter_files
from routing.core.policy import Unsupported
from routing.testing import FakeProvider, open_test_router
from tests.shop import open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.shop import Bench

SEED = "seed 7 is left out for {}: gpt-image-2 does not know seed"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    policy = settings().policy
    routes = {
        name: tuple(replace(route, unsupported=Unsupported.DROP) for route in routes)
        for name, routes in policy.routes.items()
    }
    made = open_bench(settings(policy=replace(policy, routes=routes)), cache=tmp_path)
    yield made
    made.router.close()


def test_what_a_deployment_does_not_know_is_not_sent_and_the_result_says_so(bench: Bench) -> None:
    result = bench.router.generate("a fox", importance="final", seed=7, output_format="webp")
    (call,) = bench.fakes["gpt"].calls
    assert (dict(call.extras), call.output_format) == ({}, "webp")
    assert result.notices == (SEED.format("gpt"),)
    assert bench.router.quote("a fox", importance="final", seed=7).notices == (SEED.format("gpt"),)


def test_who_knows_it_gets_it_and_nothing_is_told(bench: Bench) -> None:
    result = bench.router.generate("a fox", importance="draft", seed=7)
    (call,) = bench.fakes["flux"].calls
    assert dict(call.extras) == {"seed": "7"}
    assert result.notices == ()


def test_who_is_tried_next_is_told_of_too(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderUnavailable("down", deployment="gpt", charged=Charged.NO))
    result = bench.router.generate("a fox", importance="final", seed=7)
    assert result.deployment == "gpt-b"
    assert result.notices == (SEED.format("gpt"), SEED.format("gpt-b"))


def test_what_is_not_sent_does_not_make_it_another_picture(bench: Bench) -> None:
    bench.router.generate("a fox", importance="final")
    assert bench.router.generate("a fox", importance="final", seed=7).cached
    assert bench.router.generate("a fox", importance="final", seed=8).cached
    assert not bench.router.generate("a fox", importance="final", output_format="webp").cached


def test_what_is_sent_does(bench: Bench) -> None:
    bench.router.generate("a fox", importance="draft", seed=7)
    assert bench.router.generate("a fox", importance="draft", seed=7).cached
    assert not bench.router.generate("a fox", importance="draft", seed=8).cached
    assert not bench.router.generate("a fox", importance="draft").cached


def test_a_promotion_by_id_asks_for_what_its_own_draft_asked(bench: Bench) -> None:
    bench.router.generate("a fox", importance="final", seed=7, request_id="first")
    bench.router.generate("a fox", importance="final", request_id="second")  # the very picture of the first
    for draft, extras in (("first", {"seed": "7"}), ("second", {})):
        made = bench.router.promote(draft, importance="draft", fresh=True, deployment="flux")
        assert dict(made.request.extras) == extras


def test_forced_reasoning_reaches_the_shipped_models_as_high_complexity(tmp_path: Path) -> None:
    for name, content in starter_files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    fake = FakeProvider()
    with open_test_router(tmp_path / "router.yaml", providers={"openai": fake}) as router:
        result = router.generate("a fox", importance="final", reasoning="force")
        router.promote(result, importance="review")
    assert [dict(call.extras) for call in fake.calls] == [{"complexity": "high"}] * 2
    assert result.notices == (
        "reasoning force is asked of gpt-image-2 as complexity high, the nearest that gpt-image-2 knows",
    )
