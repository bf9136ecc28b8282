"""OpenAI's generations: what comes back, and what is refused in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.sandbox.samples import look

if TYPE_CHECKING:
    import httpx
    from openai import OpenAI

    from routing.sandbox import Sandbox

GOOD: dict[str, Any] = {"model": "gpt-image-2", "prompt": "A kitten", "size": "1024x1024", "quality": "low"}


def post(http: httpx.Client, **changes: object) -> httpx.Response:
    body = {**GOOD, **changes}
    return http.post("/v1/images/generations", json={name: value for name, value in body.items() if value is not None})


def test_a_good_request_brings_a_picture_and_says_what_was_made(client: OpenAI) -> None:
    reply = client.images.generate(**GOOD)
    assert reply.data is not None
    assert look(reply.data[0].b64_json or "") == ("PNG", (1024, 1024))
    assert reply.data[0].url is None
    assert (reply.size, reply.quality, reply.output_format, reply.background) == (
        "1024x1024",
        "low",
        "png",
        "opaque",
    )


@pytest.mark.parametrize(("output_format", "seen"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_picture_has_the_format_that_was_asked(http: httpx.Client, output_format: str, seen: str) -> None:
    reply = post(http, output_format=output_format, size="1536x1024").json()
    assert look(reply["data"][0]["b64_json"]) == (seen, (1536, 1024))
    assert reply["output_format"] == output_format


def test_every_harmless_parameter_is_taken(http: httpx.Client) -> None:
    answer = post(
        http,
        background="opaque",
        complexity="low",
        moderation="low",
        n=1,
        output_compression=50,
        output_format="jpeg",
        safety_identifier="u-1",
        stream=False,
        user="u-1",
    )
    assert answer.status_code == 200


def test_what_is_automatic_is_decided_and_reported(http: httpx.Client) -> None:
    reply = post(http, size="auto", quality="auto", background="auto").json()
    assert (reply["size"], reply["quality"], reply["background"]) == ("1024x1024", "high", "opaque")
    assert reply["usage"]["output_tokens"] == 7024


@pytest.mark.parametrize("size", ["1024x640", "2304x2304", "2880x2880", "3840x2160", "1280x3840", "1536x864"])
def test_every_size_within_the_rules_is_made(http: httpx.Client, size: str) -> None:
    reply = post(http, size=size).json()
    assert "x".join(map(str, look(reply["data"][0]["b64_json"])[1])) == size


@pytest.mark.parametrize(
    ("size", "rule"),
    [
        ("9:16", "Expected WIDTHxHEIGHT"),
        ("1024X1024", "Expected WIDTHxHEIGHT"),
        ("1024x1024x1", "Expected WIDTHxHEIGHT"),
        ("١٠٢٤x١٠٢٤", "Expected WIDTHxHEIGHT"),
        ("1792x936", "divisible by 16"),
        ("0x0", "divisible by 16"),
        ("4096x4096", "at most 3840"),
        ("3856x1024", "at most 3840"),
        ("3840x1264", "at most 3 times"),
        ("512x512", "number of pixels"),
        ("1024x624", "number of pixels"),
        ("3840x2176", "number of pixels"),
    ],
)
def test_a_size_outside_the_rules_is_refused_with_the_rule(http: httpx.Client, size: str, rule: str) -> None:
    answer = post(http, size=size)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, "size", "invalid_value")
    assert error["message"].startswith(f"Invalid size '{size}'.")
    assert rule in error["message"]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"response_format": "b64_json"}, "response_format", "unknown_parameter"),
        ({"seed": 7}, "seed", "unknown_parameter"),
        ({"reasoning": "force"}, "reasoning", "unknown_parameter"),
        ({"style": "vivid"}, "style", "unknown_parameter"),
        ({"input_fidelity": "high"}, "input_fidelity", "unknown_parameter"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": ""}, "prompt", "empty_string"),
        ({"prompt": "x" * 32_001}, "prompt", "string_above_max_length"),
        ({"prompt": 3}, "prompt", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 11}, "n", "integer_above_max_value"),
        ({"n": "2"}, "n", "invalid_type"),
        ({"n": True}, "n", "invalid_type"),
        ({"quality": "standard"}, "quality", "invalid_value"),
        ({"quality": "hd"}, "quality", "invalid_value"),
        ({"quality": "max"}, "quality", "invalid_value"),
        ({"output_format": "gif"}, "output_format", "invalid_value"),
        ({"output_format": "jpeg", "output_compression": 101}, "output_compression", "integer_above_max_value"),
        ({"output_compression": 50}, "output_compression", "invalid_value"),
        ({"background": "transparent"}, "background", "invalid_value"),
        ({"moderation": "off"}, "moderation", "invalid_value"),
        ({"complexity": "extreme"}, "complexity", "invalid_value"),
        ({"user": 3}, "user", "invalid_type"),
        ({"stream": "true"}, "stream", "invalid_type"),
        ({"partial_images": 2}, "partial_images", "invalid_value"),
        ({"model": None}, None, None),
        ({"model": 2}, "model", "invalid_type"),
    ],
)
def test_what_openai_refuses_is_refused_by_name(
    http: httpx.Client, sandbox: Sandbox, changes: dict[str, object], param: str | None, code: str | None
) -> None:
    answer = post(http, **changes)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)
    assert error["type"] == "invalid_request_error"
    assert set(error) == {"message", "type", "param", "code"}
    assert sandbox.bill()["total_nusd"] == 0


def test_newer_models_know_more_qualities_and_transparency(http: httpx.Client) -> None:
    answer = post(http, model="gpt-image-2.5-sunburst", quality="xhigh", background="transparent")
    assert answer.json()["background"] == "transparent"
    answer = post(http, model="gpt-image-2.5-sunburst", background="transparent", output_format="jpeg")
    assert answer.json()["error"]["param"] == "background"


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-9"])
def test_a_model_that_is_gone_or_was_never_there_is_not_found(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(model=model, prompt="A kitten")
    assert caught.value.code == "model_not_found"


def test_the_prompt_is_32000_characters_at_most(http: httpx.Client) -> None:
    reply = post(http, prompt="x" * 32_000).json()
    assert reply["usage"]["input_tokens"] == 8000


@pytest.mark.parametrize("key", [None, "Bearer", "Basic abc", "Bearer sk-invalid-1"])
def test_without_a_good_key_nothing_is_made(http: httpx.Client, sandbox: Sandbox, key: str | None) -> None:
    http.headers.pop("authorization")
    headers = {"authorization": key} if key else {}
    answer = http.post("/v1/images/generations", json=GOOD, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert sandbox.bill()["images"] == 0


def test_the_sdk_sees_a_refused_key_as_its_own_error(sandbox: Sandbox) -> None:
    with (
        openai.OpenAI(base_url=sandbox.openai_base_url, api_key="sk-invalid", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.images.generate(**GOOD)


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{", "application/json", None),
        (b"[]", "application/json", None),
        (b"{}", "text/plain", "unsupported_content_type"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    http: httpx.Client, content: bytes, kind: str, code: str | None
) -> None:
    answer = http.post("/v1/images/generations", content=content, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_a_body_beyond_all_bounds_is_refused(http: httpx.Client) -> None:
    assert post(http, prompt="x" * 2_000_000).status_code == 413


def test_an_unsafe_prompt_is_blocked_before_the_work(client: OpenAI, sandbox: Sandbox) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(model="gpt-image-2", prompt="something [unsafe]")
    assert caught.value.code == "moderation_blocked"
    assert sandbox.bill()["total_nusd"] == 0


def test_a_slash_too_many_is_not_found(http: httpx.Client) -> None:
    assert http.post("/v1/images/generations/", json=GOOD).status_code == 404
    assert http.post("//v1/images/generations", json=GOOD).status_code == 404


def test_models_are_listed_and_found_by_name(client: OpenAI) -> None:
    assert "gpt-image-2" in [model.id for model in client.models.list()]
    assert client.models.retrieve("gpt-image-2").id == "gpt-image-2"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("dall-e-3")


def test_moderation_is_free_and_flags_what_is_unsafe(client: OpenAI, sandbox: Sandbox) -> None:
    reply = client.moderations.create(input=["a kitten", "something [unsafe]"], model="omni-moderation-latest")
    assert [result.flagged for result in reply.results] == [False, True]
    assert reply.results[1].categories.violence
    assert sandbox.bill()["total_nusd"] == 0
    with pytest.raises(openai.BadRequestError):
        client.moderations.create(input="a kitten", model="text-moderation-stable")


def test_moderation_flags_the_categories_whose_names_stand_in_brackets(client: OpenAI) -> None:
    picture: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    (text,) = client.moderations.create(input="a [sexual/minors] kitten, [hate]").results
    (both,) = client.moderations.create(input=[{"type": "text", "text": "[violence]"}, picture]).results
    (alone,) = client.moderations.create(input=[picture]).results
    assert {name for name, holds in text.categories.to_dict().items() if holds} == {"sexual/minors", "hate"}
    assert min(text.category_scores.hate, text.category_scores.sexual_minors) > 0.9 > text.category_scores.violence
    assert both.flagged
    assert both.category_applied_input_types.violence == ["text", "image"]
    assert both.category_applied_input_types.hate == ["text"]
    assert not alone.flagged
    assert (alone.category_applied_input_types.violence, alone.category_applied_input_types.hate) == (["image"], [])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": ""},
        {"input": []},
        {"input": 5},
        {"input": ["a kitten", ""]},
        {"input": ["a kitten", {"type": "text", "text": "a kitten"}]},
        {"input": [{"type": "text"}]},
        {"input": [{"type": "text", "text": "a kitten", "more": 1}]},
        {"input": [{"type": "image_url", "image_url": "https://example.com/a.png"}]},
        {"input": "a kitten", "n": 1},
        {"input": "a kitten", "model": 5},
    ],
)
def test_moderation_refuses_what_openai_does(http: httpx.Client, body: object) -> None:
    assert http.post("/v1/moderations", json=body).status_code == 400
