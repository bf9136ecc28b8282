"""Words on a picture: wrapped, as large as they fit, in any script.

Pillow's built-in font draws little more than ASCII. Accents are taken off; what cannot be drawn at all becomes blocks,
the way a layout shows text that is not set yet.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, cast

from PIL import ImageFont

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

__all__ = ["Block", "fit", "font", "plain"]

_TYPOGRAPHY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"})
_MISSING = "\uffff"
_LINE_HEIGHT = 1.22
_LONGEST_PIECE = 24


@lru_cache(maxsize=64)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's built-in font at a size in pixels."""
    return cast("ImageFont.FreeTypeFont", ImageFont.load_default(size))


@lru_cache(maxsize=4096)
def _drawable(character: str) -> bool:
    face = font(32)
    return bytes(face.getmask(character)) != bytes(face.getmask(_MISSING))


def plain(text: str, longest: int) -> str:
    """The text in one line, with the accents the font lacks taken off, cut after `longest` characters."""
    line = " ".join(text.translate(_TYPOGRAPHY).split())
    line = "".join(
        character
        for character in unicodedata.normalize("NFKD", line)
        if not unicodedata.combining(character) and unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
    )
    return line if len(line) <= longest else line[: longest - 3].rstrip() + "..."


def _block_width(character: str, size: int) -> float:
    return size * (1.0 if unicodedata.east_asian_width(character) in "WF" else 0.6)


def _runs(text: str) -> list[tuple[bool, str]]:
    """Stretches that the font can draw, and stretches that it cannot."""
    return [(drawable, "".join(run)) for drawable, run in groupby(text, _drawable)]


def _width(text: str, size: int) -> float:
    face = font(size)
    return sum(
        face.getlength(run) if drawable else sum(_block_width(character, size) for character in run)
        for drawable, run in _runs(text)
    )


def _pieces(text: str) -> list[str]:
    """What stays together on a line: words, parts of very long ones, single characters of scripts without spaces."""
    pieces: list[str] = []
    for word in text.split(" "):
        for drawable, run in _runs(word):
            step = _LONGEST_PIECE if drawable else 1
            pieces.extend(run[start : start + step] for start in range(0, len(run), step))
        if pieces:
            pieces[-1] += " "
    return pieces


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text at one size."""

    lines: tuple[str, ...]
    size: int

    @property
    def height(self) -> int:
        """How tall the lines are together."""
        return int(len(self.lines) * self.size * _LINE_HEIGHT)

    def draw(self, canvas: ImageDraw, x: int, y: int, tone: int) -> None:
        """Draw the lines with their top left corner at x, y."""
        for number, line in enumerate(self.lines):
            _draw_line(canvas, (x, y + int(number * self.size * _LINE_HEIGHT)), line, self.size, tone)


def _draw_line(canvas: ImageDraw, at: tuple[float, float], line: str, size: int, tone: int) -> None:
    x, y = at
    for drawable, run in _runs(line):
        if drawable:
            canvas.text((x, y), run, fill=tone, font=font(size))
            x += font(size).getlength(run)
            continue
        for character in run:
            wide = _block_width(character, size)
            box = (x + size * 0.08, y + size * 0.24, x + wide - size * 0.08, y + size * 1.02)
            canvas.rounded_rectangle(box, radius=size * 0.1, fill=tone - 50)
            x += wide


def _wrap(pieces: list[str], size: int, width: int) -> list[str]:
    lines, line, used = [], "", 0.0
    for piece in pieces:
        needed = _width(piece.rstrip(), size)
        if line and used + needed > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line += piece
        used += _width(piece, size)
    return [*lines, line.rstrip()]


def fit(text: str, width: int, height: int, largest: int, smallest: int) -> Block:
    """The text at the largest size that fits the box; at the smallest, lines that do not fit are left out."""
    pieces = _pieces(text)
    size = largest
    while True:
        lines = _wrap(pieces, size, width)
        fits = len(lines) * size * _LINE_HEIGHT <= height and all(_width(line, size) <= width for line in lines)
        if fits or size <= smallest:
            break
        size = max(smallest, int(size * 0.88))
    most = max(1, int(height / (size * _LINE_HEIGHT)))
    return Block(tuple(lines[:most]), size)
