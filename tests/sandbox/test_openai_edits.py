"""OpenAI's edits: files, masks, and what is refused about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.sandbox.samples import look, picture

if TYPE_CHECKING:
    import httpx
    from openai import OpenAI

    from routing.sandbox import Sandbox

File = tuple[str, tuple[str, bytes, str]]
GOOD = {"model": "gpt-image-2", "prompt": "A kitten", "size": "1024x1024", "quality": "low"}


def file(field: str = "image", kind: str = "image/png", data: bytes | None = None) -> File:
    return field, ("name", picture() if data is None else data, kind)


def post(http: httpx.Client, *files: File, **changes: str) -> httpx.Response:
    return http.post("/v1/images/edits", data={**GOOD, **changes}, files=list(files))


def refusal(answer: httpx.Response) -> tuple[int, Any, Any]:
    error = answer.json()["error"]
    return answer.status_code, error["param"], error["code"]


def test_the_sdk_edits_several_pictures_with_a_mask(client: OpenAI) -> None:
    reply = client.images.edit(
        model="gpt-image-2",
        prompt="A kitten",
        image=[("a.png", picture(), "image/png"), ("b.webp", picture(32, 32, "WEBP"), "image/webp")],
        mask=("mask.png", picture(), "image/png"),
        size="1024x1024",
        quality="low",
        n=2,
    )
    assert [look(item.b64_json or "") for item in reply.data or []] == [("PNG", (1024, 1024))] * 2
    assert reply.usage is not None
    assert reply.usage.input_tokens_details.image_tokens == 2 * (4 + 1)


def test_an_automatic_size_follows_the_first_picture(http: httpx.Client) -> None:
    answer = post(http, file(data=picture(300, 200)), size="auto")
    assert answer.json()["size"] == "1536x1024"


def test_raw_bytes_go_out_without_a_type_and_are_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="application/octet-stream") as caught:
        client.images.edit(model="gpt-image-2", prompt="A kitten", image=picture())
    assert caught.value.code == "unsupported_file_mimetype"


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/gif", "text/plain"])
def test_only_png_jpeg_and_webp_are_taken(http: httpx.Client, kind: str) -> None:
    assert refusal(post(http, file(kind=kind))) == (400, "image", "unsupported_file_mimetype")


def test_a_file_that_is_not_what_its_type_says_is_refused(http: httpx.Client) -> None:
    assert refusal(post(http, file(data=b"no picture"))) == (400, "image", "invalid_image_file")
    assert refusal(post(http, file(kind="image/jpeg"))) == (400, "image", "invalid_image_file")


def test_sixteen_pictures_are_taken_and_no_more(http: httpx.Client) -> None:
    assert post(http, *[file("image[]")] * 16).json()["usage"]["input_tokens_details"]["image_tokens"] == 64
    assert refusal(post(http, *[file("image[]")] * 17)) == (400, "image", "array_above_max_length")


def test_several_files_need_the_array_syntax(http: httpx.Client) -> None:
    assert refusal(post(http, file(), file())) == (400, "image", "duplicate_parameter")


def test_an_edit_needs_a_picture(http: httpx.Client) -> None:
    assert refusal(post(http, file("mask"))) == (400, "image", "missing_required_parameter")


def test_a_picture_weighs_less_than_50_megabytes(http: httpx.Client) -> None:
    heavy = picture() + bytes(50 * 1024 * 1024)
    assert refusal(post(http, file(data=heavy))) == (400, "image", "file_too_large")


def test_a_mask_is_a_png_below_4_megabytes_of_the_same_size(http: httpx.Client) -> None:
    jpeg = picture(picture_format="JPEG")
    heavy = picture() + bytes(4 * 1024 * 1024)
    assert refusal(post(http, file(), file("mask", "image/jpeg", jpeg)))[1:] == ("mask", "invalid_mask_image_format")
    assert refusal(post(http, file(), file("mask", data=heavy)))[1:] == ("mask", "file_too_large")
    assert refusal(post(http, file(), file("mask", data=picture(32, 64))))[1:] == ("mask", "invalid_mask_image_size")
    assert post(http, file(), file("mask")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"response_format": "b64_json"}, "response_format", "unknown_parameter"),
        ({"moderation": "low"}, "moderation", "unknown_parameter"),
        ({"input_fidelity": "high"}, "input_fidelity", "invalid_input_fidelity_model"),
        ({"n": "11"}, "n", "integer_above_max_value"),
        ({"n": "two"}, "n", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"size": "1000x1000"}, "size", "invalid_value"),
    ],
)
def test_what_openai_refuses_of_an_edit_is_refused_by_name(
    http: httpx.Client, sandbox: Sandbox, changes: dict[str, str], param: str, code: str
) -> None:
    assert refusal(post(http, file(), **changes)) == (400, param, code)
    assert sandbox.bill()["total_nusd"] == 0


def test_newer_models_take_input_fidelity(http: httpx.Client) -> None:
    assert post(http, file(), model="gpt-image-2.5-flare", input_fidelity="high").status_code == 200


def test_an_edit_is_a_form_and_nothing_else(http: httpx.Client) -> None:
    answer = http.post("/v1/images/edits", json=GOOD)
    assert refusal(answer) == (400, None, "unsupported_content_type")


@pytest.mark.parametrize("body", [b"", b"--b\r\n", b"--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n"])
def test_a_broken_form_is_refused(http: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert refusal(http.post("/v1/images/edits", content=body, headers=headers)) == (400, None, None)
