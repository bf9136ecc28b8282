"""Prompts that moderation looks at before anything is reserved: what is flagged, remembered, and refused unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import (
    Charged,
    PromptRefused,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
)
from routing.buying import moderation as moderations
from routing.core.backoff import backoff_s
from routing.core.fingerprint import prompt_hash
from routing.testing import FakeModerator, blank_picture
from tests.shop import SQUARE, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.core.policy import Settings
    from tests.shop import Bench

DOWN = ProviderUnavailable("the vendor failed (HTTP 503)", status_code=503, retryable=True)
PLACE = "policy.yaml:12"
WAITS_S = [backoff_s(looks, prompt_hash("a fox")) for looks in range(2)]
"""Before the second look at this prompt, and before the third."""


@pytest.fixture
def moderator() -> FakeModerator:
    return FakeModerator({"gore": "violence/graphic", "hateful": "hate"})


@pytest.fixture
def bench(moderator: FakeModerator) -> Iterator[Bench]:
    made = open_bench(moderating(), moderator=moderator)
    yield made
    made.router.close()


def moderating() -> Settings:
    policy = replace(settings().policy, moderate=frozenset({"review", "final"}), moderate_label=PLACE)
    return settings(policy=policy)


def test_a_flagged_prompt_is_refused_with_its_categories_and_nothing_is_reserved(bench: Bench) -> None:
    with pytest.raises(PromptRefused) as caught:
        bench.router.generate("a secret gore, hateful", importance="final", request_id="poster-1")
    assert str(caught.value) == (
        f"refused by {PLACE}, moderation found violence/graphic, hate: change the wording; nothing was spent"
    )
    assert (caught.value.rule, caught.value.because) == (PLACE, "moderation found violence/graphic, hate")
    assert bench.calls == []
    assert bench.store.history("poster-1") is None


def test_only_importances_that_the_policy_names_are_looked_at(bench: Bench, moderator: FakeModerator) -> None:
    assert bench.router.generate("gore", importance="draft").images
    assert moderator.prompts == []


def test_a_verdict_is_remembered_whatever_it_was(bench: Bench, moderator: FakeModerator) -> None:
    for _ in range(2):
        assert bench.router.generate("a fox", importance="final").images
        with pytest.raises(PromptRefused):
            bench.router.generate("gore", importance="review")
    assert moderator.prompts == ["a fox", "gore"]


def test_what_is_remembered_is_bounded(bench: Bench, moderator: FakeModerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moderations, "REMEMBERED_AT_MOST", 2)
    for prompt in ("a fox", "an owl", "a badger", "a fox"):
        bench.router.generate(prompt, importance="final")
    assert moderator.prompts == ["a fox", "an owl", "a badger", "a fox"]


def test_a_quote_sends_nothing_to_anybody(bench: Bench, moderator: FakeModerator) -> None:
    assert bench.router.quote("gore", importance="final").price
    assert moderator.prompts == []


def test_a_request_that_nobody_could_serve_is_not_sent_to_moderation(bench: Bench, moderator: FakeModerator) -> None:
    with pytest.raises(Exception, match="max_price"):
        bench.router.generate("gore", importance="final", max_price="0.000001")
    assert moderator.prompts == []


def test_a_promotion_is_looked_at_and_so_are_the_words_of_an_edit(bench: Bench, moderator: FakeModerator) -> None:
    draft = bench.router.generate("gore", importance="draft")
    with pytest.raises(PromptRefused):
        bench.router.promote(draft, importance="final")
    with pytest.raises(PromptRefused):
        bench.router.edit("hateful", images=[blank_picture(SQUARE)], importance="review")
    assert moderator.prompts == ["gore", "hateful"]


def test_what_a_look_took_is_taken_from_the_deadline(bench: Bench, moderator: FakeModerator) -> None:
    moderator.fail_next(ProviderRateLimited("too many", retry_after_s=4))
    bench.router.generate("a fox", importance="review", deadline=10)
    assert bench.fakes["gpt"].calls[0].timeout_s == 6


def test_where_a_look_took_nearly_all_of_it_nothing_is_sent(bench: Bench, moderator: FakeModerator) -> None:
    moderator.fail_next(ProviderRateLimited("too many", retry_after_s=4.5))
    with pytest.raises(ProviderTimeout, match="not sent, since the deadline was nearly over") as caught:
        bench.router.generate("a fox", importance="review", deadline=5, request_id="fox")
    assert (caught.value.charged, bench.calls, bench.store.history("fox")) == (Charged.NO, [], None)


def test_a_look_that_fails_is_repeated_twice_with_waits(bench: Bench, moderator: FakeModerator) -> None:
    moderator.fail_next(DOWN, ProviderRateLimited("too many", retry_after_s=3))
    assert bench.router.generate("a fox", importance="final").images
    assert moderator.prompts == ["a fox"] * 3
    assert bench.clock.elapsed_s() == WAITS_S[0] + 3


@pytest.mark.parametrize(
    ("failures", "looks"),
    [
        ((DOWN, DOWN, DOWN), 3),
        ((ProviderUnavailable("no such address", status_code=404, charged=Charged.NO),), 1),
        ((ProviderRateLimited("too many", retry_after_s=60),), 1),
    ],
)
def test_where_nobody_can_look_nothing_is_bought(
    bench: Bench, moderator: FakeModerator, failures: tuple[Exception, ...], looks: int
) -> None:
    moderator.fail_next(*failures)
    with pytest.raises(ProviderUnavailable, match="nothing was reserved or sent") as caught:
        bench.router.generate("a secret fox", importance="final", request_id="poster-1")
    assert caught.value.charged is Charged.NO
    assert caught.value.retryable is (looks == 3 or "too many" in str(caught.value))
    assert "secret" not in str(caught.value)
    assert len(moderator.prompts) == looks
    assert bench.calls == []
    assert bench.store.history("poster-1") is None
    # What failed is not taken for a verdict.
    assert bench.router.generate("a secret fox", importance="final").images


def test_no_look_waits_beyond_the_requests_deadline(bench: Bench, moderator: FakeModerator) -> None:
    moderator.fail_next(DOWN, DOWN)
    with pytest.raises(ProviderUnavailable):
        bench.router.generate("a fox", importance="final", deadline=sum(WAITS_S))
    assert moderator.prompts == ["a fox"] * 2  # after the first wait, but not after the second
    assert bench.clock.elapsed_s() == WAITS_S[0]


def test_a_refused_key_is_told_as_that(bench: Bench, moderator: FakeModerator) -> None:
    moderator.fail_next(ProviderRejectedKey("the vendor refused the key", charged=Charged.NO))
    with pytest.raises(ProviderRejectedKey):
        bench.router.generate("a fox", importance="final")


def test_without_anybody_to_look_nothing_is_bought() -> None:
    bench = open_bench(moderating())
    with pytest.raises(ProviderUnavailable, match="name one with `moderation:") as caught:
        bench.router.generate("a fox", importance="final")
    assert caught.value.charged is Charged.NO
    assert bench.calls == []
    bench.router.close()


def test_logs_name_a_prompt_by_its_hash_only(bench: Bench) -> None:
    bench.router.generate("a secret fox", importance="final")
    (told,) = bench.log.named("moderated")
    assert told["prompt_hash"]
    assert "secret" not in repr(bench.log.events)
