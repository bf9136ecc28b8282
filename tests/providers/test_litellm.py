"""The litellm kind: one POST to the base it was given, the answer read as the vendor sent it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing.core.picture import Size
from routing.core.prices import Usage
from routing.core.request import Operation
from routing.errors import Charged, ContentRejected, ProviderError, ProviderTimeout, ProviderUnavailable
from routing.providers import litellm as litellm_kind
from routing.providers.base import Delivery, ImageCall, ProviderSpec
from routing.providers.litellm_routes import BASE_URLS, ROUTES, Route
from routing.providers.registry import make_provider
from routing.providers.sizes import NANO_BANANA
from tests.providers.buying import PROMPT, SECRET, Heard, Said, deployment, parrot, picture, png, size

if TYPE_CHECKING:
    from collections.abc import Mapping

ENCODED = base64.b64encode(png()).decode()
THOUGHT = base64.b64encode(png(8, 8)).decode()
NO_EXTRAS: Mapping[str, str] = {}

GENERATED = [model for model, operation in ROUTES if operation is Operation.GENERATE]


def call(
    model: str, *, at: str = "1024x1024", by_tokens: bool = False, extras: Mapping[str, str] = NO_EXTRAS
) -> ImageCall:
    return ImageCall(
        deployment=deployment(model, by_tokens=by_tokens),
        prompt=PROMPT,
        operation=Operation.GENERATE,
        size=size(at),
        quality=None,
        n=1,
        timeout_s=10.0,
        extras=extras,
    )


def gemini(**changes: object) -> ImageCall:
    order = call("gemini/gemini-2.5-flash-image", by_tokens=True)
    return replace(order, **changes)  # type: ignore[arg-type]  # changes of several types


def buy(url: str, order: ImageCall) -> Delivery:
    provider = make_provider(ProviderSpec(name="shop", kind="litellm", api_key_env="SHOP_KEY", base_url=url), SECRET)
    try:
        return provider.buy(order)
    finally:
        provider.close()


def candidate(*parts: dict[str, object], reason: str = "STOP", usage: object = None, **more: object) -> Said:
    body: dict[str, object] = {
        "candidates": [{"content": {"role": "model", "parts": [*parts]}, "finishReason": reason}]
    }
    return Said({**body, **({"usageMetadata": usage} if usage else {}), **more})


def inline(data: str, *, thought: bool = False) -> dict[str, object]:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **({"thought": True} if thought else {})}


USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 1290, "totalTokenCount": 1400}


# --- The table of routes ----------------------------------------------------------------------------------------------


def legal_size(model: str) -> str:
    sizes = ROUTES[model, Operation.GENERATE].sizes
    return str(next(iter(sizes))) if sizes else "1024x1024"


def any_vendor(heard: Heard) -> Said:
    if "stable-image" in heard.path:
        return Said({"image": ENCODED, "finish_reason": "SUCCESS", "seed": 3})
    if "v1/images" in heard.path:
        return Said({"data": [{"b64_json": ENCODED}]})
    return Said({"images": [{"url": f"data:image/png;base64,{ENCODED}"}], "seed": 3})


@pytest.mark.parametrize("model", GENERATED)
def test_every_route_sends_one_post_to_the_base_it_is_given(model: str) -> None:
    with parrot(any_vendor) as vendor:
        delivery = buy(vendor.url, call(model, at=legal_size(model)))
    assert len(delivery.pictures) == 1
    assert [heard.method for heard in vendor.heard] == ["POST"]
    assert SECRET in vendor.heard[0].headers["authorization"]


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("model", [*GENERATED, "gemini/gemini-2.5-flash-image"])
def test_no_route_sends_a_failed_call_again(model: str, status: int) -> None:
    at = legal_size(model) if model in GENERATED else "1024x1024"
    with parrot(Said({"detail": "no"}, status=status)) as vendor, pytest.raises(ProviderError):
        buy(vendor.url, call(model, at=at))
    assert len(vendor.heard) == 1


def test_every_route_has_a_base_that_no_environment_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {model.partition("/")[0] for model, _ in ROUTES} == set(BASE_URLS)
    with parrot(any_vendor) as vendor, parrot(any_vendor) as elsewhere:
        for name in ("FAL_AI_API_BASE", "GEMINI_API_BASE"):
            monkeypatch.setenv(name, elsewhere.url)
        buy(vendor.url, call("fal_ai/fal-ai/flux/schnell"))
        assert (len(vendor.heard), elsewhere.heard) == (1, [])


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (
            call("fal_ai/fal-ai/flux/schnell", at="1792x1024", extras={"seed": "7"}),
            {"prompt": PROMPT, "num_images": 1, "image_size": {"width": 1792, "height": 1024}, "seed": 7},
        ),
        (
            replace(call("fal_ai/openai/gpt-image-2", at="1920x1080"), quality="low", output_format="webp", n=2),
            {
                "prompt": PROMPT,
                "num_images": 2,
                "image_size": {"width": 1920, "height": 1080},
                "quality": "low",
                "output_format": "webp",
            },
        ),
        (
            call("fal_ai/fal-ai/nano-banana", at="1344x768"),
            {"prompt": PROMPT, "num_images": 1, "aspect_ratio": "16:9"},
        ),
        (
            call("recraft/recraftv3"),
            {"prompt": PROMPT, "model": "recraftv3", "n": 1, "size": "1024x1024", "response_format": "b64_json"},
        ),
    ],
    ids=lambda value: value.deployment.wire_model if isinstance(value, ImageCall) else "",
)
def test_nothing_but_the_words_of_the_table_is_sent(order: ImageCall, body: dict[str, object]) -> None:
    with parrot(any_vendor) as vendor:
        buy(vendor.url, order)
    assert vendor.heard[0].json == body


def test_stability_is_told_the_square_and_nothing_of_n() -> None:
    with parrot(any_vendor) as vendor:
        delivery = buy(vendor.url, call("stability/sd3.5-large", extras={"seed": "9"}))
    sent = vendor.heard[0].body
    assert b'name="aspect_ratio"\r\n\r\n1:1' in sent
    assert b'name="seed"\r\n\r\n9' in sent
    assert b'name="n"' not in sent
    assert delivery.seed == 3


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (call("fal_ai/openai/gpt-image-3"), "cannot generate through LiteLLM here"),
        (call("black_forest_labs/flux-pro-1.1"), "cannot generate"),
        (call("xai/grok-imagine-image"), "cannot generate"),
        (call("stability/sd3.5-medium"), "cannot generate"),
        (call("stability/sd3.5-large", at="1344x768"), "size 1344x768 has no word"),
        (call("fal_ai/fal-ai/nano-banana", at="1024x1040"), "size 1024x1040 has no word"),
        (replace(call("fal_ai/fal-ai/flux/schnell"), quality="high"), "parameter quality has no word"),
        (replace(call("stability/sd3.5-large"), n=2), "parameter n has no word"),
        (replace(call("recraft/recraftv3"), output_format="png"), "parameter output_format has no word"),
        (replace(call("fal_ai/openai/gpt-image-2"), mask=picture()), "parameter mask has no word"),
        (call("fal_ai/openai/gpt-image-2", extras={"style": "x"}), "parameter style has no word"),
        (gemini(size=size("1024x1040")), "size 1024x1040 is none of the model's"),
        (gemini(size=size("512x512")), "size 512x512 is none"),
        (gemini(quality="high"), "parameter quality has no word"),
        (gemini(mask=picture()), "parameter mask has no word"),
        (gemini(n=2), "one picture per call"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_in_the_table_is_refused_before_anything_is_sent(order: ImageCall, says: str) -> None:
    with parrot(any_vendor) as vendor, pytest.raises(ProviderError, match=says) as refused:
        buy(vendor.url, order)
    assert (refused.value.charged, refused.value.retryable) == (Charged.NO, False)
    assert vendor.heard == []


def test_sizes_of_nano_banana_are_ratios_at_1k_2k_and_4k() -> None:
    assert NANO_BANANA[Size(width=1344, height=768)] == ("16:9", "1K")
    assert NANO_BANANA[Size(width=2752, height=1536)] == ("16:9", "2K")
    assert NANO_BANANA[Size(width=4096, height=4096)] == ("1:1", "4K")
    assert Size(width=512, height=512) not in NANO_BANANA


# --- Google, read as it answered --------------------------------------------------------------------------------------


def test_google_is_asked_for_one_picture_with_references_and_a_seed() -> None:
    order = gemini(extras={"seed": "5"}, images=(picture(32, 32),), operation=Operation.EDIT, size=size("2688x1536"))
    with parrot(candidate(inline(ENCODED), usage=USAGE)) as vendor:
        buy(vendor.url, order)
    (heard,) = vendor.heard
    assert heard.path == "/models/gemini-2.5-flash-image:generateContent"
    config = heard.json["generationConfig"]
    assert isinstance(config, dict)
    assert config["responseModalities"] == ["IMAGE"]
    assert config["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "2K"}
    assert config["seed"] == 5
    assert "candidateCount" not in config
    assert heard.body.count(b'"inline_data"') == 1


def test_1k_is_not_said_because_older_models_refuse_to_be_told() -> None:
    with parrot(candidate(inline(ENCODED), usage=USAGE)) as vendor:
        buy(vendor.url, gemini(size=size("768x1344")))
    config = vendor.heard[0].json["generationConfig"]
    assert isinstance(config, dict)
    assert config["imageConfig"] == {"aspectRatio": "9:16"}


def test_thought_pictures_are_no_results_and_thought_tokens_are_priced_as_text() -> None:
    said = candidate({"text": "hm", "thought": True}, inline(THOUGHT, thought=True), inline(ENCODED), usage=USAGE)
    with parrot(said) as vendor:
        delivery = buy(vendor.url, gemini())
    assert [one.data for one in delivery.pictures] == [png()]
    assert delivery.usage == Usage(text_in=10, text_out=100, image_out=1290, images=1)


def test_a_picture_without_usage_is_delivered_although_litellm_calls_it_an_error() -> None:
    with parrot(candidate(inline(ENCODED))) as vendor:
        delivery = buy(vendor.url, gemini())
    assert delivery.usage is None
    assert len(delivery.pictures) == 1


@pytest.mark.parametrize("reason", ["SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT"])
def test_a_block_is_charged_by_the_usage_that_is_reported(reason: str) -> None:
    usage = {"promptTokenCount": 10, "totalTokenCount": 90}
    with (
        parrot(candidate(reason=reason, usage=usage)) as vendor,
        pytest.raises(ContentRejected, match=reason) as blocked,
    ):
        buy(vendor.url, gemini())
    assert (blocked.value.charged, blocked.value.retryable) == (Charged.YES, False)
    assert blocked.value.usage == Usage(text_in=10, text_out=80)


@pytest.mark.parametrize(
    ("more", "charged"),
    [
        ({"usageMetadata": {"promptTokenCount": 0, "totalTokenCount": 0}}, Charged.NO),
        ({"usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}, Charged.YES),
        ({}, Charged.UNKNOWN),
    ],
)
def test_a_blocked_prompt_is_charged_as_far_as_is_reported(more: dict[str, object], charged: Charged) -> None:
    said = Said({"promptFeedback": {"blockReason": "OTHER"}, **more})
    with parrot(said) as vendor, pytest.raises(ContentRejected) as blocked:
        buy(vendor.url, gemini())
    assert blocked.value.charged is charged


def test_words_instead_of_a_picture_are_charged_and_no_content_rule() -> None:
    said = candidate(
        {"text": "I cannot draw"}, reason="NO_IMAGE", usage={"promptTokenCount": 10, "totalTokenCount": 30}
    )
    with parrot(said) as vendor, pytest.raises(ProviderUnavailable) as failed:
        buy(vendor.url, gemini())
    assert failed.value.charged is Charged.YES


@pytest.mark.parametrize(
    "body",
    [{"candidates": []}, {"candidates": None}, {"candidates": [{"content": {"parts": [{"inlineData": 7}]}}]}, {}],
)
def test_an_odd_answer_that_litellm_takes_for_a_refusal_is_an_unknown_outcome(body: dict[str, object]) -> None:
    with parrot(Said(body)) as vendor, pytest.raises(ProviderUnavailable) as failed:
        buy(vendor.url, gemini())
    assert failed.value.charged is Charged.UNKNOWN


# --- The library ------------------------------------------------------------------------------------------------------


def test_a_redirect_is_not_followed_with_a_second_post() -> None:
    for order in (gemini(), call("fal_ai/fal-ai/flux/schnell")):
        with (
            parrot(Said(status=307, headers={"location": "/elsewhere"})) as vendor,
            pytest.raises(ProviderUnavailable, match="set base_url") as failed,
        ):
            buy(vendor.url, order)
        assert failed.value.charged is Charged.NO
        assert len(vendor.heard) == 1


def test_what_litellm_itself_refuses_was_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer LiteLLM may refuse what the table allows; that costs nothing."""
    monkeypatch.setitem(ROUTES, ("fal_ai/fal-ai/flux/schnell", Operation.GENERATE), Route(takes=frozenset({"quality"})))
    with parrot(any_vendor) as vendor, pytest.raises(ProviderError, match="gave up before sending") as refused:
        buy(vendor.url, replace(call("fal_ai/fal-ai/flux/schnell"), quality="high"))
    assert refused.value.charged is Charged.NO
    assert vendor.heard == []


def test_where_getting_ready_took_all_of_the_time_nothing_is_sent() -> None:
    with parrot(any_vendor) as vendor, pytest.raises(ProviderTimeout, match="not sent") as failed:
        buy(vendor.url, gemini(ends_in_s=1e-9))
    assert (failed.value.charged, vendor.heard) == (Charged.NO, [])


@pytest.mark.parametrize("order", [gemini(timeout_s=0.5), replace(call("fal_ai/fal-ai/flux/schnell"), timeout_s=0.5)])
def test_a_body_that_drips_ends_at_the_deadline(order: ImageCall) -> None:
    litellm_kind._import()  # that takes its time
    with parrot(Said(pieces=tuple(b" " for _ in range(1000)), pause_s=0.05)) as vendor:
        started = time.monotonic()
        with pytest.raises(ProviderTimeout) as failed:
            buy(vendor.url, order)
        assert time.monotonic() - started < 5.0
    assert failed.value.charged is Charged.UNKNOWN
    assert len(vendor.heard) == 1


def test_no_more_of_a_body_is_read_than_an_answer_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_kind, "BODY_BYTES_AT_MOST", 100_000)
    endless = Said(pieces=(b" " * 10_000,) * 100, headers={"content-length": "", "connection": "close"})
    with (
        parrot(endless) as vendor,
        pytest.raises(ProviderError, match="the connection ended before the answer did") as failed,
    ):
        buy(vendor.url, gemini())
    assert failed.value.charged is Charged.UNKNOWN
    assert len(vendor.heard) == 1


def test_litellm_is_imported_without_network_and_without_an_env_file() -> None:
    program = """
import socket
def forbidden(*args, **kwargs):
    raise SystemExit("the import went to the network")
socket.socket.connect = socket.getaddrinfo = forbidden
from routing.providers.litellm import _import
litellm = _import()
import os
print(os.environ.get("PLANTED", "not read"), litellm.suppress_debug_info)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM")}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stdout.split("\n")[0] == "not read True"
