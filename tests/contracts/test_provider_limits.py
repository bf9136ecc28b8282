"""What every provider tells of the vendor's rate limits, and when it says that its request leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing.core.pacing import Kind as Counted
from routing.core.pacing import Told
from routing.errors import ProviderError, ProviderRateLimited
from routing.providers.answers import Answer
from routing.sandbox.server import Sandbox
from tests.contracts.test_provider import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.providers.base import Provider

ALLOWED = 1


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat", polls=0, images_per_minute=ALLOWED) as started:
        yield started


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    assert isinstance(request.param, Kind)
    return request.param


@pytest.fixture
def provider(kind: Kind, sandbox: Sandbox) -> Iterator[Provider]:
    sandbox.reset()
    made = kind.make(sandbox)
    yield made
    made.close()


def images(told: tuple[Told, ...]) -> tuple[int | None, int | None]:
    (found,) = (each for each in told if each.kind is Counted.IMAGES)
    assert found.reset_s is not None
    assert 50 < found.reset_s <= 60
    return found.limit, found.remaining


def test_a_delivery_tells_where_the_vendors_limits_stand(kind: Kind, provider: Provider) -> None:
    assert images(provider.buy(kind.call()).told) == (ALLOWED, 0)


def test_a_refusal_tells_it_too(kind: Kind, provider: Provider) -> None:
    provider.buy(kind.call())
    with pytest.raises(ProviderRateLimited) as limited:
        provider.buy(kind.call())
    assert images(tuple(limited.value.told)) == (ALLOWED, 0)
    assert limited.value.retry_after_s is not None


def test_a_request_says_once_that_it_leaves(kind: Kind, provider: Provider, sandbox: Sandbox) -> None:
    seen: list[int] = []
    provider.buy(replace(kind.call(), on_send=lambda: seen.append(len(sandbox.log()))))
    assert seen == [0]


def test_what_is_not_sent_does_not_leave(kind: Kind, provider: Provider) -> None:
    seen: list[bool] = []
    call = replace(kind.call(), on_send=lambda: seen.append(True), extras={"no-such-parameter": "1"})
    with pytest.raises(ProviderError):
        provider.buy(call)
    assert seen == []


@pytest.mark.parametrize(
    ("reset", "reset_s"),
    [("1s", 1.0), ("6m0s", 360.0), ("12ms", 0.012), ("1h2m3s", 3723.0), ("17.5", 17.5), ("", None), ("soon", None)],
)
def test_every_form_of_a_reset_is_read(reset: str, reset_s: float | None) -> None:
    answer = Answer(status=200, headers={"x-ratelimit-limit-tokens": "250000", "x-ratelimit-reset-tokens": reset})
    assert answer.told == (Told(kind=Counted.TOKENS, limit=250_000, reset_s=reset_s),)


def test_headers_that_say_nothing_tell_nothing() -> None:
    headers = {
        "x-ratelimit-limit-images": "many",
        "x-ratelimit-remaining-requests": "-1",
        "x-ratelimit-reset-tokens": "1s",
    }
    assert Answer(status=200, headers=headers).told == ()
