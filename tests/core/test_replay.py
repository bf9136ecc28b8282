"""Trying policies on the past: what is bought, at which day's price, and what does not fit into the budgets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routing.core.budgets import Budget, CounterKey, Match, OnBudget
from routing.core.conditions import Condition, When
from routing.core.difference import DIMENSIONS, Difference, compare
from routing.core.features import Features
from routing.core.past import Past, RequestEnded
from routing.core.picture import Size
from routing.core.policy import Ask, Degrade, OnBad, Policy, Route, Settings, Show, SortRule
from routing.core.prices import PriceBook
from routing.core.refusals import RefusalRule
from routing.core.replay import Choice, Replay
from routing.core.request import Operation
from routing.core.window import Window, WindowKind
from tests.core.making import SQUARE, deployment, per_image, piece_model, token_model, token_rates

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DEAR, CHEAP = deployment("dear", token_model()), deployment("cheap", piece_model())
CENT = 10_000_000
MONTH = Window(kind=WindowKind.CALENDAR_MONTH)
BY = (*DIMENSIONS, "campaign")


def settings(*drafts: Route, budgets: tuple[Budget, ...] = (), **changes: Any) -> Settings:
    """Drafts go as told, finals to the dear one; the cheap one costs a cent a picture."""
    fields: dict[str, Any] = {
        "name": "test.yaml",
        "importance": ("draft", "final"),
        "sort": (SortRule(importance="draft", label="test.yaml:1"),),
        "routes": {"draft": drafts, "final": (Route(use=("dear",), ask=Ask(quality="high")),)},
    }
    return Settings(
        policy=Policy(**fields | changes),
        deployments={"dear": DEAR, "cheap": CHEAP},
        prices=PriceBook({"dear": token_rates(), "cheap": [per_image(0.01)]}),
        budgets=budgets,
    )


TO_CHEAP, TO_DEAR = Route(use=("cheap",)), Route(use=("dear",), ask=Ask(quality="low"))


def budget(limit_nusd: int, **changes: Any) -> Budget:
    fields: dict[str, Any] = {"name": "month", "limit_nusd": limit_nusd, "window": MONTH}
    return Budget(**fields | changes)


OWN = frozenset({"ended", "words", "charges", "partial", "asset", "prompt"})


def past(name: str = "fox", at: datetime = NOON, then: str = "", **changes: Any) -> Past:
    """A request that had the importance ``then``; what is different may be its own or one of its features."""
    own = {key: changes.pop(key) for key in OWN & changes.keys()}
    features = Features(**{"prompt_chars": 5, "prompt_bytes": 5} | changes)
    return Past(request_id=name, at=at, features=features, importance=then, **own)


def hourly(count: int, **changes: Any) -> list[Past]:
    return [past(f"fox-{hour}", NOON + timedelta(hours=hour), **changes) for hour in range(count)]


def tried(before: Settings, after: Settings, *pasts: Past) -> Difference:
    return compare(Replay(settings=before), Replay(settings=after), pasts, BY)


# --- What moves, and what that costs ----------------------------------------------------------------------------------


def test_a_request_that_goes_elsewhere_is_a_move_with_its_money_on_both_sides() -> None:
    found = tried(settings(TO_CHEAP), settings(TO_DEAR), past(n=2), past("final", importance="final"))
    (move,) = found.moves
    assert move.before == Choice("draft", "cheap", None, SQUARE)
    assert move.after == Choice("draft", "dear", "low", SQUARE)
    assert (move.requests, move.request_id, move.before_nusd) == (1, "fox", 2 * CENT)
    assert found.after.expected_nusd - found.before.expected_nusd == move.after_nusd - move.before_nusd
    assert (found.requests, found.images, found.moved) == (2, 3, 1)


def test_what_a_route_does_where_nothing_could_be_had_moves_nothing() -> None:
    degrading = replace(TO_CHEAP, degrade=Degrade(use=("dear",), show=(Show.LAST, Show.PLACEHOLDER)), bad=OnBad.RETRY)
    found = tried(settings(TO_CHEAP), settings(degrading), past(n=2))
    assert (found.moves, found.before.expected_nusd) == ((), found.after.expected_nusd)


def test_each_request_has_the_price_of_its_own_day() -> None:
    rates = [per_image(0.01), per_image(0.03, since=date(2026, 11, 22))]
    made = replace(settings(TO_CHEAP), prices=PriceBook({"cheap": rates}))
    found = tried(made, made, past(), past("later", NOON + timedelta(days=1)))
    assert found.before.expected_nusd == 4 * CENT


def test_moves_and_groups_that_change_most_money_stand_first() -> None:
    pasts = (past(n=1, tags={"campaign": "small"}), past(n=4, tags={"campaign": "large"}, importance="draft"))
    found = tried(settings(TO_CHEAP), settings(TO_DEAR), *pasts)
    assert [group.value for group in found.groups["campaign"]] == ["large", "small"]
    assert [group.value for group in found.groups["deployment"]] == ["cheap", "dear"]


def test_what_no_rule_can_serve_is_told_once_for_each_reason_whatever_its_figures() -> None:
    able, unable = settings(TO_DEAR), settings(replace(TO_DEAR, max_price_nusd=CENT // 10))
    pasts = (
        past(),
        past("dearer", n=4),
        past("edit", operation=Operation.EDIT, references=(SQUARE,)),
        past("x", tags={"a": "b"}),
    )
    found = tried(able, replace(unable, policy=replace(unable.policy, tags=frozenset())), *pasts)
    assert [(each.error, each.requests, each.request_id) for each in found.after.unserved] == [
        ("PriceCapExceeded", 3, "fox"),
        ("RequestError", 1, "x"),
    ]
    assert found.before.unserved == ()
    assert found.after.expected_nusd == found.after.served == 0
    assert {move.after for move in found.moves} == {None}
    assert "max_price" in found.after.unserved[0].words


def test_what_came_from_the_cache_or_failed_costs_nothing_on_either_side() -> None:
    pasts = (past(), past("again", ended=RequestEnded.CACHED), past("refused", ended=RequestEnded.FAILED))
    found = tried(settings(TO_CHEAP), settings(TO_CHEAP), *pasts)
    side = found.before
    assert (side.expected_nusd, side.saved_nusd, side.within_nusd) == (CENT, CENT, CENT)
    assert (side.served, side.cached, found.failed) == (3, 1, 1)


def test_the_same_words_are_bought_once_for_each_thing_that_is_bought() -> None:
    words = ("a fox",)
    pasts = (
        past(words=words),
        past("b", words=words),
        past("c", words=words, importance="final"),
        past("d", words=("b",)),
    )
    found = tried(settings(TO_CHEAP), settings(TO_DEAR), *pasts)
    assert (found.before.cached, found.after.cached) == (1, 1)
    assert found.before.saved_nusd == CENT


def test_what_the_ledger_charged_stands_by_what_it_was_charged_for() -> None:
    charged = past(charges=(("dear", 7), ("cheap", 5)), then="final", tags={"campaign": "spring"}, partial=True)
    found = tried(settings(TO_CHEAP), settings(TO_CHEAP), charged)
    assert {group.value: group.charged_nusd for group in found.groups["deployment"]} == {"cheap": 5, "dear": 7}
    assert {group.value: group.charged_nusd for group in found.groups["importance"]} == {"draft": 0, "final": 12}
    assert [group.charged_nusd for group in found.groups["campaign"]] == [12]
    assert (found.charged_nusd, found.partial) == (12, 1)


def test_nothing_at_all_is_no_difference() -> None:
    found = tried(settings(TO_CHEAP), settings(TO_DEAR))
    assert (found.requests, found.first_at, found.moves) == (0, None, ())


# --- Budgets ----------------------------------------------------------------------------------------------------------


def test_a_budget_without_room_is_told_with_the_first_time_and_how_many_it_stopped() -> None:
    made = settings(TO_CHEAP, budgets=(budget(3 * CENT, on_budget=OnBudget.REFUSE),))
    replay = Replay(settings=made)
    found = compare(replay, Replay(settings=made), hourly(5), BY)
    (passed,) = found.before.passed
    assert (passed.key.budget, passed.at, passed.request_id) == ("month", NOON + timedelta(hours=3), "fox-3")
    assert (passed.refused, passed.downgraded) == (2, 0)
    assert (found.before.expected_nusd, found.before.within_nusd) == (5 * CENT, 3 * CENT)


def test_a_downgrade_goes_on_to_what_is_cheaper_and_counts_there() -> None:
    both = Route(use=("dear", "cheap"), ask=Ask(quality="high"))
    replay = Replay(settings=settings(both, budgets=(budget(2 * CENT),)))
    for each in hourly(4):
        replay.decide(each)
    (passed,) = replay.passed
    assert (passed.downgraded, passed.refused, passed.at) == (2, 2, NOON)
    assert replay.within_nusd == 2 * CENT


def test_a_window_that_begins_anew_has_room_again() -> None:
    daily = budget(2 * CENT, window=Window(kind=WindowKind.CALENDAR_DAY))
    replay = Replay(settings=settings(TO_CHEAP, budgets=(daily,)))
    for each in hourly(24):
        replay.decide(each)
    assert [(each.at.day, each.refused) for each in replay.passed] == [(21, 10), (22, 10)]


def test_a_rolling_window_counts_all_its_slices_and_is_told_once() -> None:
    rolling = budget(2 * CENT, window=Window(kind=WindowKind.ROLLING, length=timedelta(hours=24)))
    replay = Replay(settings=settings(TO_CHEAP, budgets=(rolling,)))
    for each in hourly(50):
        replay.decide(each)
    (passed,) = replay.passed
    assert passed.at == NOON + timedelta(hours=2)
    # Two fit in at first, and two more whenever those are 25 slices old.
    assert 50 - passed.refused == replay.within_nusd // CENT == 4


def test_budgets_begin_with_what_they_had_spent() -> None:
    made = settings(TO_CHEAP, budgets=(budget(3 * CENT),))
    key = CounterKey(budget="month", scope="", below="", start=MONTH.span(NOON).start)
    replay = Replay(settings=made, spent={key: 2 * CENT})
    for each in hourly(2):
        replay.decide(each)
    assert [each.refused for each in replay.passed] == [1]


def test_each_value_of_a_tag_and_each_matching_importance_has_its_own_room() -> None:
    budgets = (
        budget(CENT, name="campaign", per="campaign"),
        budget(CENT, name="finals", match=Match(importance=frozenset({"final"}))),
    )
    replay = Replay(settings=settings(TO_CHEAP, budgets=budgets))
    for name in ("spring", "autumn", "spring"):
        replay.decide(past(name, tags={"campaign": name}))
    assert [(each.key.scope, each.refused) for each in replay.passed] == [("spring", 1)]


def test_a_condition_on_budgets_sees_what_they_would_have_spent() -> None:
    half = When(conditions=(Condition(field="budget_used", at_least=Fraction(1, 2)),))
    made = settings(replace(TO_CHEAP, when=half), TO_DEAR, budgets=(budget(2 * CENT),))
    replay = Replay(settings=made)
    chosen = [found.choice.deployment for each in hourly(6) if (found := replay.decide(each)).choice]
    first = chosen.index("cheap")
    assert first > 0
    assert {*chosen[first:]} == {"cheap"}


# --- For all requests -------------------------------------------------------------------------------------------------


@st.composite
def months(draw: st.DrawFn) -> list[Past]:
    """Requests in order of time, of every kind that tells policies apart."""
    hours = sorted(draw(st.lists(st.integers(0, 800), max_size=25)))
    return [
        Past(
            request_id=str(place),
            at=NOON + timedelta(hours=hour),
            asset=draw(st.sampled_from([None, "poster"])),
            ended=draw(st.sampled_from(RequestEnded)),
            words=draw(st.sampled_from([None, "a", "b"])),
            features=Features(
                prompt_chars=draw(st.integers(1, 40_000)),
                prompt_bytes=draw(st.integers(1, 90_000)),
                importance=draw(st.sampled_from([None, "draft", "final", "unknown"])),
                tags=draw(st.sampled_from([{}, {"campaign": "spring"}, {"campaign": "autumn"}])),
                size=draw(st.sampled_from([None, SQUARE, Size(width=1536, height=1024), Size(width=7, height=7)])),
                n=draw(st.integers(1, 10)),
            ),
            charges=draw(st.sampled_from([(), (("dear", 5),), (("cheap", 3), ("gone", 4))])),
        )
        for place, hour in enumerate(hours)
    ]


LIMITS = st.integers(CENT, 50 * CENT)


@given(pasts=months(), limit=LIMITS)
def test_a_policy_against_itself_moves_nothing_and_changes_no_money(pasts: list[Past], limit: int) -> None:
    made = settings(Route(use=("cheap", "dear")), budgets=(budget(limit, per="campaign"),))
    found = tried(made, made, *pasts)
    assert found.moves == ()
    assert found.before == found.after
    for groups in found.groups.values():
        assert all(group.before_nusd == group.after_nusd for group in groups)


@given(pasts=months(), limit=LIMITS)
def test_the_groups_of_every_dimension_add_up_to_the_total(pasts: list[Past], limit: int) -> None:
    budgets = (budget(limit), budget(limit // 2, name="campaign", per="campaign"))
    found = tried(settings(TO_CHEAP, budgets=budgets), settings(TO_DEAR, budgets=budgets), *pasts)
    for groups in found.groups.values():
        assert sum(group.before_nusd for group in groups) == found.before.expected_nusd
        assert sum(group.after_nusd for group in groups) == found.after.expected_nusd
        assert sum(group.before_requests for group in groups) == found.before.served
        assert sum(group.charged_nusd for group in groups) == found.charged_nusd
    moved = sum(move.after_nusd - move.before_nusd for move in found.moves)
    # With equal words the cache may answer on one side only, also what goes to the same place.
    if all(past.words is None for past in pasts):
        assert moved == found.after.expected_nusd - found.before.expected_nusd
    for side in (found.before, found.after):
        assert side.served + sum(each.requests for each in side.unserved) == len(pasts) == found.requests
        assert side.within_nusd <= side.expected_nusd


# --- Rules of ``refuse`` ----------------------------------------------------------------------------------------------


def test_a_rule_about_words_that_were_not_kept_is_told_and_not_guessed() -> None:
    no_foxes = RefusalRule(words=("fox",), label="test.yaml:9")
    made = settings(TO_CHEAP, refuse=(no_foxes,))
    pasts = (past("1", prompt="a fox"), past("2", prompt="a badger"), past("3"), past("4", importance="final"))
    found = tried(settings(TO_CHEAP), made, *pasts)
    assert (found.before.unread, found.before.unread_by) == (0, ())
    assert (found.after.unread, found.after.unread_by) == (2, ("test.yaml:9",))
    (unserved,) = found.after.unserved
    assert (unserved.error, unserved.requests, unserved.request_id) == ("PromptRefused", 1, "1")
    assert found.after.served == 3


def test_a_rule_about_what_the_ledger_keeps_is_tried_as_any_other() -> None:
    two = RefusalRule(when=When(conditions=(Condition(field="n", at_least=2),)), label="test.yaml:9")
    found = tried(settings(TO_CHEAP), settings(TO_CHEAP, refuse=(two,)), past(), past("many", n=2))
    assert (found.after.served, found.after.unread) == (1, 0)
    assert found.after.unserved[0].request_id == "many"
