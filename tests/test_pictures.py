"""Bytes become pictures, or a message that says what to do."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from routing.core.picture import Picture, Size
from routing.errors import RequestError
from routing.pictures import MASK_BYTES_AT_MOST, convert, inspect, load_mask, load_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = ["png", "jpeg", "webp"]


def drawn(kind: str, width: int = 96, height: int = 64, mode: str = "RGB") -> bytes:
    target = io.BytesIO()
    image = Image.effect_noise((width, height), 90).convert(mode)
    image.save(target, kind)
    return target.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_is_known_by_what_is_in_it(kind: str) -> None:
    data = drawn(kind)
    assert inspect(data, "x.bin") == Picture(data=data, format=kind, size=Size(width=96, height=64), name="x.bin")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("kept", [0.98, 0.5, 0.05])
def test_a_picture_that_is_cut_off_is_noticed(kind: str, kept: float) -> None:
    data = drawn(kind, 400, 400)
    with pytest.raises(RequestError, match="is cut off"):
        inspect(data[: int(len(data) * kept)], "poster")


@pytest.mark.parametrize("kind", FORMATS)
def test_bytes_after_the_end_do_no_harm(kind: str) -> None:
    assert inspect(drawn(kind) + b"\0" * 100).size == Size(width=96, height=64)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><title>hi</title>", "HTML"),
        (b"GIF89a\1\0\1\0", "a GIF; convert it to PNG"),
        (b"%PDF-1.7", "a PDF"),
        (b"\0\0\0\x1cftypheic", "HEIC"),
        (b"hello there", "begins with b'hello there'"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
        (b"RIFF\x04\0\0\0WEBP", "damaged WEBP"),
        (b"\xff\xd8\xff\xd9", "damaged JPEG"),
    ],
)
def test_what_is_no_picture_is_described(data: bytes, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        inspect(data, "x")


@pytest.mark.parametrize("edges", [(10_000, 8_001), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_small_file_that_claims_a_huge_picture_is_refused_without_decoding(edges: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match=r"million pixels|damaged"):
        inspect(png_that_claims(*edges), "bomb.png")


def test_a_reference_comes_from_a_path_from_bytes_or_as_it_is(tmp_path: Path) -> None:
    data = drawn("png")
    path = tmp_path / "subject.png"
    path.write_bytes(data)
    by_path, by_text, by_bytes = load_reference(path), load_reference(str(path)), load_reference(data)
    assert by_path.data == by_text.data == by_bytes.data == data
    assert by_path.name == str(path)
    assert load_reference(by_path) is by_path


def _missing(folder: Path) -> Path:
    return folder / "nowhere.png"


def _folder(folder: Path) -> Path:
    return folder


def _empty(folder: Path) -> Path:
    path = folder / "empty.png"
    path.touch()
    return path


def _text(folder: Path) -> Path:
    path = folder / "notes.png"
    path.write_text("not a picture")
    return path


def _huge(folder: Path) -> Path:
    path = folder / "huge.png"
    with path.open("wb") as file:
        file.truncate(51 * 1024 * 1024)
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_missing, "there is no reference image .*nowhere.png: check the path"),
        (_folder, "is a folder: name the reference image in it"),
        (_empty, "is empty"),
        (_text, "notes.png is not a PNG, JPEG or WebP picture"),
        (_huge, "has 51.0 MB: a reference image must have less than 50 MB; scale it down"),
    ],
)
def test_an_unusable_reference_names_its_path_and_the_way_out(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        load_reference(make(tmp_path))


def test_a_path_that_no_file_can_have_is_refused_like_any_other() -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        load_reference("nul\0byte.png")


def test_a_mask_is_a_png_of_the_first_images_size(tmp_path: Path) -> None:
    first = inspect(drawn("jpeg"))
    data = drawn("png", mode="LA")
    path = tmp_path / "mask.png"
    path.write_bytes(data)
    assert load_mask(path, first).data == load_mask(data, first).data == data
    mask = inspect(data)
    assert load_mask(mask, first) is mask


def test_a_mask_of_another_format_size_or_weight_is_refused() -> None:
    first = inspect(drawn("png"))
    with pytest.raises(RequestError, match="the mask is a JPEG: a mask must be a PNG"):
        load_mask(drawn("jpeg"), first)
    with pytest.raises(RequestError, match="is 10x10, the first reference image is 96x64"):
        load_mask(drawn("png", 10, 10), first)
    with pytest.raises(RequestError, match="must have less than 4 MB"):
        load_mask(drawn("png") + b"\0" * MASK_BYTES_AT_MOST, first)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("wanted", FORMATS)
def test_a_picture_is_converted_to_what_its_name_says(kind: str, wanted: str) -> None:
    made = convert(inspect(drawn(kind), "x"), wanted)
    assert inspect(made.data).format == made.format == wanted
    assert made.size == Size(width=96, height=64)


def test_what_is_transparent_becomes_white_in_a_jpeg() -> None:
    target = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(target, "png")
    made = convert(inspect(target.getvalue()), "jpeg")
    with Image.open(io.BytesIO(made.data)) as opened:
        assert opened.getpixel((4, 4)) == (255, 255, 255)


def test_pixels_that_cannot_be_decoded_cannot_be_converted() -> None:
    with pytest.raises(RequestError, match="cannot be converted to webp"):
        convert(inspect(png_that_claims(64, 64), "hollow.png"), "webp")
