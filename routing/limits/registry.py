"""Where limits may be shared: URL schemes, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from routing.core.extras import how_to_install
from routing.errors import RoutingError
from routing.limits.memory import MemoryBook
from routing.limits.pacer import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.core.clock import Clock
    from routing.limits.base import Book
    from routing.logs import Log


def open_limiter(url: str, clock: Clock, log: Log) -> Pacer:
    """Open the limiter a URL names; a server is connected to by the first purchase.

    Raises:
        RoutingError: for an unknown scheme, or where the scheme's library is not installed.

    """
    scheme = urlsplit(url).scheme
    opener = _BOOKS.get(scheme)
    if opener is None:
        known = ", ".join(_BOOKS)
        raise RoutingError(f"the url of the limits has an unknown scheme, {scheme!r}; known are {known}")
    return Pacer(opener(url, clock, log), clock)


def _open_memory(_url: str, clock: Clock, _log: Log) -> Book:
    return MemoryBook(lambda: round(clock.elapsed_s() * 1000))


def _open_redis(url: str, clock: Clock, log: Log) -> Book:
    try:
        from routing.limits.redis import RedisBook  # noqa: PLC0415 - its library need not be installed
    except ImportError as error:
        told = f"limits in Redis need redis: {how_to_install('redis')} ({error})"
        raise RoutingError(told) from error
    return RedisBook(url, clock, log)


_BOOKS: dict[str, Callable[[str, Clock, Log], Book]] = {
    "memory": _open_memory,
    "redis": _open_redis,
    "rediss": _open_redis,
    "unix": _open_redis,
}
"""URL scheme -> how its book is opened."""
