"""Archives of every store: old entries go to a file, sums and ids stay."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from routing.core.spend import SpendQuery
from routing.errors import AlreadyResolved, LedgerUnavailable, RequestIdReused
from routing.ledger.archive_files import read_file
from routing.ledger.base import ArchiveError
from tests.ledger.old_books import (
    ARCHIVED,
    KEPT,
    NOVEMBER,
    OCTOBER,
    STEPS,
    fill,
    move,
    spends,
)
from tests.ledger.purchases import DECEMBER, adjustment, buy, cache_hit, record, reservation, settle
from tests.ledger.shelves import SHELVES, Shelf

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import Store

FORMATS = ("old.csv", "old.csv.gz", "old.parquet")


# --- What is moved, and what stays ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_over_is_moved_and_every_total_stays(ledger: Store, tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    fill(ledger)
    before = ledger.verify()
    periods = ((None, None), (OCTOBER, NOVEMBER), (OCTOBER, NOVEMBER + timedelta(days=1)))
    spent = [spends(ledger, *period) for period in periods]
    done = move(ledger, tmp_path / name)
    assert (done.file, done.requests, done.entries, done.spent_nusd) == (name, 6, 12, 113)
    assert done.finished
    assert ledger.archives() == (done,)
    assert {entry.request_id for entry in ledger.entries()} == KEPT
    after = ledger.verify()
    assert after.differences == ()
    assert (after.entries, after.archived) == (before.entries - 12, 12)
    assert (after.spent_nusd, after.held_nusd, after.unconfirmed_nusd) == (before.spent_nusd, 5, 6)
    assert [spends(ledger, *period) for period in periods] == spent
    lines = list(read_file(tmp_path / name))
    assert {line["request_id"] for line in lines} == ARCHIVED
    assert [line["seq"] for line in lines] == sorted(
        set(range(1, before.entries + 1)) - {e.seq for e in ledger.entries()}
    )
    (first, *_) = lines
    assert (first["kind"], first["amount_nusd"], first["asset"], first["quality"]) == ("reserve", 30, "-poster", "low")
    assert first["budgets"] == '[["campaign",1790812800000,"spring",""],["month",1790812800000,"",""]]'
    assert first["tags"] == '{"campaign":"spring","kind":"=1+1,\\"\\n"}'


def test_formats_hold_the_same_lines(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    found = []
    for name in FORMATS:
        (tmp_path / name).mkdir()
        shelf = SHELVES["memory"](tmp_path)
        fill(ledger := shelf.open())
        move(ledger, tmp_path / name / name)
        found.append(list(read_file(tmp_path / name / name)))
        shelf.close()
    assert found[0] == found[1] == found[2]
    text = (tmp_path / "old.csv" / "old.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 13
    assert not any(cell[:1] in "=+@\t" for line in text.splitlines()[1:] for cell in line.split(","))


def test_a_second_archive_takes_what_has_become_old(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    spent = spends(ledger)
    move(ledger, tmp_path / "old.csv")
    buy(ledger, "newer", 1, at=DECEMBER)
    done = ledger.archive(DECEMBER, tmp_path / "older.csv", DECEMBER)
    assert done is not None
    assert {line["request_id"] for line in read_file(tmp_path / "older.csv")} == {"slow", "late bill", "new"}
    ledger.resolve(settle("open/1", 5))
    assert ledger.verify().differences == ()
    assert [each.file for each in ledger.archives()] == ["old.csv", "older.csv"]
    ledger.adjust(adjustment(0, "newer/1", at=DECEMBER))
    ledger.adjust(adjustment(0, "open/1", at=DECEMBER))
    assert ledger.verify().differences == ()
    assert sum(row.spent for row in ledger.spend(SpendQuery(by=()))) == sum(row.spent for row in spent["model"])


def test_a_question_that_needs_archived_entries_is_told_which_it_misses(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    queries = [
        SpendQuery(by=("request_id",), since=OCTOBER),
        SpendQuery(by=(), until=OCTOBER + timedelta(days=9, minutes=1)),
        SpendQuery(by=("asset",), since=OCTOBER + timedelta(days=9)),
        SpendQuery(by=("request_id",), since=NOVEMBER),
        SpendQuery(by=("kind", "campaign"), since=OCTOBER),
        SpendQuery(by=("model",), since=OCTOBER + timedelta(hours=3)),
        SpendQuery(by=("campaign",), since=OCTOBER + timedelta(days=3)),
    ]
    assert [ledger.archives_behind(query) for query in queries] == [()] * 7
    done = move(ledger, tmp_path / "old.csv")
    assert [ledger.archives_behind(query) for query in queries] == [(done,)] * 3 + [()] * 4


def test_totals_stay_also_where_most_of_the_ledger_is_not_folded_yet(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    move(ledger, tmp_path / "old.csv")
    for number in range(20):
        buy(ledger, f"later{number}", 1, at=DECEMBER)
    assert [row.spent for row in ledger.spend(SpendQuery(by=()))] == [205 + 20]


def test_the_newest_request_stays_so_that_numbers_go_on(ledger: Store, tmp_path: Path) -> None:
    buy(ledger, "a", 1, at=OCTOBER)
    buy(ledger, "b", 2, at=OCTOBER)
    move(ledger, tmp_path / "old.csv")
    buy(ledger, "c", 3, at=OCTOBER)
    assert [(entry.seq, entry.request_id) for entry in ledger.entries()] == [(3, "b"), (4, "b"), (5, "c"), (6, "c")]
    assert ledger.verify().differences == ()


def test_where_nothing_is_over_there_is_no_file(ledger: Store, tmp_path: Path) -> None:
    assert ledger.archive(NOVEMBER, tmp_path / "old.csv", DECEMBER) is None
    buy(ledger, "new", 1, at=NOVEMBER)
    buy(ledger, "newer", 1, at=NOVEMBER)
    assert ledger.archive(NOVEMBER, tmp_path / "old.csv", DECEMBER) is None
    assert not (tmp_path / "old.csv").exists()
    assert ledger.archives() == ()


# --- What is refused --------------------------------------------------------------------------------------------------


def test_an_archived_request_is_never_bought_again_and_says_where_it_is(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    move(ledger, tmp_path / "old.csv")
    told = r"'old0' was bought on 2026-10-01 and archived to old.csv"
    with pytest.raises(RequestIdReused, match=told):
        ledger.reserve(record("old0"), [reservation(1, request_id="old0", attempt=2)])
    with pytest.raises(RequestIdReused, match=told):
        ledger.record_cached(record("old0"), cache_hit("old0"))
    history = ledger.history("old0")
    assert history is not None
    assert (history.archived_to, history.attempts, history.record.prompt) == ("old.csv", (), "a fox")
    assert [each.record.request_id for each in ledger.histories(OCTOBER, NOVEMBER)] == [
        "open", "doubt", "slow", "late bill",
    ]  # fmt: skip
    assert [past.request_id for past in ledger.pasts(OCTOBER, NOVEMBER)] == ["open", "doubt", "slow", "late bill"]


def test_what_is_archived_is_not_corrected(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    move(ledger, tmp_path / "old.csv")
    with pytest.raises(AlreadyResolved, match=r"'old0/1' was archived to old.csv"):
        ledger.adjust(adjustment(0, "old0/1", at=DECEMBER))
    with pytest.raises(AlreadyResolved, match=r"'old0/1' was archived to old.csv"):
        ledger.resolve(settle("old0/1", 1))


@pytest.mark.usefixtures("small_pages")
def test_entries_go_only_where_an_archive_holds_them(shelf: Shelf, ledger: Store, tmp_path: Path) -> None:
    fill(ledger)

    def look(step: str) -> None:
        archived = step in STEPS[STEPS.index("removing") :]
        for seq in (open_seq,) if archived else (open_seq, 1):
            with pytest.raises(LedgerUnavailable, match="entries are never deleted"):
                shelf.attempt(f"DELETE FROM entries WHERE seq = {seq}")  # noqa: S608 - a number of ours

    (open_seq,) = (entry.seq for entry in ledger.entries() if entry.request_id == "open")
    move(ledger, tmp_path / "old.csv", watch=look)
    for statement, told in (
        ("UPDATE requests SET archive = 1 WHERE request_id = 'new'", "archived once"),
        ("UPDATE requests SET archive = NULL", "archived once"),
        ("UPDATE requests SET asset = 'x'", "requests are never edited"),
        ("UPDATE archives SET entries = 1", "stays"),
        ("UPDATE archives SET state = 'removing'", "step by step"),
        ("DELETE FROM archives", "never forgotten"),
    ):
        with pytest.raises(LedgerUnavailable, match=told):
            shelf.attempt(statement)


def test_a_file_that_is_there_is_not_overwritten(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    (tmp_path / "old.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(ArchiveError, match=r"old.csv is there already: name another file"):
        move(ledger, tmp_path / "old.csv")
    assert (tmp_path / "old.csv").read_text(encoding="utf-8") == "mine"
    assert ledger.archives() == ()


def test_a_file_of_no_known_kind_is_refused_before_anything_begins(ledger: Store, tmp_path: Path) -> None:
    fill(ledger)
    with pytest.raises(ArchiveError, match=r"old.zip is no kind of archive: name it .parquet, .csv or .csv.gz"):
        move(ledger, tmp_path / "old.zip")
    assert ledger.archives() == ()
