"""Dated prices: the youngest that has begun holds, and what has no price is never free."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.prices import PriceBook, Rate, Unit, Usage
from routing.errors import PriceUnknown
from tests.core.making import TODAY, USD, per_image, token_rates

JANUARY, JUNE = date(2026, 1, 1), date(2026, 6, 1)
CENT = USD // 100


def test_a_price_holds_from_its_first_day_until_the_next_begins() -> None:
    book = PriceBook({"a": [per_image(0.02, JUNE), per_image(0.01, JANUARY)]})
    cost = [book.card("a", day).cost_nusd(Usage(images=1)) for day in (JANUARY, JUNE - timedelta(days=1), JUNE, TODAY)]
    assert cost == [CENT, CENT, 2 * CENT, 2 * CENT]


def test_before_its_first_price_a_deployment_has_none() -> None:
    with pytest.raises(PriceUnknown, match="a has no price on 2025-12-31"):
        PriceBook({"a": [per_image(0.01, JANUARY)]}).card("a", date(2025, 12, 31))


def test_an_unknown_deployment_has_no_price() -> None:
    with pytest.raises(PriceUnknown) as caught:
        PriceBook({}).card("a", TODAY)
    assert caught.value.deployment == "a"


def test_of_two_prices_of_one_day_the_later_in_the_list_holds() -> None:
    book = PriceBook({"a": [per_image(0.01), per_image(0.02)]})
    assert book.card("a", TODAY).cost_nusd(Usage(images=1)) == 2 * CENT


def test_a_new_price_of_one_token_kind_leaves_the_others() -> None:
    cheaper = Rate(unit=Unit.IMAGE_OUT, per_million_nusd=20 * USD, since=JUNE, source="contract")
    card = PriceBook({"a": [*token_rates(JANUARY), cheaper]}).card("a", TODAY)
    assert card.cost_nusd(Usage(text_in=1_000_000)) == 5 * USD
    assert card.cost_nusd(Usage(image_out=1_000_000)) == 20 * USD


def test_a_price_per_picture_ends_older_prices_by_tokens() -> None:
    card = PriceBook({"a": [*token_rates(JANUARY), per_image(0.04, JUNE)]}).card("a", TODAY)
    assert card.cost_nusd(Usage(text_in=50, image_out=1_000, images=2)) == 8 * CENT


def test_prices_by_tokens_end_an_older_price_per_picture() -> None:
    card = PriceBook({"a": [per_image(0.04, JANUARY), *token_rates(JUNE)]}).card("a", TODAY)
    assert card.cost_nusd(Usage(image_out=1_000_000, images=1)) == 30 * USD


def test_one_price_for_every_picture_ends_older_ones_by_size_and_quality() -> None:
    book = PriceBook({"a": [per_image(0.40, JANUARY, "generate/high/1x1"), per_image(0.10, JUNE)]})
    assert book.card("a", TODAY).cost_nusd(Usage(images=1), "generate/high/1x1") == 10 * CENT


def test_a_newer_price_of_one_size_and_quality_goes_before_the_flat_one() -> None:
    book = PriceBook({"a": [per_image(0.10, JANUARY), per_image(0.40, JUNE, "generate/high/1x1")]})
    card = book.card("a", TODAY)
    assert card.cost_nusd(Usage(images=1), "generate/high/1x1") == 40 * CENT
    assert card.cost_nusd(Usage(images=1), "generate/low/1x1") == 10 * CENT


def test_a_size_and_quality_without_a_price_is_refused() -> None:
    card = PriceBook({"a": [per_image(0.4, JANUARY, "generate/high/1x1")]}).card("a", TODAY)
    with pytest.raises(PriceUnknown, match="a picture as generate/low/1x1"):
        card.cost_nusd(Usage(images=1), "generate/low/1x1")


def test_a_token_kind_without_a_price_is_refused_not_free() -> None:
    card = PriceBook({"a": token_rates()}).card("a", TODAY)
    with pytest.raises(PriceUnknown, match="no price for text_out"):
        card.cost_nusd(Usage(text_out=1, image_out=1))


def test_a_bill_has_a_row_for_each_kind_that_was_used() -> None:
    card = PriceBook({"a": token_rates()}).card("a", TODAY)
    lines = card.lines(Usage(text_in=10, image_out=196, images=1))
    assert [(line.unit, line.quantity) for line in lines] == [(Unit.TEXT_IN, 10), (Unit.IMAGE_OUT, 196)]


def test_one_draft_of_gpt_image_2_costs_what_its_tokens_do() -> None:
    card = PriceBook({"a": token_rates()}).card("a", TODAY)
    assert card.cost_nusd(Usage(image_out=196)) == 5_880_000


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**13))
def test_a_cost_is_rounded_once(text: int, image: int, price: int) -> None:
    rates = [
        Rate(unit=Unit.TEXT_IN, per_million_nusd=price, since=JANUARY, source="test"),
        Rate(unit=Unit.IMAGE_OUT, per_million_nusd=price, since=JANUARY, source="test"),
    ]
    card = PriceBook({"a": rates}).card("a", TODAY)
    usage = Usage(text_in=text, image_out=image)
    exact_micro = (text + image) * price
    assert abs(card.cost_nusd(usage) * 1_000_000 - exact_micro) <= 500_000


def test_usages_add_up_and_multiply() -> None:
    one = Usage(text_in=1, image_out=2, images=1)
    assert one + one == one * 2 == Usage(text_in=2, image_out=4, images=2)
