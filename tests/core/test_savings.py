"""What was saved against a baseline, and what counts against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from routing.core.baseline import baseline_of
from routing.core.conditions import Condition, When
from routing.core.features import Features
from routing.core.past import Paid
from routing.core.picture import Size
from routing.core.policy import Ask, Pick, Policy, Route, Settings, SortRule
from routing.core.prices import PER_MILLION, PriceBook, Rate, Unit
from routing.core.savings import Savings, compare_with
from routing.errors import RequestError
from tests.core.making import SQUARE, deployment, per_image, piece_model, token_model, token_rates

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CENT = 10_000_000
CHEAP, DEAR = deployment("cheap", piece_model()), deployment("dear", piece_model("dear-model"))
POLICY = Policy(
    name="p.yaml",
    importance=("draft", "final"),
    sort=(SortRule(at_most="draft", label="cap"), SortRule(importance="draft", label="p.yaml:1")),
    routes={
        "draft": (Route(use=("cheap",)),),
        "final": (Route(use=("dear",), ask=Ask(quality="high"), max_price_nusd=1),),
    },
)
PRICES = PriceBook(
    {
        "cheap": [per_image(0.01)],
        "dear": [per_image(0.20), per_image(0.30, since=date(2026, 11, 1))],
        "tokens": token_rates(),
    }
)
SETTINGS = Settings(
    policy=POLICY,
    deployments={"cheap": CHEAP, "dear": DEAR, "tokens": deployment("tokens", token_model())},
    prices=PRICES,
)


def when(name: str, **bounds: Any) -> When:
    return When(conditions=(Condition(field=name, **bounds),))


def paid(**different: Any) -> Paid:
    plain: dict[str, Any] = {
        "at": NOON,
        "importance": "draft",
        "features": Features(prompt_chars=40, prompt_bytes=40, quality="low", deployment="cheap", max_price_nusd=5),
        "size": SQUARE,
        "images": 1,
        "spent_nusd": CENT,
    }
    return Paid(**{**plain, **different})


def compared(*requests: Paid, named: str | None = None) -> Savings:
    return compare_with(baseline_of(SETTINGS, named), requests, UTC)


def test_the_baseline_is_the_most_important_route_at_the_price_of_the_day_whatever_rules_and_caps_say() -> None:
    october = paid(at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC))
    found = compared(paid(images=2, spent_nusd=2 * CENT), october)
    assert {key: (sums.would_nusd, sums.spent_nusd) for key, sums in found.groups.items()} == {
        (date(2026, 11, 1), "draft"): (60 * CENT, 2 * CENT),
        (date(2026, 10, 1), "draft"): (20 * CENT, CENT),
    }
    assert found.total.saved_nusd == 77 * CENT


def test_another_baseline_may_be_an_importance_or_a_deployment() -> None:
    assert compared(paid(), named="draft").total.would_nusd == CENT
    assert compared(paid(), named="dear").total.would_nusd == 30 * CENT
    # 1024x1024 at the model's default, medium: 1,756 tokens of picture and 10 of text
    assert compared(paid(), named="tokens").total.would_nusd == 1756 * 30_000 + 10 * 5_000


def test_a_baseline_that_is_neither_is_asked_after() -> None:
    with pytest.raises(
        RequestError, match=r"unknown baseline 'finale' \(did you mean 'final'\?\): .*draft, final, cheap"
    ):
        baseline_of(SETTINGS, "finale")


def test_what_went_wrong_is_spent_and_saves_nothing() -> None:
    failed = paid(images=0, spent_nusd=3 * CENT, failed_nusd=3 * CENT, unconfirmed_nusd=2 * CENT)
    found = compared(paid(), failed)
    assert (found.total.would_nusd, found.total.spent_nusd) == (30 * CENT, 4 * CENT)
    assert (found.total.failed_nusd, found.total.unconfirmed_nusd) == (3 * CENT, 2 * CENT)


def test_a_baseline_may_be_cheaper_than_what_was_spent() -> None:
    assert compared(paid(spent_nusd=5 * CENT), named="draft").total.saved_nusd == -4 * CENT


def test_what_the_cache_answered_is_on_neither_side() -> None:
    found = compared(paid(images=0, requests=0, from_cache=2, spent_nusd=0, saved_nusd=7))
    assert (found.groups, found.from_cache, found.saved_by_cache_nusd) == ({}, 2, 7)


def test_what_an_older_version_wrote_too_little_of_is_told_apart() -> None:
    found = compared(paid(partial=True), paid())
    assert (found.partial.requests, found.partial.spent_nusd) == (1, CENT)
    assert (found.total.requests, found.spent_nusd) == (1, 2 * CENT)


def test_what_the_baseline_could_not_have_made_is_told_apart_with_the_reason() -> None:
    found = compared(paid(size=Size(width=2048, height=2048)), paid())
    assert (found.unpriced.requests, found.unpriced.spent_nusd, found.total.requests) == (1, CENT, 1)
    assert "dear-model cannot make 2048x2048" in found.why


def test_months_are_those_of_the_zone() -> None:
    late = paid(at=datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
    found = compare_with(baseline_of(SETTINGS), [late], ZoneInfo("Europe/Berlin"))
    assert [*found.groups] == [(date(2026, 11, 1), "draft")]
    # ... but the price is that of the day in UTC, as when it was bought
    assert found.total.would_nusd == 20 * CENT


def test_what_the_baseline_would_have_cost_is_added_up_exactly_and_rounded_once() -> None:
    book = PriceBook({"cheap": [per_image(0.01)], "dear": [replace(per_image(0), per_million_nusd=400_000)]})
    baseline = baseline_of(replace(SETTINGS, prices=book))
    for requests in (*(paid() for _ in range(3)),), (paid(requests=3),):
        assert compare_with(baseline, requests, UTC).total.would_nusd == 1  # three times 0.4
    months = (paid(), paid(at=datetime(2026, 10, 1, tzinfo=UTC)))
    assert compare_with(baseline, months, UTC).total.would_nusd == 0


def test_requests_that_are_alike_cost_what_they_cost_one_by_one() -> None:
    each = [paid(features=Features(prompt_chars=chars, prompt_bytes=chars)) for chars in (101, 150, 199)]
    together = paid(
        features=Features(prompt_chars=101, prompt_bytes=101), requests=3, prompt_tokens=26 + 38 + 50,
        prompt_chars_at_most=199, images=1, spent_nusd=3 * CENT,
    )  # fmt: skip
    for named in (None, "draft", "tokens"):
        assert compared(together, named=named).groups == compared(*each, named=named).groups


@pytest.mark.parametrize(
    ("route", "is_one_price"),
    [
        (Route(use=("dear",)), True),
        (Route(use=("dear", "tokens")), True),
        (Route(use=("short", "dear")), False),
        (Route(use=("dear",), on_failure=("short",)), False),
        (Route(use=("dear",), when=when("prompt_chars", at_least=101)), True),
        (Route(use=("dear",), when=when("prompt_chars", at_most=199)), True),
        (Route(use=("dear",), when=when("prompt_chars", at_least=102)), False),
        (Route(use=("dear",), when=when("prompt_chars", at_least=120, at_most=130)), False),
        (Route(use=("dear",), when=when("prompt_chars", one_of=(150,))), False),
        (Route(use=("dear",), when=when("prompt_chars", none_of=(199,))), False),
        (Route(use=("dear",), when=when("prompt_chars", none_of=(200, 100))), True),
        (Route(use=("dear",), when=when("text_chars", at_least=30)), True),
        (Route(use=("dear",), when=when("text_chars", at_least=29)), False),
        (Route(use=("tokens", "near"), pick=Pick.CHEAPEST), False),
        (Route(use=("tokens", "near")), True),
        (Route(use=("tokens", "dear"), pick=Pick.CHEAPEST), True),
    ],
)
def test_a_span_of_lengths_is_one_price_unless_a_limit_or_a_condition_lies_within(
    route: Route, *, is_one_price: bool
) -> None:
    deployments = {**SETTINGS.deployments, "short": deployment("short", piece_model(prompt_chars_at_most=150)),
                   "near": deployment("near", piece_model())}  # fmt: skip
    # ``near`` costs what a picture by tokens costs with a prompt of 40 of them.
    near = Rate(
        unit=Unit.IMAGE, per_million_nusd=(1756 * 30_000 + 40 * 5_000) * PER_MILLION, since=date(2026, 1, 1), source="t"
    )
    book = PriceBook({"dear": [per_image(0.20)], "short": [per_image(0.20)], "near": [near], "tokens": token_rates()})
    policy = replace(POLICY, routes={"draft": (Route(use=("cheap",)),), "final": (route, Route(use=("dear",)))})
    baseline = baseline_of(replace(SETTINGS, policy=policy, deployments=deployments, prices=book))
    alike = paid(
        features=Features(prompt_chars=101, prompt_bytes=101, text_chars=21), requests=3, prompt_tokens=114,
        prompt_chars_at_most=199, text_chars_at_most=29,
    )  # fmt: skip
    assert baseline.is_one_price(alike) is is_one_price
    assert baseline.is_one_price(replace(alike, images=0))
    assert baseline.is_one_price(replace(alike, prompt_chars_at_most=None, text_chars_at_most=None))


def test_a_baseline_knows_when_its_prices_change_and_what_no_sum_tells_it() -> None:
    assert baseline_of(SETTINGS).price_days() == (date(2026, 1, 1), date(2026, 11, 1))
    ending = {**SETTINGS.deployments, "dear": deployment("dear", piece_model(shutdown=date(2026, 12, 1)))}
    assert date(2026, 12, 1) in baseline_of(replace(SETTINGS, deployments=ending)).price_days()
    assert not baseline_of(SETTINGS).reads_more
    for field in ("tags.kind", "deadline"):
        routes = {**POLICY.routes, "final": (Route(use=("dear",), when=when(field, at_least=1)),)}
        assert baseline_of(replace(SETTINGS, policy=replace(POLICY, routes=routes))).reads_more


def test_making_a_baseline_leaves_the_settings_alone() -> None:
    before = replace(SETTINGS)
    compared(paid())
    assert before == SETTINGS
