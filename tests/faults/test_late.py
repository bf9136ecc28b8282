"""Answers that come after their hold ran out, and calls that would begin only then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import Charged, ProviderTimeout, ProviderUnavailable, usd
from routing.core.entries import Adjustment
from tests.shop import budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench

A_DAY_S = 86_400


def sweep(bench: Bench, *, release: bool = False) -> None:
    """Let a day pass in which somebody ends what ran out."""
    bench.clock.sleep(A_DAY_S)
    bench.store.sweep(bench.clock.now(), release=release)


@pytest.mark.parametrize("release", [False, True])
def test_a_process_that_stood_still_between_its_hold_and_its_call_does_not_send_it(
    monkeypatch: pytest.MonkeyPatch,
    release: bool,  # noqa: FBT001 - a case
) -> None:
    bench = open_bench(settings(budgets=(budget("0.3"),)))
    reserve: Callable[..., None] = bench.store.reserve

    def stand_still(*given: object) -> None:
        reserve(*given)
        sweep(bench, release=release)

    monkeypatch.setattr(bench.store, "reserve", stand_still)
    with pytest.raises(ProviderUnavailable, match="its hold ran out before") as caught:
        bench.router.generate("a fox", importance="review")
    assert caught.value.charged is Charged.NO
    assert bench.calls == []
    found = bench.store.verify()
    assert (found.spent_nusd, found.held_nusd, found.unconfirmed_nusd, found.differences) == (0, 0, 0, ())


def late(bench: Bench, meanwhile: Callable[[], None], error: Exception | None = None) -> None:
    """Let the vendor take a day, in which the hold runs out and ``meanwhile`` happens."""
    deliver = bench.fakes["gpt"].buy

    def slow(call: ImageCall) -> Delivery:
        sweep(bench)
        meanwhile()
        if error:
            raise error
        return replace(deliver(call), usage=None)

    bench.fakes["gpt"].buy = slow  # type: ignore[method-assign]  # a slow vendor


def told_by_the_bill(bench: Bench, cost: int) -> Callable[[], None]:
    def book() -> None:
        at = bench.clock.now()
        bench.store.adjust(Adjustment(reservation_id="fox/1", at=at, cost_nusd=cost, reason="the bill"))

    return book


@pytest.mark.parametrize(
    "error", [ProviderTimeout("no answer"), ProviderUnavailable("refused", charged=Charged.NO)], ids=["unknown", "no"]
)
def test_what_the_bill_said_meanwhile_stays_where_no_picture_came(error: Exception) -> None:
    bench = open_bench()
    late(bench, told_by_the_bill(bench, usd("0.05")), error)
    with pytest.raises(type(error)):
        bench.router.generate("a fox", importance="review", request_id="fox")
    found = bench.store.verify()
    assert (found.spent_nusd, found.unconfirmed_nusd, found.differences) == (usd("0.05"), 0, ())


def test_a_picture_that_came_was_not_free_whatever_the_bill_lacked() -> None:
    bench = open_bench()
    late(bench, told_by_the_bill(bench, 0))
    result = bench.router.generate("a fox", importance="review", request_id="fox")
    assert result.settled
    assert bench.store.verify().spent_nusd == result.quote


def test_what_is_still_unknown_after_the_hold_ran_out_stays_charged_at_its_quote() -> None:
    bench = open_bench()
    late(bench, lambda: None, ProviderTimeout("no answer"))
    with pytest.raises(ProviderTimeout):
        bench.router.generate("a fox", importance="review", request_id="fox")
    found = bench.store.verify()
    assert found.spent_nusd == found.unconfirmed_nusd > 0
