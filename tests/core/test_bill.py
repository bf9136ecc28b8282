"""What stands on a bill: many names of one model, amounts to the nano-dollar, lines that are alike."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from routing.core.bill import BillLine, charges_of, model_key, read_usd

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "gpt-image-2",
        "openai/gpt-image-2",
        "GPT-Image-2-2026-04-21",
        "azure/gpt-image-2@20260421",
        "gpt-image-2-2026-04-21, image output",
    ],
)
def test_one_model_has_many_names(name: str) -> None:
    assert model_key(name) == "gpt-image-2"


def test_a_name_that_is_only_a_vendors_word_stays() -> None:
    assert model_key("openai") == "openai"
    assert model_key("fal_ai/fal-ai/flux/schnell") == model_key("fal-ai/flux/schnell") == "flux/schnell"
    assert model_key("gpt-image-2") != model_key("gpt-image-2.5-flare")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0.21", (210_000_000, True)),
        ("-5", (-5_000_000_000, True)),
        ("1.29e-05", (12_900, True)),
        ("0.0000000005", (1, False)),
        ("0.1000000000000000055", (100_000_000, False)),
        ("1e-60", (0, False)),
        ("0e-60", (0, True)),
        ("1e10", None),
        ("9999999999", None),
        ("1e999", None),
        ("1e9999", None),
        ("1,234.56", None),
        ("0,21", None),
        ("NaN", None),
        ("١", None),
        ("", None),
    ],
)
def test_an_amount_is_read_exactly_or_rounded_once_or_refused(text: str, read: tuple[int, bool] | None) -> None:
    assert read_usd(text) == read


def test_equal_lines_are_charges_of_their_own_with_names_that_last() -> None:
    lines = [BillLine(place="b:2", amount_nusd=5, model="m", start=at, end=at) for at in (NOON, NOON, LATER)]
    names = [charge.name for charge in charges_of(lines)]
    assert len({*names}) == 3
    assert names == [charge.name for charge in charges_of(lines)]
