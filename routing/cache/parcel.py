"""How the pictures of a call are written: one parcel of bytes that tells by itself whether it is whole."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from routing.cache.base import CachedCall
from routing.core.picture import Picture, Size
from routing.core.request import ImageRequest, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC = b"image-routing call 1\n"
DIGEST_BYTES = 32
HEADER_BYTES_AT_MOST = 4_000_000
"""A header holds a prompt and labels; anything longer is not one of ours."""


class Damaged(Exception):
    """What was read is no whole parcel."""


def parcel_name(key: str) -> str:
    """Name the parcel of a picture key: ``ab/abcdef....call``."""
    return f"{key[:2]}/{key}.call"


def pack(call: CachedCall) -> bytes:
    """Write a call: a magic line, the SHA-256 of the rest, the length of a JSON header, the header, the pictures."""
    blobs: list[bytes] = []

    def keep(picture: Picture) -> dict[str, Any]:
        blobs.append(picture.data)
        return {
            "bytes": len(picture.data),
            "format": picture.format,
            "width": picture.size.width,
            "height": picture.size.height,
            "name": picture.name,
        }

    request = call.request
    header = {
        "pictures": [keep(picture) for picture in call.pictures],
        "images": [keep(picture) for picture in request.images],
        "mask": keep(request.mask) if request.mask else None,
        "prompt": request.prompt,
        "operation": request.operation.value,
        "size": str(request.size) if request.size else None,
        "background": request.background,
        "output_format": request.output_format,
        "extras": dict(request.extras),
        "revised_prompt": call.revised_prompt,
        "seed": call.seed,
        "bought_by": call.bought_by,
        "faults": call.faults,
    }
    # Escaped: vendors' words and file names may hold half a character, which UTF-8 cannot.
    text = json.dumps(header).encode()
    body = [len(text).to_bytes(4), text, *blobs]
    digest = sha256()
    for part in body:
        digest.update(part)
    return b"".join([MAGIC, digest.digest(), *body])


def unpack(data: bytes) -> CachedCall:
    """Read a call back.

    Raises:
        Damaged: where a single byte is not what was written, or something else than a call was.

    """
    start = len(MAGIC) + DIGEST_BYTES
    view = memoryview(data)[start:]
    if not data.startswith(MAGIC) or sha256(view).digest() != data[len(MAGIC) : start]:
        raise Damaged("its bytes are not those that were written")
    try:
        return _read(view)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"it holds no call: {type(error).__name__}: {error}") from error


def _read(view: memoryview) -> CachedCall:
    length = int.from_bytes(view[:4])
    if length > HEADER_BYTES_AT_MOST:
        raise ValueError("the header is too long")
    header = json.loads(bytes(view[4 : 4 + length]))
    take = _reader(view, 4 + length)
    pictures = tuple(take(found) for found in header["pictures"])
    images = tuple(take(found) for found in header["images"])
    mask = take(header["mask"]) if header["mask"] else None
    request = ImageRequest(
        prompt=header["prompt"],
        operation=Operation(header["operation"]),
        size=Size.parse(header["size"]) if header["size"] else None,
        images=images,
        mask=mask,
        background=header["background"],
        output_format=header["output_format"],
        extras=header["extras"],
    )
    return CachedCall(
        pictures=pictures,
        request=request,
        revised_prompt=header["revised_prompt"],
        seed=header["seed"],
        bought_by=header.get("bought_by", ""),
        faults=tuple(map(str, header.get("faults", ()))),
    )


def _reader(view: memoryview, offset: int) -> Callable[[dict[str, Any]], Picture]:
    def take(found: dict[str, Any]) -> Picture:
        nonlocal offset
        data = bytes(view[offset : offset + found["bytes"]])
        offset += found["bytes"]
        size = Size(width=found["width"], height=found["height"])
        return Picture(data=data, format=found["format"], size=size, name=found["name"])

    return take
