"""Who stands in for a route's deployments where nothing could be had from them, and what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from routing.core.abilities import Reason
from routing.core.picture import Size
from routing.core.policy import Ask, Degrade, Route
from routing.core.request import Operation
from routing.errors import NoCandidate
from tests.core.making import ask, deployment, per_image, picture, piece_model, settings, token_model
from tests.core.planning import plan

if TYPE_CHECKING:
    from routing.core.plan import Plan

BY_PIECE, BY_TOKEN = deployment("piece", piece_model()), deployment("token", token_model())
DEAR = deployment("dear", token_model("dear", qualities=("high",), default_quality="high"))


def planned(*, use: tuple[str, ...] = ("piece", "token"), route: dict[str, Any] | None = None, **wishes: Any) -> Plan:
    fields: dict[str, Any] = {"use": ("dear",), "degrade": Degrade(use=use), **(route or {})}
    return plan(settings([DEAR, BY_PIECE, BY_TOKEN], Route(**fields)), ask(**wishes))


def stand_ins(found: Plan) -> list[tuple[str, str | None, str]]:
    return [(each.deployment.name, each.quality, str(each.size)) for each in found.stand_ins]


def test_stand_ins_are_no_candidates_and_keep_their_order() -> None:
    found = planned()
    assert [each.deployment.name for each in found.candidates] == ["dear"]
    assert stand_ins(found) == [("piece", None, "1024x1024"), ("token", "medium", "1024x1024")]
    assert found.dropped == ()


def test_a_plan_says_for_whom_they_stand_in() -> None:
    found = planned()
    assert [found.stands_in(each) for each in (*found.candidates, *found.stand_ins)] == [
        "",
        "stands in for dear",
        "stands in for dear",
    ]


def test_a_routes_own_deployment_never_stands_in_for_itself() -> None:
    made = settings([BY_TOKEN], Route(use=("token",), degrade=Degrade(use=("token",))))
    found = plan(made, ask())
    assert found.candidates == found.stand_ins
    assert [found.stands_in(each) for each in found.candidates] == [""]


def test_they_are_asked_for_what_the_route_asks_as_far_as_they_know_it() -> None:
    route = {"ask": Ask(quality="high", size=Size(width=1600, height=1600))}
    assert stand_ins(planned(route=route)) == [("piece", None, "1024x1024"), ("token", "high", "1600x1600")]


def test_a_quality_that_one_does_not_know_becomes_its_usual_one() -> None:
    assert stand_ins(planned(use=("token",), route={"ask": Ask()}, quality="high")) == [("token", "high", "1024x1024")]
    plain = deployment("plain", token_model("plain", qualities=("low", "medium")))
    made = settings([DEAR, plain], Route(use=("dear",), degrade=Degrade(use=("plain",))))
    assert stand_ins(plan(made, ask(quality="high"))) == [("plain", "medium", "1024x1024")]


def test_a_size_that_one_cannot_make_becomes_the_nearest() -> None:
    assert stand_ins(planned(size=Size(width=1536, height=1024))) == [
        ("piece", None, "1024x1024"),
        ("token", "medium", "1536x1024"),
    ]


def test_a_bound_on_the_pixels_holds_for_them_too() -> None:
    route = {"ask": Ask(pixels_at_most=1024 * 1024)}
    found = planned(route=route, size=Size(width=2048, height=2048))
    assert {size for _, _, size in stand_ins(found)} == {"1024x1024"}


def test_what_they_cannot_do_leaves_them_out_with_the_reason() -> None:
    found = planned(operation=Operation.EDIT, images=(picture(),))
    assert [name for name, _, _ in stand_ins(found)] == ["token"]
    assert [(drop.deployment, drop.reason) for drop in found.dropped] == [("piece", Reason.OPERATION)]


def test_both_price_caps_hold_for_them() -> None:
    dear = {"piece": [per_image(5)]}
    route = Route(use=("token",), degrade=Degrade(use=("piece",)), max_price_nusd=10**9)
    found = plan(settings([BY_TOKEN, BY_PIECE], route, prices=dear), ask())
    assert (found.stand_ins, found.dropped[0].reason) == ((), Reason.PRICE_CAP)


def test_a_call_that_names_a_deployment_has_none() -> None:
    found = planned(deployment="dear")
    assert (found.stand_ins, {drop.reason for drop in found.dropped}) == ((), {Reason.NOT_ASKED})


def test_they_do_not_make_a_route_able() -> None:
    gone = deployment("gone", token_model(), missing_key="KEY")
    made = settings([gone, BY_PIECE], Route(use=("gone",), degrade=Degrade(use=("piece",))))
    with pytest.raises(NoCandidate):
        plan(made, ask())
