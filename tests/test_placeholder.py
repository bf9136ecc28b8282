"""A placeholder is a picture that nobody takes for one."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from routing.core.picture import Size
from routing.pictures import inspect, is_blank
from routing.placeholder import INK, draw_placeholder

SQUARE = Size(width=1024, height=1024)


def opened(name: str = "", size: Size = SQUARE) -> Image.Image:
    return Image.open(io.BytesIO(draw_placeholder(size, name).data)).convert("L")


def ink_rows(image: Image.Image) -> list[int]:
    """The rows that hold letters."""
    inked = image.point(lambda tone: 255 if tone <= INK + 8 else 0)
    return [y for y in range(image.height) if inked.crop((0, y, image.width, y + 1)).getbbox()]


@pytest.mark.parametrize("text", ["1024x1024", "1536x672", "768x1344", "3840x2160", "16x16", "512x64"])
def test_it_has_the_size_that_was_asked_for_and_is_a_whole_png(text: str) -> None:
    size = Size.parse(text)
    assert size
    placeholder = draw_placeholder(size, "poster-7")
    assert inspect(placeholder.data) == placeholder
    assert (placeholder.size, placeholder.format, is_blank(placeholder)) == (size, "png", False)


def test_it_holds_the_word_in_the_middle_and_the_name_below() -> None:
    word, both = ink_rows(opened()), ink_rows(opened("poster-7"))
    assert 440 < word[0] < word[-1] < 600
    assert both[-1] > word[-1] + 20


def test_equal_names_make_equal_bytes_and_others_do_not() -> None:
    made = [draw_placeholder(SQUARE, name).data for name in ("a", "a", "b", "")]
    assert made[0] == made[1]
    assert len(set(made)) == 3


@pytest.mark.parametrize("name", ["x" * 200, "word " * 40, "a\u0301 \u200d\x00", "Ärger", "狐", "\U0001f98a"])
def test_whatever_the_name_is_nothing_leaves_the_picture(name: str) -> None:
    image = opened(name)
    inked = image.point(lambda tone: 255 if tone <= INK + 8 else 0).getbbox()
    assert inked is not None
    assert 60 < inked[0] < inked[2] < 1024 - 60


def test_what_the_font_cannot_draw_is_left_out() -> None:
    assert draw_placeholder(SQUARE, "狐").data == draw_placeholder(SQUARE).data
    assert draw_placeholder(SQUARE, "Ärger 狐").data == draw_placeholder(SQUARE, "Arger").data
