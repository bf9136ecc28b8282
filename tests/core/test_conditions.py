"""Conditions: each field, each comparator; what is undefined never matches."""

from __future__ import annotations

import pytest

from routing.config.schema_when import Numbers, WhenEntry
from routing.core.conditions import NUMBERS, READERS, Condition, When
from routing.core.picture import Size
from routing.core.request import Operation, features_of, quoted_text
from tests.core.making import ask, picture

FULL = ask(
    'A poster that says "Grand Opening" and “Café”',
    importance="final",
    size=Size(width=2048, height=1024),
    n=3,
    operation=Operation.EDIT,
    images=(picture(), picture()),
    tags={"kind": "poster", "year": "2026"},
)


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Condition(field="importance", one_of=("final",)), True),
        (Condition(field="importance", none_of=("final",)), False),
        (Condition(field="operation", one_of=("edit",)), True),
        (Condition(field="operation", one_of=("generate",)), False),
        (Condition(field="size", one_of=("1024x1024", "2048x1024")), True),
        (Condition(field="size", none_of=("1024x1024",)), True),
        (Condition(field="megapixels", at_least=2), True),
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
    ],
    ids=str,
)
def test_a_condition_reads_its_field(condition: Condition, holds: bool) -> None:  # noqa: FBT001 - a row of a table
    assert condition.holds(features_of(FULL)) is holds


@pytest.mark.parametrize("field", ["importance", "size", "megapixels", "tags.kind"])
@pytest.mark.parametrize("bounds", [{"one_of": ("x",)}, {"none_of": ("x",)}, {}, {"at_least": 0}])
def test_what_is_undefined_never_matches_not_even_a_not(field: str, bounds: dict[str, object]) -> None:
    assert not Condition(field=field, **bounds).holds(features_of(ask()))  # type: ignore[arg-type]  # a row of a table


def test_a_number_asked_of_a_text_never_holds() -> None:
    assert not Condition(field="tags.year", at_least=1).holds(features_of(FULL))


def test_all_conditions_of_a_rule_must_hold() -> None:
    fits, fails = Condition(field="n", at_least=3), Condition(field="n", at_least=4)
    assert When(conditions=(fits,)).holds(features_of(FULL))
    assert not When(conditions=(fits, fails)).holds(features_of(FULL))
    assert When().holds(features_of(ask()))


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
    ("prompt", "words"),
    [
        ('says "LAUNCH"', "LAUNCH"),
        ("says “Grand” and “Opening”", "GrandOpening"),
        ("sagt „Eröffnung“", "Eröffnung"),
        ("dit «Bonjour»", "Bonjour"),
        ("「開店」と『祭』", "開店祭"),
        ("it's the fox's den", ""),
        ('an 8" plate', ""),
        ('empty ""', ""),
    ],
)
def test_words_to_be_legible_stand_in_double_quotation_marks_of_any_script(prompt: str, words: str) -> None:
    assert quoted_text(prompt) == words


def test_the_files_know_exactly_the_fields_that_can_be_read() -> None:
    assert set(WhenEntry.model_fields) == {*READERS, "tags"}


def test_the_files_ask_numbers_of_exactly_the_fields_that_are_numbers() -> None:
    numeric = {
        name for name, field in WhenEntry.model_fields.items() if Numbers in getattr(field.annotation, "__args__", ())
    }
    assert numeric == NUMBERS
