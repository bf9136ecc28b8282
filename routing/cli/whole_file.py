"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Write a file aside and move it into place at the end: what stood there before stays until then.

    Raises:
        RequestError: where it is a folder, or its folder is not there.
        OSError: where it cannot be written.

    """
    if target.is_dir():
        raise RequestError(f"{target} is a folder: name a file in it")
    if not target.parent.is_dir():
        raise RequestError(f"{target}: the folder {target.parent} does not exist; create it first")
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
