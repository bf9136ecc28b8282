"""Deciding: what a route bounds, what budgets say to it, and what is remembered between requests."""

from __future__ import annotations

from fractions import Fraction

import pytest

from routing.core.abilities import Reason
from routing.core.conditions import Condition, Standing, When
from routing.core.deployment import ListedSizes
from routing.core.features import features_of
from routing.core.picture import Size
from routing.core.plan import SHAPES_AT_MOST, decide
from routing.core.policy import Ask, Route, SortRule
from routing.errors import RequestError
from tests.core.making import (
    SQUARE,
    TODAY,
    ask,
    deployment,
    piece_model,
    settings,
)
from tests.core.planning import ABLE, plan, why

# --- A bound on the size ----------------------------------------------------------------------------------------------

ONE = Ask(pixels_at_most=1024 * 1024)


@pytest.mark.parametrize(
    ("wish", "bought"),
    [
        (Size(width=2048, height=2048), SQUARE),
        (Size(width=3840, height=2160), Size(width=1360, height=768)),
        (Size(width=1024, height=1536), Size(width=832, height=1248)),
        (Size(width=960, height=1024), Size(width=960, height=1024)),
        (None, SQUARE),
    ],
)
def test_what_is_over_the_bound_becomes_smaller_in_the_same_shape(wish: Size | None, bought: Size) -> None:
    made = settings([ABLE], Route(use=("able",), ask=ONE, label="p:3"))
    decided = plan(made, ask(size=wish))
    assert decided.candidates[0].size == bought
    told = (f"size {wish} was asked; p:3 buys {bought}",) if wish not in (None, bought) else ()
    assert decided.notices == told


def test_each_candidate_gets_the_nearest_size_that_it_can_make() -> None:
    made = settings([deployment("a", piece_model()), ABLE], Route(use=("a", "able"), ask=ONE))
    decided = plan(made, ask(size=Size(width=2048, height=1536)))
    assert [str(each.size) for each in decided.candidates] == ["1024x1024", "1184x880"]


def test_a_size_that_was_asked_for_within_the_bound_must_still_be_one_that_is_made() -> None:
    small = Size(width=300, height=300)
    with pytest.raises(RequestError, match="by-token cannot make 300x300"):
        plan(settings([ABLE], Route(use=("able",), ask=ONE)), ask(size=small))


def test_a_model_that_makes_nothing_so_small_is_left_out() -> None:
    large = deployment("a", piece_model(sizes=ListedSizes(sizes=(SQUARE,))))
    tight = Route(use=("a", "able"), ask=Ask(pixels_at_most=700_000))
    assert why(large, ask(), tight) == (Reason.SIZE, "by-piece makes nothing of at most 0.667572MP (1024x1024)")


def test_a_smaller_picture_is_quoted_as_the_smaller_one() -> None:
    large = ask(size=Size(width=2048, height=2048))
    capped = plan(settings([ABLE], Route(use=("able",), ask=ONE)), large).candidates[0].quote
    square = plan(settings([ABLE]), ask(size=SQUARE)).candidates[0].quote
    assert capped == square


# --- Deadline ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "route", "both"), [(None, None, None), (9.0, None, 9.0), (None, 30.0, 30.0),
                                                     (9.0, 30.0, 9.0), (90.0, 30.0, 30.0)])  # fmt: skip
def test_of_two_deadlines_the_shorter_holds(call: float | None, route: float | None, both: float | None) -> None:
    made = settings([ABLE], Route(use=("able",), deadline_s=route))
    assert plan(made, ask(deadline_s=call)).deadline_s == both


# --- How full the budgets are -----------------------------------------------------------------------------------------


def test_budgets_are_asked_for_at_the_importance_the_request_has_at_that_point() -> None:
    asked: list[str | None] = []

    def standings(importance: str | None) -> Standing:
        asked.append(importance)
        return Standing(used_share=Fraction(9, 10))

    full = When(conditions=(Condition(field="budget_used", at_least=Fraction(4, 5)),))
    made = settings(
        [ABLE],
        importance=("draft", "final"),
        sort=(SortRule(at_most="draft", when=full, label="cap"), SortRule(importance="final")),
        routes={"draft": (Route(use=("able",), when=full, label="thrifty"),), "final": (Route(use=("able",)),)},
    )
    decided = decide(made, features_of(ask()), TODAY, standings)
    assert (decided.importance, decided.capped_by, decided.route.label) == ("draft", "cap", "thrifty")
    assert asked == [None, "final", "draft"]
    assert made.policy.reads_budgets
    assert not settings([ABLE]).policy.reads_budgets


def test_where_nothing_is_known_of_budgets_no_condition_on_them_holds() -> None:
    full = When(conditions=(Condition(field="budget_left", at_most=10**12),))
    made = settings([ABLE], Route(use=("able",), when=full, label="thrifty"), Route(use=("able",), label="usual"))
    assert plan(made, ask()).route.label == "usual"


# --- What is remembered -----------------------------------------------------------------------------------------------


def test_what_is_remembered_of_one_request_changes_nothing_for_the_next() -> None:
    """Two that differ only in their words share what is remembered; each has its own price, and its own refusals."""
    made = settings([deployment("a", piece_model(prompt_chars_at_most=1000)), ABLE], Route(use=("a", "able")))
    prompts = ["a fox", "x" * 1001, "ü" * 900, "a fox"]
    fresh = [plan(settings(list(made.deployments.values()), Route(use=("a", "able"))), ask(each)) for each in prompts]
    warm = [plan(made, ask(each)) for each in prompts]
    assert [each.candidates for each in warm] == [each.candidates for each in fresh]
    assert [each.dropped for each in warm] == [each.dropped for each in fresh]
    assert len(made.prepared) == 1
    assert warm[1].candidates[0].quote.lines[0].quantity == 1001


def test_requests_of_endless_shapes_are_not_all_remembered() -> None:
    made = settings([ABLE])
    for seed in range(SHAPES_AT_MOST + 5):
        with pytest.raises(RequestError):
            plan(made, ask(extras={"seed": str(seed)}))
    assert 0 < len(made.prepared) <= SHAPES_AT_MOST
