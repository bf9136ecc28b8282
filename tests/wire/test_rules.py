"""The rules that outgoing requests are held to refuse what the vendor would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.buying import PROMPT
from tests.wire.rules import is_size, problems_of_body, problems_of_headers, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY: dict[str, Any] = {"model": "gpt-image-2", "prompt": PROMPT, "size": "1024x1024", "quality": "low", "n": 1}
FILE = {"filename": "image-1.png", "content_type": "image/png", "kind": "PNG", "bytes": 70}
FORM: dict[str, Any] = {**BODY, "n": "1", "image": [FILE]}


def test_what_the_vendor_takes_is_allowed() -> None:
    rest = {"output_format": "webp", "output_compression": 0, "moderation": "auto", "user": "u", "complexity": "low"}
    assert problems_of_body("generation", {**BODY, **rest}) == []
    assert problems_of_body("generation", {**BODY, "stream": True, "partial_images": 3}) == []
    assert problems_of_body("edit", {**FORM, "image": [FILE] * 16, "mask": FILE}) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"input": ""}, {"input": [PROMPT]}, {"input": PROMPT, "model": "gpt-image-2"}, {"input": PROMPT, "n": 1}],
)
def test_a_look_at_a_prompt_brings_its_words_and_nothing_else(body: Mapping[str, object]) -> None:
    assert problems_of_body("look", {"input": PROMPT, "model": "omni-moderation-latest"}) == []
    assert problems_of_body("look", body)


@pytest.mark.parametrize(
    "change",
    [
        {"response_format": "b64_json"},
        {"seed": 1},
        {"style": "vivid"},
        {"reasoning": "force"},
        {"input_fidelity": "high"},
        {"model": "dall-e-3"},
        {"model": "gpt-image-1"},
        {"prompt": ""},
        {"prompt": "x" * 32_001},
        {"size": "4096x4096"},
        {"size": "1000x1000"},
        {"quality": "hd"},
        {"quality": "xhigh"},
        {"quality": None},
        {"n": 0},
        {"n": 11},
        {"n": "2"},
        {"n": True},
        {"background": "transparent"},
        {"output_format": "gif"},
        {"output_compression": 80},
        {"output_compression": 80, "output_format": "png"},
        {"output_compression": 101, "output_format": "jpeg"},
        {"moderation": "off"},
        {"safety_identifier": ""},
        {"partial_images": 2},
        {"partial_images": 2, "stream": False},
        {"partial_images": 4, "stream": True},
        {"image": [FILE]},
    ],
    ids=lambda change: ", ".join(f"{name} {str(value)[:20]}" for name, value in change.items()),
)
def test_a_generation_with_anything_else_is_refused(change: Mapping[str, object]) -> None:
    assert problems_of_body("generation", {**BODY, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"moderation": "low"},
        {"input_fidelity": "high"},
        {"response_format": "b64_json"},
        {"n": 1},
        {"n": "11"},
        {"image": []},
        {"image": [FILE] * 17},
        {"image": [{**FILE, "content_type": "application/octet-stream"}]},
        {"image": [{**FILE, "content_type": "image/jpeg"}]},
        {"image": [{**FILE, "kind": "GIF"}]},
        {"image": [{**FILE, "filename": "image-1"}]},
        {"image": [{**FILE, "bytes": 50 * 2**20}]},
        {"mask": {**FILE, "bytes": 4 * 2**20}},
        {"mask": {"filename": "mask.webp", "content_type": "image/webp", "kind": "WEBP", "bytes": 70}},
        {"output_compression": "101", "output_format": "webp"},
        {"output_compression": "80"},
    ],
    ids=str,
)
def test_an_edit_with_anything_else_is_refused(change: Mapping[str, object]) -> None:
    assert problems_of_body("edit", {**FORM, **change})


@pytest.mark.parametrize("text", ["auto", "1024x1024", "3840x2160", "2160x3840", "816x816", "1536x512", "2880x2880"])
def test_a_size_that_the_vendor_makes_is_allowed(text: str) -> None:
    assert is_size(text)


@pytest.mark.parametrize(
    "text",
    [
        "1552x512",  # wider than 3 : 1
        "800x800",  # too few pixels
        "3856x2144",  # an edge too long
        "2896x2880",  # too many pixels
        "1025x1024",  # not in steps of 16
        "01024x1024",
        "1024×1024",
        "large",
    ],
)
def test_a_size_that_it_does_not_make_is_refused(text: str) -> None:
    assert not is_size(text)


HEADERS = {"authorization": "Bearer sk-1", "content-length": "3", "content-type": "application/json"}


@pytest.mark.parametrize(
    "change", [{"authorization": "Bearer sk-2"}, {"x-stainless-retry-count": "1"}, {"content-length": ""}], ids=str
)
def test_a_header_that_is_wrong_is_told_without_the_key(change: Mapping[str, str]) -> None:
    assert list(problems_of_headers(HEADERS, "sk-1")) == []
    (told,) = problems_of_headers({**HEADERS, **change}, "sk-1")
    assert "sk-" not in told


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        ("/v1/images/generations", "text/plain", b"{}"),
        ("/v1/images/generations", "application/json", b'{"n": 1, "n": 2}'),
        ("/v1/images/generations", "application/json", b"[]"),
        ("/v1/images/edits", "application/json", b"{}"),
        (
            "/v1/images/edits",
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n' * 2 + b"--b--\r\n",
        ),
    ],
)
def test_a_body_of_another_kind_is_no_body(path: str, content_type: str, body: bytes) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_body(path, {"content-type": content_type}, body)
