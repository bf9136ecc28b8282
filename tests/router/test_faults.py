"""What makes a picture bad, and what does not."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw

from routing.buying.faults import fault_reason, fault_sentences, faults_of
from routing.core.picture import Size
from routing.core.request import Operation
from routing.pictures import inspect
from routing.providers.base import ImageCall
from tests.shop import GPT, SQUARE, deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.core.picture import Picture

WIDE = Size(width=512, height=256)


def asked(size: Size = WIDE, output_format: str | None = None, *, approximate: bool = False) -> ImageCall:
    return ImageCall(
        deployment=deployment("gpt", replace(GPT, approximate_sizes=approximate)),
        prompt="a fox",
        operation=Operation.GENERATE,
        size=size,
        quality=None,
        n=1,
        timeout_s=1,
        output_format=output_format,
    )


def saved(image: Image.Image, kind: str = "png") -> Picture:
    target = io.BytesIO()
    image.save(target, kind)
    return inspect(target.getvalue())


def blank(mode: str = "RGB", colour: object = 0, size: Size = WIDE) -> Image.Image:
    return Image.new(mode, (size.width, size.height), colour)  # type: ignore[arg-type] # of the mode


def noise(sigma: float) -> Image.Image:
    return Image.effect_noise((WIDE.width, WIDE.height), sigma)


def drawn(work: Callable[[ImageDraw.ImageDraw], object], mode: str = "RGB", colour: object = 0) -> Image.Image:
    image = blank(mode, colour)
    work(ImageDraw.Draw(image))
    return image


def silhouette() -> Image.Image:
    return drawn(lambda draw: draw.ellipse((200, 60, 320, 180), fill=(0, 0, 0, 255)), "RGBA", (0, 0, 0, 0))


def hidden() -> Image.Image:
    """Something is drawn, and nothing of it can be seen."""
    image = noise(80).convert("RGBA")
    image.putalpha(0)
    return image


def palette() -> Image.Image:
    image = blank("P", 7)
    image.putpalette(bytes(range(256)) * 3)
    return image


BLANK = {
    "black": blank(),
    "white": blank("RGB", (255, 255, 255)),
    "grey": blank("L", 128),
    "one bit": blank("1", 1),
    "sixteen bits": blank("I;16", 30000),
    "a palette of which one is used": palette(),
    "transparent": blank("RGBA", (0, 0, 0, 0)),
    "transparent with a picture below": hidden(),
    "half transparent all over": blank("RGBA", (9, 9, 9, 128)),
    "two tones that nobody can tell apart": drawn(lambda draw: draw.rectangle((0, 0, 99, 99), fill=(2, 2, 2))),
    "noise that nobody can see": Image.merge("RGB", [noise(1.5)] * 3),
    "one stray pixel": drawn(lambda draw: draw.point((5, 5), fill=(60, 60, 60))),
}
SHOWING = {
    "a thin line": drawn(lambda draw: draw.line((0, 0, 511, 255), fill=(255, 255, 255))),
    "a small mark": drawn(lambda draw: draw.rectangle((250, 120, 262, 130), fill=(255, 0, 0)), colour=(255, 255, 255)),
    "a faint gradient": Image.linear_gradient("L").resize((512, 256)).point(lambda tone: 120 + tone // 16),
    "a shape that only the transparency shows": silhouette(),
    "fine noise": noise(60),
    "two halves of one channel": drawn(lambda draw: draw.rectangle((0, 0, 255, 255), fill=(0, 0, 40))),
}


@pytest.mark.parametrize("name", BLANK)
def test_a_picture_that_shows_nothing_is_blank(name: str) -> None:
    assert faults_of([saved(BLANK[name])], asked()) == ("blank",)


@pytest.mark.parametrize("name", SHOWING)
def test_a_picture_that_shows_something_is_not(name: str) -> None:
    assert faults_of([saved(SHOWING[name])], asked()) == ("",)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_blank_is_told_in_every_format(kind: str) -> None:
    assert faults_of([saved(blank("RGB", (40, 80, 120)), kind), saved(noise(60), kind)], asked()) == ("blank", "")


def test_pixels_that_cannot_be_decoded_are_damaged() -> None:
    good = saved(SHOWING["a faint gradient"])
    at = good.data.index(b"IDAT") + 8
    broken = replace(good, data=good.data[:at] + bytes(40) + good.data[at + 40 :])
    assert faults_of([broken], asked()) == ("damaged",)


def test_less_than_asked_is_bad_and_more_is_not() -> None:
    picture = saved(noise(60))
    assert faults_of([picture], asked(Size(width=513, height=256))) == ("512x256 instead of 513x256",)
    assert faults_of([picture], asked(Size(width=256, height=512))) == ("512x256 instead of 256x512",)
    assert faults_of([picture], asked(Size(width=500, height=250))) == ("",)


def test_where_a_vendor_is_told_a_shape_a_few_pixels_less_are_what_was_asked() -> None:
    picture = saved(noise(60))
    assert faults_of([picture], asked(Size(width=538, height=256), approximate=True)) == ("",)
    assert faults_of([picture], asked(Size(width=540, height=256), approximate=True)) == ("512x256 instead of 540x256",)


def test_another_format_is_bad_only_where_one_was_asked_for() -> None:
    picture = saved(noise(60), "jpeg")
    assert faults_of([picture], asked(output_format="png")) == ("jpeg instead of png",)
    assert faults_of([picture], asked()) == ("",)


def test_all_faults_of_a_picture_are_told_in_one_sentence() -> None:
    faults = faults_of([saved(blank(), "jpeg")], asked(SQUARE, "png"))
    assert fault_sentences(faults) == ("the picture is jpeg instead of png and 512x256 instead of 1024x1024 and blank",)
    assert fault_reason(faults) == "bad picture: jpeg instead of png and 512x256 instead of 1024x1024 and blank"


def test_of_several_pictures_it_is_told_which() -> None:
    assert fault_sentences(("", "blank", "damaged")) == ("picture 2 is blank", "picture 3 is damaged")
    assert fault_reason(("", "blank", "damaged")) == "bad pictures: picture 2 is blank; picture 3 is damaged"
    assert (fault_sentences(("", "")), fault_reason(("", "")), fault_reason(("",))) == ((), "", "")
