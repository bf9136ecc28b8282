"""The pictures themselves: valid, repeatable, legible, quick."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from routing.sandbox.lettering import fit, plain
from routing.sandbox.pictures import Sketch, studio
from tests.sandbox.samples import look

SKETCH = Sketch(prompt="A kitten", model="gpt-image-2", quality="low", width=1024, height=1024)


def sketch(**changes: object) -> Sketch:
    return Sketch(**{**{name: getattr(SKETCH, name) for name in SKETCH.__slots__}, **changes})


@pytest.mark.parametrize("style", ["drawn", "flat", "padded:300000"])
@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
def test_every_style_makes_a_valid_picture_of_every_format(style: str, picture_format: str) -> None:
    made = studio(style)(sketch(width=1536, picture_format=picture_format))
    assert look(made.data) == (picture_format.upper(), (1536, 1024))
    assert made.mime == f"image/{picture_format}"
    assert look(made.b64) == look(made.data)


@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
def test_padding_reaches_the_weight(picture_format: str) -> None:
    made = studio("padded:2000000")(sketch(picture_format=picture_format))
    assert 2_000_000 <= len(made.data) <= 2_001_000


def test_equal_orders_make_equal_pictures_and_others_do_not() -> None:
    draw = studio("drawn")
    same, other, second = draw(sketch()), draw(sketch(prompt="A puppy")), draw(sketch(ordinal=2, of=2))
    assert draw(sketch()).data == same.data
    assert len({same.data, other.data, second.data}) == 3


def test_words_stand_out_from_what_is_behind_them() -> None:
    with Image.open(io.BytesIO(studio("drawn")(sketch()).data)) as opened:
        grey = opened.convert("RGB").convert("L")
    tones = grey.histogram()
    assert sum(tones[:128]) > 0.8 * 1024 * 1024
    assert sum(tones[220:]) > 0.005 * 1024 * 1024


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " \n\t",
        "一张海报，写着“发射”，地球之上",
        "قطة صغيرة",
        "e\u0301 \u200d\U0001f680 \x00 \ud800",
        "x" * 5000,
        "word " * 5000,
    ],
)
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    assert look(studio("drawn")(sketch(prompt=prompt, width=640, height=1024)).data) == ("PNG", (640, 1024))


def test_transparent_means_an_alpha_channel() -> None:
    with Image.open(io.BytesIO(studio("drawn")(sketch(transparent=True)).data)) as opened:
        alpha = opened.getchannel("A")
        assert (alpha.getpixel((0, 0)), alpha.getpixel((512, 512))) == (0, 255)


def test_text_is_made_plain_before_it_is_drawn() -> None:
    assert plain("  Café\n“für”  Émile — 1 ", 80) == 'Cafe "fur" Emile - 1'
    assert plain("A kitten in a hat", 11) == "A kitten..."


def test_text_shrinks_until_it_fits() -> None:
    large, small = fit("A kitten", 800, 400, 100, 10), fit("A kitten " * 40, 800, 400, 100, 10)
    assert large.size == 100
    assert small.size < 40
    assert small.height <= 400
