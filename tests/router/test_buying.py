"""What a call buys, what it costs, and what is booked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import (
    AllCandidatesFailed,
    BudgetExceeded,
    Charged,
    ContentRejected,
    ImageRequest,
    LedgerUnavailable,
    NoCandidate,
    PriceCapExceeded,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    RequestError,
    usd,
)
from routing.core.budgets import OnBudget
from routing.core.prices import Usage
from routing.ledger.memory import open_memory
from tests.shop import budget, deployment, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.core.alerts import Alert
    from routing.core.entries import Resolution
    from tests.shop import Bench

LOW = usd("0.0059")
"""1024x1024 at low: 196 tokens at $30 a million are $0.00588, and a short prompt."""


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = open_bench()
    yield made
    made.router.close()


def test_a_draft_goes_to_the_cheapest_that_can_do_it(bench: Bench) -> None:
    result = bench.router.generate("a fox", importance="draft")
    assert (result.deployment, result.cost, result.quality) == ("flux", usd("0.003"), None)
    assert bench.spent() == usd("0.003")
    assert bench.held() == 0


def test_a_final_is_bought_at_high_quality_and_costs_what_its_usage_says(bench: Bench) -> None:
    result = bench.router.generate("a fox", importance="final")
    # 7024 output tokens at $30 and 2 text tokens at $5 a million
    assert (result.deployment, result.quality, result.cost) == ("gpt", "high", usd("0.21073"))
    assert result.cost <= result.quote
    assert bench.spent() == result.cost


def test_a_request_without_importance_gets_the_default_rules(bench: Bench) -> None:
    result = bench.router.generate("a fox")
    assert result.plan is not None
    assert (result.importance, result.plan.rule) == ("draft", "sort:default")


def test_a_quote_spends_nothing_and_writes_nothing(bench: Bench) -> None:
    quote = bench.router.quote("a fox", importance="final", size="2048x2048")
    assert (quote.deployment, str(quote.size), quote.quality) == ("gpt", "2048x2048", "high")
    assert quote.price >= quote.expected > usd("0.42")
    assert bench.calls == []
    assert list(bench.store.entries()) == []


def test_pictures_that_a_model_makes_one_by_one_are_bought_in_several_calls(bench: Bench) -> None:
    result = bench.router.generate("a fox", n=4)
    assert bench.calls == ["flux"] * 4
    assert len(result.images) == 4
    assert result.cost == usd("0.012")
    assert [attempt.reservation_id.rpartition("/")[2] for attempt in result.attempts] == ["1", "2", "3", "4"]


def test_pictures_that_a_model_makes_together_are_bought_in_one_call(bench: Bench) -> None:
    result = bench.router.generate("a fox", importance="review", n=4)
    assert bench.calls == ["gpt"]
    assert len(result.images) == 4


def test_a_failed_part_is_bought_from_the_next_candidate_and_the_rest_is_kept(bench: Bench) -> None:
    bench.fakes["flux"].fail_next(ProviderUnavailable("refused", charged=Charged.NO, retryable=True))
    result = bench.router.generate("a fox", n=2)
    assert len(result.images) == 2
    assert sorted(bench.calls) == ["flux", "flux", "gpt"]
    assert bench.spent() == result.cost


def test_what_was_delivered_is_delivered_even_if_the_rest_is_not_to_be_had(bench: Bench) -> None:
    bench.fakes["flux"].fail_next(ContentRejected("no", charged=Charged.NO))
    result = bench.router.generate("a fox", n=2)
    assert len(result.images) == 1
    assert any("1 of 2 pictures" in notice for notice in result.notices)


def test_a_call_that_was_never_sent_is_given_back_and_the_next_candidate_serves(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderUnavailable("connection refused", charged=Charged.NO, retryable=True))
    result = bench.router.generate("a fox", importance="final")
    assert result.deployment == "gpt-b"
    assert [(attempt.deployment, attempt.cost == 0) for attempt in result.attempts] == [("gpt", True), ("gpt-b", False)]
    assert bench.spent() == result.cost


def test_an_unknown_outcome_stays_charged_at_its_quote_and_is_not_sent_again(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderTimeout("no answer", retryable=True))
    price = bench.router.quote("a fox", importance="final").price
    with pytest.raises(ProviderTimeout) as caught:
        bench.router.generate("a fox", importance="final")
    assert caught.value.charged is Charged.UNKNOWN
    assert bench.calls == ["gpt"]
    (row,) = bench.router.spend(by=())
    assert (row.spent, row.unconfirmed, row.held) == (price, price, 0)


def test_an_unknown_but_quick_server_fault_may_be_followed_by_another_hold(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderUnavailable("500", status_code=500, retryable=True))
    result = bench.router.generate("a fox", importance="final")
    assert result.deployment == "gpt-b"
    assert result.unconfirmed > 0
    assert bench.spent() == result.cost > result.unconfirmed


def test_a_refused_content_is_not_offered_to_the_next_candidate(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ContentRejected("no", charged=Charged.NO))
    with pytest.raises(ContentRejected):
        bench.router.generate("a fox", importance="final")
    assert bench.calls == ["gpt"]
    assert bench.spent() == 0


def test_a_refusal_that_the_vendor_charges_for_is_charged_by_its_usage(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ContentRejected("no", charged=Charged.YES, usage=Usage(text_in=1000)))
    with pytest.raises(ContentRejected):
        bench.router.generate("a fox", importance="final")
    assert bench.spent() == usd("0.005")


def test_when_every_candidate_fails_each_failure_is_told(bench: Bench) -> None:
    for name in ("gpt", "gpt-b"):
        down = (ProviderUnavailable(f"{name} is down", charged=Charged.NO, retryable=True) for _ in range(3))
        bench.fakes[name].fail_next(*down)
    with pytest.raises(AllCandidatesFailed, match=r"^6 attempts failed: gpt is down.*gpt-b is down") as caught:
        bench.router.generate("a fox", importance="final")
    assert caught.value.charged is Charged.NO
    assert bench.spent() == bench.held() == 0


def test_a_rate_limit_is_waited_for_as_told(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=7))
    before = bench.clock.now()
    result = bench.router.generate("a fox", importance="review")
    assert result.deployment == "gpt"
    assert (bench.clock.now() - before).total_seconds() == 7
    assert bench.calls == ["gpt", "gpt"]


def test_a_rate_limit_beyond_the_deadline_is_not_waited_for(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=60))
    before = bench.clock.now()
    with pytest.raises(ProviderRateLimited):
        bench.router.generate("a fox", importance="review", deadline=30)
    assert bench.clock.now() == before
    assert bench.calls == ["gpt"]


def test_a_picture_without_usage_is_charged_at_its_quote_and_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.testing._expected_usage", lambda _call: None)
    result = bench.router.generate("a fox", importance="final")
    assert result.cost == result.quote
    assert any("no usage" in notice for notice in result.notices)


def test_a_usage_of_nothing_is_no_usage(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.testing._expected_usage", lambda _call: Usage(text_in=2, images=1))
    result = bench.router.generate("a fox", importance="final")
    assert result.cost == result.quote


def test_a_failure_that_a_vendor_of_single_prices_charges_for_is_charged(bench: Bench) -> None:
    bench.fakes["flux"].fail_next(ContentRejected("no", charged=Charged.YES, usage=Usage()))
    with pytest.raises(ContentRejected):
        bench.router.generate("a fox")
    assert bench.spent() == usd("0.003")


def test_an_interrupt_is_booked_as_unknown_before_it_goes_on(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(KeyboardInterrupt())  # type: ignore[arg-type]  # that is the point
    with pytest.raises(KeyboardInterrupt):
        bench.router.generate("a fox", importance="final")
    (row,) = bench.router.spend(by=())
    assert row.unconfirmed == row.spent > 0
    assert row.held == 0


def test_a_fault_of_an_adapter_is_booked_and_shown_as_what_it_is(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        bench.router.generate("a fox", importance="final")
    assert bench.spent() > 0
    assert bench.held() == 0


class _FailsAfterTheCall:
    """A ledger whose disk is full by the time of the settle step."""

    def __init__(self) -> None:
        self._real = open_memory()

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def resolve(self, resolution: Resolution) -> tuple[Alert, ...]:
        raise LedgerUnavailable(f"disk full at {resolution.reservation_id}")


def test_a_picture_that_was_paid_for_arrives_even_if_the_ledger_fails_afterwards() -> None:
    bench = open_bench(store=_FailsAfterTheCall())  # type: ignore[arg-type]  # it has every method, by delegation
    result = bench.router.generate("a fox", importance="final")
    assert result.images
    assert not result.settled
    assert any("stays held" in notice for notice in result.notices)
    assert bench.held() == result.quote


def test_without_a_ledger_nothing_is_bought(bench: Bench) -> None:
    bench.store.close()
    with pytest.raises(LedgerUnavailable):
        bench.router.generate("a fox")
    assert bench.calls == []


def test_an_answer_that_comes_after_its_hold_expired_corrects_the_books() -> None:
    bench = open_bench()
    fake = bench.fakes["gpt"]
    deliver = fake.buy

    def slow(call: object) -> object:
        bench.clock.sleep(100_000)
        assert len(bench.store.sweep(bench.clock.now(), release=False)) == 1
        return deliver(call)  # type: ignore[arg-type]  # it is an ImageCall

    fake.buy = slow  # type: ignore[assignment]  # a vendor that takes a day
    result = bench.router.generate("a fox", importance="final")
    assert bench.spent() == result.cost
    assert bench.store.verify().differences == ()
    assert bench.store.verify().unconfirmed_nusd == 0


def test_a_budget_without_room_downgrades_to_the_next_cheaper_candidate() -> None:
    routes = settings().policy
    bench = open_bench(settings(budgets=(budget("0.004"),)))
    first = bench.router.generate("a fox", importance="draft")
    assert first.deployment == "flux"
    with pytest.raises(BudgetExceeded) as caught:
        bench.router.generate("a fox", importance="draft")
    assert caught.value.remaining == usd("0.001")
    assert caught.value.budget == "month"
    assert bench.calls == ["flux"]
    assert routes.on_budget is OnBudget.DOWNGRADE


def test_a_dearer_candidate_is_never_taken_because_a_cheaper_one_was_refused() -> None:
    made = settings(budgets=(budget("0.0035"), budget("100", name="lots")))
    bench = open_bench(made)
    bench.router.generate("a fox", importance="draft")
    with pytest.raises(BudgetExceeded):
        bench.router.generate("a fox", importance="draft")
    assert bench.calls == ["flux"]


def test_a_route_that_says_refuse_is_not_downgraded() -> None:
    made = settings(budgets=(budget("0.1"),))
    route = replace(made.policy.routes["final"][0], use=("gpt", "flux"), on_budget=OnBudget.REFUSE)
    policy = replace(made.policy, routes={**made.policy.routes, "final": (route,)})
    refusing = open_bench(replace(made, policy=policy))
    with pytest.raises(BudgetExceeded):
        refusing.router.generate("a fox", importance="final")
    assert refusing.calls == []
    downgrading = replace(policy, routes={**policy.routes, "final": (replace(route, on_budget=None),)})
    bench = open_bench(replace(made, policy=downgrading))
    result = bench.router.generate("a fox", importance="final")
    assert result.deployment == "flux"
    assert any("budget 'month'" in notice for notice in result.notices)


def test_the_fallback_is_checked_against_the_budget_too() -> None:
    bench = open_bench(settings(budgets=(budget("0.25"),)))
    bench.fakes["gpt"].fail_next(ProviderUnavailable("500", status_code=500, retryable=True))
    with pytest.raises(ProviderUnavailable):
        bench.router.generate("a fox", importance="final")
    assert bench.calls == ["gpt"]
    assert bench.spent() < usd("0.25")


def test_the_price_cap_covers_all_attempts_of_a_request(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderUnavailable("500", status_code=500, retryable=True))
    with pytest.raises(ProviderUnavailable):
        bench.router.generate("a fox", importance="final", max_price=usd("0.30"))
    assert bench.calls == ["gpt"]


def test_a_price_cap_below_the_quote_refuses_before_spending(bench: Bench) -> None:
    with pytest.raises(PriceCapExceeded, match="max_price"):
        bench.router.generate("a fox", importance="final", max_price=usd("0.05"))
    assert bench.calls == []


def test_a_route_whose_deployments_have_no_key_names_the_variable() -> None:
    made = settings()
    known = {**made.deployments, "gpt": deployment("gpt", made.deployments["gpt"].model, missing_key="OPENAI_API_KEY")}
    bench = open_bench(settings(deployments=known))
    with pytest.raises(NoCandidate, match="OPENAI_API_KEY"):
        bench.router.generate("a fox", importance="review")


def test_a_model_of_older_guides_is_taken_with_a_notice(bench: Bench) -> None:
    result = bench.router.generate("a fox", model="dall-e-3", quality="hd", response_format="b64_json")
    assert result.deployment == "flux"
    assert len(result.notices) >= 3


def test_a_named_model_narrows_the_route_and_never_leaves_it(bench: Bench) -> None:
    assert bench.router.generate("a fox", model="gpt").deployment == "gpt"
    with pytest.raises(RequestError, match="routes"):
        bench.router.generate("a fox", importance="final", model="flux")


def test_a_ready_request_is_bought_as_it_is(bench: Bench) -> None:
    assert bench.router.generate(ImageRequest(prompt="a fox", importance="draft")).deployment == "flux"
    with pytest.raises(RequestError, match="complete"):
        bench.router.generate(ImageRequest(prompt="a fox"), importance="draft")


def test_the_log_tells_everything_but_words_and_keys(bench: Bench) -> None:
    bench.router.generate("a very secret fox", importance="final", tags={"kind": "poster"})
    (event,) = bench.log.named("attempt")
    assert event["status"] == "delivered"
    assert {"request_id", "importance", "rule", "deployment", "model", "size", "quality", "n", "prompt_hash",
            "latency_ms", "charged", "quote_usd", "cost_usd"} <= event.keys()  # fmt: skip
    assert "secret" not in str(bench.log.events)
