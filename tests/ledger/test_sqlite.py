"""What only a ledger in a file can get wrong: the file, and what is around it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Balance
from routing.errors import LedgerUnavailable
from routing.ledger.file_lock import FileLock
from routing.ledger.operations import fetch
from routing.ledger.queries import FOLDER, SQL, migrations, named_statements, split_statements
from routing.ledger.sqlite import SqliteStore
from routing.ledger.sqlite_file import APPLICATION_ID, connect, prepare
from routing.ledger.verification import _only
from tests.ledger.purchases import NOVEMBER, buy, claim, record, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spend.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(path)
    yield store
    store.close()


# --- Files that are no ledger -----------------------------------------------------------------------------------------


def test_a_fresh_file_becomes_a_ledger_that_every_process_knows_for_one(path: Path) -> None:
    SqliteStore.open(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(migrations("sqlite")),)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_every_commit_waits_for_the_disk(store: SqliteStore) -> None:
    full = 2
    assert [*store._writer.run(lambda cursor: cursor.execute("PRAGMA synchronous").fetchone())] == [full]


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    path.touch()
    SqliteStore.open(path).close()
    assert path.stat().st_size > 0


def test_a_text_file_is_refused_and_left_as_it_is(path: Path) -> None:
    path.write_text("version: 1\npolicy: policies/default.yaml\n" * 50)
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailable, match=r"spend\.db cannot be used: it is not a ledger: name another file"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_as_it_is(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (title TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailable, match=r"spend\.db is a SQLite database but not a ledger of this router"):
        SqliteStore.open(path)
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_router_is_refused(path: Path) -> None:
    SqliteStore.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerUnavailable, match=r"has version 99, written by a newer router; .*: update it"):
        SqliteStore.open(path)


def test_a_damaged_ledger_is_refused(path: Path) -> None:
    store = SqliteStore.open(path)
    buy(store, "poster", 1)
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    with pytest.raises(LedgerUnavailable, match="it is damaged: restore it from a backup"):
        buy(SqliteStore.open(path), "another", 1)


# --- Places where no ledger can be ------------------------------------------------------------------------------------


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match=r"the folder .*missing does not exist; create it first"):
        SqliteStore.open(tmp_path / "missing" / "spend.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="is a folder: name a file"):
        SqliteStore.open(tmp_path)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerUnavailable, match=r"the folder .*file does not exist"):
        SqliteStore.open(tmp_path / "file" / "spend.db")


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):  # permissions do not bind root, the kernel's own folder does
        folder = Path("/proc/self")
    with pytest.raises(LedgerUnavailable, match=r"spend\.db cannot be used: .*(ermission|No such file)"):
        SqliteStore.open(folder / "spend.db")
    tmp_path.chmod(0o700)


# --- What happens to an open ledger -----------------------------------------------------------------------------------


def test_a_full_disk_refuses_the_call_and_loses_nothing(store: SqliteStore) -> None:
    buy(store, "before", 1, claim())
    connection = store._writer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerUnavailable, match="the disk is full: make room"):
        buy(store, "large", 1, claim("month", 10_000), labels={"asset": "a" * 100_000})
    assert store.verify().differences == ()
    connection.execute("PRAGMA max_page_count = 1000000")
    buy(store, "after", 1, claim("month", 10_000))
    assert store.verify().differences == ()


def test_a_deleted_ledger_takes_no_more_money(path: Path, store: SqliteStore) -> None:
    buy(store, "before", 1)
    path.unlink()
    with pytest.raises(LedgerUnavailable, match=r"spend\.db was deleted or replaced while it was open"):
        buy(store, "after", 1)
    with pytest.raises(LedgerUnavailable):
        store.verify()


def test_another_program_that_locks_the_file_is_waited_for_with_a_bound(path: Path) -> None:
    store = SqliteStore.open(path, wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerUnavailable, match="it is locked by another program: close that, or try again"):
        buy(store, "poster", 1)
    other.execute("ROLLBACK")
    other.close()
    buy(store, "poster", 1)
    store.close()


def test_another_router_that_hangs_is_waited_for_with_a_bound(path: Path) -> None:
    store = SqliteStore.open(path, wait_s=0.05)
    other = FileLock(path)
    other.acquire(1)
    for _ in range(3):
        with pytest.raises(LedgerUnavailable, match=r"another process has held it for 0\.05 s"):
            buy(store, "poster", 1)
    with pytest.raises(LedgerUnavailable, match="another process has held it"):
        SqliteStore.open(path, wait_s=0.01)
    other.release()
    patient = SqliteStore.open(path)  # the lock that nobody waits for any more was given back
    buy(patient, "poster", 1)
    for each in (store, patient):
        each.close()
    other.close()


def test_a_relative_path_stays_the_same_ledger_when_the_process_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = SqliteStore.open("spend.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    buy(store, "poster", 1)
    assert store.verify().entries == 2
    store.close()


def test_two_stores_of_one_process_share_a_file(path: Path, store: SqliteStore) -> None:
    other = SqliteStore.open(path)
    store.reserve(record(), [reservation(30, claim())])
    other.resolve(settle("poster/1", 20))
    assert store.balances("month", [NOVEMBER]) == {claim().key: Balance(spent_nusd=20)}
    other.close()


def test_a_reader_sees_one_state_while_others_write(store: SqliteStore) -> None:
    buy(store, "a", 1)
    with store._reader.reading() as cursor:
        before = _only(fetch(cursor, "extent", {}))["entries"]
        buy(store, "b", 1)
        assert _only(fetch(cursor, "extent", {}))["entries"] == before == 2
    assert store.verify().entries == 4


def test_a_store_used_after_a_fork_says_so_and_leaves_its_parents_alone(path: Path) -> None:
    program = """
import os, sys
from routing.errors import LedgerUnavailable
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import buy
store = SqliteStore.open(sys.argv[1])
buy(store, "parent", 1)
child = os.fork()
if not child:
    for use in (lambda: buy(store, "child", 1), store.verify):
        try:
            use()
        except LedgerUnavailable as error:
            print(error, flush=True)
    store.close()
    os._exit(0)
os.waitpid(child, 0)
buy(store, "parent again", 1)
print(store.verify().entries, store.verify().differences)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.count("was opened in another process: open it again after a fork") == 2
    assert done.stdout.endswith("4 ()\n")


# --- Migrations and named statements ----------------------------------------------------------------------------------


def test_an_older_ledger_is_brought_up_to_date_and_keeps_its_rows(path: Path) -> None:
    store = SqliteStore.open(path)
    buy(store, "poster", 5)
    store.close()
    newest = len(migrations("sqlite")) + 1
    steps = [*migrations("sqlite"), (newest, ["ALTER TABLE requests ADD COLUMN mood TEXT"])]
    connection = connect(str(path), 1)
    prepare(connection, "spend.db", steps)
    assert tuple(connection.execute("SELECT request_id, mood FROM requests").fetchone()) == ("poster", None)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == newest
    connection.close()


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    connection = connect(str(path), 1)
    with pytest.raises(sqlite3.OperationalError):
        prepare(connection, "spend.db", [*migrations("sqlite"), (99, ["CREATE TABLE fine (x)", "CREATE NONSENSE"])])
    connection.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    SqliteStore.open(path).close()


def test_migrations_are_numbered_from_one_without_gaps() -> None:
    numbers = [number for number, _ in migrations("sqlite")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_trigger_is_one_statement() -> None:
    script = "CREATE TABLE t (x);\nCREATE TRIGGER no BEFORE DELETE ON t BEGIN\n  SELECT 1;\nEND;\n"
    assert [statement.split()[1] for statement in split_statements(script)] == ["TABLE", "TRIGGER"]


def test_statements_are_found_by_their_names() -> None:
    assert named_statements("-- a file\n\n-- name: one\nSELECT 1;\n\n-- name: two\nSELECT\n2;\n") == {
        "one": "SELECT 1",
        "two": "SELECT\n2",
    }


def test_no_two_statements_have_one_name() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.sql"))
    assert len(SQL) == text.count("-- name: ")


def test_a_row_stays_small(store: SqliteStore, path: Path) -> None:
    labels = {"tags": {"campaign": "spring", "project": "launch", "kind": "poster"}, "fingerprint": "f" * 32}
    for number in range(500):
        buy(store, f"{number:032x}", 40_000_000, claim("month", 10**12), labels=labels, picture_key="p" * 32)
    store.close()
    assert path.stat().st_size / 1000 < 1000


def test_what_an_asset_got_is_found_by_indexes(store: SqliteStore) -> None:
    explained = f"EXPLAIN QUERY PLAN {SQL['latest_of_asset']}"
    with store._reader.reading() as cursor:
        cursor.execute(explained, {"asset": "poster", "most": 10})
        steps = [row["detail"] for row in cursor.fetchall()]
    assert len([step for step in steps if "requests_by_asset (asset=?)" in step]) == 2, steps
    assert [step for step in steps if step.startswith("SCAN") and step not in {"SCAN bought", "SCAN answered"}] == []
