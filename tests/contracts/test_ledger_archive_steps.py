"""Archives of every store: whoever is interrupted loses nothing and goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.errors import RequestIdReused
from routing.ledger.archive_files import read_file
from routing.ledger.base import ArchiveError
from tests.ledger.old_books import (
    ARCHIVED,
    LONG_AGO,
    NOVEMBER,
    OCTOBER,
    STEPS,
    Interrupted,
    fill,
    move,
    spends,
    stopping_at,
)
from tests.ledger.purchases import DECEMBER, adjustment, buy, cache_hit, claim, record

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import Store

KEY = b"a key of the tests"


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("stop", STEPS)
@pytest.mark.parametrize("key", [b"", KEY], ids=["", "sealed"])
def test_whoever_is_interrupted_loses_nothing_and_goes_on(ledger: Store, tmp_path: Path, stop: str, key: bytes) -> None:
    fill(ledger)
    if key:
        ledger.seal(key, DECEMBER)
    before, spent = ledger.verify(), spends(ledger)
    seen = []

    def pull_the_plug(step: str) -> None:
        seen.append(step)
        if step == stop:
            raise Interrupted

    def check() -> None:
        found = ledger.verify()
        assert found.differences == ()
        assert (found.entries + found.archived, found.spent_nusd) == (before.entries, before.spent_nusd)
        assert spends(ledger) == spent
        if key:
            assert ledger.check_seals(key).differences == ()

    with pytest.raises(Interrupted):
        move(ledger, tmp_path / "old.csv", key=key, watch=pull_the_plug)
    check()
    if stop != "beginning":
        assert [each.finished for each in ledger.archives()] == [False]
        with pytest.raises(ArchiveError, match="--before 2026-11-01` finishes it"):
            ledger.archive(DECEMBER, tmp_path / "other.csv", DECEMBER, key=key)
        if key:
            assert ledger.seal(key, DECEMBER)[0] == 0
    done = move(ledger, tmp_path / "old.csv", key=key)
    assert (done.requests, done.entries, done.finished) == (6, 12, True)
    assert [line["request_id"] for line in read_file(tmp_path / "old.csv")].count("old0") == 2
    assert ledger.archives() == (done,)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "old"))] == ["old.csv"]
    check()
    assert tuple(dict.fromkeys(seen)) == STEPS[: STEPS.index(stop) + 1]


def test_as_long_as_nothing_was_removed_the_file_may_be_another(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    with pytest.raises(Interrupted):
        move(ledger, tmp_path / "old.csv", watch=stopping_at("checking"))
    with pytest.raises(RequestIdReused, match=r"archived to old.csv"):
        ledger.record_cached(record("old0"), cache_hit("old0"))
    assert move(ledger, tmp_path / "new.csv").file == "new.csv"
    with pytest.raises(RequestIdReused, match=r"archived to new.csv"):
        ledger.record_cached(record("old0"), cache_hit("old0"))


def test_a_file_that_was_changed_meanwhile_is_noticed_before_anything_goes(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    file = tmp_path / "old.csv"
    with pytest.raises(Interrupted):
        move(ledger, file, watch=stopping_at("removing"))
    content = file.read_bytes()
    file.write_bytes(content.replace(b"reserve", b"settle", 1))
    with pytest.raises(ArchiveError, match=r"old.csv is not the file that was written, or was changed"):
        move(ledger, file)
    file.unlink()
    with pytest.raises(ArchiveError, match=r"removed what stands in old.csv: name that file with --to"):
        move(ledger, file)
    assert ledger.verify().archived == 0
    file.write_bytes(content)
    assert move(ledger, file).finished


def test_a_file_that_stands_in_the_way_of_an_interrupted_archive_is_left_alone(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    with pytest.raises(Interrupted):
        move(ledger, tmp_path / "old.csv", watch=stopping_at("checking"))
    (tmp_path / "old.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"not an archive that this router wrote|does not name the columns"):
        move(ledger, tmp_path / "old.csv")
    assert ledger.verify().archived == 0


def test_what_is_bought_meanwhile_is_neither_lost_nor_moved(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)

    def meanwhile(step: str) -> None:
        buy(ledger, f"at {step}", 1, claim("month", 10_000), at=NOVEMBER)
        buy(ledger, f"long ago at {step}", 1, claim("month", 10_000), at=OCTOBER)
        if step == "beginning":
            ledger.adjust(adjustment(1, "old0/1", at=LONG_AGO))

    done = move(ledger, tmp_path / "old.csv", watch=meanwhile)
    assert done.requests == 5
    assert ledger.verify().differences == ()
    ids = {line["request_id"] for line in read_file(tmp_path / "old.csv")}
    assert ids == ARCHIVED - {"old0"}


def test_a_folder_that_is_missing_is_told_before_anything_begins(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    with pytest.raises(ArchiveError, match=r"the folder .* does not exist; create it first"):
        move(ledger, tmp_path / "nowhere" / "old.csv")
    assert ledger.archives() == ()
