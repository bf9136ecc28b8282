"""Bytes become pictures here: what vendors answer, and the reference images that users bring."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from routing.core.picture import Picture, Size
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 1024 * 1024
REFERENCE_BYTES_AT_MOST = 50 * MEGABYTE
MASK_BYTES_AT_MOST = 4 * MEGABYTE
"""What vendors take: https://developers.openai.com/api/docs/guides/image-generation, as of 2026-11."""

PIXELS_AT_MOST = 80_000_000
"""Nobody makes or takes larger pictures; a small file that claims more is a decompression bomb."""

JPEG_QUALITY = 95

THUMBNAIL = 64
"""About how many pixels the shorter edge of a thumbnail has."""
BLANK_SPREAD = 4
"""Of 255: how far the lightest and the darkest pixel of a thumbnail, or the pixels on average, may lie apart."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_JPEG_TAIL = 64 * 1024
"""Some cameras append bytes after a JPEG's end; further back than this lie the ends of embedded thumbnails."""
_SHOWN = 12


def inspect(data: bytes, name: str = "") -> Picture:
    """Check that bytes are a whole PNG, JPEG or WebP, and read its dimensions.

    Checked are the magic bytes, the header (through Pillow), the number of pixels, and that the file runs to its end
    (PNG: every chunk to ``IEND``; JPEG: an end marker; WebP: the length in its header). Pixels are not decoded: for a
    file of 3 MB that is well under a millisecond.

    Raises:
        RequestError: where the bytes are no such picture; the message names ``name`` and what is wrong.

    """
    what = name or "the picture"
    kind = _format_of(data)
    if kind is None:
        raise RequestError(f"{what} is not a PNG, JPEG or WebP picture: {_describe(data)}")
    if not _WHOLE[kind](data):
        raise RequestError(f"{what} is cut off: its {kind.upper()} data stops before the end ({len(data):,} bytes)")
    return Picture(data=data, format=kind, size=_dimensions(data, kind, what), name=name)


def load_reference(source: str | Path | bytes | Picture) -> Picture:
    """Load a reference image from a path or from bytes; a picture is passed through.

    Raises:
        RequestError: where it cannot be read, is 50 MB or more, or is no picture.

    """
    picture = _load(source, REFERENCE_BYTES_AT_MOST, "reference image")
    if len(picture.data) >= REFERENCE_BYTES_AT_MOST:
        raise RequestError(_too_large(picture.name, len(picture.data), REFERENCE_BYTES_AT_MOST, "reference image"))
    return picture


def load_mask(source: str | Path | bytes | Picture, first: Picture) -> Picture:
    """Load the mask of an edit: a PNG below 4 MB with the size of the first reference image.

    Raises:
        RequestError: where it is none of that.

    """
    mask = _load(source, MASK_BYTES_AT_MOST, "mask")
    what = mask.name or "the mask"
    if mask.format != "png":
        raise RequestError(f"{what} is a {mask.format.upper()}: a mask must be a PNG")
    if len(mask.data) >= MASK_BYTES_AT_MOST:
        raise RequestError(_too_large(what, len(mask.data), MASK_BYTES_AT_MOST, "mask"))
    if mask.size != first.size:
        raise RequestError(
            f"{what} is {mask.size}, the first reference image is {first.size}: a mask must have the same size"
        )
    return mask


def convert(picture: Picture, to_format: str) -> Picture:
    """Decode a picture and write it as ``png``, ``jpeg`` or ``webp``; JPEG gets white where it was transparent.

    Raises:
        RequestError: where the pixels cannot be decoded.

    """
    from PIL import Image  # noqa: PLC0415 - as above

    target = io.BytesIO()
    try:
        with Image.open(io.BytesIO(picture.data), formats=(picture.format,)) as opened:
            # Whatever its mode (palette, 16 bit, CMYK), eight bits a channel are what every format takes.
            drawn = opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except Exception as error:  # noqa: BLE001 - broken files make its parsers raise anything from struct.error up
        what = picture.name or "the picture"
        raise RequestError(f"{what} cannot be converted to {to_format}: {type(error).__name__}") from None
    if to_format == "jpeg" and drawn.mode == "RGBA":
        paper = Image.new("RGBA", drawn.size, "white")
        drawn = Image.alpha_composite(paper, drawn).convert("RGB")
    drawn.save(target, to_format, **({"quality": JPEG_QUALITY} if to_format == "jpeg" else {}))
    return Picture(data=target.getvalue(), format=to_format, size=picture.size, name=picture.name)


def is_blank(picture: Picture) -> bool:
    """Tell whether a picture shows nothing: one colour, or as good as one, or only what is transparent.

    Looked at is a thumbnail, and all pixels only where that is flat. Of 1024x1024, a PNG takes 2 to 35 ms and a JPEG 2;
    what has more than a byte for each pixel is never so flat, unless it is hidden, and is not decoded.

    Raises:
        RequestError: where the pixels cannot be decoded.

    """
    from PIL import Image, ImageStat  # noqa: PLC0415 - as below

    try:
        with Image.open(io.BytesIO(picture.data), formats=(picture.format,)) as opened:
            see_through = opened.has_transparency_data
            if len(picture.data) > picture.size.pixels and not see_through:
                return False
            opened.draft("RGB", (THUMBNAIL, THUMBNAIL))  # a JPEG is decoded at an eighth of its size
            plain = opened.mode in {"L", "RGB", "RGBA"}
            drawn = opened if plain else opened.convert("RGBA" if see_through else "RGB")
            small = drawn.reduce(max(1, min(drawn.size) // THUMBNAIL))
            bands = ImageStat.Stat(small).extrema
            if small.mode == "RGBA" and bands[-1][1] <= BLANK_SPREAD:
                return True
            if any(high - low > BLANK_SPREAD for low, high in bands):
                return False
            # Fine noise is flat from afar.
            return max(ImageStat.Stat(drawn).stddev) <= BLANK_SPREAD
    except Exception as error:  # noqa: BLE001 - broken files make its parsers raise anything from struct.error up
        raise RequestError(f"the picture cannot be decoded: {type(error).__name__}") from None


def _load(source: str | Path | bytes | Picture, at_most: int, what: str) -> Picture:
    if isinstance(source, Picture):
        return source
    if isinstance(source, bytes):
        return inspect(source, f"the {what}")
    return inspect(_read(Path(source), at_most, what), str(source))


def _read(path: Path, at_most: int, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(at_most)
    except FileNotFoundError:
        raise RequestError(f"there is no {what} {path}: check the path") from None
    except IsADirectoryError:
        raise RequestError(f"{path} is a folder: name the {what} in it") from None
    except PermissionError:
        raise RequestError(f"the {what} {path} may not be read: check its permissions") from None
    except (OSError, ValueError) as error:
        raise RequestError(f"the {what} {path} cannot be read: {error}") from None
    if not data:
        raise RequestError(f"the {what} {path} is empty")
    if len(data) >= at_most:
        raise RequestError(_too_large(str(path), path.stat().st_size, at_most, what))
    return data


def _too_large(name: str, size: int, at_most: int, what: str) -> str:
    return (
        f"{name} has {size / MEGABYTE:.1f} MB: a {what} must have less than {at_most // MEGABYTE} MB; "
        "scale it down, or save it with more compression"
    )


def _format_of(data: bytes) -> str | None:
    if data.startswith(_PNG):
        return "png"
    if data.startswith(_JPEG):
        return "jpeg"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _describe(data: bytes) -> str:
    if not data:
        return "it is empty"
    start = data[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        return "it is a text in HTML or XML"
    for magic, kind in (
        (b"GIF8", "a GIF"),
        (b"%PDF", "a PDF"),
        (b"BM", "a BMP"),
        (b"II*\0", "a TIFF"),
        (b"MM\0*", "a TIFF"),
    ):
        if data.startswith(magic):
            return f"it is {kind}; convert it to PNG"
    if data[4:8] == b"ftyp":
        return "it is a HEIC, AVIF or film; convert it to PNG or JPEG"
    return f"it begins with {data[:_SHOWN]!r}"


def _dimensions(data: bytes, kind: str, what: str) -> Size:
    from PIL import Image  # noqa: PLC0415 - 80 ms that a process without pictures need not spend

    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as opened:
            width, height = opened.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RequestError(_too_many_pixels(what, "more than 89")) from None
    except Exception as error:  # noqa: BLE001 - broken files make its parsers raise anything from struct.error up
        raise RequestError(f"{what} is a damaged {kind.upper()}: {type(error).__name__}") from None
    if width * height > PIXELS_AT_MOST:
        raise RequestError(_too_many_pixels(what, f"{width * height / 1_000_000:.0f}"))
    return Size(width=width, height=height)


def _too_many_pixels(what: str, megapixels: str) -> str:
    return f"{what} claims {megapixels} million pixels: at most {PIXELS_AT_MOST // 1_000_000} million; scale it down"


def _png_is_whole(data: bytes) -> bool:
    """Walk from chunk to chunk: 4 bytes of length, 4 of type, the data, 4 of checksum."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at <= len(data)
    return False


def _jpeg_is_whole(data: bytes) -> bool:
    return _JPEG_END in data[-_JPEG_TAIL:]


def _webp_is_whole(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


_WHOLE: dict[str, Callable[[bytes], bool]] = {"png": _png_is_whole, "jpeg": _jpeg_is_whole, "webp": _webp_is_whole}
