"""Reported usage is read so that no doubt makes it cheaper."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.prices import Usage
from routing.providers.usage import gemini_usage, openai_usage
from tests.providers.buying import OPENAI_CARD, card

GEMINI_CARD = card({"text_in": 1.5, "image_in": 1.5, "text_out": 7.5, "image_out": 30})
FULL_CARD = card(
    {"text_in": 5, "text_cached_in": 1.25, "image_in": 8, "image_cached_in": 2, "text_out": 30, "image_out": 30}
)


def read(reported: object, *, with_images: bool = True) -> Usage | None:
    return openai_usage(reported, with_images=with_images, images=1)


def test_cached_tokens_are_taken_out_of_their_kind() -> None:
    usage = read(
        {
            "input_tokens": 1100,
            "input_tokens_details": {
                "text_tokens": 100,
                "image_tokens": 1000,
                "cached_tokens": 640,
                "cached_tokens_details": {"text_tokens": 64, "image_tokens": 576},
            },
            "output_tokens": 196,
            "output_tokens_details": {"text_tokens": 0, "image_tokens": 196},
            "total_tokens": 1296,
        }
    )
    assert usage == Usage(
        text_in=36, text_cached_in=64, image_in=424, image_cached_in=576, text_out=0, image_out=196, images=1
    )


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        # No split at all: with references every input token may be the dearer kind, every output token is a picture's.
        (
            {"input_tokens": 50, "output_tokens": 196, "total_tokens": 246},
            Usage(image_in=50, image_out=196, images=1),
        ),
        # A split that falls short of the total: the rest is the dearer kind.
        (
            {"input_tokens": 50, "input_tokens_details": {"text_tokens": 20}, "output_tokens": 10},
            Usage(text_in=20, image_in=30, image_out=10, images=1),
        ),
        # A split beyond the total: the split.
        (
            {
                "input_tokens": 50,
                "input_tokens_details": {"text_tokens": 40, "image_tokens": 30},
                "output_tokens": 10,
                "output_tokens_details": {"image_tokens": 12, "text_tokens": 3},
            },
            Usage(text_in=40, image_in=30, text_out=3, image_out=12, images=1),
        ),
        # A total beyond its parts: something was used, at worst a picture.
        (
            {"input_tokens": 10, "output_tokens": 10, "total_tokens": 25, "input_tokens_details": {"text_tokens": 10}},
            Usage(text_in=10, image_out=15, images=1),
        ),
        # Only the total.
        ({"total_tokens": 25}, Usage(image_out=25, images=1)),
        # A discount of unknown kind goes to text, where it is smaller.
        (
            {
                "input_tokens": 100,
                "input_tokens_details": {"text_tokens": 60, "image_tokens": 40, "cached_tokens": 70},
                "output_tokens": 1,
            },
            Usage(text_cached_in=60, image_in=30, image_cached_in=10, image_out=1, images=1),
        ),
        # Of two contradicting discounts the smaller.
        (
            {
                "input_tokens": 100,
                "input_tokens_details": {
                    "text_tokens": 60,
                    "image_tokens": 40,
                    "cached_tokens": 5,
                    "cached_tokens_details": {"text_tokens": 60, "image_tokens": 40},
                },
                "output_tokens": 1,
            },
            Usage(text_in=55, text_cached_in=5, image_in=40, image_out=1, images=1),
        ),
        # More cached than there is.
        (
            {
                "input_tokens": 10,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 0, "cached_tokens": 900},
                "output_tokens": 1,
            },
            Usage(text_cached_in=10, image_out=1, images=1),
        ),
    ],
)
def test_doubts_are_read_the_dearer_way(reported: dict[str, Any], expected: Usage) -> None:
    assert read(reported) == expected


def test_without_references_all_of_an_unsplit_input_is_text() -> None:
    assert read({"input_tokens": 9, "output_tokens": 196}, with_images=False) == Usage(
        text_in=9, image_out=196, images=1
    )


@pytest.mark.parametrize(
    "nothing",
    [None, "", [], 7, {}, {"input_tokens": 0, "output_tokens": 0}, {"input_tokens": "9"}, {"input_tokens": True}],
)
def test_usage_that_says_nothing_is_no_usage(nothing: object) -> None:
    assert read(nothing) is None
    assert gemini_usage(nothing, with_images=True, images=1) is None


def test_thoughts_that_only_the_total_knows_are_priced_as_text() -> None:
    details = [{"modality": "IMAGE", "tokenCount": 1120}]
    reported = {"promptTokenCount": 10, "candidatesTokenCount": 1120, "totalTokenCount": 1430}
    reported_in_full = {**reported, "candidatesTokensDetails": details, "thoughtsTokenCount": 300}
    expected = Usage(text_in=10, text_out=300, image_out=1120, images=1)
    assert gemini_usage(reported, with_images=False, images=1) == expected
    assert gemini_usage(reported_in_full, with_images=False, images=1) == expected


def test_thoughts_among_the_candidates_are_not_counted_twice() -> None:
    reported = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 1420,
        "totalTokenCount": 1430,
        "thoughtsTokenCount": 300,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}, {"modality": "TEXT", "tokenCount": 300}],
    }
    assert gemini_usage(reported, with_images=False, images=1) == Usage(
        text_in=10, text_out=300, image_out=1120, images=1
    )


def test_thoughts_without_a_total_count_as_told() -> None:
    reported = {"promptTokenCount": 10, "candidatesTokenCount": 1120, "thoughtsTokenCount": 300}
    assert gemini_usage(reported, with_images=False, images=1) == Usage(
        text_in=10, text_out=300, image_out=1120, images=1
    )


counts = st.none() | st.integers(0, 5000)


def filled(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


@given(
    total=counts,
    total_in=counts,
    text_in=counts,
    image_in=counts,
    cached=counts,
    cached_text=counts,
    cached_image=counts,
    total_out=counts,
    text_out=counts,
    image_out=counts,
)
def test_no_report_is_priced_below_its_totals_at_the_cheapest_reading(**told: int | None) -> None:
    reported = filled(
        total_tokens=told["total"],
        input_tokens=told["total_in"],
        output_tokens=told["total_out"],
        input_tokens_details=filled(
            text_tokens=told["text_in"],
            image_tokens=told["image_in"],
            cached_tokens=told["cached"],
            cached_tokens_details=filled(text_tokens=told["cached_text"], image_tokens=told["cached_image"]),
        ),
        output_tokens_details=filled(text_tokens=told["text_out"], image_tokens=told["image_out"]),
    )
    usage = openai_usage(reported, with_images=True, images=1)
    spent = FULL_CARD.cost_nusd(usage) if usage else 0
    total_in, total_out = told["total_in"] or 0, told["total_out"] or 0
    no_split_of_cached = told["cached_text"] is None and told["cached_image"] is None
    split_cached = (told["cached_text"] or 0) + (told["cached_image"] or 0)
    discounts = [given for given in (told["cached"], None if no_split_of_cached else split_cached) if given is not None]
    cached = min(*discounts, total_in) if discounts else 0
    # Every fresh input token is at least a text token, every cached one at least a cached text token.
    assert spent >= (total_in - cached) * 5_000 + cached * 1_250 + total_out * 30_000
    assert spent >= (told["total"] or 0) * 1_250


@given(total=counts, total_in=st.integers(0, 5000), total_out=st.integers(0, 5000), thoughts=counts)
def test_no_gemini_report_is_priced_below_its_total(
    total: int | None, total_in: int, total_out: int, thoughts: int | None
) -> None:
    reported = filled(
        totalTokenCount=total,
        promptTokenCount=total_in,
        candidatesTokenCount=total_out,
        thoughtsTokenCount=thoughts,
    )
    usage = gemini_usage(reported, with_images=False, images=1)
    spent = GEMINI_CARD.cost_nusd(usage) if usage else 0
    rest = max(0, (total or 0) - total_in - total_out)
    assert spent >= total_in * 1_500 + total_out * 30_000 + rest * 7_500


def test_reported_usage_prices_to_the_nano_dollar() -> None:
    usage = read(
        {"input_tokens": 12, "input_tokens_details": {"text_tokens": 12, "image_tokens": 0}, "output_tokens": 196}
    )
    assert usage
    assert OPENAI_CARD.cost_nusd(usage) == 12 * 5_000 + 196 * 30_000
