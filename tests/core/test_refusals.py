"""What a policy says no to before anything is reserved: the rule, its reason, and never the prompt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from routing.core.conditions import Condition, Standing, When
from routing.core.features import features_of
from routing.core.picture import Size
from routing.core.plan import Plan, decide
from routing.core.policy import Route, SortRule
from routing.core.refusals import RefusalRule
from routing.errors import PromptRefused, RequestError
from tests.core.making import TODAY, ask, deployment, settings, token_model

if TYPE_CHECKING:
    from routing.core.request import ImageRequest

RANKS = ("draft", "final")


def when(field: str, **compared: Any) -> When:
    return When(conditions=(Condition(field=field, **compared),))


def rule(line: int = 9, **fields: Any) -> RefusalRule:
    return RefusalRule(label=f"policy.yaml:{line}", **fields)


def decided(request: ImageRequest, *rules: RefusalRule, standing: Standing | None = None, **changes: Any) -> Plan:
    knows = token_model(
        extras={"reasoning": (), "seed": ()}, backgrounds=("transparent",), output_formats=("webp", "png")
    )
    policy: dict[str, Any] = {
        "importance": RANKS,
        "sort": (SortRule(importance="draft", label="policy.yaml:1"),),
        "routes": {name: (Route(use=("a",)),) for name in RANKS},
        "refuse": rules,
    }
    made = settings([deployment("a", knows)], **policy | changes)
    return decide(made, features_of(request), TODAY, lambda _: standing or Standing(), prompt=request.prompt)


def refused(request: ImageRequest, *rules: RefusalRule, **changes: Any) -> PromptRefused:
    with pytest.raises(PromptRefused) as caught:
        decided(request, *rules, **changes)
    return caught.value


def test_a_word_that_stands_in_the_prompt_is_refused_by_its_rule_with_reason_and_way_out() -> None:
    error = refused(ask("A fox, LOREM  ipsum"), rule(words=("todo", "lorem ipsum"), because="placeholder text"))
    assert (error.rule, error.because) == ("policy.yaml:9", "placeholder text")
    assert str(error) == (
        "refused by policy.yaml:9, placeholder text: 'lorem ipsum' stands in the prompt; take it out; nothing was spent"
    )


def test_no_message_repeats_the_prompt() -> None:
    prompt = "a secret launch, todo"
    for each in (rule(words=("todo",)), rule(missing=("ACME",)), rule(when=when("prompt_chars", at_least=3))):
        assert "secret" not in str(refused(ask(prompt), each))


def test_a_word_that_must_stand_there_is_missed_only_where_the_rule_looks() -> None:
    needs = rule(importance=("final",), missing=("ACME", "2026"), when=when("tags.audience", one_of=("customer",)))
    customer = {"audience": "customer"}
    assert decided(ask("a fox", tags=customer), needs).importance == "draft"
    assert decided(ask("a fox", importance="final"), needs).candidates
    assert decided(ask("acme's fox, 2026", importance="final", tags=customer), needs).candidates
    error = refused(ask("acme's fox", importance="final", tags=customer), needs)
    assert str(error) == (
        "refused by policy.yaml:9: '2026' does not stand in the prompt and the importance is final and tags.audience"
        " is customer; put it in; nothing was spent"
    )


def test_the_importance_of_a_rule_is_the_one_after_caps() -> None:
    finals = rule(importance=("final",), when=when("n", at_least=2))
    cap = SortRule(at_most="draft", when=when("tags.job", one_of=("nightly",)), label="policy.yaml:2")
    sort = (cap, SortRule(importance="draft", label="policy.yaml:3"))
    assert refused(ask(importance="final", n=2), finals, sort=sort).rule == "policy.yaml:9"
    assert decided(ask(importance="final", n=2, tags={"job": "nightly"}), finals, sort=sort).importance == "draft"


def test_a_rule_of_conditions_refuses_what_they_hold_of() -> None:
    short = rule(when=when("prompt_chars", at_least=4001), because="our prompts are short")
    assert decided(ask("x" * 4000), short).candidates
    assert "prompt_chars at least 4001" in str(refused(ask("x" * 4001), short))


def test_a_rule_may_ask_how_full_the_budgets_are() -> None:
    low = rule(when=when("budget_left", at_most=5))
    policy = settings([deployment("a", token_model())], refuse=(low,)).policy
    assert policy.reads_budgets
    assert "budget_left at most" in str(refused(ask(), low, standing=Standing(left_nusd=5)))
    assert decided(ask(), low, standing=Standing(left_nusd=6)).candidates


@pytest.mark.parametrize(
    ("options", "given", "says"),
    [
        ({"reasoning": ("force",)}, {"extras": {"reasoning": "force"}}, "reasoning is force"),
        ({"seed": ()}, {"extras": {"seed": "7"}}, "seed is given"),
        ({"background": ("transparent",)}, {"background": "transparent"}, "background is transparent"),
        ({"seed": (), "output_format": ("webp", "jpeg")}, {"output_format": "webp"}, "output_format is webp"),
    ],
)
def test_an_option_with_a_forbidden_value_is_refused(options: dict[str, Any], given: dict[str, Any], says: str) -> None:
    error = refused(ask(**given), rule(options=options))
    assert str(error) == f"refused by policy.yaml:9: {says}; leave it out; nothing was spent"


@pytest.mark.parametrize("given", [{}, {"extras": {"reasoning": "light"}}, {"background": "transparent"}])
def test_an_option_that_is_not_there_or_has_another_value_passes(given: dict[str, Any]) -> None:
    assert decided(ask(**given), rule(options={"reasoning": ("force",)})).candidates


def test_all_that_a_rule_says_must_hold() -> None:
    both = rule(words=("fox",), options={"seed": ()}, missing=("snow",))
    assert decided(ask("a fox"), both).candidates
    assert decided(ask("a badger", extras={"seed": "1"}), both).candidates
    assert decided(ask("a fox in the snow", extras={"seed": "1"}), both).candidates
    assert "seed is given" in str(refused(ask("a fox", extras={"seed": "1"}), both))


def test_every_rule_is_looked_at_and_the_first_that_holds_is_named() -> None:
    rules = (rule(9, words=("badger",)), rule(10, words=("fox",)), rule(11, when=when("n", at_least=1)))
    assert refused(ask("a fox"), *rules).rule == "policy.yaml:10"
    assert refused(ask("an owl"), *rules).rule == "policy.yaml:11"


def test_a_policy_says_no_before_it_is_asked_whether_anybody_could_serve() -> None:
    impossible = ask("a fox", size=Size(width=16, height=16))
    with pytest.raises(RequestError):
        decided(impossible)
    assert "'fox'" in str(refused(impossible, rule(words=("fox",))))


def test_rules_whose_words_are_not_known_are_named_and_the_others_still_hold() -> None:
    rules = (
        rule(9, words=("fox",)),
        rule(10, importance=("final",), missing=("ACME",)),
        rule(11, missing=("ACME",), options={"seed": ()}),
        rule(12, when=when("n", at_least=2)),
    )
    made = settings([deployment("a", token_model())], refuse=rules)
    assert decide(made, features_of(ask()), TODAY).unread == ("policy.yaml:9",)
    assert decide(made, features_of(ask("a badger")), TODAY, prompt="a badger").unread == ()
    with pytest.raises(PromptRefused, match=r"policy\.yaml:12"):
        decide(made, features_of(ask(n=2)), TODAY)


def test_two_rules_that_say_the_same_are_equal() -> None:
    assert rule(words=("Fox",)) == rule(words=("Fox",)) != replace(rule(words=("Fox",)), words=("fox",))
