"""Files that hold, to the letter, what is to be said. ``REWRITE_GOLDEN=1 scripts/test tests/cli`` writes them anew."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

REWRITE = "REWRITE_GOLDEN"


def check_golden(path: Path, said: str) -> None:
    """Compare with the file, or write it where that is asked for; a difference is to be read and then accepted."""
    text = "".join(f"{line.rstrip()}\n" for line in said.splitlines())
    if os.environ.get(REWRITE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} does not exist: {REWRITE}=1 writes it"
    assert text == path.read_text(encoding="utf-8"), f"{path} differs: read the change, then {REWRITE}=1 accepts it"
