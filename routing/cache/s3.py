"""A cache in a bucket: Amazon S3, and whatever speaks its protocol (R2, MinIO)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from routing.cache.base import CacheDown
from routing.cache.parcel import Damaged, pack, parcel_name, unpack
from routing.cache.tidy import Bounds, Kept, Tidier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from routing.cache.base import CachedCall
    from routing.core.clock import Clock
    from routing.logs import Log

CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 10.0
"""How long one step (a look-up, a put) may take in all; nothing is tried again."""
REMOVE_AT_ONCE = 1000
"""Names that one request to delete may hold."""
WORDS_AT_MOST = 300
NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where a bucket is and how it is opened; an empty field is left to the machine (its role) and to Amazon."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)


def find_bucket(url: str, endpoint: str, env: Mapping[str, str]) -> Bucket:
    """Read ``s3://bucket/prefix`` and the variables that Amazon's own tools read; ``endpoint`` is empty for Amazon."""
    place = urlsplit(url)
    return Bucket(
        name=place.netloc,
        prefix=place.path.strip("/"),
        endpoint=endpoint,
        region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "",
        access_key_id=env.get("AWS_ACCESS_KEY_ID", ""),
        secret_access_key=env.get("AWS_SECRET_ACCESS_KEY", ""),
        session_token=env.get("AWS_SESSION_TOKEN", ""),
    )


class S3Cache:
    """Keeps calls as ``prefix/ab/abcdef....call``. Objects appear whole or not at all; a damaged one is removed.

    Age counts from when the bucket says an object was written. Raises ``CacheDown`` where the bucket does not answer.
    """

    def __init__(  # noqa: PLR0913 - where it is, its ports and its bounds, by name
        self,
        bucket: Bucket,
        bounds: Bounds = NO_BOUNDS,
        *,
        clock: Clock,
        log: Log,
        answer_within_s: float = ANSWER_WITHIN_S,
        background: bool = False,
    ) -> None:
        """Take the bucket; nothing is asked of it yet."""
        given: dict[str, Any] = {
            "endpoint": bucket.endpoint,
            "region": bucket.region,
            "access_key_id": bucket.access_key_id,
            "secret_access_key": bucket.secret_access_key,
            "token": bucket.session_token,
        }
        within = timedelta(seconds=answer_within_s)
        connect = min(within, timedelta(seconds=CONNECT_WITHIN_S))
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            client_options={
                "timeout": within,
                "connect_timeout": connect,
                "allow_http": bucket.endpoint.startswith("http://"),
            },
            retry_config={"max_retries": 0, "retry_timeout": within},
            **{name: value for name, value in given.items() if value},
        )
        self._clock = clock
        self._log = log
        self._bounds = bounds
        self._tidier = Tidier(self, bounds, clock=clock, log=log, background=background)

    def get(self, key: str) -> CachedCall | None:
        """Fetch a call; a damaged one is removed and counts as a miss.

        Raises:
            CacheDown: where the bucket does not answer, or refuses.

        """
        _stay_in_one_process()
        name = parcel_name(key)
        try:
            found = obstore.get(self._store, name)
            age = self._clock.now() - found.meta["last_modified"]
            if self._bounds.are_over(age.total_seconds()):
                return None
            return unpack(bytes(found.bytes()))
        except FileNotFoundError:
            return None
        except Damaged as error:
            self._log.warning("cache_damaged", key=key, error=str(error))
            self._delete([name])
            return None
        except (BaseError, OSError) as error:
            raise _down(error) from error

    def put(self, key: str, call: CachedCall) -> bool:
        """Store a call; ``False`` where it is more than the cache may hold in all.

        Raises:
            CacheDown: as ``get``; also where there is no such bucket.

        """
        _stay_in_one_process()
        data = pack(call)
        if not self._bounds.can_hold(len(data)):
            self._log.warning("cache_not_written", error=f"{len(data)} bytes are more than the cache may hold in all")
            return False
        try:
            # In one piece: an upload in parts that breaks off leaves parts that cost money and show nowhere.
            obstore.put(self._store, parcel_name(key), data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise _down(error) from error
        self._tidier.wrote(len(data))
        return True

    # What the tidier asks ---------------------------------------------------------------------------------------

    def list_kept(self) -> Iterator[Kept]:
        """List the objects of calls under the prefix, a thousand a request."""
        for page in obstore.list(self._store):
            for each in page:
                if each["path"].endswith(".call"):
                    written_at_s = each["last_modified"].timestamp()
                    yield Kept(name=each["path"], bytes=each["size"], written_at_s=written_at_s)

    def remove(self, doomed: Sequence[Kept]) -> None:
        """Delete objects; one that was written anew since it was listed costs a purchase, should it be asked for."""
        for at in range(0, len(doomed), REMOVE_AT_ONCE):
            self._delete([each.name for each in doomed[at : at + REMOVE_AT_ONCE]])

    def _delete(self, names: list[str]) -> None:
        try:
            obstore.delete(self._store, names)
        except (BaseError, OSError) as error:
            raise _down(error) from error


_used_in: list[int] = []


def _stay_in_one_process() -> None:
    """Refuse to work in a fork of a process that used a bucket: the library's threads are not copied, and it hangs."""
    if not _used_in:
        _used_in.append(os.getpid())
    if _used_in[0] != os.getpid():
        raise CacheDown("this process was forked from one that used a bucket: open the router after the fork")


def _down(error: Exception) -> CacheDown:
    """Keep of the library's words what a person needs: neither the vendor's page nor the library's own trace."""
    told = str(error).split("\n", 1)[0].split(": <", 1)[0]
    return CacheDown(told[:WORDS_AT_MOST])
