"""Moderation through the openai SDK: what goes out, and what odd answers become."""

from __future__ import annotations

import time
from typing import Any

import pytest

from routing.errors import ProviderError, ProviderRateLimited, ProviderTimeout, ProviderUnavailable
from routing.providers.base import ProviderSpec, Verdict
from routing.providers.registry import make_moderator
from tests.providers.buying import PROMPT, SECRET, Said, parrot


def look(url: str, timeout_s: float = 5.0) -> Verdict:
    made = make_moderator(ProviderSpec(name="account", kind="openai", api_key_env="KEY", base_url=url), SECRET)
    try:
        return made.look(PROMPT, timeout_s)
    finally:
        made.close()


def results(*verdicts: Any) -> dict[str, object]:
    return {"id": "modr-1", "model": "omni-moderation-latest", "results": list(verdicts)}


CLEAN = {"flagged": False, "categories": {"violence": False}}


def test_only_the_words_and_the_model_are_sent() -> None:
    with parrot(Said(results(CLEAN))) as vendor:
        assert not look(vendor.url).flagged
    (heard,) = vendor.heard
    assert heard.path == "/moderations"
    assert heard.json == {"model": "omni-moderation-latest", "input": PROMPT}
    assert heard.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    "body",
    [
        results(),
        results(CLEAN, CLEAN),
        results({"categories": {}}),
        results({"flagged": "false"}),
        results(None),
        {"results": {"flagged": False}},
        {},
        [],
        b"<html>hello</html>",
        b"",
        {"error": {"message": "no", "code": "server_error"}},
    ],
)
def test_what_is_no_verdict_lets_nothing_through(body: object) -> None:
    with parrot(Said(body)) as vendor, pytest.raises(ProviderUnavailable):
        look(vendor.url)


def test_categories_are_names_and_nothing_that_repeats_the_prompt_or_a_key() -> None:
    odd = {PROMPT: True, f"key {SECRET}": True, "x" * 500: True, "violence": True, "hate": "yes", "sexual": False}
    with parrot(Said(results({"flagged": True, "categories": odd}))) as vendor:
        verdict = look(vendor.url)
    told = " ".join(verdict.categories)
    assert "violence" in verdict.categories
    assert PROMPT not in told
    assert SECRET not in told
    assert max(map(len, verdict.categories)) <= 60


@pytest.mark.parametrize("categories", [None, [], "violence"])
def test_a_flag_without_readable_categories_is_a_flag(categories: object) -> None:
    with parrot(Said(results({"flagged": True, "categories": categories}))) as vendor:
        assert look(vendor.url) == Verdict(flagged=True)


@pytest.mark.parametrize(
    ("said", "kind", "retryable"),
    [
        (Said({"error": {"message": "slow down"}}, 429, {"retry-after": "3"}), ProviderRateLimited, True),
        (Said({"error": {"message": "broken"}}, 500), ProviderUnavailable, True),
        (Said({"error": {"message": "no such model"}}, 404), ProviderError, False),
        (Said(b"", 307, {"location": "http://127.0.0.1:9"}), ProviderUnavailable, False),
    ],
)
def test_a_refusal_is_sent_once_and_says_whether_to_ask_again(
    said: Said, kind: type[ProviderError], *, retryable: bool
) -> None:
    with parrot(said) as vendor, pytest.raises(kind) as caught:
        look(vendor.url)
    assert caught.value.retryable is retryable
    assert len(vendor.heard) == 1


def test_a_vendor_that_says_nothing_is_waited_for_no_longer_than_allowed() -> None:
    began = time.monotonic()
    with parrot(Said(results(CLEAN), pieces=(b"{", b"}"), pause_s=5)) as vendor, pytest.raises(ProviderTimeout):
        look(vendor.url, timeout_s=0.3)
    assert time.monotonic() - began < 3
