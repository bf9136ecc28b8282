"""Sizes and token counts of models."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.deployment import FormulaTokens, FreeSizes, ListedSizes, SteppedTokens
from routing.core.picture import Size
from tests.core.making import GRID, OPENAI_SIZES

edges = st.integers(1, 9999)
sizes = st.builds(Size, width=edges, height=edges)
BFL_SIZES = FreeSizes(
    multiple_of=32, edge_at_most=1440, ratio_at_most=3, pixels_at_least=65_536, pixels_at_most=2_073_600
)


@pytest.mark.parametrize("text", ["1024x1024", "1536x1024", "1024x1536", "2048x2048", "3840x2160", "2880x2880"])
def test_gpt_image_2_makes_the_sizes_its_guide_lists(text: str) -> None:
    size = Size.parse(text)
    assert size is not None
    assert OPENAI_SIZES.allows(size)


@pytest.mark.parametrize("text", ["4096x4096", "512x512", "1000x1000", "3840x1024", "3856x1600", "3840x2176"])
def test_gpt_image_2_makes_no_size_beyond_its_bounds(text: str) -> None:
    size = Size.parse(text)
    assert size is not None
    assert not OPENAI_SIZES.allows(size)


@given(sizes)
def test_the_nearest_size_is_always_legal(size: Size) -> None:
    assert OPENAI_SIZES.allows(OPENAI_SIZES.nearest(size))
    assert BFL_SIZES.allows(BFL_SIZES.nearest(size))


sixteenths = st.integers(1, 240).map(lambda steps: 16 * steps)


@given(st.builds(Size, width=sixteenths, height=sixteenths))
def test_a_legal_size_is_its_own_nearest(size: Size) -> None:
    if OPENAI_SIZES.allows(size):
        assert OPENAI_SIZES.nearest(size) == size


def test_the_nearest_of_4096x4096_is_the_largest_square() -> None:
    assert OPENAI_SIZES.nearest(Size(width=4096, height=4096)) == Size(width=2880, height=2880)


@given(sizes, st.integers(1, 9_000_000))
def test_the_nearest_size_within_a_bound_is_legal_and_keeps_it(size: Size, pixels: int) -> None:
    found = OPENAI_SIZES.within(size, pixels)
    if found is None:
        assert pixels < 1.1 * OPENAI_SIZES.pixels_at_least
    else:
        assert OPENAI_SIZES.allows(found)
        assert found.pixels <= pixels


@given(sizes.filter(lambda size: 1 / 3 <= size.width / size.height <= 3))
def test_a_size_within_a_bound_keeps_its_shape(size: Size) -> None:
    found = OPENAI_SIZES.within(size, 1024 * 1024)
    assert found is not None
    assert 0.9 <= (found.width / found.height) / (size.width / size.height) <= 1.1


@given(sizes, st.lists(sizes, min_size=1, max_size=8), st.integers(1, 9999**2))
def test_a_listed_size_within_a_bound_is_the_nearest_of_those_that_are(
    size: Size, listed: list[Size], pixels: int
) -> None:
    small = tuple(each for each in listed if each.pixels <= pixels)
    expected = ListedSizes(sizes=small).nearest(size) if small else None
    assert ListedSizes(sizes=tuple(listed)).within(size, pixels) == expected


@given(sizes, st.lists(sizes, min_size=1, max_size=8))
def test_the_nearest_listed_size_is_on_the_list(size: Size, listed: list[Size]) -> None:
    rule = ListedSizes(sizes=tuple(listed))
    assert rule.nearest(size) in listed
    assert rule.allows(rule.nearest(size))


def test_the_nearest_listed_size_keeps_the_shape_before_the_area() -> None:
    rule = ListedSizes(sizes=(Size(width=1024, height=1024), Size(width=1344, height=768)))
    assert rule.nearest(Size(width=3840, height=2160)) == Size(width=1344, height=768)


def test_size_rules_say_themselves_in_words() -> None:
    assert str(ListedSizes(sizes=(Size(width=1, height=2), Size(width=3, height=4)))) == "1x2, 3x4"
    assert "multiples of 16" in str(OPENAI_SIZES)
    assert "8,294,400 pixels" in str(OPENAI_SIZES)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("1024x1024", (196, 1756, 7024)),
        ("1536x1024", (158, 1372, 5488)),
        ("2048x2048", (397, 3568, 14272)),
        ("3840x2160", (371, 3336, 13342)),
    ],
)
def test_the_formula_gives_the_published_counts(text: str, counts: tuple[int, int, int]) -> None:
    size = Size.parse(text)
    assert size is not None
    rule = FormulaTokens(grid=GRID)
    assert tuple(rule.count(size, quality) for quality in GRID) == counts


@given(sizes, st.sampled_from(sorted(GRID)))
def test_a_picture_turned_on_its_side_costs_the_same(size: Size, quality: str) -> None:
    rule = FormulaTokens(grid=GRID)
    assert rule.count(size, quality) == rule.count(Size(width=size.height, height=size.width), quality)


def test_a_quality_without_a_known_count_has_none() -> None:
    assert FormulaTokens(grid=GRID).count(Size(width=1024, height=1024), "xhigh") is None


def test_a_fixed_count_holds_up_to_its_area_and_is_unknown_beyond() -> None:
    rule = SteppedTokens(steps=((1_100_000, 1120), (4_300_000, 1680)))
    assert rule.count(Size(width=1024, height=1024), None) == 1120
    assert rule.count(Size(width=2048, height=2048), None) == 1680
    assert rule.count(Size(width=4096, height=4096), None) is None
