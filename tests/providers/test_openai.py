"""The openai and azure kinds: what goes out, and what odd answers become."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from routing.core.request import Operation
from routing.errors import Charged, ConfigError, ProviderError, ProviderTimeout, ProviderUnavailable
from routing.providers import deadline
from routing.providers.base import Delivery, ImageCall, ProviderSpec
from routing.providers.openai import OpenAIProvider, connect_openai
from routing.providers.registry import make_provider
from tests.providers.buying import PROMPT, SECRET, Heard, Said, deployment, parrot, picture, png, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import OpenAI

ENCODED = base64.b64encode(png()).decode()
GOOD: dict[str, object] = {"created": 1, "data": [{"b64_json": ENCODED}]}
USAGE = {"input_tokens": 12, "output_tokens": 196, "total_tokens": 208}


def call(extras: Mapping[str, str] | None = None, vendor: str = "openai") -> ImageCall:
    return ImageCall(
        deployment=deployment("gpt-image-2", vendor=vendor, extras=("shininess",)),
        prompt=PROMPT,
        operation=Operation.GENERATE,
        size=size("64x64"),
        quality=None,
        n=1,
        timeout_s=5.0,
        extras=extras or {},
    )


def buy(url: str, order: ImageCall, kind: str = "openai", **options: str) -> Delivery:
    spec = ProviderSpec(name="shop", kind=kind, api_key_env="SHOP_KEY", base_url=url, options=options)
    provider = make_provider(spec, SECRET)
    try:
        return provider.buy(order)
    finally:
        provider.close()


# --- What goes out ----------------------------------------------------------------------------------------------------


def test_only_what_the_call_says_is_sent() -> None:
    with parrot(Said(GOOD)) as vendor:
        buy(vendor.url, call())
    (heard,) = vendor.heard
    assert heard.json == {"model": "gpt-image-2", "prompt": PROMPT, "size": "64x64", "n": 1}
    assert heard.headers["authorization"] == f"Bearer {SECRET}"


def test_every_wish_has_its_word_and_its_type() -> None:
    extras = {"user": "42", "complexity": "high", "output_compression": "80", "shininess": "true"}
    order = replace(call(extras), quality="high", n=2, background="opaque", output_format="webp")
    with parrot(Said(GOOD)) as vendor:
        buy(vendor.url, order)
    assert vendor.heard[0].json == {
        "model": "gpt-image-2",
        "prompt": PROMPT,
        "size": "64x64",
        "quality": "high",
        "n": 2,
        "background": "opaque",
        "output_format": "webp",
        "safety_identifier": "42",
        "complexity": "high",
        "output_compression": 80,
        "shininess": True,
    }


def test_an_edit_sends_named_files_with_their_media_type() -> None:
    order = replace(call(), operation=Operation.EDIT, images=(picture(64, 64), picture(32, 32)), mask=picture(64, 64))
    with parrot(Said(GOOD)) as vendor:
        buy(vendor.url, order)
    (heard,) = vendor.heard
    assert heard.path == "/images/edits"
    assert heard.body.count(b'name="image[]"; filename="image-') == 2
    assert heard.body.count(b'name="mask"; filename="mask.png"') == 1
    assert heard.body.count(b"Content-Type: image/png") == 3
    assert b"octet-stream" not in heard.body


@pytest.mark.parametrize(
    ("base", "path", "key_header"),
    [
        ("", "/openai/deployments/gpt-image-2/images/generations?api-version=2026-01-01", "api-key"),
        ("/openai/v1", "/openai/v1/images/generations", "api-key"),
    ],
)
def test_azure_is_spoken_to_in_both_its_forms(base: str, path: str, key_header: str) -> None:
    with parrot(Said(GOOD)) as vendor:
        buy(vendor.url + base, call(), "azure", api_version="2026-01-01")
    (heard,) = vendor.heard
    assert (heard.path, heard.headers[key_header]) == (path, SECRET)


def test_apimarts_shape_is_a_ratio_and_a_resolution() -> None:
    order = replace(call(vendor="apimart"), size=size("2048x2048"), images=(picture(64, 64),), operation=Operation.EDIT)
    with parrot(Said(GOOD)) as vendor:
        buy(vendor.url, order)
    (heard,) = vendor.heard
    sent = heard.json
    references = sent.pop("image_urls")
    assert sent == {"model": "gpt-image-2", "prompt": PROMPT, "size": "1:1", "resolution": "2k", "n": 1}
    assert isinstance(references, list)
    assert references[0].startswith("data:image/png;base64,")


def test_xais_shape_is_an_aspect_ratio() -> None:
    with parrot(Said(GOOD)) as vendor:
        buy(vendor.url, replace(call(vendor="xai"), size=size("1024x1024"), n=2))
    sent = vendor.heard[0].json
    assert (sent["aspect_ratio"], sent["resolution"], sent["n"]) == ("1:1", "1k", 2)
    assert "size" not in sent


@pytest.mark.parametrize("vendor_name", ["apimart", "xai"])
@pytest.mark.parametrize(
    "wish", [{"size": size("1024x1040")}, {"quality": "high"}, {"background": "opaque"}, {"output_format": "webp"}]
)
def test_a_vendor_of_ratios_is_not_sent_what_it_has_no_word_for(vendor_name: str, wish: dict[str, object]) -> None:
    order = replace(replace(call(vendor=vendor_name), size=size("1024x1024")), **wish)  # type: ignore[arg-type]  # one wish of several types
    with parrot(Said(GOOD)) as vendor, pytest.raises(ProviderError, match="no word") as refused:
        buy(vendor.url, order)
    assert refused.value.charged is Charged.NO
    assert vendor.heard == []


# --- What comes back --------------------------------------------------------------------------------------------------


def test_what_the_vendor_tells_is_passed_on() -> None:
    body = {"data": [{"b64_json": ENCODED, "revised_prompt": "a lighthouse"}], "seed": 7, "usage": USAGE}
    with parrot(Said(body, headers={"x-request-id": "req_1"})) as vendor:
        delivery = buy(vendor.url, call())
    assert (delivery.revised_prompt, delivery.seed, delivery.vendor_request_id) == ("a lighthouse", 7, "req_1")
    assert delivery.usage
    assert (delivery.usage.text_in, delivery.usage.image_out) == (12, 196)


def test_an_address_in_the_reply_is_fetched_at_once() -> None:
    def answer(heard: Heard) -> Said:
        if heard.method == "GET":
            return Said(png(), headers={"content-type": "image/png"})
        return Said({"data": [{"url": f"{vendor.url}/a.png"}]})

    with parrot(answer) as vendor:
        delivery = buy(vendor.url, call())
    assert delivery.pictures[0].data == png()
    assert [heard.method for heard in vendor.heard] == ["POST", "GET"]


def test_a_picture_as_a_data_url_is_read() -> None:
    with parrot(Said({"data": [{"url": f"data:image/png;base64,{ENCODED}"}]})) as vendor:
        assert buy(vendor.url, call()).pictures[0].format == "png"


def test_what_can_be_used_is_delivered_and_the_rest_is_named() -> None:
    cut = base64.b64encode(png()[:-20]).decode()
    body = {"data": [{"b64_json": "!"}, {"b64_json": ENCODED}, {}, {"b64_json": cut}, None]}
    with parrot(Said(body)) as vendor:
        delivery = buy(vendor.url, replace(call(), n=5))
    assert len(delivery.pictures) == 1
    assert delivery.notices == (
        "5 pictures were asked for, 1 arrived",
        "picture 1 is not base64",
        "picture 3 is missing",
        "picture 4 is cut off: its PNG data stops before the end (" + f"{len(png()) - 20:,} bytes)",
        "picture 5 is missing",
    )


def test_more_pictures_than_asked_are_all_delivered_and_counted() -> None:
    with parrot(Said({"data": [{"b64_json": ENCODED}] * 2, "usage": USAGE})) as vendor:
        delivery = buy(vendor.url, call())
    assert len(delivery.pictures) == 2
    assert delivery.usage
    assert delivery.usage.images == 2
    assert delivery.notices == ("1 picture was asked for, 2 arrived",)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said(b"<html>sign in</html>", headers={"content-type": "text/html"}), "a web page"),
        (Said(b""), "no JSON object"),
        (Said(b'{"data": [{"b64'), "no JSON object"),
        (Said([]), "no JSON object"),
        (Said({"data": None}), "no list of pictures"),
        (Said({"data": {}}), "no list of pictures"),
        (Said({"ok": True}), "no list of pictures"),
        (Said({"data": []}), "no picture"),
        (Said({"data": [{"b64_json": base64.b64encode(b"GIF89a....").decode()}]}), "a GIF"),
        (Said({"data": [{"url": "http://169.254.169.254/x"}]}), "no picture is fetched"),
    ],
)
def test_an_answer_without_a_usable_picture_is_an_unknown_outcome(said: Said, why: str) -> None:
    with parrot(said) as vendor, pytest.raises(ProviderUnavailable, match=why) as failed:
        buy(vendor.url, call())
    assert (failed.value.charged, failed.value.retryable) == (Charged.UNKNOWN, True)
    assert len([heard for heard in vendor.heard if heard.method == "POST"]) == 1


def test_usage_without_a_picture_was_charged() -> None:
    with parrot(Said({"data": [], "usage": USAGE})) as vendor, pytest.raises(ProviderUnavailable) as failed:
        buy(vendor.url, call())
    assert failed.value.charged is Charged.YES
    assert failed.value.usage is not None


def test_a_redirect_is_not_followed_with_a_second_post() -> None:
    with (
        parrot(Said(status=307, headers={"location": "/elsewhere"})) as vendor,
        pytest.raises(ProviderUnavailable, match="set base_url to the final address") as failed,
    ):
        buy(vendor.url, call())
    assert failed.value.charged is Charged.NO
    assert len(vendor.heard) == 1


# --- Time -------------------------------------------------------------------------------------------------------------


def test_a_body_that_drips_ends_at_the_deadline() -> None:
    said = Said(pieces=tuple(b" " for _ in range(1000)), pause_s=0.05)
    with parrot(said) as vendor:
        started = time.monotonic()
        with pytest.raises(ProviderTimeout):
            buy(vendor.url, replace(call(), timeout_s=0.3))
    assert time.monotonic() - started < 2.0


def test_what_getting_ready_takes_is_part_of_a_deadline_not_of_a_calls_own_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = [0.0]
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    spec = ProviderSpec(name="shop", kind="openai", api_key_env="SHOP_KEY")
    with parrot(Said(GOOD)) as vendor:

        def connect() -> OpenAI:
            now_s[0] += 5.0
            return connect_openai(vendor.url, SECRET)

        with closing(OpenAIProvider(spec, SECRET, vendor.url, connect)) as provider:
            with pytest.raises(ProviderTimeout, match="not sent, since the 5 s that were left of its dead") as failed:
                provider.buy(replace(call(), ends_in_s=5.0))
            assert (failed.value.charged, vendor.heard) == (Charged.NO, [])
        with closing(OpenAIProvider(spec, SECRET, vendor.url, connect)) as provider:
            assert provider.buy(call()).pictures


def test_a_picture_that_is_not_fetched_in_time_does_not_lose_the_others() -> None:
    def answer(heard: Heard) -> Said:
        if heard.path == "/slow.png":
            return Said(pieces=(b"x",) * 1000, pause_s=0.05)
        if heard.method == "GET":
            return Said(png())
        return Said({"data": [{"url": f"{vendor.url}/quick.png"}, {"url": f"{vendor.url}/slow.png"}]})

    with parrot(answer) as vendor:
        delivery = buy(vendor.url, replace(call(), n=2, timeout_s=0.4))
    assert len(delivery.pictures) == 1
    assert "picture 2 could not be fetched in time" in delivery.notices


def test_a_task_that_takes_too_long_ends_at_the_deadline_with_an_unknown_outcome() -> None:
    def answer(heard: Heard) -> Said:
        if heard.method == "POST":
            return Said({"code": 200, "data": [{"status": "submitted", "task_id": "task_1"}]})
        return Said({"code": 200, "data": {"id": "task_1", "status": "processing"}})

    with parrot(answer) as vendor, pytest.raises(ProviderTimeout) as failed:
        buy(vendor.url, replace(call(), timeout_s=0.4))
    assert failed.value.charged is Charged.UNKNOWN
    assert [heard.method for heard in vendor.heard].count("POST") == 1
    assert vendor.heard[-1].path == "/tasks/task_1"


def test_a_failed_task_is_not_charged_and_a_failed_look_is_looked_again() -> None:
    looks = iter(
        [
            Said(status=503),
            Said(b"<html>"),
            Said({"code": 200, "data": {"status": "failed", "error": {"message": "oops"}}}),
        ]
    )

    def answer(heard: Heard) -> Said:
        if heard.method == "POST":
            return Said({"code": 200, "data": [{"status": "submitted", "task_id": "task_1"}]})
        return next(looks)

    with parrot(answer) as vendor, pytest.raises(ProviderUnavailable, match="oops") as failed:
        buy(vendor.url, call())
    assert (failed.value.charged, failed.value.retryable) == (Charged.NO, True)


def test_a_task_that_is_not_shown_any_more_is_an_unknown_outcome() -> None:
    def answer(heard: Heard) -> Said:
        if heard.method == "POST":
            return Said({"code": 200, "data": [{"status": "submitted", "task_id": "task_1"}]})
        return Said({"error": {"message": "gone"}}, status=404)

    with parrot(answer) as vendor, pytest.raises(ProviderUnavailable, match="task_1") as failed:
        buy(vendor.url, call())
    assert failed.value.charged is Charged.UNKNOWN


# --- Many at once, and nothing too early ------------------------------------------------------------------------------


def test_many_threads_share_a_provider_and_each_gets_its_own_picture() -> None:
    def answer(heard: Heard) -> Said:
        edge = int(str(heard.json["prompt"]))
        return Said({"data": [{"b64_json": base64.b64encode(png(edge, edge)).decode()}]})

    got: dict[int, str] = {}
    with parrot(answer) as vendor:
        provider = make_provider(ProviderSpec(name="shop", kind="openai", base_url=vendor.url), SECRET)

        def shop(edge: int) -> None:
            got[edge] = str(provider.buy(replace(call(), prompt=str(edge))).pictures[0].size)

        threads = [threading.Thread(target=shop, args=(edge,)) for edge in range(10, 42)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        provider.close()
    assert got == {edge: f"{edge}x{edge}" for edge in range(10, 42)}
    assert len(vendor.heard) == 32


def test_making_providers_imports_no_vendors_library() -> None:
    program = """
import sys
from routing.providers.base import ProviderSpec
from routing.providers.registry import KINDS, make_provider
for kind in KINDS:
    make_provider(ProviderSpec(name="x", kind=kind, base_url="http://127.0.0.1:9"), "key")
print(*sorted({"openai", "litellm", "httpx", "PIL"} & {*sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (ProviderSpec(name="x", kind="opnai"), "did you mean 'openai'"),
        (ProviderSpec(name="x", kind="azure"), "has no usual address"),
        (ProviderSpec(name="x", kind="openai", options={"api_version": "1"}), "has no option 'api_version'"),
    ],
)
def test_a_provider_that_cannot_be_made_says_why(spec: ProviderSpec, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_provider(spec, SECRET)
