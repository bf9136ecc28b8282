"""Purchases wait for room in a deployment's minute, before any money is set aside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import BudgetExceeded, Charged, ProviderRateLimited, ProviderUnavailable
from routing.core.backoff import backoff_s
from routing.core.pacing import Allowance, Kind, Told
from tests.limits.books import WINDOW_S
from tests.shop import budget, open_bench, settings

if TYPE_CHECKING:
    from pathlib import Path

    from routing.core.policy import Settings
    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench


def paced(changes: Settings | None = None, **allowances: Allowance) -> Settings:
    """The usual shop with limits a minute."""
    made = changes or settings()
    known = {
        name: replace(each, allowance=allowances.get(name.replace("-", "_"), Allowance()))
        for name, each in made.deployments.items()
    }
    return replace(made, deployments=known)


def review(bench: Bench, n: int = 1, **options: object) -> object:
    return bench.router.generate("a fox", importance="review", n=n, **options)  # type: ignore[arg-type]  # of a test


def test_a_purchase_waits_until_the_minute_has_room_and_says_so() -> None:
    bench = open_bench(paced(gpt=Allowance(images=2)))
    review(bench, n=2)
    assert bench.clock.elapsed_s() == 0
    result = bench.router.generate("a fox", importance="review")
    assert bench.clock.elapsed_s() == WINDOW_S
    assert "waited 61 s for the rate limit of gpt" in result.notices
    assert bench.calls == ["gpt", "gpt"]


def test_images_count_as_many_and_requests_as_one() -> None:
    bench = open_bench(paced(gpt=Allowance(requests=2, images=100)))
    review(bench, n=10)
    review(bench, n=10)
    assert bench.clock.elapsed_s() == 0
    review(bench)
    assert bench.clock.elapsed_s() == WINDOW_S


def test_tokens_are_counted_at_their_bound() -> None:
    # 1024x1024 at medium: 1756 tokens, and a prompt of 5 bytes
    bench = open_bench(paced(gpt=Allowance(tokens=2 * 1761)))
    review(bench)
    review(bench)
    assert bench.clock.elapsed_s() == 0
    review(bench)
    assert bench.clock.elapsed_s() == WINDOW_S


def test_more_pictures_than_a_minute_has_room_for_are_bought_in_several() -> None:
    bench = open_bench(paced(gpt=Allowance(images=4)))
    result = bench.router.generate("a fox", importance="review", n=10)
    assert [call.n for call in bench.fakes["gpt"].calls] == [4, 4, 2]
    assert len(result.images) == 10
    assert bench.clock.elapsed_s() == 2 * WINDOW_S
    assert bench.spent() == result.cost
    assert bench.held() == 0


def test_no_money_is_held_while_a_purchase_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = open_bench(paced(gpt=Allowance(images=1)))
    review(bench)
    held: list[int] = []
    sleep = bench.clock.sleep

    def look(seconds: float) -> None:
        held.append(bench.held())
        sleep(seconds)

    monkeypatch.setattr(bench.clock, "sleep", look)
    review(bench)
    assert held
    assert set(held) == {0}


def test_room_that_a_budget_leaves_unused_is_given_back() -> None:
    bench = open_bench(paced(replace(settings(), budgets=(budget("0.06"),)), gpt=Allowance(images=2)))
    review(bench)
    with pytest.raises(BudgetExceeded):
        review(bench)
    with pytest.raises(BudgetExceeded):
        review(bench)
    assert bench.clock.elapsed_s() == 0


def test_what_cannot_be_had_in_time_is_had_from_the_next_candidate() -> None:
    bench = open_bench(paced(gpt=Allowance(images=1)))
    bench.router.generate("a fox", importance="final")
    result = bench.router.generate("a fox", importance="final", deadline=30)
    assert result.deployment == "gpt-b"
    assert bench.clock.elapsed_s() == 0
    assert any("not gpt: gpt: its rate limit has room in 61.0 s" in notice for notice in result.notices)


def test_where_nobody_has_room_in_time_nothing_is_sent_and_the_wait_is_told() -> None:
    bench = open_bench(paced(gpt=Allowance(images=1)))
    review(bench)
    with pytest.raises(ProviderRateLimited) as told:
        review(bench, deadline=30)
    assert (told.value.retry_after_s, told.value.charged) == (WINDOW_S, Charged.NO)
    assert bench.calls == ["gpt"]
    assert len(list(bench.store.entries())) == 2


def test_a_vendors_too_many_holds_everybody_off() -> None:
    bench = open_bench()
    bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=40))
    with pytest.raises(ProviderRateLimited):
        review(bench, deadline=30)
    with pytest.raises(ProviderRateLimited, match=r"has room in 40\.0 s") as told:
        review(bench, deadline=30)
    assert told.value.retry_after_s == 40
    assert bench.calls == ["gpt"]
    review(bench)
    assert bench.clock.elapsed_s() == 40


@pytest.mark.parametrize("deadline", [None, 30, 7199])
def test_a_vendor_that_wants_hours_of_peace_is_not_waited_for_and_the_wait_is_told(deadline: float | None) -> None:
    bench = open_bench()
    bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=7200))
    for _ in range(2):
        with pytest.raises(ProviderRateLimited) as told:
            review(bench, deadline=deadline)
        assert (told.value.retry_after_s, told.value.charged) == (7200, Charged.NO)
    assert bench.clock.elapsed_s() == 0
    assert bench.calls == ["gpt"]
    assert bench.router.generate("a fox", importance="final", deadline=deadline).deployment == "gpt-b"
    bench.clock.sleep(7200)
    review(bench, deadline=deadline)


def test_a_too_many_without_a_word_is_waited_for_longer_each_time() -> None:
    bench = open_bench()
    bench.fakes["gpt"].fail_next(*(ProviderRateLimited("slow down") for _ in range(8)))
    review(bench, request_id="poster/1")
    waits_s = [backoff_s(before, "poster/1") for before in range(8)]
    assert bench.clock.elapsed_s() == pytest.approx(sum(waits_s), abs=0.001 * 8)
    assert bench.calls == ["gpt"] * 9


def test_what_the_vendor_says_of_its_limits_is_kept_to() -> None:
    bench = open_bench()
    limited = ProviderRateLimited("slow down", retry_after_s=1)
    limited.told = [Told(kind=Kind.IMAGES, limit=3, remaining=0, reset_s=1.0)]
    bench.fakes["gpt"].fail_next(limited)
    review(bench, n=3)
    before = bench.clock.elapsed_s()
    review(bench)
    assert bench.clock.elapsed_s() == before + WINDOW_S


def test_a_failure_of_another_kind_leaves_its_slot_taken() -> None:
    bench = open_bench(paced(gpt=Allowance(images=1)))
    bench.fakes["gpt"].fail_next(ProviderUnavailable("500", status_code=500, retryable=True))
    review(bench)
    assert bench.calls == ["gpt"] * 2
    assert bench.clock.elapsed_s() == pytest.approx(WINDOW_S, abs=0.001)


def test_a_cached_picture_takes_nothing_of_the_minute(tmp_path: Path) -> None:
    bench = open_bench(paced(gpt=Allowance(images=1)), cache=tmp_path)
    review(bench)
    assert bench.router.generate("a fox", importance="review").cached
    assert bench.clock.elapsed_s() == 0


def test_the_minute_begins_when_the_request_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = open_bench(paced(gpt=Allowance(images=1)))
    buy = bench.fakes["gpt"].buy

    def slow(call: ImageCall) -> Delivery:
        bench.clock.sleep(9)  # libraries load
        return buy(call)

    monkeypatch.setattr(bench.fakes["gpt"], "buy", slow)
    review(bench)
    review(bench)
    assert bench.clock.elapsed_s() == 9 + WINDOW_S + 9
