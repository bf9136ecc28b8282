"""Where pictures may be kept: URL schemes, one row each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from routing.cache.file import FileCache
from routing.cache.rest import RestingCache
from routing.cache.tidy import Bounds
from routing.core.extras import how_to_install
from routing.errors import RoutingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.cache.base import PictureCache
    from routing.core.clock import Clock
    from routing.logs import Log


class Wanted(Protocol):
    """What the configuration says of the cache."""

    @property
    def url(self) -> str:
        """Where it is: ``file:`` or ``s3:``."""

    @property
    def endpoint(self) -> str:
        """The address of a bucket's service; empty for Amazon's own."""

    @property
    def keep_for_s(self) -> float:
        """How long a picture is kept."""

    @property
    def max_size_bytes(self) -> int | None:
        """How much is kept in all."""


def open_cache(  # noqa: PLR0913 - what it is to be, where, and its ports
    wanted: Wanted, root: Path, env: Mapping[str, str], clock: Clock, log: Log, *, background: bool
) -> PictureCache:
    """Open a cache; nothing is asked of it yet. ``env`` holds the keys to a bucket, a folder is relative to ``root``.

    Raises:
        RoutingError: for an unknown scheme, or where the scheme's library is not installed.

    """
    place = urlsplit(wanted.url)
    bounds = Bounds(keep_for_s=wanted.keep_for_s, max_bytes=wanted.max_size_bytes)
    if place.scheme == "file":
        folder = root / Path(unquote(place.path).removeprefix("/"))
        return FileCache(folder, bounds, clock=clock, log=log, background=background)
    if place.scheme != "s3":
        raise RoutingError(f"the cache's url has an unknown scheme, {place.scheme!r}; known are file, s3")
    try:
        from routing.cache.s3 import S3Cache, find_bucket  # noqa: PLC0415 - its library need not be installed
    except ImportError as error:
        raise RoutingError(f"a cache in a bucket needs obstore: {how_to_install('s3')} ({error})") from error
    bucket = find_bucket(wanted.url, wanted.endpoint, env)
    return RestingCache(S3Cache(bucket, bounds, clock=clock, log=log, background=background), clock=clock, log=log)
