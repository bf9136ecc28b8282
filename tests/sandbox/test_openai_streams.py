"""OpenAI's Images API as a stream, seen by its own SDK: partial images, then the picture with its usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.providers.buying import png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import OpenAI

    from routing.sandbox import Sandbox

ASK: dict[str, Any] = {"model": "gpt-image-2", "prompt": "a fox", "size": "1024x1024", "quality": "low", "stream": True}
LOW = 196


def test_a_generation_sends_its_partial_images_and_then_the_picture(client: OpenAI, sandbox: Sandbox) -> None:
    events = list(client.images.generate(**ASK, partial_images=2))
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert all(event.b64_json for event in events)
    assert events[-1].usage.output_tokens == LOW + 200
    (charge,) = sandbox.bill()["lines"]
    assert charge["usage"]["output_tokens"] == LOW + 200


def test_an_edit_streams_events_of_its_own(client: OpenAI) -> None:
    image = ("image.png", png(), "image/png")
    events = list(client.images.edit(**ASK, image=image, partial_images=1))
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]


def test_a_stream_without_partial_images_costs_what_the_picture_does(client: OpenAI) -> None:
    (event,) = client.images.generate(**ASK)
    assert (event.type, event.usage.output_tokens) == ("image_generation.completed", LOW)


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"stream": "true"}, "stream", "invalid_type"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"n": 2}, "n", "invalid_value"),
        ({"partial_images": 4}, "partial_images", "integer_above_max_value"),
        ({"partial_images": "2"}, "partial_images", "invalid_type"),
        ({"stream": False, "partial_images": 1}, "partial_images", "invalid_value"),
    ],
)
def test_what_cannot_be_streamed_is_refused_by_name(
    http: httpx.Client, change: Mapping[str, object], param: str, code: str
) -> None:
    answer = http.post("/v1/images/generations", json={**ASK, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


@pytest.mark.parametrize("fault", ["empty", "badjson"])
def test_a_fault_leaves_a_stream_without_its_picture_and_the_bill_with_its_price(
    http: httpx.Client, sandbox: Sandbox, fault: str
) -> None:
    answer = http.post("/v1/images/generations", json=ASK, headers={"x-sandbox-fault": fault})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert not answer.text.endswith("}\n\n")
    assert sandbox.bill()["total_nusd"] > 0


@pytest.mark.parametrize("fault", ["truncated", "reset"])
def test_a_stream_can_break_off(http: httpx.Client, sandbox: Sandbox, fault: str) -> None:
    with pytest.raises(httpx.TransportError):
        http.post("/v1/images/generations", json=ASK, headers={"x-sandbox-fault": fault})
    assert sandbox.bill()["total_nusd"] > 0
