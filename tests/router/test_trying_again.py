"""What is tried again, how often, on whose money, and what is left alone."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from routing import BudgetExceeded, Charged, ProviderTimeout, ProviderUnavailable, usd
from routing.buying.purchase import PATIENCE_S
from routing.core.health import COOL_FIRST_S, FAILURES_AT_ONCE, TURNED_AWAY_S, Ended
from routing.core.pacing import Allowance
from routing.core.policy import OnUnknown
from routing.core.retries import DEADLINE_S
from routing.errors import (
    AllCandidatesFailed,
    ContentRejected,
    PriceCapExceeded,
    ProviderError,
    ProviderOutOfMoney,
    ProviderRateLimited,
    ProviderRejectedKey,
)
from tests.shop import Bench, budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing import Result
    from routing.core.policy import Settings
    from routing.providers.base import Delivery, ImageCall


def fault() -> ProviderError:
    return ProviderUnavailable("HTTP 500", status_code=500, retryable=True)


def lost() -> ProviderError:
    return ProviderUnavailable("the connection broke", retryable=True)


def unsent() -> ProviderError:
    return ProviderUnavailable("connection refused", retryable=True, charged=Charged.NO)


def risking(**changes: Any) -> Settings:
    """Settings whose routes take on what is unknown."""
    made = settings(**changes)
    routes = {
        name: tuple(replace(route, unknown=OnUnknown.RETRY) for route in variants)
        for name, variants in made.policy.routes.items()
    }
    return replace(made, policy=replace(made.policy, routes=routes))


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = open_bench()
    yield made
    made.router.close()


def review(bench: Bench, **options: Any) -> Result:
    return bench.router.generate("a fox", importance="review", **options)


def final(bench: Bench, **options: Any) -> Result:
    return bench.router.generate("a fox", importance="final", **options)


# --- Again ------------------------------------------------------------------------------------------------------------


def test_a_quick_fault_is_tried_again_on_a_hold_of_its_own_and_stays_charged(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(fault(), fault())
    result = review(bench)
    assert [attempt.unconfirmed for attempt in result.attempts] == [True, True, False]
    assert result.unconfirmed == 2 * result.quote
    assert bench.spent() == result.cost
    assert bench.held() == 0


def test_three_quick_faults_are_the_end(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(*(fault() for _ in range(4)))
    with pytest.raises(AllCandidatesFailed, match=r"^3 attempts failed: HTTP 500 \(3 times\)$") as caught:
        review(bench)
    assert len(caught.value.attempts) == 3
    assert bench.calls == ["gpt"] * 3


def test_another_deployment_goes_before_the_same_one_again(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(fault())
    bench.fakes["gpt-b"].fail_next(fault())
    result = final(bench)
    assert [attempt.deployment for attempt in result.attempts] == ["gpt", "gpt-b", "gpt"]
    assert result.deployment == "gpt"


def test_what_was_never_sent_is_tried_three_times_and_costs_nothing(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(*(unsent() for _ in range(3)))
    with pytest.raises(AllCandidatesFailed) as caught:
        review(bench)
    assert caught.value.charged is Charged.NO
    assert bench.spent() == bench.held() == 0


@pytest.mark.parametrize(
    "error",
    [
        ProviderError("HTTP 400", status_code=400, charged=Charged.NO),
        ProviderRejectedKey("HTTP 401", status_code=401, charged=Charged.NO),
        ProviderOutOfMoney("no money", status_code=429, charged=Charged.NO),
        ContentRejected("blocked", charged=Charged.NO),
        lost(),
        ProviderTimeout("no answer", retryable=True),
    ],
    ids=str,
)
def test_nothing_else_is_sent_again(bench: Bench, error: ProviderError) -> None:
    bench.fakes["gpt"].fail_next(error)
    with pytest.raises(type(error)):
        review(bench)
    assert bench.calls == ["gpt"]


def test_what_is_unknown_is_tried_again_where_the_route_says_so(bench: Bench) -> None:
    bench = open_bench(risking())
    bench.fakes["gpt"].fail_next(lost(), ProviderTimeout("no answer", retryable=True))
    result = review(bench)
    assert [attempt.unconfirmed for attempt in result.attempts] == [True, True, False]
    assert bench.spent() == result.cost
    bench.router.close()


def test_however_long_it_took_to_learn_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = open_bench(risking())
    buy = bench.fakes["gpt"].buy

    def slowly(call: ImageCall) -> Delivery:
        bench.clock.sleep(call.timeout_s)
        return buy(call)

    monkeypatch.setattr(bench.fakes["gpt"], "buy", slowly)
    bench.fakes["gpt"].fail_next(*(ProviderTimeout("no answer", retryable=True) for _ in range(9)))
    with pytest.raises(AllCandidatesFailed, match=r"^3 attempts failed"):
        review(bench)  # each of 360 s: the fourth would begin after a quarter of an hour
    bench.router.close()


def test_that_too_has_an_end() -> None:
    bench = open_bench(risking())
    bench.fakes["gpt"].fail_next(*(lost() for _ in range(40)))
    with pytest.raises(AllCandidatesFailed, match=r"^12 attempts failed"):
        review(bench, deadline=3600)
    bench.router.close()


def test_every_attempt_needs_room_in_the_budgets() -> None:
    bench = open_bench(risking(budgets=(budget("0.12"),)))
    bench.fakes["gpt"].fail_next(lost(), lost(), lost())
    with pytest.raises(AllCandidatesFailed, match=r"^2 attempts failed"):
        review(bench)  # twice $0.0527 fit into $0.12, three times do not
    assert bench.calls == ["gpt"] * 2
    assert bench.spent() <= usd("0.12")
    with pytest.raises(BudgetExceeded):
        review(bench, deadline=60)
    bench.router.close()


def test_every_attempt_has_to_fit_under_the_calls_cap() -> None:
    bench = open_bench(risking())
    bench.fakes["gpt"].fail_next(lost(), lost())
    with pytest.raises(ProviderUnavailable):
        review(bench, max_price=usd("0.06"))
    assert bench.calls == ["gpt"]
    with pytest.raises(PriceCapExceeded):
        review(bench, max_price=usd("0.0001"))
    bench.router.close()


def test_the_deadline_ends_it() -> None:
    bench = open_bench(risking())
    bench.fakes["gpt"].fail_next(*(lost() for _ in range(9)))
    with pytest.raises(ProviderError):
        review(bench, deadline=2)
    assert bench.clock.elapsed_s() < 2
    assert len(bench.calls) < 9
    bench.router.close()


def test_a_call_gets_what_is_left_of_the_deadline(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=7))
    review(bench, deadline=30)
    first, second = bench.fakes["gpt"].calls
    assert first.timeout_s == 30
    assert second.timeout_s == pytest.approx(23)


def test_a_vendor_that_always_says_at_once_is_not_asked_for_ever(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(*(ProviderRateLimited("slow down", retry_after_s=0) for _ in range(500)))
    with pytest.raises(AllCandidatesFailed, match=r"^35 attempts failed: slow down \(35 times\)$"):
        review(bench, request_id="fox")
    assert bench.clock.elapsed_s() <= DEADLINE_S


def test_nothing_is_sent_so_late_that_it_would_be_cut_off(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=29.5))
    with pytest.raises(ProviderRateLimited):
        review(bench, deadline=30)
    assert bench.calls == ["gpt"]
    assert bench.clock.elapsed_s() < 30


def test_nor_is_what_a_minute_had_no_room_for(bench: Bench) -> None:
    known = bench.router._shop.settings.deployments
    known["gpt"] = replace(known["gpt"], allowance=Allowance(images=1))  # type: ignore[index] # the bench's own
    result = review(bench, n=2, deadline=61.5)  # the second has room after 61 s
    assert len(result.images) == len(bench.calls) == 1


def test_a_deadline_shorter_than_any_call_is_tried_once(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderTimeout("no answer", retryable=True))
    with pytest.raises(ProviderTimeout):
        review(bench, deadline=0.01)
    assert bench.fakes["gpt"].calls[0].timeout_s == 0.01


def test_without_a_deadline_a_call_gets_the_deployments_time(bench: Bench) -> None:
    review(bench)
    assert bench.fakes["gpt"].calls[0].timeout_s == 360


# --- Left alone -------------------------------------------------------------------------------------------------------


def break_down(bench: Bench, name: str, times: int = FAILURES_AT_ONCE) -> None:
    """Have a deployment fail until it is left alone, at ``final``'s expense."""
    bench.fakes[name].fail_next(*(unsent() for _ in range(times)))
    while bench.router._shop.cooling.health(name).failures < times:
        final(bench)
    bench.fakes[name].calls.clear()


def test_after_failures_in_a_row_a_deployment_is_left_alone(bench: Bench) -> None:
    break_down(bench, "gpt")
    result = final(bench)
    assert result.deployment == "gpt-b"
    assert bench.fakes["gpt"].calls == []
    assert any("left alone for another 2 s" in notice for notice in result.notices)
    (told,) = bench.log.named("cooling_down")
    assert (told["deployment"], told["again_s"], told["why"]) == ("gpt", COOL_FIRST_S, "connection refused")


def test_later_one_call_tries_whether_it_works_again_and_then_all_do(bench: Bench) -> None:
    break_down(bench, "gpt")
    bench.clock.sleep(COOL_FIRST_S)
    assert final(bench).deployment == "gpt"
    assert final(bench).deployment == "gpt"


def test_while_one_tries_nobody_else_does(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    break_down(bench, "gpt")
    bench.clock.sleep(COOL_FIRST_S)
    probing, go_on = threading.Event(), threading.Event()
    buy = bench.fakes["gpt"].buy

    def slowly(call: ImageCall) -> Delivery:
        probing.set()
        go_on.wait(10)
        return buy(call)

    monkeypatch.setattr(bench.fakes["gpt"], "buy", slowly)
    first: list[Result] = []
    probe = threading.Thread(target=lambda: first.append(final(bench)))
    probe.start()
    probing.wait(10)
    assert final(bench).deployment == "gpt-b"
    go_on.set()
    probe.join()
    assert first[0].deployment == "gpt"


def test_a_request_waits_for_the_only_deployment_to_recover(bench: Bench) -> None:
    break_down(bench, "gpt")
    result = review(bench)
    assert result.deployment == "gpt"
    assert bench.clock.elapsed_s() >= COOL_FIRST_S


def test_but_not_for_long_where_it_has_no_deadline(bench: Bench) -> None:
    break_down(bench, "gpt")
    for _ in range(4):  # every probe fails: 4, 8, 16, 30 s
        bench.clock.sleep(bench.router._shop.cooling.health("gpt").cool_until_s - bench.clock.elapsed_s())
        bench.fakes["gpt"].fail_next(unsent())
        final(bench)
    bench.fakes["gpt"].calls.clear()
    before = bench.clock.elapsed_s()
    with pytest.raises(ProviderUnavailable, match="nothing was sent, it is left alone for another 30 s") as caught:
        review(bench)
    assert caught.value.charged is Charged.NO
    assert bench.clock.elapsed_s() - before < PATIENCE_S
    assert review(bench, deadline=120).deployment == "gpt"


@pytest.mark.parametrize(
    "error",
    [ProviderRejectedKey("HTTP 401", charged=Charged.NO), ProviderOutOfMoney("no money", charged=Charged.NO)],
    ids=str,
)
def test_what_a_person_has_to_mend_is_left_alone_longer_and_not_waited_for(bench: Bench, error: ProviderError) -> None:
    bench.fakes["gpt"].fail_next(error)
    with pytest.raises(type(error)):
        review(bench)
    with pytest.raises(ProviderUnavailable, match="left alone for another 600 s"):
        review(bench, deadline=3600)
    assert bench.calls == ["gpt"]
    bench.clock.sleep(TURNED_AWAY_S)
    assert review(bench).deployment == "gpt"


def test_a_probe_that_found_no_room_in_the_budget_leaves_the_place_to_the_next() -> None:
    bench = open_bench(settings(budgets=(budget("0.10"),)))
    for _ in range(FAILURES_AT_ONCE):
        bench.router._shop.cooling.hear("gpt", Ended.FAILED, bench.clock.elapsed_s())
    bench.clock.sleep(COOL_FIRST_S)
    with pytest.raises(BudgetExceeded):
        final(bench)
    assert review(bench).deployment == "gpt"
    bench.router.close()


def test_timeouts_of_impatient_calls_do_not_count_against_a_deployment(bench: Bench) -> None:
    for _ in range(2 * FAILURES_AT_ONCE):
        bench.fakes["gpt"].fail_next(ProviderTimeout("no answer", retryable=True))
        with pytest.raises(ProviderTimeout):
            review(bench, deadline=5)
    assert bench.router._shop.cooling.health("gpt").failures == 0


# --- What a router tells of it ----------------------------------------------------------------------------------------


def test_a_router_tells_how_its_deployments_are(bench: Bench) -> None:
    break_down(bench, "gpt")
    found = {status.deployment.name: status for status in bench.router.deployments()}
    assert {name: status.state for name, status in found.items()} == {"flux": "well", "gpt": "cooling", "gpt-b": "well"}
    assert (found["gpt"].calls, found["gpt"].failed) == (FAILURES_AT_ONCE, FAILURES_AT_ONCE)
    assert found["gpt"].again_at == bench.clock.now() + timedelta(seconds=COOL_FIRST_S)
    bench.clock.sleep(COOL_FIRST_S)
    assert bench.router.deployments()[1].state == "probe_due"
    final(bench)
    assert bench.router.deployments()[1].state == "well"
