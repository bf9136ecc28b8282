"""A cache in a folder: one file a call, safe to share between threads and processes."""

from __future__ import annotations

import json
import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routing.cache.base import CachedCall
from routing.core.picture import Picture, Size
from routing.core.request import ImageRequest, Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.core.clock import Clock
    from routing.logs import Log

MAGIC = b"image-routing call 1\n"
DIGEST_BYTES = 32
HEADER_BYTES_AT_MOST = 4_000_000
"""A header holds a prompt and labels; anything longer is not one of ours."""


class FileCache:
    """Keeps calls under ``folder/ab/abcdef....call``.

    A file is: a magic line, the SHA-256 of the rest, the length of a JSON header, the header, then the bytes of every
    picture in turn. It is written aside and moved into place, so a half-written file is never read; one that was
    damaged later fails its digest and counts as a miss.
    """

    def __init__(self, folder: Path, *, clock: Clock, log: Log, keep_for_s: float | None = None) -> None:
        """``keep_for_s`` is the age at which a call counts as a miss; ``None`` keeps it for good."""
        self._folder = folder
        self._clock = clock
        self._log = log
        self._keep_for_s = keep_for_s

    def get(self, key: str) -> CachedCall | None:
        """Read a call; whatever is wrong with its file makes a miss."""
        path = self._path(key)
        try:
            age_s = self._clock.now().timestamp() - path.stat().st_mtime
            if self._keep_for_s is not None and age_s > self._keep_for_s:
                return None
            return _decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._log.warning("cache_miss", key=key, error=f"{type(error).__name__}: {error}")
            return None

    def put(self, key: str, call: CachedCall) -> bool:
        """Write a call; ``False`` where the folder cannot be written."""
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.writelines(_encode(call))
                now = self._clock.now().timestamp()
                os.utime(temporary, (now, now))
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._log.warning("cache_not_written", key=key, error=f"{type(error).__name__}: {error}")
            return False
        return True

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.call"


def _encode(call: CachedCall) -> list[bytes]:
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
    }
    # Escaped: vendors' words and file names may hold half a character, which UTF-8 cannot.
    text = json.dumps(header).encode()
    body = [len(text).to_bytes(4), text, *blobs]
    digest = sha256()
    for part in body:
        digest.update(part)
    return [MAGIC, digest.digest(), *body]


def _decode(data: bytes) -> CachedCall:
    start = len(MAGIC) + DIGEST_BYTES
    if not data.startswith(MAGIC) or sha256(view := memoryview(data)[start:]).digest() != data[len(MAGIC) : start]:
        raise ValueError("the file is damaged")
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
    )


def _reader(view: memoryview, offset: int) -> Callable[[dict[str, Any]], Picture]:
    def take(found: dict[str, Any]) -> Picture:
        nonlocal offset
        data = bytes(view[offset : offset + found["bytes"]])
        offset += found["bytes"]
        size = Size(width=found["width"], height=found["height"])
        return Picture(data=data, format=found["format"], size=size, name=found["name"])

    return take
