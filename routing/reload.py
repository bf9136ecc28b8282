"""Taking up edited files between two requests, without a thread: whoever asks next looks whether they changed."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from routing.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from routing.buying.shop import Shop

LOOK_EVERY_S = 1.0
"""How often requests that come make the router look."""
SETTLED_AFTER_S = 1.0
"""Half a file can be sound, and lack the budgets: what was written just now is read at the next look."""

Stamp = tuple[int, ...] | None
"""What tells one content of a file from another without reading it; ``None`` where there is no such file."""


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Look at files as they are now."""
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except (OSError, ValueError):  # no such file, or a name that no file can have
        return None
    # Editors write anew or put another file in its place; whoever copies or moves may bring an old time along.
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_dev, status.st_ino


class Reloader:
    """Keeps the shop that the files describe. A file that cannot be used is told once, and the shop stays.

    Safe from any thread, from a signal's handler and after a fork. Whoever took a shop keeps it: a request is decided,
    priced and booked by one.
    """

    def __init__(
        self,
        shop: Shop,
        *,
        files: Callable[[], Iterable[Path]],
        seen: dict[Path, Stamp],
        renew: Callable[[Shop], Shop],
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        """Begin with a shop.

        ``files`` names what was read, ``seen`` is how it stood just before; ``renew`` reads it again and raises
        ``ConfigError`` where it cannot be used.
        """
        self._shop = shop
        self._files = files
        self._seen = seen
        self._renew = renew
        self._every_s = every_s
        self._looked_at_s = shop.clock.elapsed_s()
        self._readings = 0
        self._lock = threading.RLock()
        self._process = os.getpid()

    def look(self) -> Shop:
        """Take up what changed, looking once in a while; while one thread reads, the others go on as before."""
        self._own_lock()
        now_s = self._shop.clock.elapsed_s()
        if now_s - self._looked_at_s < self._every_s or not self._lock.acquire(blocking=False):
            return self._shop
        try:
            self._looked_at_s = now_s
            found = stamps(self._seen)
            if found != self._seen and self._settled(found):
                self._read()
        except ConfigError as error:
            told = [str(problem) for problem in error.problems]
            self._shop.log.warning("config_not_reloaded", policy=self._fingerprint, problems=told)
        except Exception as error:  # noqa: BLE001 - whatever fails while reading, the request goes by the old files
            self._shop.log.warning("config_not_reloaded", policy=self._fingerprint, problems=[repr(error)])
        finally:
            self._lock.release()
        return self._shop

    def reload(self) -> str:
        """Read the files now, changed or not; return the fingerprint of the policy that decides from now on.

        Raises:
            ConfigError: with every problem of both files; what held before goes on.

        """
        self._own_lock()
        with self._lock:
            self._read()
            return self._fingerprint

    def _settled(self, found: dict[Path, Stamp]) -> bool:
        now_s = self._shop.clock.now().timestamp()
        changed = [stamp for path, stamp in found.items() if stamp and stamp != self._seen[path]]
        return all(abs(now_s - written_ns / 1e9) >= SETTLED_AFTER_S for written_ns, *_ in changed)

    @property
    def _fingerprint(self) -> str:
        return self._shop.settings.policy.fingerprint

    def _read(self) -> None:
        self._readings += 1
        reading, before = self._readings, self._fingerprint
        # Seen before it is read: what is written meanwhile is noticed next time.
        self._seen = stamps(self._files())
        shop = self._renew(self._shop)
        if reading == self._readings:  # else a signal's handler has read again while this thread was at it
            self._shop = shop
            shop.log.info("config_reloaded", policy=self._fingerprint, before=before)

    def _own_lock(self) -> None:
        if self._process != os.getpid():
            # Whoever held the lock at the fork was left behind in the parent.
            self._lock, self._process = threading.RLock(), os.getpid()
