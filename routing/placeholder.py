"""A drawn picture in the place of one that could not be had."""

from __future__ import annotations

import io
import unicodedata
from typing import TYPE_CHECKING

from routing.core.picture import Picture

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

    from routing.core.picture import Size

PAPER, STRIPE, FRAME, INK = 233, 224, 178, 96
"""Tones of grey."""
WORD = "placeholder"
SMALLEST = 8
"""Pixels of the smallest letters."""
MISSING = "\uffff"
"""A character that no font has: what is drawn like it is not drawn at all."""


def draw_placeholder(size: Size, name: str = "") -> Picture:
    """Draw a PNG of a size that nobody takes for a picture: grey, hatched, with the word on it, and a name below.

    Equal arguments make equal bytes: some 20 KB for 1024x1024.
    """
    from PIL import Image, ImageDraw  # noqa: PLC0415 - 80 ms that a process without placeholders need not spend

    image = Image.new("L", (size.width, size.height), PAPER)
    draw = ImageDraw.Draw(image)
    unit = min(size.width, size.height)
    _hatch(draw, size, step=max(8, unit // 12))
    edge = max(1, unit // 128)
    draw.rectangle((0, 0, size.width - 1, size.height - 1), outline=FRAME, width=edge)
    middle = size.height / 2
    _write(draw, WORD, (size.width / 2, middle), wide=size.width * 0.8, high=unit / 9)
    if name:
        _write(draw, name, (size.width / 2, middle + unit / 9), wide=size.width * 0.8, high=unit / 18)
    target = io.BytesIO()
    image.save(target, "PNG")
    return Picture(data=target.getvalue(), format="png", size=size)


def _hatch(draw: ImageDraw.ImageDraw, size: Size, step: int) -> None:
    for start in range(-size.height, size.width, 2 * step):
        foot, head = start, start + size.height
        draw.polygon([(foot, size.height), (foot + step, size.height), (head + step, 0), (head, 0)], fill=STRIPE)


def _write(draw: ImageDraw.ImageDraw, text: str, at: tuple[float, float], *, wide: float, high: float) -> None:
    """Write one line around a point, at least two thirds as high as wished; what is too long for that is cut."""
    from PIL import ImageFont  # noqa: PLC0415 - as above

    font = ImageFont.load_default(max(high, SMALLEST))
    # The font has no accents: the letters below them are better than gaps.
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if _is_drawn(font, char)).strip()
    length = draw.textlength(text, font)
    if length > wide:
        font = ImageFont.load_default(max(high * wide / length, high * 2 / 3, SMALLEST))
    if draw.textlength(text, font) > wide + 1:
        while text and draw.textlength(f"{text}...", font) > wide:
            text = text[:-1]
        text = f"{text.rstrip()}..."
    draw.text(at, text, fill=INK, font=font, anchor="mm")


def _is_drawn(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, char: str) -> bool:
    if unicodedata.combining(char) or not char.isprintable():
        return False
    return char == " " or bytes(font.getmask(char)) != bytes(font.getmask(MISSING))
