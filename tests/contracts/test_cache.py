"""What every cache does, wherever it keeps its pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import obstore
import pytest

from routing.cache.base import CachedCall
from routing.cache.file import FileCache
from routing.cache.parcel import pack, parcel_name
from routing.cache.s3 import S3Cache
from routing.cache.tidy import Bounds, Kept
from routing.core.request import ImageRequest, Operation
from routing.testing import FrozenClock, blank_picture
from tests.bucket_server import new_bucket
from tests.shop import SQUARE, RecordingLog

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from routing.cache.base import PictureCache

PICTURE = blank_picture(SQUARE)
KEY = "ab" * 16
CALL = CachedCall(
    pictures=(PICTURE, PICTURE),
    request=ImageRequest(
        prompt='שלום 你好 "fox"',
        operation=Operation.EDIT,
        size=SQUARE,
        images=(PICTURE,),
        mask=PICTURE,
        background="opaque",
        extras={"seed": "7"},
    ),
    revised_prompt="a fox",
    seed=7,
    bought_by="request/1",
    faults=("", "blank"),
)
SIZE = len(pack(CALL))
NO_BOUNDS = Bounds()


class Place(Protocol):
    """Where a cache keeps its things, to look and to meddle."""

    clock: FrozenClock
    log: RecordingLog

    def open(self, bounds: Bounds = NO_BOUNDS) -> PictureCache: ...
    def listed(self) -> Iterable[Kept]: ...
    def read(self, key: str) -> bytes: ...
    def write(self, key: str, data: bytes) -> None: ...


class Folder:
    def __init__(self, folder: Path) -> None:
        self.clock, self.log, self._folder = FrozenClock(), RecordingLog(), folder

    def open(self, bounds: Bounds = NO_BOUNDS) -> FileCache:
        return FileCache(self._folder, bounds, clock=self.clock, log=self.log)

    def listed(self) -> Iterable[Kept]:
        return self.open().list_kept()

    def read(self, key: str) -> bytes:
        return (self._folder / parcel_name(key)).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        (self._folder / parcel_name(key)).write_bytes(data)


class InBucket:
    """The service dates what is put by its own clock: the cache's begins there."""

    def __init__(self) -> None:
        self.clock, self.log, self._bucket = FrozenClock(datetime.now(UTC)), RecordingLog(), new_bucket()

    def open(self, bounds: Bounds = NO_BOUNDS) -> S3Cache:
        return S3Cache(self._bucket, bounds, clock=self.clock, log=self.log)

    def listed(self) -> Iterable[Kept]:
        return self.open().list_kept()

    def read(self, key: str) -> bytes:
        return bytes(obstore.get(self.open()._store, parcel_name(key)).bytes())

    def write(self, key: str, data: bytes) -> None:
        obstore.put(self.open()._store, parcel_name(key), data)


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Folder(tmp_path / "cache") if request.param == "file" else InBucket()


def key(number: int) -> str:
    return f"{number:032x}"[::-1]


def names(place: Place) -> int:
    return len(list(place.listed()))


def test_what_was_put_comes_back_whole(place: Place) -> None:
    assert place.open().put(KEY, CALL)
    assert place.open().get(KEY) == CALL


def test_an_unknown_key_is_a_miss_and_nothing_to_tell(place: Place) -> None:
    assert place.open().get(KEY) is None
    assert place.log.events == []


def test_what_was_put_last_under_a_key_is_what_it_has(place: Place) -> None:
    kept = place.open()
    kept.put(KEY, CALL)
    newer = replace(CALL, bought_by="request/2", pictures=(PICTURE,))
    kept.put(KEY, newer)
    assert kept.get(KEY) == newer
    assert names(place) == 1


def test_what_is_older_than_it_may_be_is_a_miss(place: Place) -> None:
    kept = place.open(Bounds(keep_for_s=3600))
    kept.put(KEY, CALL)
    place.clock.sleep(3500)
    assert kept.get(KEY) == CALL
    place.clock.sleep(200)
    assert kept.get(KEY) is None


def test_what_is_too_old_is_removed_with_the_first_that_is_put(place: Place) -> None:
    place.open().put(KEY, CALL)
    place.clock.sleep(4000)
    place.open(Bounds(keep_for_s=8000)).put(key(1), CALL)
    assert names(place) == 2
    place.clock.sleep(5000)
    place.open(Bounds(keep_for_s=8000))._tidier.wrote(0)  # type: ignore[attr-defined] # as a put does
    assert {each.name[-37:] for each in place.listed()} <= {parcel_name(key(1))[3:]}


@pytest.mark.parametrize("cut", [0, 10, 53, 60, 400, -1])
def test_a_cut_off_one_is_a_miss_told_and_removed(place: Place, cut: int) -> None:
    kept = place.open()
    kept.put(KEY, CALL)
    place.write(KEY, place.read(KEY)[:cut])
    assert kept.get(KEY) is None
    assert names(place) == 0
    assert [told["key"] for told in place.log.named("cache_damaged")] == [KEY]


@pytest.mark.parametrize("at", [0, 25, 54, 70, 500, 900, -1])
def test_a_single_changed_bit_is_noticed(place: Place, at: int) -> None:
    kept = place.open()
    kept.put(KEY, CALL)
    data = bytearray(place.read(KEY))
    data[at] ^= 1
    place.write(KEY, bytes(data))
    assert kept.get(KEY) is None


def test_there_is_never_more_than_it_may_hold(place: Place) -> None:
    kept = place.open(Bounds(max_bytes=5 * SIZE))
    for number in range(12):
        assert kept.put(key(number), CALL)
        assert sum(each.bytes for each in place.listed()) <= 5 * SIZE
        assert kept.get(key(number)) == CALL
        place.clock.sleep(1)
    assert names(place) >= 4


def test_what_is_more_than_it_may_hold_in_all_is_not_kept_and_costs_nothing_else_its_place(place: Place) -> None:
    place.open().put(KEY, CALL)
    kept = place.open(Bounds(max_bytes=SIZE + 10))
    assert not kept.put(key(1), replace(CALL, pictures=CALL.pictures * 4))
    assert kept.get(KEY) == CALL
    assert place.log.named("cache_not_written")
