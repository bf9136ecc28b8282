"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME_CHARS = 50
"""Of its name that are part of the other's: with a few more, the longest names would be too long."""


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Write a file aside and move it into place at the end: what stood there before stays until then.

    A link is followed, and who may read the file that was there may read the new one, and nobody else.

    Raises:
        RequestError: where it is a folder or may not be written, or its folder is not there or may not be.
        OSError: where it cannot be finished.

    """
    if target.is_dir():
        raise RequestError(f"{target} is a folder: name a file in it")
    place = target.resolve()
    if not place.parent.is_dir():
        raise RequestError(f"{target}: the folder {target.parent} does not exist; create it first")
    if place.exists() and not os.access(place, os.W_OK):
        raise RequestError(f"{target} is there and may not be written: name another file")
    aside = place.with_name(f".{place.name[:NAME_CHARS]}.{os.getpid()}.part")
    try:
        file = aside.open("wb")
    except OSError as error:
        told = f"the folder {target.parent} cannot be written ({error.strerror}): name a file elsewhere"
        raise RequestError(f"{target}: {told}") from error
    try:
        with file:
            yield file
        if place.exists():
            aside.chmod(place.stat().st_mode)
        aside.replace(place)
    finally:
        aside.unlink(missing_ok=True)
