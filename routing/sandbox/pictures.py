"""The pictures a sandbox sells: the prompt as a poster, or something flat and quick."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import io
import zlib
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from routing.sandbox.lettering import fit, plain

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Picture", "Sketch", "blank", "studio"]

LONGEST_PROMPT = 600
"""Characters that are drawn; more would be too small to read."""

MIME = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What a picture is to show; equal sketches make equal bytes."""

    prompt: str
    model: str
    quality: str
    width: int
    height: int
    picture_format: str = "png"
    compression: int = 100
    transparent: bool = False
    ordinal: int = 1
    of: int = 1

    @property
    def size(self) -> str:
        """The size as OpenAI writes it."""
        return f"{self.width}x{self.height}"

    def resized(self) -> Sketch:
        """The same sketch in another size, and never in its own."""
        if self.width != self.height:
            return replace(self, width=self.height, height=self.width)
        return replace(self, height=max(16, self.height * 3 // 4))

    def halved(self) -> Sketch:
        """The same sketch, half as wide and half as high."""
        return replace(self, width=max(1, self.width // 2), height=max(1, self.height // 2))


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture, as bytes and as base64."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    b64: str = field(repr=False)

    @classmethod
    def of(cls, data: bytes, mime: str, width: int, height: int) -> Picture:
        """A picture from its bytes."""
        return cls(data, mime, width, height, base64.b64encode(data).decode("ascii"))


def studio(style: str) -> Callable[[Sketch], Picture]:
    """How pictures are made: `drawn`, `flat` or `padded:BYTES`; `ValueError` for anything else."""
    if style == "drawn":
        return _drawn
    if style == "flat":
        return _flat
    name, _, weight = style.partition(":")
    if name == "padded" and weight.isascii() and weight.isdigit():
        return lambda sketch: _padded(_bare(sketch), int(weight))
    raise ValueError(f"there is no picture style {style!r}; there are drawn, flat and padded:BYTES")


def _bare(sketch: Sketch) -> Sketch:
    """Only what a flat picture depends on, so that few are kept for many requests."""
    return Sketch(
        prompt="", model="", quality="", width=sketch.width, height=sketch.height, picture_format=sketch.picture_format
    )


def blank(sketch: Sketch) -> Picture:
    """A picture of one colour, whatever the sketch is to show."""
    canvas = Image.new("L", (sketch.width, sketch.height), 96)
    canvas.putpalette(_palette(210))
    return _encode(canvas, sketch)


def _flat(sketch: Sketch) -> Picture:
    return _two_fields(_bare(sketch))


@lru_cache(maxsize=64)
def _two_fields(sketch: Sketch) -> Picture:
    """Sky and ground: one colour alone would be no picture."""
    canvas = Image.new("L", (sketch.width, sketch.height), 96)
    canvas.paste(176, (0, sketch.height * 2 // 3, sketch.width, sketch.height))
    canvas.putpalette(_palette(210))
    return _encode(canvas, sketch)


@lru_cache(maxsize=16)
def _padded(sketch: Sketch, weight: int) -> Picture:
    flat = _two_fields(sketch)
    missing = weight - len(flat.data)
    if missing <= 0:
        return flat
    # Bytes that no compression shortens, the same every time.
    filler = hashlib.shake_256(b"padding").digest(missing)
    return Picture.of(_PAD[sketch.picture_format](flat.data, filler), flat.mime, flat.width, flat.height)


def _pad_png(data: bytes, filler: bytes) -> bytes:
    end = data.rindex(b"IEND") - 4
    kind = b"paDd"  # ancillary, private: readers skip it
    chunk = len(filler).to_bytes(4, "big") + kind + filler + zlib.crc32(kind + filler).to_bytes(4, "big")
    return data[:end] + chunk + data[end:]


def _pad_jpeg(data: bytes, filler: bytes) -> bytes:
    most = 65_533  # a comment's length counts its own two bytes
    parts = (filler[start : start + most] for start in range(0, len(filler), most))
    comments = b"".join(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part for part in parts)
    return data[:2] + comments + data[2:]


def _pad_webp(data: bytes, filler: bytes) -> bytes:
    even = filler + b"\0" * (len(filler) % 2)
    body = data[8:] + b"JUNK" + len(filler).to_bytes(4, "little") + even
    return b"RIFF" + len(body).to_bytes(4, "little") + body


_PAD: dict[str, Callable[[bytes, bytes], bytes]] = {"png": _pad_png, "jpeg": _pad_jpeg, "webp": _pad_webp}


# --- Drawing ----------------------------------------------------------------------------------------------------------
# One byte per pixel and a palette of 256 tones between two hues: a quarter of the work of RGBA, and always a duotone.


@lru_cache(maxsize=32)
def _drawn(sketch: Sketch) -> Picture:
    seed = hashlib.sha256(sketch.prompt.encode("utf-8", "surrogatepass") + bytes([sketch.ordinal])).digest()
    canvas = _gradient(sketch.width, sketch.height).copy()
    draw = ImageDraw.Draw(canvas)
    _ornament(draw, sketch, seed)
    _label(draw, sketch)
    canvas.putpalette(_palette(int.from_bytes(seed[:2], "big") % 360))
    return _encode(canvas, sketch)


@lru_cache(maxsize=16)
def _gradient(width: int, height: int) -> Image.Image:
    column = Image.new("L", (1, height))
    column.putdata([18 + 44 * row // height for row in range(height)])
    return column.resize((width, height), Image.Resampling.NEAREST)


def _ornament(draw: ImageDraw.ImageDraw, sketch: Sketch, seed: bytes) -> None:
    """Discs and rings placed by the prompt's hash, darker than any word on them."""
    unit = min(sketch.width, sketch.height)
    for index in range(4):
        across, down, large, tone = seed[4 + 4 * index : 8 + 4 * index]
        x, y = sketch.width * (0.35 + 0.65 * across / 255), sketch.height * down / 255
        radius = unit * (0.12 + 0.34 * large / 255)
        box = (x - radius, y - radius, x + radius, y + radius)
        if index % 2:
            draw.ellipse(box, outline=68 + tone % 28, width=max(2, unit // 90))
        else:
            draw.ellipse(box, fill=62 + tone % 34)


def _label(draw: ImageDraw.ImageDraw, sketch: Sketch) -> None:
    """The prompt, large; below it a rule, and who made it how."""
    unit = min(sketch.width, sketch.height)
    margin = unit // 14
    width = sketch.width - 2 * margin
    count = f"{sketch.ordinal} of {sketch.of}" if sketch.of > 1 else ""
    facts = "  ·  ".join(part for part in (sketch.model, sketch.size, sketch.quality, count) if part)
    caption = fit(facts, width, unit // 9, unit // 28, max(8, unit // 60))
    rule_y = sketch.height - margin - caption.height - unit // 40
    prompt = plain(sketch.prompt, LONGEST_PROMPT) or "(no prompt)"
    words = fit(prompt, width, rule_y - margin - unit // 24, unit // 10, max(9, unit // 44))
    words.draw(draw, margin, margin, 255)
    draw.rectangle((margin, rule_y, margin + unit // 8, rule_y + max(1, unit // 200)), fill=200)
    caption.draw(draw, margin, rule_y + unit // 40, 215)


@lru_cache(maxsize=360)
def _palette(hue: int) -> bytes:
    """256 colours from a dark tone of a hue through a full one to a light tint beside it."""
    stops = ((0, hue, 0.07, 0.55), (96, hue + 24, 0.40, 0.62), (176, hue + 40, 0.72, 0.75), (255, hue + 52, 0.98, 0.80))
    colours = bytearray()
    for tone in range(256):
        upper = next(index for index, stop in enumerate(stops) if tone <= stop[0] and index)
        (low, *start), (high, *end) = stops[upper - 1], stops[upper]
        share = (tone - low) / (high - low)
        angle, light, full = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        colours += bytes(round(255 * part) for part in colorsys.hls_to_rgb(angle % 360 / 360, light, full))
    return bytes(colours)


def _encode(canvas: Image.Image, sketch: Sketch) -> Picture:
    into = io.BytesIO()
    if sketch.transparent:
        # A card with round corners: what is around it shows through, what is on it stays legible.
        card = Image.new("L", canvas.size, 0)
        unit = min(canvas.size)
        inside = (unit // 32, unit // 32, sketch.width - unit // 32, sketch.height - unit // 32)
        ImageDraw.Draw(card).rounded_rectangle(inside, radius=unit // 12, fill=255)
        see_through = canvas.convert("RGBA")
        see_through.putalpha(card)
        see_through.save(into, sketch.picture_format.upper(), compress_level=1)
    elif sketch.picture_format == "png":
        canvas.save(into, "PNG", compress_level=1)
    elif sketch.picture_format == "jpeg":
        canvas.convert("RGB").save(into, "JPEG", quality=max(1, min(95, sketch.compression)))
    else:
        canvas.convert("RGB").save(into, "WEBP", quality=max(1, min(95, sketch.compression)), method=0)
    return Picture.of(into.getvalue(), MIME[sketch.picture_format], sketch.width, sketch.height)
