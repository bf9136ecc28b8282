"""Where the cache is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.config.scalars import Bad, read_url
from routing.config.specs import CacheSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.config.problems import Problems
    from routing.config.schema import CacheEntry

_HINT = (
    "write file:///folder (relative to this file), file:////absolute/folder, or s3://bucket/prefix;"
    " keys to a bucket stand in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
)
_FOLDER = r"file:///[^\0]+"
_BUCKET = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?"
"""Nothing that a key, a password or an option could hide in."""


def read_cache(entry: CacheEntry | None, env: Mapping[str, str], problems: Problems) -> CacheSpec | None:
    """Read what the cache's entry says and what the environment adds; ``None`` where nothing is to be kept.

    Problems never repeat the URL: somebody may have written a key into it.
    """
    if entry is None:
        return None
    in_bucket = entry.url.startswith("s3:")
    if not re.fullmatch(_BUCKET if in_bucket else _FOLDER, entry.url):
        what = "bucket" if in_bucket else "folder"
        problems.error(("cache", "url"), f"this is no {what} the cache can use", _HINT)
        return None
    endpoint = ""
    if entry.endpoint_env:
        if not in_bucket:
            problems.error(("cache", "endpoint_env"), "a folder has no endpoint", "delete it", key=True)
            return None
        endpoint = env.get(entry.endpoint_env, "").strip()
        if not endpoint:
            # Not Amazon instead: that is somebody else's bucket, or nobody's.
            told = f"the environment has no {entry.endpoint_env}: nothing is kept, and repeats are bought again"
            problems.warn(("cache", "endpoint_env"), told, "set it to the address of the bucket's service")
            return None
        try:
            endpoint = read_url(endpoint)
        except Bad as bad:
            message = f"the environment's {entry.endpoint_env} cannot be used: {bad}"
            problems.error(("cache", "endpoint_env"), message, bad.hint)
            return None
    return CacheSpec(url=entry.url, endpoint=endpoint, keep_for_s=entry.keep_for, max_size_bytes=entry.max_size)
