"""Finals made small enough to travel inside the page."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageOps

from routing.errors import RequestError
from routing.pictures import inspect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.reports.page.data import FinalPicture

THUMBNAILS_AT_MOST = 24
SIDE = 320
"""Pixels of the longer side: sharp at twice the density of the 160 it is shown at."""
BYTES_AT_MOST = 18_000
"""Of one thumbnail: 24 of them add at most 576 KB to a page, as base64."""
QUALITIES = (80, 65, 50, 35, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small JPEG as a ``data:`` address, and what it shows."""

    asset: str
    address: str
    width: int
    height: int


def thumbnails(finals: Iterable[FinalPicture]) -> tuple[tuple[Thumbnail, ...], int]:
    """Make the first 24 small, and count the pictures that are not shown: those beyond, and those that are damaged."""
    made: list[Thumbnail] = []
    left_out = 0
    for final in finals:
        small = _small(final) if len(made) < THUMBNAILS_AT_MOST else None
        if small is None:
            left_out += 1
        else:
            made.append(small)
    return tuple(made), left_out


def _small(final: FinalPicture) -> Thumbnail | None:
    try:
        picture = inspect(final.data)  # refuses what claims to be larger than any picture is
        with Image.open(BytesIO(picture.data), formats=(picture.format,)) as opened:
            opened.draft("RGB", (SIDE, SIDE))  # a large JPEG is decoded small
            drawn = ImageOps.exif_transpose(opened).convert("RGBA")
    except RequestError:
        return None
    except Exception:  # noqa: BLE001 - broken files make its parsers raise anything; a report does not fail for one
        return None
    drawn.thumbnail((SIDE, SIDE))
    paper = Image.new("RGBA", drawn.size, "white")
    flat = Image.alpha_composite(paper, drawn).convert("RGB")
    data = _jpeg(flat)
    return Thumbnail(
        asset=final.asset,
        address="data:image/jpeg;base64," + b64encode(data).decode(),
        width=flat.width,
        height=flat.height,
    )


def _jpeg(flat: Image.Image) -> bytes:
    """Compress it, harder until it is small enough; noise that stays too large is halved in size."""
    for quality in QUALITIES:
        target = BytesIO()
        flat.save(target, "jpeg", quality=quality, optimize=True)  # nothing but pixels: no place, no prompt
        if target.tell() <= BYTES_AT_MOST:
            return target.getvalue()
    return _jpeg(flat.resize((max(1, flat.width // 2), max(1, flat.height // 2))))
