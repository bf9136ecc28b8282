"""Partial images through the openai SDK: what goes out, what is shown, and what broken streams become."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from routing.core.request import Operation
from routing.errors import Charged, ContentRejected, ProviderError, ProviderUnavailable
from routing.providers.base import Delivery, ImageCall, ProviderSpec
from routing.providers.registry import make_provider
from routing.sandbox import Sandbox
from tests.providers.buying import PROMPT, SECRET, Said, deployment, parrot, picture, png, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routing.core.picture import Picture

SMALL, LARGE = (base64.b64encode(png(edge, edge)).decode() for edge in (16, 64))
USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"text_tokens": 12, "image_tokens": 0},
    "output_tokens": 396,
    "total_tokens": 408,
}
PARTIAL = {"type": "image_generation.partial_image", "b64_json": SMALL, "partial_image_index": 0}
DONE = {"type": "image_generation.completed", "b64_json": LARGE, "usage": USAGE}


def stream(*events: object, end: bytes = b"\n\n") -> bytes:
    return b"".join(b"event: x\ndata: " + json.dumps(event).encode() + end for event in events)


def said(body: bytes, pieces: Sequence[bytes] = ()) -> Said:
    return Said(
        body,
        headers={"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req-1"},
        pieces=tuple(pieces),
    )


def buy(url: str, shown: list[Picture], **changes: object) -> Delivery:
    provider = make_provider(ProviderSpec(name="shop", kind="openai", api_key_env="KEY", base_url=url), SECRET)
    fields: dict[str, object] = {
        "deployment": deployment("gpt-image-2", extras=("partial_images",)),
        "prompt": PROMPT,
        "operation": Operation.GENERATE,
        "size": size("64x64"),
        "quality": None,
        "n": 1,
        "timeout_s": 5.0,
        "extras": {"partial_images": "2"},
        "on_partial": shown.append,
    }
    try:
        return provider.buy(ImageCall(**fields | changes))  # type: ignore[arg-type]  # each as its field wants it
    finally:
        provider.close()


def test_a_stream_is_asked_for_and_its_partial_images_are_shown_in_order() -> None:
    shown: list[Picture] = []
    with parrot(said(stream(PARTIAL, {**PARTIAL, "b64_json": LARGE}, DONE))) as vendor:
        delivery = buy(vendor.url, shown)
    (heard,) = vendor.heard
    assert (heard.json["stream"], heard.json["partial_images"]) == (True, 2)
    assert [str(each.size) for each in shown] == ["16x16", "64x64"]
    assert [str(each.size) for each in delivery.pictures] == ["64x64"]
    assert delivery.usage is not None
    assert (delivery.usage.image_out, delivery.vendor_request_id) == (396, "req-1")


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 100])
def test_a_stream_may_come_in_any_pieces_and_with_either_end_of_line(cut: int) -> None:
    body = b": ping\r\n\r\n" + stream(PARTIAL, end=b"\r\n\r\n") + b"data: [DONE]\n\n" + stream(DONE)
    shown: list[Picture] = []
    with parrot(said(b"", [body[at : at + cut] for at in range(0, len(body), cut)])) as vendor:
        assert buy(vendor.url, shown).pictures
    assert len(shown) == 1


@pytest.mark.parametrize("lacks", [1, 2])
def test_a_picture_that_came_whole_is_delivered_though_the_stream_ends_at_once(lacks: int) -> None:
    with parrot(said(stream(PARTIAL, DONE)[:-lacks])) as vendor:
        delivery = buy(vendor.url, [])
    assert [str(each.size) for each in delivery.pictures] == ["64x64"]


@pytest.mark.parametrize("odd", [{**PARTIAL, "b64_json": "%%"}, {**PARTIAL, "b64_json": None}, [], {"type": 5}, {}])
def test_what_is_no_partial_image_is_passed_over(odd: object) -> None:
    shown: list[Picture] = []
    with parrot(said(stream(odd, DONE))) as vendor:
        assert buy(vendor.url, shown).pictures
    assert shown == []


def test_a_vendor_that_does_not_stream_still_delivers() -> None:
    shown: list[Picture] = []
    with parrot(Said({"data": [{"b64_json": LARGE}], "usage": USAGE})) as vendor:
        assert buy(vendor.url, shown).pictures
    assert shown == []


@pytest.mark.parametrize(
    ("body", "kind", "charged"),
    [
        (b"", ProviderUnavailable, Charged.UNKNOWN),
        (stream(PARTIAL), ProviderUnavailable, Charged.UNKNOWN),
        (stream(PARTIAL, DONE)[:-40], ProviderUnavailable, Charged.UNKNOWN),
        (stream({**DONE, "b64_json": None, "usage": None}), ProviderUnavailable, Charged.UNKNOWN),
        (stream({**DONE, "b64_json": "%%"}), ProviderUnavailable, Charged.YES),
        (
            stream({"type": "error", "error": {"message": "broke", "code": "server_error"}}),
            ProviderUnavailable,
            Charged.UNKNOWN,
        ),
        (stream({"error": {"message": "no", "code": "moderation_blocked"}}), ContentRejected, Charged.UNKNOWN),
    ],
)
def test_a_stream_that_ends_without_a_picture_says_what_is_known(
    body: bytes, kind: type[ProviderError], charged: Charged
) -> None:
    with parrot(said(body)) as vendor, pytest.raises(kind) as caught:
        buy(vendor.url, [])
    assert (caught.value.charged, caught.value.vendor_request_id) == (charged, "req-1")
    assert len(vendor.heard) == 1


# --- At the sandbox, with the real prices -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat") as running:
        yield running


@pytest.mark.parametrize("edit", [False, True])
def test_the_sandbox_is_read_like_the_vendor(sandbox: Sandbox, *, edit: bool) -> None:
    shown: list[Picture] = []
    changes: dict[str, object] = {"size": size("1024x1024"), "quality": "low"}
    if edit:
        changes |= {"operation": Operation.EDIT, "images": (picture(),)}
    delivery = buy(sandbox.openai_base_url, shown, **changes)
    assert len(shown) == 2
    assert delivery.usage is not None
    assert delivery.usage.image_out == 196 + 200
