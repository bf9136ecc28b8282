"""What everybody promises who looks at prompts: one look, one verdict, and an error that says whether to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.errors import Charged, ProviderError, ProviderRejectedKey, ProviderUnavailable
from routing.providers.base import ProviderSpec, Verdict
from routing.providers.registry import make_moderator
from routing.sandbox import Sandbox
from routing.testing import FakeModerator
from tests.providers.buying import PROMPT, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.providers.base import Moderator


@pytest.fixture(scope="module")
def vendor() -> Iterator[Sandbox]:
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture(params=["openai", "fake"])
def moderator(request: pytest.FixtureRequest, vendor: Sandbox) -> Iterator[Moderator]:
    vendor.reset()
    if request.param == "fake":
        yield FakeModerator({"[sexual]": "sexual", "[violence]": "violence"})
        return
    made = make_moderator(ProviderSpec(name="account", kind="openai", base_url=vendor.openai_base_url), SECRET)
    yield made
    made.close()


def test_a_harmless_prompt_is_not_flagged(moderator: Moderator) -> None:
    assert moderator.look(PROMPT, 5.0) == Verdict(flagged=False)


def test_a_flagged_prompt_comes_with_its_categories(moderator: Moderator) -> None:
    assert moderator.look("[sexual] and [violence]", 5.0) == Verdict(flagged=True, categories=("sexual", "violence"))


def test_every_look_is_one_request_of_its_own(moderator: Moderator, vendor: Sandbox) -> None:
    for _ in range(2):
        moderator.look(PROMPT, 5.0)
    if not isinstance(moderator, FakeModerator):
        asked = [row for row in vendor.log() if row["path"].endswith("/moderations")]
        assert len(asked) == 2
        assert vendor.bill()["total_nusd"] == 0


def test_who_closed_it_may_close_it_again(moderator: Moderator) -> None:
    moderator.look(PROMPT, 5.0)
    moderator.close()
    moderator.close()


def test_a_key_that_is_refused_is_told_as_that(vendor: Sandbox) -> None:
    made = make_moderator(
        ProviderSpec(name="account", kind="openai", api_key_env="KEY", base_url=vendor.openai_base_url), "invalid"
    )
    with pytest.raises(ProviderRejectedKey, match="moderation by account: the vendor refused the key in KEY") as caught:
        made.look(PROMPT, 5.0)
    made.close()
    assert caught.value.charged is Charged.NO


def test_without_a_key_nothing_is_sent() -> None:
    made = make_moderator(ProviderSpec(name="account", kind="openai", api_key_env="KEY"), "")
    with pytest.raises(ProviderUnavailable, match="no key: set KEY") as caught:
        made.look(PROMPT, 5.0)
    assert not caught.value.retryable


def test_who_cannot_be_reached_may_be_asked_again() -> None:
    made = make_moderator(ProviderSpec(name="account", kind="openai", base_url="http://127.0.0.1:9/v1"), SECRET)
    with pytest.raises(ProviderError, match="could not be reached") as caught:
        made.look(PROMPT, 5.0)
    made.close()
    assert caught.value.retryable
