"""Google's generateContent, spoken by LiteLLM's chat route and by hand."""

from __future__ import annotations

import base64
import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.samples import data_url, look, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import httpx

    from routing.sandbox import Sandbox

FLASH = "gemini-2.5-flash-image"
BANANA = "gemini-nano-banana-2.1"
PROMPT = "A kitten"  # two tokens


@pytest.fixture
def complete(litellm: ModuleType, sandbox: Sandbox) -> Callable[..., Any]:
    def call(model: str, content: object = PROMPT, **options: object) -> Any:  # noqa: ANN401 - LiteLLM's own
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return litellm.completion(
                model=f"gemini/{model}",
                messages=[{"role": "user", "content": content}],
                modalities=["image"],
                api_base=sandbox.google_base_url,
                api_key="google-key",
                num_retries=0,
                timeout=5,
                **options,
            )

    return call


def thoughts_of(prompt: str) -> int:
    return 80 + int.from_bytes(hashlib.sha256(prompt.encode()).digest()[:4], "big") % 321


def post(http: httpx.Client, model: str = FLASH, config: object = None, **parts: object) -> httpx.Response:
    body: dict[str, object] = {"contents": [{"role": "user", "parts": [{"text": PROMPT}]}], **parts}
    if config is not None:
        body["generationConfig"] = config
    return http.post(f"/v1beta/models/{model}:generateContent", json=body, headers={"x-goog-api-key": "google-key"})


# --- Through LiteLLM --------------------------------------------------------------------------------------------------


def test_litellm_gets_a_picture_and_its_usage(complete: Callable[..., Any], sandbox: Sandbox) -> None:
    reply = complete(FLASH, imageConfig={"aspectRatio": "16:9"}, seed=7)
    [image] = reply.choices[0].message.images
    assert look(image["image_url"]["url"].partition(",")[2]) == ("PNG", (1344, 768))
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (2, 1290)
    # 2 tokens at 300 nano-dollars, 1290 at 30,000.
    assert sandbox.bill()["total_nusd"] == 600 + 38_700_000


def test_litellm_gets_the_thoughts_of_the_newer_model(complete: Callable[..., Any], sandbox: Sandbox) -> None:
    reply = complete(BANANA, imageConfig={"aspectRatio": "1:1", "imageSize": "2K"})
    # It hands over the thought image too, without a mark: the result is the last one.
    *_, image = reply.choices[0].message.images
    assert look(image["image_url"]["url"].partition(",")[2]) == ("JPEG", (2048, 2048))
    thoughts = thoughts_of(PROMPT)
    assert reply.usage.completion_tokens_details.reasoning_tokens == thoughts
    assert reply.usage.total_tokens == 2 + thoughts + 1680
    # 2 at 1,500, the thoughts at 7,500, 1680 at 30,000.
    assert sandbox.bill()["total_nusd"] == 3_000 + thoughts * 7_500 + 50_400_000


def test_litellm_sends_references_and_pays_for_them(complete: Callable[..., Any], sandbox: Sandbox) -> None:
    parts = [{"type": "text", "text": PROMPT}, {"type": "image_url", "image_url": {"url": data_url()}}]
    reply = complete(FLASH, parts)
    assert reply.usage.prompt_tokens == 2 + 258
    assert sandbox.bill()["total_nusd"] == 260 * 300 + 38_700_000


def test_litellm_reports_a_block_as_a_content_filter(complete: Callable[..., Any], sandbox: Sandbox) -> None:
    prompt = "something [unsafe]"
    reply = complete(BANANA, prompt)
    assert reply.choices[0].finish_reason == "content_filter"
    assert not getattr(reply.choices[0].message, "images", None)
    # Five tokens and the thoughts: a block is billed by its usage.
    assert sandbox.bill()["total_nusd"] == 5 * 1_500 + thoughts_of(prompt) * 7_500
    assert sandbox.bill()["images"] == 0


def test_litellm_asks_once_and_names_the_error(
    complete: Callable[..., Any], litellm: ModuleType, sandbox: Sandbox
) -> None:
    sandbox.inject(["500", "429:7", "503"])
    # Its 503 is an InternalServerError, as its 500 is.
    for error in (litellm.InternalServerError, litellm.RateLimitError, litellm.InternalServerError):
        with pytest.raises(error):
            complete(FLASH)
    with pytest.raises(litellm.BadRequestError, match="Multiple candidates"):
        complete(FLASH, n=2)
    assert len(sandbox.log()) == 4
    assert sandbox.bill()["total_nusd"] == 0


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_a_thought_image_is_beside_the_result_and_marked(http: httpx.Client) -> None:
    reply = post(http, BANANA, {"responseModalities": ["IMAGE"]}).json()
    *thoughts, result = reply["candidates"][0]["content"]["parts"]
    assert all(part["thought"] for part in thoughts)
    assert any("inlineData" in part for part in thoughts)
    assert look(result["inlineData"]["data"]) == ("JPEG", (1024, 1024))
    assert result["inlineData"]["mimeType"] == "image/jpeg"


def test_usage_counts_each_modality(http: httpx.Client, sandbox: Sandbox) -> None:
    inline = {"mimeType": "image/png", "data": base64.b64encode(picture()).decode()}
    contents = [{"parts": [{"text": PROMPT}, {"inlineData": inline}]}]
    usage = post(http, BANANA, contents=contents).json()["usageMetadata"]
    thoughts = thoughts_of(PROMPT)
    # Without modalities a model also talks: 34 characters, 9 tokens, at the price of text.
    assert usage == {
        "promptTokenCount": 1122,
        "candidatesTokenCount": 1129,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": 1122 + 1129 + thoughts,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}, {"modality": "IMAGE", "tokenCount": 1120}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 9}, {"modality": "IMAGE", "tokenCount": 1120}],
    }
    assert sandbox.bill()["total_nusd"] == 1122 * 1_500 + (9 + thoughts) * 7_500 + 1120 * 30_000


@pytest.mark.parametrize(
    ("size", "pixels", "tokens"), [("1K", (1376, 768), 1120), ("2K", (2752, 1536), 1680), ("4K", (5504, 3072), 2520)]
)
def test_larger_pictures_take_more_tokens(http: httpx.Client, size: str, pixels: tuple[int, int], tokens: int) -> None:
    config = {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9", "imageSize": size}}
    reply = post(http, BANANA, config).json()
    assert look(reply["candidates"][0]["content"]["parts"][-1]["inlineData"]["data"])[1] == pixels
    assert reply["usageMetadata"]["candidatesTokenCount"] == tokens


def test_both_spellings_of_a_field_are_read(http: httpx.Client) -> None:
    config = {"response_modalities": ["IMAGE"], "image_config": {"aspect_ratio": "3:2"}, "candidate_count": 1}
    reply = post(http, FLASH, config).json()
    assert look(reply["candidates"][0]["content"]["parts"][0]["inlineData"]["data"])[1] == (1248, 832)


@pytest.mark.parametrize(
    ("model", "config", "words"),
    [
        (FLASH, {"candidateCount": 2}, "Multiple candidates"),
        (FLASH, {"candidate_count": 2}, "Multiple candidates"),
        (FLASH, {"imageConfig": {"imageSize": "1K"}}, "Image size is not supported"),
        (FLASH, {"imageConfig": {"aspectRatio": "7:5"}}, "aspect_ratio must be one of"),
        (FLASH, {"imageConfig": {"quality": "high"}}, 'Unknown name "quality"'),
        (FLASH, {"thinkingConfig": {"thinkingLevel": "high"}}, "Thinking is not enabled"),
        (FLASH, {"numberOfImages": 2}, "Unknown name \"numberOfImages\" at 'generation_config'"),
        (FLASH, {"seed": 2**31}, "generation_config.seed"),
        (FLASH, {"seed": "7"}, "generation_config.seed"),
        (FLASH, {"temperature": "warm"}, "generation_config.temperature"),
        (FLASH, {"responseModalities": ["TEXT"]}, "response modalities (TEXT)"),
        (FLASH, {"responseMimeType": "application/json"}, "JSON mode"),
        (BANANA, {"imageConfig": {"imageSize": "512"}}, "image_size must be one of 1K, 2K, 4K"),
        (BANANA, {"imageConfig": {"imageSize": "2k"}}, "image_size must be one of 1K, 2K, 4K"),
        (BANANA, {"thinkingConfig": {"thinkingLevel": "extreme"}}, "thinking_level"),
    ],
)
def test_what_google_refuses_is_an_invalid_argument(
    http: httpx.Client, sandbox: Sandbox, model: str, config: object, words: str
) -> None:
    answer = post(http, model, config)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]
    assert sandbox.bill()["total_nusd"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"contents": []},
        {"contents": [{"parts": []}]},
        {"contents": [{"parts": [{"text": "  "}]}]},
        {"contents": [{"parts": [{"words": "x"}]}]},
        {"contents": [{"role": "system", "parts": [{"text": "x"}]}]},
        {"contents": [{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/gif", "data": ""}}]}]},
        {"contents": [{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "%"}}]}]},
        {"contents": [{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}]},
        {"contents": [{"parts": [{"text": "x" * 131_073}]}]},
        {"prompt": "x"},
        {"tools": [{"googleSearch": {}}]},
    ],
)
def test_contents_that_cannot_be_read_are_refused(http: httpx.Client, body: dict[str, object]) -> None:
    answer = post(http, FLASH, None, **body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_model_google_does_not_know_is_not_found(http: httpx.Client) -> None:
    for model in ("gemini-3.1-flash-image", "imagen-4"):
        assert post(http, model).json()["error"]["status"] == "NOT_FOUND"


def test_google_answers_a_missing_key_with_403_and_a_wrong_one_with_400(http: httpx.Client) -> None:
    path, body = f"/v1beta/models/{FLASH}:generateContent", {"contents": [{"parts": [{"text": PROMPT}]}]}
    assert http.post(path, json=body).status_code == 403
    wrong = http.post(path, json=body, params={"key": "invalid"})
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
    assert http.post(path, json=body, params={"key": "good"}).status_code == 200


def test_a_blocked_prompt_costs_nothing_and_a_blocked_picture_its_thoughts(
    http: httpx.Client, sandbox: Sandbox
) -> None:
    sandbox.inject(["moderation", "moderation-late:0"])
    early, late = post(http, BANANA).json(), post(http, BANANA).json()
    assert early["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
    assert late["candidates"][0]["finishReason"] == "IMAGE_SAFETY"
    assert [row["charged_nusd"] for row in sandbox.log()] == [0, 3_000 + thoughts_of(PROMPT) * 7_500]
    [line] = sandbox.bill()["lines"]
    assert (line["images"], line["usage"]["candidatesTokenCount"]) == (0, 0)
