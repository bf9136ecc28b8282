"""Deciding: who may serve a request, in which order, and why the others may not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from routing.core.abilities import Reason
from routing.core.features import features_of
from routing.core.picture import Size
from routing.core.plan import decide
from routing.core.policy import Ask, Pick, Route, Settings, SortRule
from routing.core.request import Operation
from routing.errors import NoCandidate, PriceCapExceeded, PriceUnknown, RequestError
from tests.core.making import (
    SQUARE,
    TODAY,
    ask,
    deployment,
    per_image,
    picture,
    piece_model,
    settings,
    token_model,
)
from tests.core.planning import ABLE, plan, why

# --- What is left out, and why ----------------------------------------------------------------------------------------


def test_a_deployment_without_a_key_is_left_out_with_the_variable_to_set() -> None:
    found = why(deployment("a", token_model(), missing_key="ACME_KEY"), ask())
    assert found == (Reason.KEY_MISSING, "no key: set ACME_KEY")


def test_a_model_that_is_shut_down_is_left_out_with_its_substitute() -> None:
    gone = token_model("old", shutdown=TODAY, substitute="new")
    assert why(deployment("a", gone), ask()) == (Reason.SHUT_DOWN, "old was shut down on 2026-11-21; use new")


def test_a_model_that_is_shut_down_tomorrow_still_serves() -> None:
    ending = deployment("a", token_model("old", shutdown=date(2026, 11, 22)))
    assert plan(settings([ending]), ask()).candidates[0].deployment is ending


def test_a_model_that_cannot_edit_is_left_out_of_edits() -> None:
    edit = ask(operation=Operation.EDIT, images=(picture(),))
    assert why(deployment("a", piece_model()), edit) == (Reason.OPERATION, "by-piece cannot edit")


def test_a_prompt_longer_than_a_model_takes_leaves_it_out() -> None:
    reason, detail = why(deployment("a", piece_model(prompt_chars_at_most=1000)), ask("x" * 1001))
    assert (reason, detail) == (Reason.PROMPT_LENGTH, "the prompt has 1,001 characters, by-piece takes 1,000")


def test_more_references_than_a_model_takes_leave_it_out() -> None:
    few = deployment("a", token_model("few", references_at_most=1))
    edit = ask(operation=Operation.EDIT, images=(picture(), picture()))
    assert why(few, edit) == (Reason.REFERENCES, "few takes at most 1 reference image, the call brings 2")


def test_a_size_that_a_model_cannot_make_leaves_it_out_with_the_nearest() -> None:
    reason, detail = why(deployment("a", piece_model()), ask(size=Size(width=1536, height=1024)))
    assert reason is Reason.SIZE
    assert detail == "by-piece cannot make 1536x1024: nearest is 1024x1024 (1024x1024, 512x512)"


def test_a_quality_that_a_model_does_not_have_leaves_it_out() -> None:
    reason, detail = why(deployment("a", token_model("poor", qualities=("low",))), ask(quality="high"))
    assert (reason, detail) == (Reason.QUALITY, "poor has no quality high (it has low)")


@pytest.mark.parametrize(
    ("request_changes", "detail"),
    [
        ({"mask": picture(), "images": (picture(),), "operation": Operation.EDIT}, "plain takes no mask"),
        ({"background": "opaque"}, "plain has no background opaque"),
        ({"output_format": "webp"}, "plain has no output_format webp"),
        ({"extras": {"seed": "7"}}, "plain does not know seed"),
        ({"extras": {"moderation": "auto"}}, "plain has no moderation auto (it has low)"),
    ],
)
def test_a_parameter_that_a_model_does_not_know_leaves_it_out(request_changes: dict[str, Any], detail: str) -> None:
    plain = deployment("a", token_model("plain", mask=False, extras={"moderation": ("low",)}))
    knows = token_model(
        backgrounds=("opaque",), output_formats=("webp",), extras={"seed": (), "moderation": ("auto", "low")}
    )
    made = settings([plain, deployment("able", knows)])
    (dropped,) = plan(made, ask(**request_changes)).dropped
    assert (dropped.reason, dropped.detail) == (Reason.PARAMETER, detail)


def test_a_deployment_without_a_price_is_left_out() -> None:
    reason, detail = why(deployment("a", token_model()), ask(), prices={"a": []})
    assert (reason, detail) == (Reason.PRICE_UNKNOWN, "a has no price on 2026-11-21")


def test_a_deployment_over_the_routes_cap_is_left_out() -> None:
    route = Route(use=("a", "able"), max_price_nusd=200_000_000)
    dear = {"a": [per_image(0.25)]}
    reason, detail = why(deployment("a", piece_model()), ask(), route, prices=dear)
    assert (reason, detail) == (Reason.PRICE_CAP, "may cost $0.25, over the route's max_price $0.2")


def test_a_deployment_over_the_calls_cap_is_left_out() -> None:
    reason, detail = why(
        deployment("a", piece_model()), ask(max_price_nusd=200_000_000), prices={"a": [per_image(0.25)]}
    )
    assert (reason, detail) == (Reason.PRICE_CAP, "may cost $0.25, over the call's max_price $0.2")


def test_a_cap_counts_all_pictures_of_a_request() -> None:
    made = settings([deployment("a", piece_model())], Route(use=("a",), max_price_nusd=9_000_000))
    assert plan(made, ask(n=3)).candidates
    with pytest.raises(PriceCapExceeded):
        plan(made, ask(n=4))


def test_a_call_that_names_a_deployment_gets_no_other() -> None:
    made = settings([deployment("a", token_model()), ABLE])
    found = plan(made, ask(deployment="able"))
    assert [candidate.deployment.name for candidate in found.candidates] == ["able"]
    assert [(drop.deployment, drop.reason) for drop in found.dropped] == [("a", Reason.NOT_ASKED)]


# --- Order ------------------------------------------------------------------------------------------------------------


def priced(*prices: float, **changes: Any) -> Settings:
    """Deployments a, b, c... at these prices."""
    names = "abcdef"[: len(prices)]
    fields: dict[str, Any] = {"use": tuple(names)} | changes
    each = {name: [per_image(price)] for name, price in zip(names, prices, strict=True)}
    return settings([deployment(name, piece_model()) for name in names], Route(**fields), prices=each)


def order(made: Settings, **changes: Any) -> str:
    return "".join(candidate.deployment.name for candidate in plan(made, ask(**changes)).candidates)


def test_candidates_come_in_the_order_of_the_route() -> None:
    assert order(priced(0.03, 0.01, 0.02)) == "abc"


def test_the_cheapest_that_can_do_it_goes_first_where_the_route_says_so() -> None:
    assert order(priced(0.03, 0.01, 0.02, pick=Pick.CHEAPEST)) == "bca"


def test_of_equal_prices_the_earlier_named_goes_first() -> None:
    assert order(priced(0.02, 0.01, 0.01, 0.02, pick=Pick.CHEAPEST)) == "bcad"


def test_the_cheapest_is_what_is_expected_to_cost_least_not_what_could() -> None:
    """A long prompt may cost much by its bound; what it costs in truth decides over months."""
    by_piece = deployment("piece", piece_model())
    made = settings([by_piece, ABLE], Route(use=("piece", "able"), pick=Pick.CHEAPEST, ask=Ask(quality="low")),
                    prices={"piece": [per_image(0.008)]})  # fmt: skip
    first, second = plan(made, ask("x" * 1000)).candidates
    assert (first.deployment.name, second.deployment.name) == ("able", "piece")
    assert first.quote.price_nusd > second.quote.price_nusd


def test_what_is_kept_for_failures_comes_last_however_cheap() -> None:
    assert order(priced(0.03, 0.02, 0.001, use=("a", "b"), on_failure=("c",), pick=Pick.CHEAPEST)) == "bac"


def test_a_deployment_named_in_both_lists_is_considered_once() -> None:
    made = settings(
        [deployment("a", piece_model(), missing_key="K"), ABLE], Route(use=("a", "able"), on_failure=("a",))
    )
    found = plan(made, ask())
    assert [drop.deployment for drop in found.dropped] == ["a"]


def test_pictures_are_cut_into_calls_of_what_the_model_takes_at_once() -> None:
    made = settings([deployment("a", piece_model(images_per_call=4))])
    assert plan(made, ask(n=10)).candidates[0].calls(10) == (4, 4, 2)


# --- What is asked for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("route", "request_quality", "own", "bought"),
    [
        ("low", "high", "medium", "low"),
        (None, "high", "medium", "high"),
        (None, None, "low", "low"),
        (None, None, None, "medium"),
    ],
)
def test_quality_is_the_routes_then_the_callers_then_the_deployments_then_the_models(
    route: str | None, request_quality: str | None, own: str | None, bought: str
) -> None:
    made = settings([deployment("a", token_model(), quality=own)], Route(use=("a",), ask=Ask(quality=route)))
    assert plan(made, ask(quality=request_quality)).candidates[0].quality == bought


def test_size_is_the_routes_then_the_callers_then_the_deployments_then_the_models() -> None:
    wide, tall, large = (Size(width=w, height=h) for w, h in ((1536, 1024), (1024, 1536), (2048, 2048)))
    own = deployment("a", token_model(), size=large)
    assert plan(settings([own], Route(use=("a",), ask=Ask(size=wide))), ask(size=tall)).candidates[0].size == wide
    assert plan(settings([own]), ask(size=tall)).candidates[0].size == tall
    assert plan(settings([own]), ask()).candidates[0].size == large
    assert plan(settings([ABLE]), ask()).candidates[0].size == SQUARE


def test_a_model_without_qualities_is_not_asked_for_one() -> None:
    made = settings([deployment("a", piece_model())], Route(use=("a",), ask=Ask(quality="low")))
    assert plan(made, ask()).candidates[0].quality is None


def test_a_caller_is_told_what_is_bought_instead_of_the_wish() -> None:
    made = settings([ABLE], Route(use=("able",), ask=Ask(quality="low", size=SQUARE), label="p:9"))
    wishes = ask(quality="high", size=Size(width=2048, height=2048))
    assert plan(made, wishes).notices == (
        "quality high was asked; p:9 buys quality low",
        "size 2048x2048 was asked; p:9 buys 1024x1024",
    )


def test_a_capped_caller_is_told_so() -> None:
    route = (Route(use=("able",)),)
    rules = (SortRule(at_most="draft", label="p:4"), SortRule(importance="draft", label="p:5"))
    made = settings([ABLE], importance=("draft", "final"), sort=rules, routes={"draft": route, "final": route})
    found = plan(made, ask(importance="final"))
    assert (found.importance, found.capped_by) == ("draft", "p:4")
    assert found.notices == ("importance is draft (final was asked): capped by p:4",)


def test_a_caller_who_gets_the_wish_is_told_nothing() -> None:
    assert plan(settings([ABLE]), ask(quality="high", size=SQUARE)).notices == ()


# --- Nobody can: the error tells what to change -----------------------------------------------------------------------


def test_a_request_that_no_model_can_do_is_the_requests_fault() -> None:
    made = settings([deployment("a", piece_model()), deployment("b", piece_model(), missing_key=None)])
    with pytest.raises(
        RequestError, match="no deployment of route 'draft' can do this: a: by-piece cannot make 1536x1024"
    ):
        plan(made, ask(size=Size(width=1536, height=1024)))


def test_an_edit_that_no_model_can_do_is_the_requests_fault() -> None:
    made = settings([deployment("a", piece_model())])
    with pytest.raises(RequestError, match="can edit: a: by-piece cannot edit"):
        plan(made, ask(operation=Operation.EDIT, images=(picture(),)))


def test_where_everybody_is_over_the_cap_the_lowest_quote_is_told() -> None:
    made = priced(0.03, 0.02, max_price_nusd=10_000_000)
    with pytest.raises(PriceCapExceeded, match=r"may cost \$0.02, over the route's max_price \$0.01") as caught:
        plan(made, ask())
    assert (caught.value.price, caught.value.cap) == (20_000_000, 10_000_000)


def test_where_nobody_has_a_price_that_is_said() -> None:
    made = settings([deployment("a", token_model())], prices={"a": []})
    with pytest.raises(PriceUnknown, match="no price, so not bought: a has no price on 2026-11-21") as caught:
        plan(made, ask())
    assert caught.value.deployment == "a"


def test_where_only_keys_are_missing_every_variable_is_named() -> None:
    made = settings(
        [deployment("a", token_model(), missing_key="A_KEY"), deployment("b", token_model(), missing_key="B_KEY")]
    )
    with pytest.raises(NoCandidate, match="a: no key: set A_KEY; b: no key: set B_KEY") as caught:
        plan(made, ask())
    assert [drop.deployment for drop in caught.value.dropped] == ["a", "b"]


def test_where_reasons_are_mixed_each_is_told() -> None:
    made = settings([deployment("a", piece_model()), deployment("b", token_model(), missing_key="B_KEY")])
    with pytest.raises(NoCandidate, match=r"a: by-piece cannot make 2048x2048: .*; b: no key: set B_KEY"):
        plan(made, ask(size=Size(width=2048, height=2048)))


def test_a_deployment_that_the_route_does_not_use_cannot_be_named() -> None:
    with pytest.raises(
        RequestError, match=r"deployment 'abel' is not in .*\(did you mean 'able'\?\): a call may name able"
    ):
        plan(settings([ABLE]), ask(deployment="abel"))


def test_a_route_may_let_a_call_name_what_it_does_not_use_itself() -> None:
    made = settings([ABLE, deployment("other", token_model())], Route(use=("able",), may_name=("other",)))
    assert [each.deployment.name for each in plan(made, ask(deployment="other")).candidates] == ["other"]
    assert [each.deployment.name for each in plan(made, ask()).candidates] == ["able"]
    with pytest.raises(RequestError, match=r"deployment 'able' is not in .*: a call may name other"):
        plan(made, ask(deployment="able"))


def test_a_route_may_let_no_call_name_anything() -> None:
    made = settings([ABLE], Route(use=("able",), may_name=(), label="p:9"))
    with pytest.raises(
        RequestError, match=r"p:9 of policy test\.yaml lets no call name a deployment: leave 'able' out"
    ):
        plan(made, ask(deployment="able"))
    assert plan(made, ask()).candidates[0].deployment is ABLE


def test_a_policy_whose_route_takes_no_such_request_says_so() -> None:
    made = settings([ABLE], routes={"draft": ()})
    with pytest.raises(NoCandidate, match="no variant of route 'draft'"):
        plan(made, ask())


def test_a_days_prices_decide_that_day() -> None:
    made = settings(
        [deployment("a", piece_model())], prices={"a": [per_image(0.01), per_image(0.05, date(2026, 6, 1))]}
    )
    spring, autumn = (
        decide(made, features_of(ask()), day).candidates[0].quote.price_nusd for day in (date(2026, 5, 31), TODAY)
    )
    assert (spring, autumn) == (10_000_000, 50_000_000)


def test_what_can_never_be_is_told_before_a_missing_key() -> None:
    made = settings([deployment("a", token_model(), missing_key="A_KEY")])
    with pytest.raises(RequestError, match="cannot make 4096x4096") as caught:
        plan(made, ask(size=Size(width=4096, height=4096)))
    (dropped,) = caught.value.dropped
    assert dropped.deployment == "a"


# --- Words for quality ------------------------------------------------------------------------------------------------


def test_a_quality_that_no_deployment_has_is_refused_with_the_nearest_word_whatever_the_route_asks() -> None:
    made = settings([ABLE], Route(use=("able",), ask=Ask(quality="low")))
    with pytest.raises(RequestError) as caught:
        plan(made, ask(quality="hihg"))
    assert str(caught.value) == "unknown quality 'hihg' (did you mean 'high'?): known are low, medium, high"


def test_a_quality_that_some_other_deployment_has_is_known() -> None:
    other = deployment("other", token_model("other", qualities=("low", "max")))
    made = settings([ABLE, other], Route(use=("able",), ask=Ask(quality="low")))
    assert plan(made, ask(quality="max")).notices == ("quality max was asked; the route buys quality low",)


@pytest.mark.parametrize("word", ["low", "medium", "high", "standard", "hd", "auto"])
def test_the_words_of_every_guide_are_known_where_no_model_has_a_choice(word: str) -> None:
    made = settings([deployment("a", piece_model())])
    assert plan(made, ask(quality=word)).notices == (f"quality {word} was asked; the route buys no choice of quality",)
    with pytest.raises(RequestError, match="unknown quality 'hihg'"):
        plan(made, ask(quality="hihg"))
