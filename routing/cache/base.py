"""The port of the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from routing.core.picture import Picture
    from routing.core.request import ImageRequest


class CacheDown(Exception):
    """The cache cannot be reached, or did not answer in time. To whoever buys, that is a miss and no failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedCall:
    """The pictures of one call, and the request they came from (so that a draft can be promoted by its id).

    ``bought_by`` is the reservation that paid for them: a repeated ``request_id`` is given its own pictures or none.
    ``faults`` say of each picture what is bad about it, ``""`` where all is well; empty where no picture is bad.
    """

    pictures: tuple[Picture, ...]
    request: ImageRequest
    revised_prompt: str | None = None
    seed: int | None = None
    bought_by: str = ""
    faults: tuple[str, ...] = ()


class PictureCache(Protocol):
    """Keeps the pictures of calls under their picture key. A cache that fails is a miss, never an error."""

    def get(self, key: str) -> CachedCall | None:
        """Find the pictures of a key; ``None`` where there are none, or where they are damaged."""

    def put(self, key: str, call: CachedCall) -> bool:
        """Keep pictures; ``False`` where that could not be done."""
