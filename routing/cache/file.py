"""A cache in a folder: one file a call, safe to share between threads and processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from routing.cache.parcel import Damaged, pack, parcel_name, unpack
from routing.cache.tidy import Bounds, Kept, Tidier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routing.cache.base import CachedCall
    from routing.core.clock import Clock
    from routing.logs import Log

KEEP_FREE_BYTES = 500_000_000
"""What the cache leaves free on its disk: the ledger may lie on the same one, and must be able to write."""
PART_FOR_S = 3600.0
"""A file that is still half written after this long was left by a process that died."""
NO_BOUNDS = Bounds()


class FileCache:
    """Keeps calls under ``folder/ab/abcdef....call``.

    A file is written aside and moved into place, so a half-written one is never read; one that was damaged later fails
    its digest, is removed and counts as a miss. A file that is being read may be removed meanwhile: whoever reads it
    has it open.
    """

    def __init__(  # noqa: PLR0913 - where it is, its ports and its bounds, by name
        self,
        folder: Path,
        bounds: Bounds = NO_BOUNDS,
        *,
        clock: Clock,
        log: Log,
        keep_free_bytes: int = KEEP_FREE_BYTES,
        background: bool = False,
    ) -> None:
        """Take the folder, which need not exist; ``background`` tidies in a thread of its own."""
        self._folder = folder
        self._clock = clock
        self._log = log
        self._bounds = bounds
        self._keep_free_bytes = keep_free_bytes
        self._tidier = Tidier(self, bounds, clock=clock, log=log, background=background)
        self._full = False

    def get(self, key: str) -> CachedCall | None:
        """Read a call; whatever is wrong with its file makes a miss."""
        path = self._folder / parcel_name(key)
        try:
            if self._bounds.are_over(self._clock.now().timestamp() - path.stat().st_mtime):
                return None
            return unpack(path.read_bytes())
        except FileNotFoundError:
            return None
        except Damaged as error:
            self._log.warning("cache_damaged", key=key, error=str(error))
            with suppress(OSError):
                path.unlink(missing_ok=True)
        except OSError as error:
            self._log.warning("cache_miss", key=key, error=f"{type(error).__name__}: {error}")
        return None

    def put(self, key: str, call: CachedCall) -> bool:
        """Write a call; ``False`` where the folder cannot be written, or has no room for it."""
        data = pack(call)
        path = self._folder / parcel_name(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._has_room(len(data)):
                return False
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                now_s = self._clock.now().timestamp()
                os.utime(temporary, (now_s, now_s))
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._log.warning("cache_not_written", key=key, error=f"{type(error).__name__}: {error}")
            return False
        self._tidier.wrote(len(data))
        return True

    def _has_room(self, size: int) -> bool:
        """Tell whether a file may be written; a disk that is nearly full is told once, until it no longer is."""
        if not self._bounds.can_hold(size):
            self._log.warning("cache_not_written", error=f"{size} bytes are more than the cache may hold in all")
            return False
        full = shutil.disk_usage(self._folder).free - size < self._keep_free_bytes
        if full and not self._full:
            told = f"the disk is nearly full: the cache leaves {self._keep_free_bytes} bytes free"
            self._log.warning("cache_not_written", error=told)
        self._full = full
        return not full

    # What the tidier asks ---------------------------------------------------------------------------------------

    def list_kept(self) -> Iterator[Kept]:
        """List the files of calls; what dead processes left half written is removed in passing."""
        now_s = self._clock.now().timestamp()
        for path in self._folder.glob("??/*"):
            with suppress(OSError):
                found = path.stat()
                if path.suffix == ".call":
                    yield Kept(name=str(path), bytes=found.st_size, written_at_s=found.st_mtime)
                elif path.suffix == ".part" and now_s - found.st_mtime > PART_FOR_S:
                    path.unlink(missing_ok=True)

    def remove(self, doomed: Sequence[Kept]) -> None:
        """Remove files, but none that was written anew since it was listed."""
        for each in doomed:
            path = Path(each.name)
            with suppress(OSError):  # gone already, or held open where open files cannot be removed
                if path.stat().st_mtime == each.written_at_s:
                    path.unlink()
