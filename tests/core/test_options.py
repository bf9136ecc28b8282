"""Options that only some deployments have: who stays for them, what is left out for whom, and what is asked instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from routing.core.abilities import Reason
from routing.core.fingerprint import picture_key
from routing.core.policy import Pick, Route, Unsupported
from routing.core.refusals import RefusalRule
from routing.errors import PromptRefused, RequestError
from tests.core.making import ask, deployment, picture, piece_model, settings, token_model
from tests.core.planning import plan

if TYPE_CHECKING:
    from routing.core.deployment import Deployment
    from routing.core.plan import Candidate, Plan

KNOWS = deployment(
    "knows",
    token_model(
        "all",
        backgrounds=("transparent", "opaque"),
        output_formats=("png", "webp"),
        extras={"seed": (), "complexity": ("low", "high"), "output_compression": ()},
    ),
)
PLAIN = deployment("plain", token_model("bare", backgrounds=("opaque",), output_formats=("png",)))


def drop(*use: str, **fields: Any) -> Route:
    return Route(use=use, unsupported=Unsupported.DROP, label="policy.yaml:9", **fields)


def planned(route: Route, **asked: Any) -> Plan:
    return plan(settings([KNOWS, PLAIN], route), ask(**asked))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"extras": {"seed": "7"}}, "seed 7 is left out for plain: bare does not know seed"),
        (
            {"background": "transparent"},
            "background transparent is left out for plain: bare has no background transparent (it has opaque)",
        ),
        (
            {"output_format": "webp"},
            "output_format webp is left out for plain: bare has no output_format webp (it has png)",
        ),
        ({"extras": {"complexity": "low"}}, "complexity low is left out for plain: bare does not know complexity"),
    ],
)
def test_with_drop_a_deployment_stays_and_the_option_is_left_out_for_it_alone(asked: dict[str, Any], says: str) -> None:
    found = planned(drop("plain", "knows"), **asked)
    plain, knows = found.candidates
    assert plain.options.sent == {"background": None, "output_format": None, "extras": {}}
    assert plain.options.notices == found.notices == (says,)
    assert knows.options.notices == ()
    assert knows.options.sent == {"background": None, "output_format": None, "extras": {}} | asked


def test_without_it_the_deployment_is_left_out_as_ever() -> None:
    found = planned(Route(use=("plain", "knows")), extras={"seed": "7"})
    (dropped,) = found.dropped
    assert (dropped.deployment, dropped.reason, dropped.detail) == (
        "plain",
        Reason.PARAMETER,
        "bare does not know seed",
    )
    with pytest.raises(RequestError, match="bare does not know seed"):
        planned(Route(use=("plain",)), extras={"seed": "7"})


def test_only_the_notices_of_who_is_bought_from_first_are_the_plans() -> None:
    found = planned(drop("knows", "plain"), extras={"seed": "7"})
    assert found.notices == ()
    assert len(found.candidates[1].options.notices) == 1


def test_what_is_known_is_sent_beside_what_is_left_out() -> None:
    found = planned(drop("plain"), background="opaque", output_format="webp", extras={"seed": "7", "complexity": "low"})
    assert found.candidates[0].options.sent == {"background": "opaque", "output_format": None, "extras": {}}
    assert len(found.notices) == 3


def test_a_compression_does_not_stay_without_its_format() -> None:
    only_png = deployment("png", token_model("png", output_formats=("png",), extras={"output_compression": ()}))
    made = settings([only_png], drop("png"))
    asked: dict[str, Any] = {"output_format": "webp", "extras": {"output_compression": "50"}}
    assert plan(made, ask(**asked)).candidates[0].options.sent["extras"] == {}
    assert planned(drop("knows"), **asked).candidates[0].options.extras == {"output_compression": "50"}


@pytest.mark.parametrize("asked", [{"images": (picture(),), "mask": picture()}, {"images": (picture(),) * 2}])
def test_a_mask_or_references_are_never_left_out(asked: dict[str, Any]) -> None:
    poor = deployment("poor", token_model("poor", mask=False, references_at_most=1))
    with pytest.raises(RequestError, match="poor takes"):
        plan(settings([poor], drop("poor")), ask(**asked))


def test_what_costs_least_is_found_among_all_that_stay() -> None:
    cheap = deployment("cheap", piece_model("cheap"))
    route = drop("knows", "cheap", pick=Pick.CHEAPEST)
    made = settings([KNOWS, cheap], route)
    first = plan(made, ask(extras={"seed": "7"})).candidates[0]
    assert first.deployment is cheap
    assert first.options.extras == {}


def test_requests_of_other_options_are_not_mistaken_for_one_shape() -> None:
    made = settings([KNOWS], drop("knows"))
    for extras in ({"seed": "7"}, {"seed": "8"}, {}, {"complexity": "low"}, {"seed": "7"}):
        for n in (1, 2):
            assert plan(made, ask(extras=extras, n=n)).candidates[0].options.extras == extras


def test_two_routes_of_one_policy_keep_their_own_ways() -> None:
    made = settings([PLAIN], drop("plain"))
    strict = settings([PLAIN], Route(use=("plain",)))
    assert plan(made, ask(extras={"seed": "7"})).candidates
    with pytest.raises(RequestError):
        plan(strict, ask(extras={"seed": "7"}))
    assert plan(made, ask(extras={"seed": "7"})).notices


# --- ``reasoning: force`` of older guides -----------------------------------------------------------------------------

THINKS = deployment("thinks", token_model("thinker", extras={"reasoning": ("force",), "complexity": ("low", "high")}))
SLOW = deployment("slow", token_model("slow", extras={"complexity": ("low", "medium", "high")}))
SIMPLE = deployment("simple", token_model("simple", extras={"complexity": ("low",)}))
FORCE = {"reasoning": "force"}
AS_HIGH = "reasoning force is asked of slow as complexity high, the nearest that slow knows"


def asked_of(one: Deployment, extras: dict[str, str], route: Route | None = None) -> Candidate:
    return plan(settings([one], route or Route(use=(one.name,))), ask(extras=extras)).candidates[0]


def test_forced_reasoning_is_sent_where_a_model_knows_it() -> None:
    found = asked_of(THINKS, FORCE)
    assert (found.options.extras, found.options.notices) == (FORCE, ())


def test_forced_reasoning_is_the_highest_complexity_where_a_model_knows_that_instead() -> None:
    found = asked_of(SLOW, FORCE)
    assert (found.options.extras, found.options.notices) == ({"complexity": "high"}, (AS_HIGH,))


def test_a_complexity_that_the_call_names_goes_before_forced_reasoning() -> None:
    found = asked_of(SLOW, {"complexity": "low", **FORCE})
    assert found.options.extras == {"complexity": "low"}
    assert found.options.notices == (
        "reasoning force is left out for slow: it gives way to complexity low, which the call names",
    )


@pytest.mark.parametrize("one", [PLAIN, SIMPLE], ids=["knows neither", "has no high complexity"])
def test_forced_reasoning_is_refused_elsewhere_or_left_out_where_the_route_says_so(one: Deployment) -> None:
    with pytest.raises(RequestError, match="does not know reasoning"):
        asked_of(one, FORCE)
    found = asked_of(one, FORCE, drop(one.name))
    assert found.options.extras == {}
    assert "reasoning force is left out" in found.options.notices[0]


def test_another_word_for_reasoning_is_not_read_as_force() -> None:
    with pytest.raises(RequestError, match="unknown reasoning 'light': known are auto, force"):
        asked_of(SLOW, {"reasoning": "light"})


@pytest.mark.parametrize("extras", [{"complexity": "low"}, {"complexity": "high"}, FORCE])
def test_no_complexity_makes_a_quote_lower_than_it_is_without(extras: dict[str, str]) -> None:
    plain = asked_of(SLOW, {}).quote
    assert asked_of(SLOW, extras).quote == plain


def test_a_rule_against_forced_reasoning_sees_what_the_call_asks_not_what_is_sent() -> None:
    never = RefusalRule(options={"reasoning": ("force",)}, label="policy.yaml:9")
    made = settings([SLOW], refuse=(never,))
    with pytest.raises(PromptRefused, match="reasoning is force"):
        plan(made, ask(extras=FORCE))
    assert plan(made, ask(extras={"complexity": "high"})).candidates


# --- Keys of pictures -------------------------------------------------------------------------------------------------


def test_a_key_is_made_of_what_is_sent_and_the_same_as_ever_where_all_is_sent() -> None:
    asked = ask(background="opaque", extras={"seed": "7"})
    known = plan(settings([KNOWS]), asked).candidates[0].options
    assert picture_key(asked, {"n": 1, **known.sent}) == picture_key(asked, {"n": 1})
    left_out = plan(settings([PLAIN], drop("plain")), asked).candidates[0].options
    plain = ask(background="opaque")
    assert picture_key(asked, {"n": 1, **left_out.sent}) == picture_key(plain, {"n": 1})


# --- Words that nobody knows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            {"background": "transparant"},
            "unknown background 'transparant' (did you mean 'transparent'?): known are transparent, opaque",
        ),
        ({"output_format": "gif"}, "unknown output_format 'gif': known are png, jpeg, webp"),
        (
            {"extras": {"complexity": "hgih"}},
            "unknown complexity 'hgih' (did you mean 'high'?): known are low, medium, high",
        ),
        (
            {"extras": {"reasoning": "forced"}},
            "unknown reasoning 'forced' (did you mean 'force'?): known are auto, force",
        ),
    ],
)
@pytest.mark.parametrize("route", [drop("plain"), Route(use=("plain",))])
def test_a_value_that_nobody_knows_is_a_slip_also_where_options_may_be_left_out(
    route: Route, asked: dict[str, Any], says: str
) -> None:
    with pytest.raises(RequestError) as caught:
        planned(route, **asked)
    assert str(caught.value) == says


def test_a_value_that_some_other_deployment_has_is_known() -> None:
    other = deployment("other", token_model("other", output_formats=("avif",), extras={"complexity": ()}))
    made = settings([KNOWS, other], drop("knows"))
    assert (
        plan(made, ask(output_format="avif", extras={"complexity": "any"})).candidates[0].options.sent["extras"] == {}
    )


def test_an_option_without_words_takes_any_value() -> None:
    assert planned(drop("knows"), extras={"seed": "x"}).candidates[0].options.sent["extras"] == {"seed": "x"}


def test_what_has_no_place_in_an_edit_is_refused_before_anything_is_reserved_or_left_out() -> None:
    strict = deployment("strict", token_model("strict", extras={"moderation": ("auto", "low")}))
    asked: dict[str, Any] = {"images": (picture(),), "extras": {"moderation": "low"}}
    says = "strict takes moderation in a generation only, not in an edit"
    with pytest.raises(RequestError, match=says):
        plan(settings([strict]), ask(**asked))
    (candidate,) = plan(settings([strict], drop("strict")), ask(**asked)).candidates
    assert candidate.options.notices == (f"moderation low is left out for strict: {says}",)
