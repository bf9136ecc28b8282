"""Conditions: each field, each comparator; what is undefined never matches."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.config.schema_when import Numbers, WhenEntry
from routing.core.conditions import (
    OF_BUDGETS,
    OF_REQUEST,
    UNKNOWN,
    Condition,
    Standing,
    When,
    matches,
)
from routing.core.features import features_of
from routing.core.picture import Size
from routing.core.request import Operation
from tests.core.making import USD, ask, picture

FULL = ask(
    'A poster that says "Grand Opening" and “Café”',
    importance="final",
    size=Size(width=2048, height=1024),
    n=3,
    operation=Operation.EDIT,
    images=(picture(), picture()),
    tags={"kind": "poster", "year": "2026", "campaign": "spring-sale-de"},
    deadline_s=20.0,
)
NEARLY_FULL = Standing(used_share=Fraction(85, 100), left_nusd=15 * USD)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition(field="importance", one_of=("final",)), True),
        (Condition(field="importance", none_of=("final",)), False),
        (Condition(field="operation", one_of=("edit",)), True),
        (Condition(field="operation", one_of=("generate",)), False),
        (Condition(field="size", one_of=("1024x1024", "2048x1024")), True),
        (Condition(field="size", none_of=("1024x1024",)), True),
        (Condition(field="megapixels", one_of=(2,)), True),
        (Condition(field="megapixels", at_least=2.1), False),
        (Condition(field="n", one_of=(3,)), True),
        (Condition(field="n", at_least=2, at_most=3), True),
        (Condition(field="n", at_most=2), False),
        (Condition(field="references", at_least=2), True),
        (Condition(field="prompt_chars", at_most=10), False),
        (Condition(field="text_chars", at_least=17, at_most=17), True),
        (Condition(field="tags.kind", one_of=("banner", "poster")), True),
        (Condition(field="tags.kind", none_of=("banner",)), True),
        (Condition(field="tags.year", one_of=("2026",)), True),
        (Condition(field="n", one_of=(3,), at_least=4), False),
        (Condition(field="tags.campaign", one_of=("spring-*",)), True),
        (Condition(field="tags.campaign", one_of=("autumn-*", "*-de")), True),
        (Condition(field="tags.campaign", one_of=("spring-",)), False),
        (Condition(field="tags.campaign", none_of=("*-sale-*",)), False),
        (Condition(field="tags.campaign", none_of=("*-sale",)), True),
        (Condition(field="tags.campaign", one_of=("*",)), True),
        (Condition(field="importance", one_of=("fin*",)), False),
        (Condition(field="importance_named", one_of=(True,)), True),
        (Condition(field="importance_named", one_of=(False,)), False),
        (Condition(field="script", one_of=("latin",)), True),
        (Condition(field="script", none_of=("latin",)), False),
        (Condition(field="deadline", at_most=30), True),
        (Condition(field="deadline", at_least=30), False),
        (Condition(field="budget_used", at_least=Fraction(80, 100)), True),
        (Condition(field="budget_used", at_most=Fraction(80, 100)), False),
        (Condition(field="budget_left", at_most=20 * USD), True),
        (Condition(field="budget_left", at_least=20 * USD), False),
    ],
    ids=str,
)
def test_a_condition_reads_its_field(condition: Condition, holds: bool) -> None:  # noqa: FBT001 - a row of a table
    assert condition.holds(features_of(FULL), NEARLY_FULL) is holds


@pytest.mark.parametrize(
    "field",
    ["importance", "size", "megapixels", "tags.kind", "script", "deadline", "budget_used", "budget_left"],
)
@pytest.mark.parametrize("bounds", [{"one_of": ("x",)}, {"none_of": ("x",)}, {}, {"at_least": 0}])
def test_what_is_undefined_never_matches_not_even_a_not(field: str, bounds: dict[str, object]) -> None:
    condition = Condition(field=field, **bounds)  # type: ignore[arg-type]  # a row of a table
    assert not condition.holds(features_of(ask()), UNKNOWN)


def test_a_number_asked_of_a_text_never_holds() -> None:
    assert not Condition(field="tags.year", at_least=1).holds(features_of(FULL), UNKNOWN)


def test_all_conditions_of_a_rule_must_hold() -> None:
    fits, fails = Condition(field="n", at_least=3), Condition(field="n", at_least=4)
    assert When(conditions=(fits,)).holds(features_of(FULL), UNKNOWN)
    assert not When(conditions=(fits, fails)).holds(features_of(FULL), UNKNOWN)
    assert When().holds(features_of(ask()), UNKNOWN)


def test_a_rule_reads_as_a_sentence() -> None:
    rule = When(
        conditions=(
            Condition(field="tags.kind", one_of=("poster", "banner")),
            Condition(field="text_chars", at_least=12, at_most=40),
            Condition(field="size", none_of=("1024x1024",)),
        )
    )
    expected = "tags.kind is poster or banner and text_chars at least 12 and at most 40 and size is not 1024x1024"
    assert str(rule) == expected
    assert str(When()) == "otherwise"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition(field="deadline", at_most=30.0), "deadline at most 30s"),
        (Condition(field="budget_used", at_least=Fraction(4, 5)), "budget_used at least 80%"),
        (Condition(field="budget_left", at_most=2_500_000_000), "budget_left at most $2.5"),
        (Condition(field="importance_named", one_of=(False,)), "importance not named by the call"),
    ],
    ids=str,
)
def test_a_bound_reads_in_its_own_unit(condition: Condition, words: str) -> None:
    assert str(condition) == words


@pytest.mark.parametrize(
    ("pattern", "text", "same"),
    [
        ("spring", "spring", True),
        ("spring", "Spring", False),
        ("spring", "spring-1", False),
        ("*", "", True),
        ("spring*", "spring", True),
        ("*ing", "spring", True),
        ("s*g", "sg", True),
        ("s*s", "s", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("ab*ba", "aba", False),
        ("**", "x", True),
        ("a.c*", "abc", False),
        ("[a]*", "a", False),
        ("a*", "b\na", False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(
    pattern: str,
    text: str,
    same: bool,  # noqa: FBT001 - a row of a table
) -> None:
    assert matches(pattern, text) is same


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=6), st.text(alphabet="ab", max_size=12))
def test_a_star_means_what_it_means_in_a_regular_expression(parts: list[str], text: str) -> None:
    assert matches("*".join(parts), text) == bool(re.fullmatch(".*".join(parts), text))


NUMBERS = (int, float, Fraction)
WITH_A_UNIT = ("deadline", *OF_BUDGETS)
"""Seconds, a share, money: each is written in its own way."""


def test_the_files_know_exactly_the_fields_that_can_be_read() -> None:
    assert set(WhenEntry.model_fields) == {*OF_REQUEST, *OF_BUDGETS, "tags"}


def test_the_files_ask_numbers_of_exactly_the_fields_that_are_numbers() -> None:
    numeric = {
        name for name, field in WhenEntry.model_fields.items() if Numbers in getattr(field.annotation, "__args__", ())
    }
    full = features_of(FULL)
    assert numeric == {name for name, read in OF_REQUEST.items() if type(read(full)) in NUMBERS} - {*WITH_A_UNIT}


def test_what_has_a_unit_is_only_compared_by_bounds() -> None:
    for name in WITH_A_UNIT:
        (words,) = (kind for kind in WhenEntry.model_fields[name].annotation.__args__ if kind is not type(None))  # type: ignore[union-attr]  # an optional model
        assert set(words.model_fields) == {"at_least", "at_most"}
