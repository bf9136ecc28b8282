"""The token formula against the per-image prices that fal publishes, as LiteLLM's price map mirrors them."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache

import pytest

from routing.config.catalog import packaged_catalog
from routing.config.pricemap import map_path
from routing.core.picture import Size

KEYED = re.compile(r"fal_ai/(?P<quality>[a-z]+)/(?P<width>\d+)-x-(?P<height>\d+)/openai/(?P<model>gpt-image-2[^\s]*)")
USD_PER_TOKEN = Decimal(30) / 1_000_000


@cache
def published() -> dict[tuple[str, str, Size], Decimal]:
    """Every price by model, quality and size."""
    path = map_path()
    assert path is not None
    whole = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return {
        (found["model"], found["quality"], Size(width=int(found["width"]), height=int(found["height"]))): Decimal(
            entry["output_cost_per_image"]
        )
        for key, entry in whole.items()
        if (found := KEYED.fullmatch(key))
    }


def rows(model: str) -> list[tuple[str, str, Size]]:
    return sorted((row for row in published() if row[0].startswith(model)), key=str)


def computed(model: str, quality: str, size: Size) -> Decimal:
    found = packaged_catalog().find(model)
    assert found is not None
    assert found.model.tokens is not None
    tokens = found.model.tokens.output.count(size, quality)
    assert tokens is not None
    return tokens * USD_PER_TOKEN


def test_fal_publishes_120_prices_of_the_2_5_models() -> None:
    assert len(rows("gpt-image-2.5/")) == 120


@pytest.mark.parametrize("row", rows("gpt-image-2.5/"), ids=str)
def test_the_formula_gives_every_published_price_of_2_5_exactly(row: tuple[str, str, Size]) -> None:
    model, quality, size = row
    family = f"gpt-image-2.5-{model.split('/')[1]}"
    assert computed(family, quality, size) == published()[row]


@pytest.mark.parametrize("row", [row for row in rows("gpt-image-2") if row[0] == "gpt-image-2"], ids=str)
def test_the_formula_gives_every_published_price_of_gpt_image_2_within_a_tenth_of_a_cent(
    row: tuple[str, str, Size],
) -> None:
    assert abs(computed(*row) - published()[row]) <= Decimal("0.001")


def test_fal_publishes_18_prices_of_gpt_image_2_generations() -> None:
    assert len([row for row in rows("gpt-image-2") if row[0] == "gpt-image-2"]) == 18


@pytest.mark.parametrize(
    ("size", "low", "medium", "high"),
    [
        ("1024x1024", 196, 1756, 7024),
        ("1536x1024", 158, 1372, 5488),
        ("1024x1536", 158, 1372, 5488),
        ("2048x2048", 397, 3568, 14272),
        ("3840x2160", 371, 3336, 13342),
    ],
)
def test_gpt_image_2_takes_the_tokens_of_the_vendors_calculator(size: str, low: int, medium: int, high: int) -> None:
    found, parsed = packaged_catalog().find("gpt-image-2"), Size.parse(size)
    assert found is not None
    assert found.model.tokens is not None
    assert parsed is not None
    count = found.model.tokens.output.count
    assert [count(parsed, quality) for quality in ("low", "medium", "high")] == [low, medium, high]


def test_high_of_2_5_costs_what_medium_of_gpt_image_2_does() -> None:
    square = Size(width=1024, height=1024)
    assert computed("gpt-image-2.5-flare", "high", square) == computed("gpt-image-2", "medium", square)
