"""Leaving a cache alone that does not answer, so that purchases are not kept waiting for it again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from routing.cache.base import CacheDown

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.cache.base import CachedCall, PictureCache
    from routing.core.clock import Clock
    from routing.logs import Log

T = TypeVar("T")

REST_S = 60.0
"""How long a cache that failed is left alone; then one caller tries it, and all others once that one was answered."""


class RestingCache:
    """A cache that has nothing and keeps nothing for a while after it failed; that is logged once, and its end once."""

    def __init__(self, cache: PictureCache, *, clock: Clock, log: Log) -> None:
        """Begin in good faith."""
        self._cache = cache
        self._clock = clock
        self._log = log
        self._down = False
        self._until_s = float("-inf")

    def get(self, key: str) -> CachedCall | None:
        """Ask the cache, or miss."""
        return self._ask(lambda: self._cache.get(key), None)

    def put(self, key: str, call: CachedCall) -> bool:
        """Hand pictures to the cache, or not."""
        return self._ask(lambda: self._cache.put(key, call), otherwise=False)

    def _ask(self, work: Callable[[], T], otherwise: T) -> T:
        now_s = self._clock.elapsed_s()
        if self._down:
            if now_s < self._until_s:
                return otherwise
            self._until_s = now_s + REST_S  # whoever comes meanwhile does not wait with this one
        try:
            answer = work()
        except CacheDown as error:
            self._until_s = self._clock.elapsed_s() + REST_S
            if not self._down:
                self._log.warning("cache_down", error=str(error), left_alone_s=REST_S)
            self._down = True
            return otherwise
        if self._down:
            self._log.info("cache_back")
        self._down = False
        return answer
