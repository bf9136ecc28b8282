"""Quotes: an upper bound and an expected price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.deployment import FormulaTokens, SteppedTokens, TokenRule
from routing.core.features import Features, features_of
from routing.core.picture import Size
from routing.core.prices import PriceBook, RateCard, Unit, Usage
from routing.core.quote import Tariff, quote_for, usage_of, variant_of
from routing.core.request import Operation
from routing.errors import PriceUnknown
from tests.core.making import (
    OPENAI_SIZES,
    SQUARE,
    TODAY,
    USD,
    ask,
    per_image,
    picture,
    piece_model,
    token_model,
    token_rates,
)

CARD: RateCard = PriceBook({"a": token_rates()}).card("a", TODAY)
legal_sizes = st.builds(Size, width=st.integers(1, 4000), height=st.integers(1, 4000)).map(OPENAI_SIZES.nearest)
prompts = st.text(alphabet=st.characters(codec="utf-8"), min_size=1).filter(str.strip)
references = st.lists(st.builds(Size, width=st.integers(1, 9000), height=st.integers(1, 9000)), max_size=16)


@given(prompts, legal_sizes, st.sampled_from(["low", "medium", "high"]), st.integers(1, 10), references)
def test_a_quote_is_never_below_the_expected_price(
    prompt: str, size: Size, quality: str, n: int, images: list[Size]
) -> None:
    request = ask(prompt, n=n, images=tuple(picture(each) for each in images))
    quote = quote_for(features_of(request), token_model(), CARD, size=size, quality=quality, n=n)
    assert quote.price_nusd >= quote.expected_nusd > 0
    assert sum(line.amount_micro for line in quote.lines) <= quote.price_nusd * 1_000_000


@given(st.integers(0, 10**20), st.integers(0, 10**20), st.integers(0, 10**8), st.integers(0, 10**6))
def test_the_price_is_rounded_up_and_the_expectation_half_up(fixed: int, expected: int, each: int, chars: int) -> None:
    tariff = Tariff(n=1, lines=(), fixed_micro=fixed, expected_micro=expected, per_token_micro=each)
    quote = tariff.quote(prompt_bytes=chars, prompt_chars=4 * chars)
    assert 0 <= quote.price_nusd * 1_000_000 - (fixed + chars * each) < 1_000_000
    assert -500_000 < quote.expected_nusd * 1_000_000 - (expected + chars * each) <= 500_000


@given(prompts)
def test_a_prompt_is_bounded_by_its_bytes_whatever_its_script(prompt: str) -> None:
    bound = usage_of(features_of(ask(prompt)), token_model(), size=SQUARE, quality="low", at_most=True)
    assert bound is not None
    assert bound.text_in == len(prompt.encode()) >= len(prompt)


def test_n_pictures_cost_n_times_one() -> None:
    one = quote_for(features_of(ask()), token_model(), CARD, size=SQUARE, quality="high", n=1)
    four = quote_for(features_of(ask()), token_model(), CARD, size=SQUARE, quality="high", n=4)
    assert four.price_nusd == 4 * one.price_nusd


@pytest.mark.parametrize(("quality", "cents_x100"), [("low", 59), ("medium", 527), ("high", 2107)])
def test_a_square_of_gpt_image_2_is_expected_to_cost_what_is_published(quality: str, cents_x100: int) -> None:
    quote = quote_for(features_of(ask("x")), token_model(), CARD, size=SQUARE, quality=quality, n=1)
    assert round(quote.expected_nusd * 10_000 / USD) == cents_x100


def test_references_are_expected_by_patches_and_bounded_by_the_most() -> None:
    request = ask(operation=Operation.EDIT, images=(picture(), picture(Size(width=4000, height=4000))))
    expected = usage_of(features_of(request), token_model(), size=SQUARE, quality="low", at_most=False)
    bound = usage_of(features_of(request), token_model(), size=SQUARE, quality="low", at_most=True)
    assert expected is not None
    assert bound is not None
    assert (expected.image_in, bound.image_in) == (1024 + 1536, 2 * 1536)


def test_a_mask_counts_as_one_more_reference() -> None:
    request = ask(operation=Operation.EDIT, images=(picture(),), mask=picture())
    bound = usage_of(features_of(request), token_model(), size=SQUARE, quality="low", at_most=True)
    assert bound is not None
    assert bound.image_in == 2 * 1536


def test_thoughts_are_in_the_quote() -> None:
    steps = SteppedTokens(steps=((2_000_000, 1120),))
    model = token_model(tokens=TokenRule(output=steps, text_out_typical=300, text_out_at_most=4096))
    bound = usage_of(features_of(ask("x")), model, size=SQUARE, quality=None, at_most=True)
    expected = usage_of(features_of(ask("x")), model, size=SQUARE, quality=None, at_most=False)
    assert bound is not None
    assert expected is not None
    assert (bound.text_out, expected.text_out) == (4096, 300)


def test_a_model_paid_by_piece_is_quoted_by_piece() -> None:
    card = PriceBook({"a": [per_image(0.003)]}).card("a", TODAY)
    quote = quote_for(features_of(ask("x" * 9000)), piece_model(), card, size=SQUARE, quality=None, n=4)
    assert quote.price_nusd == quote.expected_nusd == 12_000_000
    assert [line.unit for line in quote.lines] == [Unit.IMAGE]


def test_a_price_by_size_and_quality_is_looked_up_by_operation_too() -> None:
    model = piece_model(priced_by_variant=True, qualities=("low",))
    rates = [per_image(0.006, variant=variant_of("generate", "low", SQUARE))]
    card = PriceBook({"a": rates}).card("a", TODAY)
    assert quote_for(features_of(ask()), model, card, size=SQUARE, quality="low", n=1).price_nusd == 6_000_000
    edit = ask(operation=Operation.EDIT, images=(picture(),))
    with pytest.raises(PriceUnknown, match="edit/low/1024x1024"):
        quote_for(features_of(edit), model, card, size=SQUARE, quality="low", n=1)


def test_an_unknown_token_count_is_refused_not_guessed() -> None:
    with pytest.raises(PriceUnknown, match="not known how many tokens by-token at 1024x1024 and quality xhigh takes"):
        quote_for(features_of(ask()), token_model(), CARD, size=SQUARE, quality="xhigh", n=1)


def test_usage_of_a_model_paid_by_piece_is_its_picture() -> None:
    assert usage_of(features_of(ask()), piece_model(), size=SQUARE, quality=None, at_most=True) == Usage(images=1)


@pytest.mark.parametrize("known", [("1", "2", "3"), ()])
def test_partial_images_are_part_of_bound_and_expectation(known: tuple[str, ...]) -> None:
    rule = TokenRule(output=FormulaTokens(grid={"low": 16}), partial_image=100)
    model = token_model(qualities=("low",), tokens=rule, extras={"partial_images": known})
    plain, shown = (Features(prompt_chars=1, prompt_bytes=1, extras=extras) for extras in ({}, {"partial_images": "2"}))
    for at_most in (True, False):
        counted = [usage_of(each, model, size=SQUARE, quality="low", at_most=at_most) for each in (plain, shown)]
        assert [usage.image_out for usage in counted if usage] == [196, 396]


def test_partial_images_of_an_unknown_price_are_not_free_and_those_never_sent_cost_nothing() -> None:
    asked = Features(prompt_chars=1, prompt_bytes=1, extras={"partial_images": "2"})
    unpriced = token_model(extras={"partial_images": ("2",)})
    assert usage_of(asked, unpriced, size=SQUARE, quality="low", at_most=True) is None
    never = usage_of(asked, token_model(), size=SQUARE, quality="low", at_most=True)
    assert never is not None
    assert never.image_out == 196
