"""OpenAI's token formula and bill, against published and hand-computed figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from routing.sandbox import Sandbox
from routing.sandbox.prices import Line, amount_nusd, dollars, openai_image_tokens, reference_tokens
from tests.sandbox.samples import NO_CERTIFICATES, picture

if TYPE_CHECKING:
    from openai import OpenAI

# OpenAI's price calculator, as published: low, medium, high of gpt-image-2.
PUBLISHED = {
    (1024, 1024): (196, 1756, 7024),
    (1536, 1024): (158, 1372, 5488),
    (2048, 2048): (397, 3568, 14272),
    (3840, 2160): (371, 3336, 13342),
}


@pytest.mark.parametrize(("size", "tokens"), PUBLISHED.items())
def test_the_formula_gives_the_published_tokens(size: tuple[int, int], tokens: tuple[int, int, int]) -> None:
    assert tuple(openai_image_tokens(factor, *size) for factor in (16, 48, 96)) == tokens


def test_a_portrait_costs_what_the_landscape_costs() -> None:
    assert openai_image_tokens(96, 1024, 1536) == openai_image_tokens(96, 1536, 1024) == 5488


def test_a_reference_counts_its_tiles_and_never_more_than_1536() -> None:
    assert reference_tokens(64, 64) == 4
    assert reference_tokens(65, 33) == 6
    assert reference_tokens(4096, 4096) == 1536


def test_an_amount_is_rounded_half_up_once() -> None:
    half = Line("half a nano-dollar", 1, 500_000)
    assert amount_nusd([half]) == 1
    assert amount_nusd([half, half]) == 1
    assert amount_nusd([Line("a little less", 1, 499_999)]) == 0


@pytest.mark.parametrize(("amount", "text"), [(0, "0"), (1, "0.000000001"), (38_700_000, "0.0387"), (12 * 10**9, "12")])
def test_dollars_are_exact_and_short(amount: int, text: str) -> None:
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("order", "tokens", "nusd"),
    [
        (("gpt-image-2", "low", "1024x1024"), 196, 5_890_000),
        (("gpt-image-2", "medium", "1024x1024"), 1756, 52_690_000),
        (("gpt-image-2", "high", "1024x1024"), 7024, 210_730_000),
        (("gpt-image-2", "high", "2048x2048"), 14272, 428_170_000),
        (("gpt-image-2-2026-04-21", "low", "1024x1024"), 196, 5_890_000),
        # 2.5's high is gpt-image-2's medium.
        (("gpt-image-2.5-flare", "high", "1024x1024"), 1756, 52_690_000),
        (("gpt-image-2.5-sunburst", "max", "1024x1024"), 7024, 210_730_000),
    ],
)
def test_a_picture_is_charged_its_tokens_at_30_dollars_a_million(
    sandbox: Sandbox, order: tuple[str, str, str], tokens: int, nusd: int
) -> None:
    model, quality, size = order
    # Eight characters: two text tokens, .00001 dollars.
    usage = _generate(sandbox, "A kitten", model=model, quality=quality, size=size)["usage"]
    assert usage == {
        "input_tokens": 2,
        "input_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        "output_tokens": tokens,
        "output_tokens_details": {"image_tokens": tokens, "text_tokens": 0},
        "total_tokens": tokens + 2,
    }
    assert sandbox.bill()["total_nusd"] == nusd


def test_n_pictures_cost_n_times_one(client: OpenAI, sandbox: Sandbox) -> None:
    reply = client.images.generate(model="gpt-image-2", prompt="A kitten", size="1024x1024", quality="low", n=3)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (6, 588)
    assert len(reply.data or []) == 3
    bill = sandbox.bill()
    assert (bill["total_nusd"], bill["images"]) == (3 * 5_890_000, 3)


def test_references_are_charged_as_image_tokens_for_each_picture_made(client: OpenAI, sandbox: Sandbox) -> None:
    files = [("a.png", picture(64, 64), "image/png"), ("b.jpg", picture(2048, 2048, "JPEG"), "image/jpeg")]
    reply = client.images.edit(
        model="gpt-image-2", prompt="A kitten", image=files, size="1024x1024", quality="low", n=2
    )
    assert reply.usage is not None
    assert reply.usage.input_tokens_details.image_tokens == 2 * (4 + 1536)
    # 4 text tokens at 5,000 nano-dollars, 3080 image tokens at 8,000, 392 out at 30,000.
    assert sandbox.bill()["total_nusd"] == 20_000 + 24_640_000 + 11_760_000


def test_cached_text_tokens_are_reported_and_cost_a_quarter() -> None:
    with Sandbox.start(pictures="flat", cached_share=0.5) as sandbox:
        reply = _generate(sandbox, "A" * 40)
        details = reply["usage"]["input_tokens_details"]
        assert details == {
            "text_tokens": 10,
            "image_tokens": 0,
            "cached_tokens": 5,
            "cached_tokens_details": {"text_tokens": 5, "image_tokens": 0},
        }
        # 5 at 5,000, 5 at 1,250, 196 at 30,000.
        assert sandbox.bill()["total_nusd"] == 25_000 + 6_250 + 5_880_000


def test_output_details_can_be_missing() -> None:
    with Sandbox.start(pictures="flat", output_details=False) as sandbox:
        assert "output_tokens_details" not in _generate(sandbox, "A kitten")["usage"]


def test_the_bill_adds_up_by_model_and_line_by_line(client: OpenAI, sandbox: Sandbox) -> None:
    client.images.generate(model="gpt-image-2", prompt="A kitten", size="1024x1024", quality="low")
    client.images.generate(model="gpt-image-2.5-flare", prompt="A kitten", size="1024x1024", quality="high", n=2)
    bill = sandbox.bill()
    assert [(line["seq"], line["model"], line["images"], line["amount_nusd"]) for line in bill["lines"]] == [
        (1, "gpt-image-2", 1, 5_890_000),
        (2, "gpt-image-2.5-flare", 2, 105_380_000),
    ]
    assert bill["by_model"]["gpt-image-2.5-flare"] == {"total_nusd": 105_380_000, "total_usd": "0.10538", "images": 2}
    assert bill["total_usd"] == "0.11127"
    assert bill["lines"][0]["usage"]["output_tokens"] == 196


def _generate(sandbox: Sandbox, prompt: str, **changes: str) -> dict[str, Any]:
    body = {"model": "gpt-image-2", "prompt": prompt, "size": "1024x1024", "quality": "low", **changes}
    url, key = f"{sandbox.openai_base_url}/images/generations", {"authorization": "Bearer sk-test"}
    answer = httpx.post(url, json=body, headers=key, timeout=5, verify=NO_CERTIFICATES)
    reply: dict[str, Any] = answer.raise_for_status().json()
    return reply
