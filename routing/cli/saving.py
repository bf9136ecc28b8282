"""Where pictures go: checked before money is spent, named so that nothing is ever lost."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from routing.errors import RequestError

if TYPE_CHECKING:
    from routing.results import Result

ENDINGS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
"""Picture format -> the ending of a file of it."""

NAME_CHARS = 40


def check_output(output: Path | None) -> None:
    """Make sure that a picture can be saved, before it is bought.

    Raises:
        RequestError: for a folder that does not exist or cannot be written, or an ending that is no picture's.

    """
    if output is not None and output.is_dir():
        raise RequestError(f"--output {output} is a folder: name a file in it, like {output / 'poster.png'}")
    if output is not None and output.suffix.lower() not in {".jpeg", *ENDINGS.values()}:
        raise RequestError(f"--output {output}: pictures are saved as .png, .jpg or .webp")
    folder = output.parent if output is not None else Path()
    if not folder.is_dir():
        raise RequestError(f"--output {output}: the folder {folder} does not exist; create it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RequestError(
            f"the folder {folder.resolve()} cannot be written ({error.strerror}): nothing was bought;"
            " name a file elsewhere with --output"
        ) from error


def save(result: Result, output: Path | None) -> tuple[Path, ...]:
    """Save the pictures under ``output``, or under a new name of their own.

    Raises:
        OSError: where that fails; the message says where else the pictures are now.

    """
    try:
        return result.save(output or _new_name(result))
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}: {_rescue(result)}", str(error.filename)) from error


def _rescue(result: Result) -> str:
    """Put pictures that are paid for somewhere else, and say where."""
    bought = f"the pictures of request {result.request_id}, bought for {result.cost},"
    try:
        folder = Path(tempfile.mkdtemp(prefix="routing-"))
        saved = result.save(folder / f"picture{ENDINGS[result.images[0].format]}")
    except OSError:
        return f"{bought} could not be saved elsewhere either; with a cache, the same command gives them again"
    return f"{bought} are in {', '.join(map(str, saved))}"


def _new_name(result: Result) -> Path:
    words = re.sub(r"[\W_]+", "-", (result.asset or result.request.prompt).lower())[:NAME_CHARS].strip("-")
    stem = f"{words or 'picture'}-{result.importance}"
    ending = ENDINGS[result.images[0].format]
    number = 1
    while True:
        path = Path(f"{stem}{f'-{number}' if number > 1 else ''}{ending}")
        # Several pictures are saved as stem-1, stem-2 ...: none of them may be there.
        if not path.exists() and not any(Path().glob(f"{path.stem}-*{ending}")):
            return path
        number += 1
