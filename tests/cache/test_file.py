"""The cache in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.cache.base import CachedCall
from routing.cache.file import FileCache
from routing.core.request import ImageRequest, Operation
from routing.testing import FrozenClock, blank_picture
from tests.shop import SQUARE, RecordingLog

if TYPE_CHECKING:
    from pathlib import Path

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
)


def cache(folder: Path, *, keep_for_s: float | None = None, clock: FrozenClock | None = None) -> FileCache:
    return FileCache(folder, clock=clock or FrozenClock(), log=RecordingLog(), keep_for_s=keep_for_s)


def test_what_was_put_comes_back_whole(tmp_path: Path) -> None:
    assert cache(tmp_path).put(KEY, CALL)
    assert cache(tmp_path).get(KEY) == CALL


def test_an_unknown_key_is_a_miss(tmp_path: Path) -> None:
    assert cache(tmp_path).get(KEY) is None


def test_what_is_older_than_it_may_be_is_a_miss(tmp_path: Path) -> None:
    clock = FrozenClock()
    kept = cache(tmp_path, keep_for_s=60, clock=clock)
    kept.put(KEY, CALL)
    clock.sleep(59)
    assert kept.get(KEY) == CALL
    clock.sleep(2)
    assert kept.get(KEY) is None


@pytest.mark.parametrize("cut", [0, 10, 53, 60, 400, -1])
def test_a_cut_off_file_is_a_miss(tmp_path: Path, cut: int) -> None:
    kept = cache(tmp_path)
    kept.put(KEY, CALL)
    (file,) = tmp_path.glob("*/*.call")
    file.write_bytes(file.read_bytes()[:cut])
    assert kept.get(KEY) is None


def test_every_single_changed_byte_of_the_header_is_noticed(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    kept.put(KEY, CALL)
    (file,) = tmp_path.glob("*/*.call")
    whole = file.read_bytes()
    for place in range(0, 700, 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept.get(KEY) is None, place


def test_a_folder_that_cannot_be_written_is_told_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    kept = cache(tmp_path / "file")
    assert not kept.put(KEY, CALL)
    assert kept.get(KEY) is None


def test_no_half_written_file_stays_behind(tmp_path: Path) -> None:
    cache(tmp_path).put(KEY, CALL)
    assert [path.suffix for path in tmp_path.glob("*/*")] == [".call"]
