"""Which counters a purchase must fit into, and what each allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from routing.core.budgets import (
    Budget,
    BudgetRaise,
    Claim,
    CounterKey,
    Match,
    OnBudget,
    Purchase,
    claims_for,
    raised,
)
from routing.core.window import EPOCH, Window, WindowKind

RANKS = ("draft", "review", "final")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
MONTH = Window(kind=WindowKind.CALENDAR_MONTH)


def purchase(importance: str = "draft", tags: dict[str, str] | None = None, **different: Any) -> Purchase:
    plain = {"deployment": "gpt-image-2", "operation": "generate"}
    return Purchase(importance=importance, tags=tags or {}, **{**plain, **different})


def budget(name: str = "month", **different: Any) -> Budget:
    return Budget(**{"name": name, "limit_nusd": 1000, "window": MONTH, **different})


def claims(budgets: list[Budget], bought: Purchase) -> tuple[Claim, ...]:
    return claims_for(budgets, bought, RANKS, NOON)


def test_a_claim_says_counter_limit_end_thresholds_and_what_to_do() -> None:
    month = budget(alert_at=(500, 1000), on_budget=OnBudget.REFUSE)
    assert claims([month], purchase()) == (
        Claim(
            key=CounterKey(budget="month", scope="", below="", start=NOVEMBER),
            limit_nusd=1000,
            end=DECEMBER,
            alert_at=(500, 1000),
            on_budget=OnBudget.REFUSE,
        ),
    )


def test_a_lifetime_has_one_counter_for_ever() -> None:
    (claim,) = claims([budget(window=Window(kind=WindowKind.LIFETIME))], purchase())
    assert (claim.key.start, claim.end) == (EPOCH, None)


@pytest.mark.parametrize(
    ("match", "covered"),
    [
        (Match(), True),
        (Match(importance=frozenset({"draft", "review"})), True),
        (Match(importance=frozenset({"final"})), False),
        (Match(deployment=frozenset({"gpt-image-2"})), True),
        (Match(deployment=frozenset({"flux"})), False),
        (Match(operation=frozenset({"generate"})), True),
        (Match(operation=frozenset({"edit"})), False),
        (Match(tags={"campaign": frozenset({"spring", "winter"})}), True),
        (Match(tags={"campaign": frozenset({"winter"})}), False),
        (Match(tags={"project": frozenset({"spring"})}), False),
        (Match(tags={"campaign": frozenset({"spring"}), "kind": frozenset({"poster"})}), False),
        (Match(importance=frozenset({"draft"}), tags={"campaign": frozenset({"winter"})}), False),
    ],
)
def test_a_budget_counts_what_matches_in_every_field(match: Match, covered: bool) -> None:  # noqa: FBT001 - a column
    bought = purchase(tags={"campaign": "spring"})
    assert match.covers(bought) is covered
    assert len(claims([budget(match=match)], bought)) == covered


def test_each_value_of_a_tag_has_a_counter_of_its_own() -> None:
    campaign = budget("campaign", per="campaign")
    scopes = [
        claims([campaign], purchase(tags=tags))[0].key.scope for tags in ({"campaign": "spring"}, {"campaign": "b"}, {})
    ]
    assert scopes == ["spring", "b", ""]


def test_several_budgets_are_claimed_in_sorted_order_whatever_the_file_says() -> None:
    budgets = [budget("year"), budget("campaign", per="campaign"), budget("day")]
    found = claims(budgets, purchase(tags={"campaign": "spring"}))
    assert [claim.key.budget for claim in found] == ["campaign", "day", "year"]
    assert found == claims(budgets[::-1], purchase(tags={"campaign": "spring"}))


# --- protect ----------------------------------------------------------------------------------------------------------


def protected(importance: str, **protect: Fraction) -> dict[str, int]:
    found = claims([budget(protect=protect, alert_at=(500,))], purchase(importance))
    assert all(claim.alert_at == ((500,) if not claim.key.below else ()) for claim in found)
    return {claim.key.below: claim.limit_nusd for claim in found}


def test_less_important_purchases_may_not_use_a_protected_share() -> None:
    assert protected("draft", final=Fraction(2, 5)) == {"": 1000, "final": 600}
    assert protected("review", final=Fraction(2, 5)) == {"": 1000, "final": 600}


def test_what_is_protected_may_use_everything() -> None:
    assert protected("final", final=Fraction(2, 5)) == {"": 1000}
    assert protected("final", review=Fraction(2, 5)) == {"": 1000}


def test_shares_kept_for_more_important_purchases_add_up() -> None:
    shares = {"review": Fraction(1, 5), "final": Fraction(2, 5)}
    assert protected("draft", **shares) == {"": 1000, "review": 400, "final": 600}
    assert protected("review", **shares) == {"": 1000, "final": 600}
    assert protected("final", **shares) == {"": 1000}


def test_shares_above_the_whole_leave_nothing_rather_than_less() -> None:
    assert protected("draft", review=Fraction(3, 4), final=Fraction(3, 4)) == {"": 1000, "review": 0, "final": 250}


def test_a_share_is_cut_down_to_whole_nano_dollars() -> None:
    assert protected("draft", final=Fraction(1, 3))["final"] == 666


def test_a_protected_share_counts_in_the_same_window_and_scope() -> None:
    campaign = budget("campaign", per="campaign", protect={"final": Fraction(1, 2)})
    whole, below = claims([campaign], purchase(tags={"campaign": "spring"}))
    assert below.key == CounterKey(budget="campaign", scope="spring", below="final", start=whole.key.start)
    assert below.end == whole.end


# --- Rolling windows and raises ---------------------------------------------------------------------------------------


def test_a_claim_on_a_rolling_window_names_the_slices_before_it_and_no_end() -> None:
    (claim,) = claims([budget(window=Window(kind=WindowKind.ROLLING, length=timedelta(hours=24)))], purchase())
    assert (claim.key.start, claim.end) == (NOON, None)
    assert claim.earlier == tuple(NOON - timedelta(hours=back) for back in range(24, 0, -1))


def a_raise(by: int, name: str = "month", scope: str = "") -> BudgetRaise:
    return BudgetRaise(budget=name, scope=scope, by_nusd=by, at=NOON, until=DECEMBER, reason="launch")


def test_raises_lift_each_counter_by_its_share() -> None:
    whole, below = claims([budget(protect={"final": Fraction(1, 3)})], purchase())
    raises = [a_raise(50), a_raise(51), a_raise(1000, "year"), a_raise(1000, scope="spring")]
    assert raised(whole, raises).limit_nusd == 1000 + 101
    assert raised(below, raises).limit_nusd == 666 + 67
    assert raised(whole, raises[2:]) == whole
