"""How full the budgets are that a request would count in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from routing.core.budgets import Budget, BudgetRaise, CounterKey, Match
from routing.core.conditions import UNKNOWN, Standing
from routing.core.entries import Balance
from routing.core.features import Features
from routing.core.standing import counted_in, standing_of
from routing.core.window import Window, WindowKind

RANKS = ("draft", "review", "final")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = Window(kind=WindowKind.CALENDAR_MONTH)
ROLLING = Window(kind=WindowKind.ROLLING, length=timedelta(days=1))


def budget(name: str = "month", **different: Any) -> Budget:
    return Budget(**{"name": name, "limit_nusd": 1000, "window": MONTH, **different})


def asked(**tags: str) -> Features:
    return Features(prompt_chars=1, prompt_bytes=1, tags=tags)


def names(budgets: list[Budget], importance: str | None, **tags: str) -> list[str]:
    return [claim.key.budget for claim in counted_in(budgets, asked(**tags), importance, RANKS, NOON)]


def standing(budgets: list[Budget], used: dict[str, tuple[int, int]], *raises: BudgetRaise) -> Standing:
    """Look at budgets with so much held and spent."""
    claims = counted_in(budgets, asked(), "draft", RANKS, NOON)
    balances = {
        CounterKey(budget=name, scope="", below="", start=NOVEMBER): Balance(held_nusd=held, spent_nusd=spent)
        for name, (held, spent) in used.items()
    }
    return standing_of(claims, balances, raises)


def test_a_budget_of_some_importances_counts_once_the_request_has_one_of_them() -> None:
    finals = budget("finals", match=Match(importance=frozenset({"final"})))
    assert names([budget(), finals], None) == ["month"]
    assert names([budget(), finals], "draft") == ["month"]
    assert names([budget(), finals], "final") == ["finals", "month"]


def test_a_budget_of_some_deployments_never_counts_for_none_is_chosen_yet() -> None:
    assert names([budget(match=Match(deployment=frozenset({"gpt-image-2"})))], "final") == []


def test_a_budget_counts_by_tags_and_operation_and_by_each_value_of_its_tag() -> None:
    tagged = budget("posters", match=Match(tags={"kind": frozenset({"poster"})}))
    edits = budget("edits", match=Match(operation=frozenset({"edit"})))
    per = budget("campaign", per="campaign")
    assert names([tagged, edits, per], None, kind="poster", campaign="spring") == ["campaign", "posters"]
    (claim,) = counted_in([per], asked(campaign="spring"), None, RANKS, NOON)
    assert claim.key.scope == "spring"


def test_what_is_kept_for_an_importance_is_not_looked_at_the_limit_is() -> None:
    (claim,) = counted_in([budget(protect={"final": Fraction(2, 5)})], asked(), "draft", RANKS, NOON)
    assert (claim.key.below, claim.limit_nusd) == ("", 1000)


def test_what_is_held_is_used_too() -> None:
    assert standing([budget()], {"month": (300, 500)}) == Standing(used_share=Fraction(4, 5), left_nusd=200)


def test_of_several_budgets_the_fullest_and_the_one_with_the_least_left_count() -> None:
    found = standing([budget("big", limit_nusd=10_000), budget("small", limit_nusd=100)],
                     {"big": (0, 9000), "small": (0, 10)})  # fmt: skip
    assert found == Standing(used_share=Fraction(9, 10), left_nusd=90)


def test_a_budget_that_nothing_was_counted_in_is_empty() -> None:
    assert standing([budget()], {}) == Standing(used_share=Fraction(0), left_nusd=1000)


def test_a_request_that_no_budget_counts_has_no_standing() -> None:
    assert standing([], {}) == UNKNOWN


def test_after_an_overrun_nothing_is_left_and_more_than_all_is_used() -> None:
    assert standing([budget()], {"month": (0, 1200)}) == Standing(used_share=Fraction(6, 5), left_nusd=0)


def test_a_raise_counts_with_the_limit() -> None:
    raised = BudgetRaise(budget="month", scope="", by_nusd=1000, at=NOON, until=NOON, reason="launch")
    other = BudgetRaise(budget="month", scope="spring", by_nusd=9000, at=NOON, until=NOON, reason="launch")
    found = standing([budget()], {"month": (0, 800)}, raised, other)
    assert found == Standing(used_share=Fraction(2, 5), left_nusd=1200)


def test_all_slices_of_a_rolling_window_count() -> None:
    claims = counted_in([budget("day", window=ROLLING)], asked(), None, RANKS, NOON)
    (claim,) = claims
    keys = [claim.key, *(CounterKey(budget="day", scope="", below="", start=start) for start in claim.earlier[-2:])]
    found = standing_of(claims, {key: Balance(spent_nusd=100) for key in keys})
    assert found == Standing(used_share=Fraction(3, 10), left_nusd=700)
