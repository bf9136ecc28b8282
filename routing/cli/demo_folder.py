"""The folder of a demo: its own, begun afresh each time, and nobody else's."""

from __future__ import annotations

import shutil
from pathlib import Path

from routing.cli.starter import starter_files
from routing.errors import RequestError

MARK = ".routing-demo"
"""Lists what the last demo made here, one name a line: that, and nothing else, is cleared away by the next."""

OF_THE_ROUTER = ("spend.db", "spend.db-wal", "spend.db-shm", "spend.db-lock", ".cache")
"""What the shipped ``router.yaml`` makes beside itself."""


class DemoFolder:
    """Keeps track of what is written into the folder."""

    def __init__(self, path: Path) -> None:
        """Clear away what an earlier demo made, and put the shipped files there.

        Raises:
            RequestError: where the folder holds somebody else's files.
            OSError: where it cannot be written.

        """
        self.path = path
        mark = path / MARK
        if mark.is_file():
            for name in mark.read_text(encoding="utf-8").splitlines():
                _remove(path, name)
        elif path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise RequestError(f"{path} holds something else than a demo: name an empty or new folder with --out")
        path.mkdir(parents=True, exist_ok=True)
        self._made = list(OF_THE_ROUTER)
        self._note()
        for name, content in starter_files().items():
            self.write(name, content)

    @property
    def config(self) -> Path:
        """The demo's copy of the shipped ``router.yaml``."""
        return self.path / "router.yaml"

    def write(self, name: str, content: bytes) -> None:
        """Write a file that the next demo may clear away."""
        self.claim(name).write_bytes(content)

    def claim(self, name: str) -> Path:
        """Note a name as the demo's own and return its place."""
        self._made.append(name)
        self._note()
        place = self.path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _note(self) -> None:
        (self.path / MARK).write_text("".join(f"{name}\n" for name in self._made), encoding="utf-8")


def _remove(folder: Path, name: str) -> None:
    place = folder / name
    # The list is only text: a name that leads out of the folder is not one of ours.
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
