"""The cache in a folder: what its disk does to it. What every cache does is tested in tests/contracts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from routing.cache.file import FileCache
from routing.cache.tidy import Bounds
from routing.testing import FrozenClock
from tests.contracts.test_cache import CALL, KEY, NO_BOUNDS, SIZE, key
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.cache.base import CachedCall
    from routing.cache.tidy import Kept


def cache(
    folder: Path,
    bounds: Bounds = NO_BOUNDS,
    log: RecordingLog | None = None,
    keep_free_bytes: int = 0,
) -> FileCache:
    return FileCache(folder, bounds, clock=FrozenClock(), log=log or RecordingLog(), keep_free_bytes=keep_free_bytes)


def test_a_folder_that_cannot_be_written_is_told_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    log = RecordingLog()
    kept = cache(tmp_path / "file", log=log)
    assert not kept.put(KEY, CALL)
    assert kept.get(KEY) is None
    assert [event for event, _ in log.events] == ["cache_not_written", "cache_miss"]


def test_no_half_written_file_stays_behind(tmp_path: Path) -> None:
    cache(tmp_path).put(KEY, CALL)
    assert [path.suffix for path in tmp_path.glob("*/*")] == [".call"]


def test_what_a_dead_process_left_half_written_is_removed_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    kept.put(KEY, CALL)
    now_s = FrozenClock().now().timestamp()
    for name, age_s in (("old.part", 4000), ("new.part", 10)):
        (tmp_path / "ab" / name).write_bytes(b"half")
        os.utime(tmp_path / "ab" / name, (now_s - age_s, now_s - age_s))
    cache(tmp_path).put(key(1), CALL)
    assert sorted(path.name for path in tmp_path.glob("ab/*")) == [f"{KEY}.call", "new.part"]


def test_a_disk_that_is_nearly_full_is_left_to_the_ledger_and_told_once(tmp_path: Path) -> None:
    cache(tmp_path).put(KEY, CALL)
    log = RecordingLog()
    kept = cache(tmp_path, log=log, keep_free_bytes=10**18)
    assert not kept.put(key(1), CALL)
    assert not kept.put(key(2), CALL)
    assert kept.get(KEY) == CALL
    assert [told["error"].partition(":")[0] for told in log.named("cache_not_written")] == ["the disk is nearly full"]


def test_what_was_written_anew_while_others_tidied_is_not_removed(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    kept.put(KEY, CALL)
    listed = list(kept.list_kept())
    later = FrozenClock()
    later.sleep(5)
    FileCache(tmp_path, clock=later, log=RecordingLog()).put(KEY, CALL)
    kept.remove(listed)
    assert kept.get(KEY) == CALL
    kept.remove(list(kept.list_kept()))
    assert kept.get(KEY) is None


def test_a_folder_with_room_is_not_looked_through_with_every_put(tmp_path: Path) -> None:
    looks = []

    class Counted(FileCache):
        def list_kept(self) -> Iterator[Kept]:
            looks.append(1)
            return super().list_kept()

    kept = Counted(tmp_path, Bounds(max_bytes=1000 * SIZE), clock=FrozenClock(), log=RecordingLog())
    for number in range(200):
        kept.put(key(number), CALL)
    assert 4 <= len(looks) <= 5  # the first, and after every 50: a twentieth of what it may hold


def test_many_threads_put_and_get_one_key_and_never_see_half_of_it(tmp_path: Path) -> None:
    kept = cache(tmp_path, Bounds(max_bytes=10 * SIZE))
    kept.put(KEY, CALL)
    seen: list[CachedCall | None] = []

    def work() -> None:
        for _ in range(20):
            kept.put(KEY, CALL)
            seen.append(kept.get(KEY))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [CALL] * 120


WRITER = """
import sys
from pathlib import Path
from routing.cache.file import FileCache
from routing.cache.tidy import Bounds
from routing.testing import FrozenClock
from tests.contracts.test_cache import CALL, SIZE, key
from tests.shop import RecordingLog
clock, log = FrozenClock(), RecordingLog()
first, folder = int(sys.argv[1]), Path(sys.argv[2])
kept = FileCache(folder, Bounds(max_bytes=20 * SIZE), clock=clock, log=log, keep_free_bytes=0)
for number in range(first, first + 60):
    assert kept.put(key(number), CALL)
    assert kept.get(key(number)) in (CALL, None)
    clock.sleep(1)
assert [event for event, _ in log.events if event != "cache_tidied"] == []
"""


def test_several_processes_keep_one_folder_within_its_bounds(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(1000 * number), str(tmp_path)]) for number in range(3)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    kept = list(cache(tmp_path).list_kept())
    # Each looks once it has written a twentieth: meanwhile the other two may have written as much.
    assert SIZE * 15 <= sum(each.bytes for each in kept) <= SIZE * 23
