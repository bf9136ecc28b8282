"""Short names for long things: what makes two requests the same, two pictures the same, two policies the same."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.core.request import ImageRequest

HEX_CHARS = 32
"""128 bits: collisions are out of reach for any number of requests a team will make."""


def fingerprint(value: object) -> str:
    """Digest a plain value (numbers, text, lists, mappings) independent of the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HEX_CHARS]


def prompt_hash(prompt: str) -> str:
    """Name a prompt in logs without telling it."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:HEX_CHARS]


def request_fingerprint(request: ImageRequest) -> str:
    """Digest everything the caller asked for: a ``request_id`` used twice must mean the same."""
    wishes = {
        "importance": request.importance,
        "size": str(request.size) if request.size else None,
        "quality": request.quality,
        "n": request.n,
        "tags": dict(request.tags),
        "asset": request.asset,
        "parent": request.parent,
        "deployment": request.deployment,
    }
    return fingerprint({**_asked(request), **wishes})


def picture_key(request: ImageRequest, purchase: Mapping[str, object]) -> str:
    """Digest everything that shapes the pictures of one call: equal keys may share their pictures.

    ``purchase`` is what the plan decided: provider and its address, model, size, quality, number of pictures, and the
    options as they are sent, instead of those that were asked for.
    """
    return fingerprint({**_asked(request), **purchase})


def key_of_owner(key: str, bought_by: str) -> str:
    """Name the pictures of one reservation, once newer ones have taken their place under their key."""
    return fingerprint([key, bought_by])


def _asked(request: ImageRequest) -> dict[str, object]:
    return {
        "prompt": request.prompt,
        "operation": request.operation.value,
        "images": [picture.digest for picture in request.images],
        "mask": request.mask.digest if request.mask else None,
        "background": request.background,
        "output_format": request.output_format,
        "extras": dict(request.extras),
    }
