"""What every kind of provider promises, bought from the sandbox over real HTTP."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from routing.core.prices import Usage
from routing.core.request import Operation
from routing.errors import (
    Charged,
    ContentRejected,
    ProviderError,
    ProviderOutOfMoney,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
)
from routing.providers.base import ImageCall, Provider, ProviderSpec
from routing.providers.registry import make_provider
from routing.sandbox import Sandbox
from tests.providers.buying import OPENAI_CARD, PROMPT, SECRET, card, deployment, picture, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.core.picture import Picture
    from routing.core.prices import RateCard

INPUT_CHECK_S = 0.25
YES, NO, UNKNOWN = Charged.YES, Charged.NO, Charged.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of provider against its part of the sandbox, and how its calls look and are priced."""

    name: str
    kind: str
    base: str
    model: str
    rates: RateCard
    size: str = "1024x1024"
    quality: str | None = None
    by_tokens: bool = True
    edits: bool = True
    many: bool = False
    vendor: str = "openai"

    def make(self, sandbox: Sandbox, secret: str = SECRET) -> Provider:
        spec = ProviderSpec(
            name=self.name,
            kind=self.kind,
            api_key_env="SHOP_KEY",
            base_url=sandbox.url + self.base,
            options={"input_check_s": str(INPUT_CHECK_S)},
        )
        return make_provider(spec, secret)

    def call(self, prompt: str = PROMPT, *, n: int = 1, images: tuple[Picture, ...] = ()) -> ImageCall:
        return ImageCall(
            deployment=deployment(self.model, by_tokens=self.by_tokens, vendor=self.vendor),
            prompt=prompt,
            operation=Operation.EDIT if images else Operation.GENERATE,
            size=size(self.size),
            quality=self.quality,
            n=n,
            timeout_s=20.0,
            images=images,
        )


KINDS = [
    Kind(name="openai", kind="openai", base="/v1", model="gpt-image-2", quality="low", rates=OPENAI_CARD, many=True),
    Kind(name="azure", kind="azure", base="", model="gpt-image-2", quality="low", rates=OPENAI_CARD, many=True),
    Kind(
        name="azure v1",
        kind="azure",
        base="/openai/v1",
        model="gpt-image-2",
        quality="low",
        rates=OPENAI_CARD,
        many=True,
    ),
    Kind(
        name="apimart",
        kind="openai",
        base="/apimart/v1",
        model="gpt-image-2",
        size="2048x1152",
        rates=card({"image": 0.012}),
        by_tokens=False,
        vendor="apimart",
    ),
    Kind(
        name="gemini",
        kind="litellm",
        base="/v1beta",
        model="gemini/gemini-2.5-flash-image",
        size="1344x768",
        rates=card({"text_in": 0.3, "image_in": 0.3, "text_out": 2.5, "image_out": 30}),
    ),
    Kind(
        name="gemini that thinks",
        kind="litellm",
        base="/v1beta",
        model="gemini/gemini-nano-banana-2.1",
        size="2752x1536",
        rates=card({"text_in": 1.5, "image_in": 1.5, "text_out": 7.5, "image_out": 30}),
    ),
    Kind(
        name="fal flux",
        kind="litellm",
        base="/fal",
        model="fal_ai/fal-ai/flux/schnell",
        size="1792x1024",
        rates=card({"image": 0.003}),
        by_tokens=False,
        edits=False,
        many=True,
    ),
    Kind(
        name="fal gpt-image-2",
        kind="litellm",
        base="/fal",
        model="fal_ai/openai/gpt-image-2",
        quality="low",
        rates=card({"image": 0.006}),
        by_tokens=False,
        many=True,
    ),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat", polls=0) as started:
        yield started


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    assert isinstance(request.param, Kind)
    return request.param


@pytest.fixture(scope="module")
def provider(kind: Kind, sandbox: Sandbox) -> Iterator[Provider]:
    made = kind.make(sandbox)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def fresh(sandbox: Sandbox) -> None:
    sandbox.reset()


def posts(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.log() if row["method"] == "POST"]


def usage_of(error: ProviderError) -> Usage | None:
    assert error.usage is None or isinstance(error.usage, Usage)
    return error.usage


def assert_tells_neither_key_nor_prompt(error: ProviderError) -> None:
    told = "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in told
    assert PROMPT not in told
    assert "lighthouse" not in str(error)


def cost_nusd(kind: Kind, usage: Usage | None) -> int:
    assert usage is not None
    return kind.rates.cost_nusd(usage)


# --- What is bought ---------------------------------------------------------------------------------------------------


def test_a_picture_of_the_asked_size_arrives_for_one_post(kind: Kind, provider: Provider, sandbox: Sandbox) -> None:
    delivery = provider.buy(kind.call())
    assert [str(one.size) for one in delivery.pictures] == [kind.size]
    assert delivery.notices == ()
    assert [row["status"] for row in posts(sandbox)] == [200]


def test_the_usage_costs_what_the_vendor_bills(kind: Kind, provider: Provider, sandbox: Sandbox) -> None:
    delivery = provider.buy(kind.call())
    assert [line["amount_nusd"] for line in sandbox.bill()["lines"]] == [cost_nusd(kind, delivery.usage)]


def test_an_edit_sends_its_references_and_costs_what_is_billed(
    kind: Kind, provider: Provider, sandbox: Sandbox
) -> None:
    if not kind.edits:
        with pytest.raises(ProviderError, match="cannot edit") as refused:
            provider.buy(kind.call(images=(picture(),)))
        assert refused.value.charged is NO
        assert sandbox.log() == []
        return
    delivery = provider.buy(kind.call(images=(picture(), picture(512, 256))))
    assert [str(one.size) for one in delivery.pictures] == [kind.size]
    assert len(posts(sandbox)) == 1
    rates = card({"image": 0.015}) if kind.name.startswith("fal") else kind.rates
    assert sandbox.bill()["total_nusd"] == cost_nusd(replace(kind, rates=rates), delivery.usage)


def test_several_pictures_are_one_call_or_refused_before_sending(
    kind: Kind, provider: Provider, sandbox: Sandbox
) -> None:
    if kind.many:
        delivery = provider.buy(kind.call(n=3))
        assert len(delivery.pictures) == 3
        assert len(posts(sandbox)) == 1
        assert sandbox.bill()["total_nusd"] == cost_nusd(kind, delivery.usage)
    else:
        with pytest.raises(ProviderError, match="one picture per call") as refused:
            provider.buy(kind.call(n=3))
        assert refused.value.charged is NO
        assert sandbox.log() == []


@pytest.mark.parametrize("name", ["seed_of_doubt", "response_format", "stream"])
def test_an_unknown_parameter_is_refused_before_anything_is_sent(
    kind: Kind, provider: Provider, sandbox: Sandbox, name: str
) -> None:
    with pytest.raises(ProviderError, match=name) as refused:
        provider.buy(replace(kind.call(), extras={name: "1"}))
    assert (refused.value.charged, refused.value.retryable) == (NO, False)
    assert sandbox.log() == []


def test_a_vendor_that_reports_no_usage_is_not_taken_for_free(kind: Kind, provider: Provider) -> None:
    delivery = provider.buy(kind.call(f"{PROMPT} [fault:no-usage]"))
    assert len(delivery.pictures) == 1
    assert delivery.usage is None if kind.by_tokens else delivery.usage is not None


def test_another_size_than_asked_is_delivered_with_a_notice(kind: Kind, provider: Provider) -> None:
    delivery = provider.buy(kind.call(f"{PROMPT} [fault:wrong-size]"))
    assert [notice for notice in delivery.notices if notice.startswith(f"size {kind.size} was asked for, ")]


def test_fewer_pictures_than_asked_are_delivered_with_a_notice_and_priced_in_full(
    kind: Kind, provider: Provider, sandbox: Sandbox
) -> None:
    if not kind.many:
        return
    delivery = provider.buy(kind.call(f"{PROMPT} [fault:fewer]", n=2))
    assert len(delivery.pictures) == 1
    assert "2 pictures were asked for, 1 arrived" in delivery.notices
    assert sandbox.bill()["total_nusd"] == cost_nusd(kind, delivery.usage)


# --- What goes wrong --------------------------------------------------------------------------------------------------

COMMON: dict[str, tuple[type[ProviderError], Charged, bool]] = {
    "401": (ProviderRejectedKey, NO, False),
    "404": (ProviderError, NO, False),
    "429:7": (ProviderRateLimited, NO, True),
    "quota": (ProviderOutOfMoney, NO, False),
    "billing": (ProviderOutOfMoney, NO, False),
    "500": (ProviderUnavailable, UNKNOWN, True),
    "502": (ProviderUnavailable, UNKNOWN, True),
    "503:after": (ProviderUnavailable, UNKNOWN, True),
    "moderation": (ContentRejected, NO, False),
    "moderation-late:0.4": (ContentRejected, UNKNOWN, False),
    "reset-early": (ProviderUnavailable, UNKNOWN, True),
    "reset": (ProviderUnavailable, UNKNOWN, True),
    "truncated": (ProviderUnavailable, UNKNOWN, True),
    "html": (ProviderUnavailable, UNKNOWN, True),
    "badjson": (ProviderUnavailable, UNKNOWN, True),
    "error200": (ProviderUnavailable, UNKNOWN, True),
    "empty": (ProviderUnavailable, YES, True),
    "null": (ProviderUnavailable, YES, True),
    "null:data": (ProviderUnavailable, YES, True),
    "garbage": (ProviderUnavailable, YES, True),
    "garbage:b64": (ProviderUnavailable, YES, True),
}
NO_USAGE: dict[str, tuple[type[ProviderError], Charged, bool]] = {
    fault: (ProviderUnavailable, UNKNOWN, True) for fault, (_, charged, _) in COMMON.items() if charged is YES
}
DIFFERENT: dict[str, dict[str, tuple[type[ProviderError], Charged, bool]]] = {
    "apimart": NO_USAGE,
    # Google reports the usage of what it blocks.
    "gemini": {"moderation-late:0.4": (ContentRejected, YES, False)},
    # fal bills on success only, and refuses with a 422 at any time.
    "fal": {**NO_USAGE, "moderation-late:0.4": (ContentRejected, NO, False)},
}


@pytest.mark.parametrize("fault", COMMON)
def test_each_fault_has_its_error_after_one_post(kind: Kind, provider: Provider, sandbox: Sandbox, fault: str) -> None:
    error, charged, retryable = {**COMMON, **DIFFERENT.get(kind.name.split()[0], {})}[fault]
    with pytest.raises(ProviderError) as raised:
        provider.buy(kind.call(f"{PROMPT} [fault:{fault}]"))
    failure = raised.value
    assert (type(failure), failure.charged, failure.retryable) == (error, charged, retryable), str(failure)
    assert failure.deployment == "shop"
    assert_tells_neither_key_nor_prompt(failure)
    assert len(posts(sandbox)) == 1
    billed = sandbox.bill()["total_nusd"]
    if charged is NO:
        assert billed == 0
    if charged is YES:
        assert billed == cost_nusd(kind, usage_of(failure))


def test_a_vendor_that_stays_silent_is_left_at_the_deadline(kind: Kind, provider: Provider, sandbox: Sandbox) -> None:
    call = replace(kind.call(f"{PROMPT} [fault:hang:30]"), timeout_s=0.4)
    with pytest.raises(ProviderTimeout, match=r"0\.4 s") as raised:
        provider.buy(call)
    assert (raised.value.charged, raised.value.retryable) == (UNKNOWN, True)
    assert_tells_neither_key_nor_prompt(raised.value)
    assert len(posts(sandbox)) == 1


def test_a_rate_limit_says_how_long_to_wait(kind: Kind, provider: Provider) -> None:
    with pytest.raises(ProviderRateLimited) as raised:
        provider.buy(kind.call(f"{PROMPT} [fault:429:7]"))
    assert raised.value.retry_after_s == 7.0


def test_a_refused_key_is_told_by_the_name_of_its_variable(kind: Kind, sandbox: Sandbox) -> None:
    made = kind.make(sandbox, "sk-invalid-0123456789")
    try:
        with pytest.raises(ProviderRejectedKey, match="SHOP_KEY"):
            made.buy(kind.call())
    finally:
        made.close()
    assert len(posts(sandbox)) == 1


def test_a_vendor_that_is_not_there_was_sent_nothing(kind: Kind) -> None:
    # Port 9 is "discard": nobody listens there.
    spec = ProviderSpec(name="x", kind=kind.kind, base_url=f"http://127.0.0.1:9{kind.base}")
    made = make_provider(spec, SECRET)
    try:
        with pytest.raises(ProviderUnavailable, match="nothing was sent") as raised:
            made.buy(kind.call())
    finally:
        made.close()
    assert (raised.value.charged, raised.value.retryable) == (NO, True)
