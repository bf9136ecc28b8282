"""What can never happen in a policy: whatever is said to be impossible is, for every request there could be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from routing.core.conditions import OF_BUDGETS, OF_REQUEST, Condition, Standing, When
from routing.core.features import Features
from routing.core.picture import Size
from routing.core.quoted import SCRIPTS
from routing.core.reachability import contradiction, implies, taken_before, why_never
from routing.core.request import Operation

if TYPE_CHECKING:
    from collections.abc import Sequence


def when(**fields: Any) -> When:
    """A block by its fields; a dictionary holds comparators, ``tags__kind`` is a tag."""
    return When(
        conditions=tuple(
            Condition(
                field=name.replace("__", "."), **(value if isinstance(value, dict) else {"one_of": _listed(value)})
            )
            for name, value in fields.items()
        )
    )


def _listed(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (when(tags__kind="a"), when()),
        (when(tags__kind="a"), when(tags__kind=("a", "b"))),
        (when(tags__kind="a", n=2), when(tags__kind="a")),
        (when(tags__kind="spring-1"), when(tags__kind="spring-*")),
        (when(tags__kind="spring-*-de"), when(tags__kind="*-de")),
        (when(tags__kind="a"), when(tags__kind="*")),
        (when(tags__kind={"none_of": ("a",)}), when(tags__kind="*")),
        (when(tags__kind={"none_of": ("a", "b")}), when(tags__kind={"none_of": ("a",)})),
        (when(tags__kind={"none_of": ("a*",)}), when(tags__kind={"none_of": ("ab",)})),
        (when(tags__kind="b*"), when(tags__kind={"none_of": ("a*",)})),
        (when(n={"at_least": 4}), when(n={"at_least": 2})),
        (when(n={"at_least": 4}), when(n={"at_least": 2, "at_most": 10})),
        (when(n=3), when(n={"at_least": 2, "at_most": 4})),
        (when(tags__kind="a"), when(n={"at_least": 1})),
        (when(tags__kind="a"), when(operation=("generate", "edit"))),
        (when(operation={"none_of": ("edit",)}), when(operation="generate")),
        (when(script={"none_of": ("latin",)}), when(script=SCRIPTS)),
        (when(budget_used={"at_least": Fraction(9, 10)}), when(budget_used={"at_least": Fraction(8, 10)})),
        (when(deadline={"at_most": 10}), when(deadline={"at_most": 30.0})),
    ],
    ids=str,
)
def test_a_rule_within_another_is_seen(rule: When, other: When) -> None:
    assert implies(rule, other)
    assert taken_before(rule, (other,)) == (0,)


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        (when(), when(tags__kind="a")),
        (when(tags__kind=("a", "b")), when(tags__kind="a")),
        (when(tags__kind="*-de"), when(tags__kind="spring-*")),
        (when(tags__kind={"none_of": ("a",)}), when(tags__kind="b")),
        (when(tags__kind="*"), when(tags__kind={"none_of": ("a",)})),
        (when(tags__kind="a*"), when(tags__kind={"none_of": ("*b",)})),
        (when(n={"at_least": 2}), when(n={"at_least": 4})),
        (when(n=1), when(text_chars={"at_least": 1})),
        (when(n=1), when(tags__kind="*")),
        (when(n=1), when(deadline={"at_least": 0})),
        (when(operation="edit"), when(operation="generate")),
    ],
    ids=str,
)
def test_a_rule_that_takes_more_than_another_is_left_alone(rule: When, other: When) -> None:
    assert not implies(rule, other)
    assert taken_before(rule, (other,)) == ()


def test_several_rules_together_take_what_none_takes_alone() -> None:
    earlier = (when(tags__kind="a"), when(n=4), when(tags__kind="b*"))
    assert taken_before(when(tags__kind=("a", "bc")), earlier) == (0, 2)
    assert taken_before(when(tags__kind=("a", "c")), earlier) == ()
    assert taken_before(when(tags__kind=("a", "c"), n=4), earlier) == (1,)
    assert taken_before(when(operation={"none_of": ("x",)}), (when(operation="edit"), when(operation="generate"))) == (
        0,
        1,
    )


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (Condition(field="n", one_of=(11,)), "it is a whole number, 1 to 10"),
        (Condition(field="n", at_least=11), "it is a whole number, 1 to 10"),
        (Condition(field="n", at_most=0), "it is a whole number, 1 to 10"),
        (Condition(field="n", one_of=(2.5,)), "it is a whole number, 1 to 10"),
        (Condition(field="prompt_chars", at_most=0), "it is a whole number, 1 or more"),
        (Condition(field="n", at_least=4, at_most=2), "no number is both"),
        (Condition(field="n", one_of=(3,), at_least=4), "`not` and the bounds leave nothing of it"),
        (Condition(field="tags.kind", one_of=("a", "ab"), none_of=("a*",)), "`not` and the bounds leave nothing of it"),
        (Condition(field="tags.kind", none_of=("*",)), "`not` leaves nothing"),
        (Condition(field="operation", none_of=("edit", "generate")), "`not` leaves nothing"),
        (Condition(field="n", one_of=(3, 11)), ""),
        (Condition(field="tags.kind", one_of=("*",), none_of=("a*",)), ""),
        (Condition(field="size", one_of=("1024x1024",)), ""),
        (Condition(field="megapixels", one_of=(1.5,)), ""),
        (Condition(field="script", none_of=("latin",)), ""),
        (Condition(field="budget_left", at_most=0), ""),
    ],
    ids=str,
)
def test_a_condition_that_nothing_fulfils_is_told_why(condition: Condition, why: str) -> None:
    assert why_never(condition) == why


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (when(operation="edit", references=0), ("operation", "references")),
        (when(operation="generate", references={"at_least": 1}), ("operation", "references")),
        (when(operation="edit", references={"at_least": 1}), None),
        (when(operation="generate", references={"at_most": 4}), None),
        (when(script="cjk", text_chars={"at_most": 0}), ("script", "text_chars")),
        (when(script="cjk", text_chars={"at_most": 9}), None),
        (when(text_chars={"at_least": 100}, prompt_chars={"at_most": 90}), ("text_chars", "prompt_chars")),
        (when(text_chars={"at_least": 100}, prompt_chars={"at_most": 200}), None),
    ],
    ids=str,
)
def test_two_conditions_that_exclude_each_other_are_named(block: When, fields: tuple[str, str] | None) -> None:
    assert contradiction(block) == fields


# --- Against what conditions really do --------------------------------------------------------------------------------

numbers = st.sampled_from([0, 1, 2, 3, 10, 11, 2.5])
texts = st.sampled_from(["", "a", "ab", "ba", "a*", "*a", "a*b", "*", "*b*"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "tags.kind": texts,
    "importance": st.sampled_from(["draft", "final"]),
    "importance_named": st.booleans(),
    "operation": st.sampled_from(["generate", "edit"]),
    "script": st.sampled_from(SCRIPTS),
    "size": st.sampled_from(["1024x1024", "512x512"]),
}
BOUNDED_ONLY = ("deadline", *OF_BUDGETS)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from([*OF_REQUEST, *OF_BUDGETS, "tags.kind", "tags.kind", "n"]))
    some = st.one_of(st.none(), st.lists(VALUES.get(name, numbers), min_size=1, max_size=3).map(tuple))
    bound = st.none() if name in VALUES else st.one_of(st.none(), numbers)
    lists = st.none() if name in BOUNDED_ONLY else some
    return Condition(field=name, one_of=draw(lists), none_of=draw(lists), at_least=draw(bound), at_most=draw(bound))


blocks = st.lists(conditions(), max_size=3).map(lambda found: When(conditions=tuple(found)))
requests = st.builds(
    Features,
    prompt_chars=st.sampled_from([12, 13, 40]),
    prompt_bytes=st.just(1),
    text_chars=st.sampled_from([0, 1, 2, 3, 10]),
    script=st.none(),
    importance=st.sampled_from([None, "draft", "final"]),
    tags=st.one_of(
        st.just({}), st.sampled_from(["", "a", "b", "ab", "ba", "aab", "c"]).map(lambda value: {"kind": value})
    ),
    size=st.sampled_from([None, Size(width=1024, height=1024), Size(width=512, height=512)]),
    n=st.sampled_from([1, 2, 3, 10]),
    references=st.sampled_from([(), (Size(width=1, height=1),) * 2, (Size(width=1, height=1),) * 11]),
    deadline_s=st.sampled_from([None, 1.0, 2.5, 11.0]),
)
standings = st.builds(
    Standing, used_share=st.sampled_from([None, Fraction(0), Fraction(2)]), left_nusd=st.sampled_from([None, 0, 2])
)


@st.composite
def possible(draw: st.DrawFn) -> Features:
    """A request whose fields fit together, as ``features_of`` makes them."""
    found = draw(requests)
    operation = Operation.EDIT if found.references else Operation.GENERATE
    script = draw(st.sampled_from([None, *SCRIPTS])) if found.text_chars else None
    return replace(found, operation=operation, script=script)


@settings(max_examples=200)
@given(
    blocks, st.lists(blocks, min_size=1, max_size=3), st.lists(st.tuples(possible(), standings), min_size=8, max_size=8)
)
def test_no_request_ever_gets_past_the_rules_that_are_said_to_take_it(
    rule: When, earlier: Sequence[When], tried: list[tuple[Features, Standing]]
) -> None:
    before = taken_before(rule, earlier)
    event(f"taken by {len(before)}")
    for features, standing in tried:
        if before and rule.holds(features, standing):
            assert any(earlier[at].holds(features, standing) for at in before)


@settings(max_examples=100)
@given(blocks, st.lists(st.tuples(possible(), standings), min_size=8, max_size=8))
def test_no_request_ever_fulfils_what_is_said_to_be_impossible(
    block: When, tried: list[tuple[Features, Standing]]
) -> None:
    never = contradiction(block) is not None or any(why_never(condition) for condition in block.conditions)
    event("never" if never else "sometimes")
    for features, standing in tried:
        assert not (never and block.holds(features, standing))
