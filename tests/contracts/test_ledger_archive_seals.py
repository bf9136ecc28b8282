"""Archives and seals of every store: what was moved is still checked, and nobody can feign it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.core.entries import EntryKind
from routing.ledger.archive_files import read_file
from routing.ledger.base import ArchiveError
from tests.ledger.old_books import (
    ARCHIVED,
    OCTOBER,
    fill,
    move,
)
from tests.ledger.purchases import DECEMBER, buy

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import Store
    from tests.ledger.shelves import Shelf

KEY = b"a key of the tests"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    return tmp_path / "old.parquet"


@pytest.mark.usefixtures("small_pages")
def test_what_is_archived_is_checked_from_its_files_else_said_to_be_unchecked(ledger: Store, old: Path) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    move(ledger, old, key=KEY)
    buy(ledger, "newer", 1, at=DECEMBER)
    ledger.seal(KEY, DECEMBER)
    second = old.with_name("second.csv.gz")
    ledger.archive(DECEMBER, second, DECEMBER, key=KEY)
    without = ledger.check_seals(KEY)
    assert without.differences == ()
    assert without.unread == ("old.parquet", "second.csv.gz")
    assert without.unchecked == 22
    one = ledger.check_seals(KEY, files=[old])
    assert (one.differences, one.unread) == ((), ("second.csv.gz",))
    both = ledger.check_seals(KEY, files=[second, old])
    assert (both.differences, both.unchecked, both.unread) == ((), 0, ())
    assert (both.entries, both.raises) == (24, 0)


def test_a_ledger_with_seals_is_archived_with_its_key_only(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    with pytest.raises(ArchiveError, match="this ledger has seals: name the variable of their key"):
        move(ledger, tmp_path / "old.csv")
    assert ledger.archives() == ()


def test_with_a_key_only_what_is_sealed_is_moved(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    buy(ledger, "not sealed", 1, at=OCTOBER)
    buy(ledger, "newest", 1, at=OCTOBER)
    move(ledger, tmp_path / "old.csv", key=KEY)
    assert {line["request_id"] for line in read_file(tmp_path / "old.csv")} == ARCHIVED


def test_what_was_archived_before_there_were_seals_stands_under_none(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    move(ledger, tmp_path / "old.csv")
    ledger.seal(KEY, DECEMBER)
    for files in ([], [tmp_path / "old.csv"]):
        found = ledger.check_seals(KEY, files=files)
        assert (found.differences, found.unchecked, found.entries) == ((), 0, 10)


@pytest.mark.usefixtures("small_pages")
def test_whoever_deletes_sealed_entries_cannot_say_they_were_archived(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    shelf.tamper(
        "INSERT INTO archives VALUES (1, 'done', 'x.csv', 1, 99, 1, 1, 'x', 1, 2, 1, 2, 0, '{}', NULL, 1)",
        "DELETE FROM entries WHERE seq IN (1, 2)",
    )
    told = ledger.check_seals(KEY).differences
    assert told == (
        "entries 1 to 4, sealed on 2026-12-01 00:00: 2 of them missing (1, 2)",
        "x.csv is not sealed with this key: was it written by `routing ledger archive`?",
    )


def test_an_edited_note_of_an_archive_is_found(shelf: Shelf, ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    move(ledger, tmp_path / "old.csv", key=KEY)
    shelf.tamper("""UPDATE archives SET sums = '{"1":7}', spent_nusd = 7""")
    (told,) = ledger.check_seals(KEY, files=[tmp_path / "old.csv"]).differences
    assert told == "old.csv is not sealed with this key: was it written by `routing ledger archive`?"
    assert ledger.verify().differences != ()


def test_a_file_that_is_no_archive_of_this_ledger_or_was_changed_is_refused(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    file = tmp_path / "old.csv"
    done = move(ledger, file)
    renamed = file.rename(tmp_path / "renamed.csv")
    assert ledger.check_archives([renamed]) == (done,)
    other = tmp_path / "old.csv"
    other.write_bytes(renamed.read_bytes()[:-1])
    with pytest.raises(ArchiveError, match=r"old.csv was changed since it was written"):
        ledger.check_archives([other])
    stranger = tmp_path / "stranger.csv"
    stranger.write_bytes(b"")
    with pytest.raises(ArchiveError, match=r"stranger.csv is no archive of this ledger"):
        ledger.check_seals(KEY, files=[stranger])
    with pytest.raises(ArchiveError, match=r"nowhere.csv cannot be read: No such file"):
        ledger.check_archives([tmp_path / "nowhere.csv"])


def test_an_archive_keeps_which_kind_each_entry_was(ledger: Store, old: Path) -> None:
    fill(ledger)
    move(ledger, old)
    kinds = [line["kind"] for line in read_file(old)]
    assert {EntryKind(str(kind)) for kind in kinds} == set(EntryKind) - {EntryKind.EXPIRE}
