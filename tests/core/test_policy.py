"""Sorting a request: the call's own word, then the first rule that matches, then the caps."""

from __future__ import annotations

import pytest

from routing.core.conditions import Condition, When
from routing.core.features import features_of
from routing.core.policy import NAMED_BY_CALL, Policy, Route, SortRule
from routing.errors import RequestError
from tests.core.making import ask, policy


def tag(key: str, *values: str) -> When:
    return When(conditions=(Condition(field=f"tags.{key}", one_of=values),))


RANKS = ("draft", "review", "final")


def ladder(*rules: SortRule, tags: frozenset[str] | None = None) -> Policy:
    return policy(
        importance=RANKS,
        sort=(*rules, SortRule(importance="draft", label="default")),
        routes={name: (Route(use=("a",)),) for name in RANKS},
        tags=tags,
    )


def test_the_importance_named_by_the_call_goes_before_every_rule() -> None:
    rules = ladder(SortRule(when=tag("kind", "poster"), importance="final", label="p:2"))
    found = rules.sort_request(features_of(ask(importance="review", tags={"kind": "poster"})))
    assert (found.importance, found.rule) == ("review", NAMED_BY_CALL)


def test_of_several_rules_the_first_that_matches_decides() -> None:
    rules = ladder(
        SortRule(when=tag("kind", "poster"), importance="review", label="p:2"),
        SortRule(when=tag("kind", "poster", "banner"), importance="final", label="p:3"),
    )
    assert rules.sort_request(features_of(ask(tags={"kind": "poster"}))).rule == "p:2"
    assert rules.sort_request(features_of(ask(tags={"kind": "banner"}))).importance == "final"


def test_a_request_that_no_rule_knows_gets_the_default() -> None:
    assert ladder().sort_request(features_of(ask())).rule == "default"


def test_a_cap_lowers_what_the_call_names_and_says_where_it_stands() -> None:
    rules = ladder(SortRule(when=tag("job", "nightly"), at_most="review", label="p:2"))
    found = rules.sort_request(features_of(ask(importance="final", tags={"job": "nightly"})))
    assert (found.importance, found.capped_by, found.rule) == ("review", "p:2", NAMED_BY_CALL)


def test_a_cap_lowers_what_a_rule_gave_too() -> None:
    rules = ladder(
        SortRule(when=tag("job", "nightly"), at_most="draft", label="p:2"),
        SortRule(when=tag("kind", "poster"), importance="final", label="p:3"),
    )
    found = rules.sort_request(features_of(ask(tags={"job": "nightly", "kind": "poster"})))
    assert (found.importance, found.capped_by) == ("draft", "p:2")


def test_a_cap_never_raises_an_importance() -> None:
    rules = ladder(SortRule(when=tag("job", "nightly"), at_most="review", label="p:2"))
    found = rules.sort_request(features_of(ask(importance="draft", tags={"job": "nightly"})))
    assert (found.importance, found.capped_by) == ("draft", "")


def test_of_two_caps_the_lower_one_holds_wherever_it_stands() -> None:
    low, high = SortRule(at_most="draft", label="low"), SortRule(at_most="review", label="high")
    for rules in (ladder(low, high), ladder(high, low)):
        assert rules.sort_request(features_of(ask(importance="final"))).importance == "draft"


def test_an_unknown_importance_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(RequestError, match=r"'finale' \(did you mean 'final'\?\).* draft, review, final"):
        ladder().sort_request(features_of(ask(importance="finale")))


def test_a_tag_that_the_policy_does_not_declare_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(RequestError, match=r"'campain' \(did you mean 'campaign'\?\)"):
        ladder(tags=frozenset({"campaign"})).sort_request(features_of(ask(tags={"campain": "x"})))


def test_without_declared_tags_any_tag_will_do() -> None:
    assert ladder().sort_request(features_of(ask(tags={"anything": "x"}))).importance == "draft"


def test_a_hand_made_policy_without_default_says_what_to_pass() -> None:
    bare = policy(sort=(SortRule(when=tag("kind", "poster"), importance="draft"),))
    with pytest.raises(RequestError, match="pass importance='draft'"):
        bare.sort_request(features_of(ask()))


def test_a_request_takes_the_first_variant_whose_conditions_hold() -> None:
    words = When(conditions=(Condition(field="text_chars", at_least=12),))
    rules = policy(Route(use=("a",), when=words, label="words"), Route(use=("b",), label="rest"))
    with_words = rules.route_for("draft", features_of(ask('it says "Grand Opening"')))
    without = rules.route_for("draft", features_of(ask("a fox")))
    assert with_words is not None
    assert without is not None
    assert (with_words.label, without.label) == ("words", "rest")


def test_where_no_variant_holds_there_is_no_route() -> None:
    never = When(conditions=(Condition(field="n", at_least=100),))
    assert policy(Route(use=("a",), when=never)).route_for("draft", features_of(ask())) is None
