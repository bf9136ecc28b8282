"""The file of a SQLite ledger: opening it, knowing it for ours, bringing it up to date, and wording what fails."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from routing.errors import LedgerUnavailable
from routing.ledger.queries import migrations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

APPLICATION_ID = 0x52544C47
"""``RTLG`` in the file's header: what tells a ledger from any other SQLite database."""

_WAYS_OUT = {
    sqlite3.SQLITE_BUSY: "it is locked by another program: close that, or try again",
    sqlite3.SQLITE_LOCKED: "it is locked by another program: close that, or try again",
    sqlite3.SQLITE_READONLY: "it cannot be written: check the permissions of the file and of its folder",
    sqlite3.SQLITE_FULL: "the disk is full: make room, nothing was lost",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore it from a backup",
    sqlite3.SQLITE_NOTADB: "it is not a ledger: name another file under `ledger.url`",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its folder exists and may be written",
    sqlite3.SQLITE_IOERR: "the disk failed: check it and its mount",
}


def unavailable(name: str, error: Exception) -> LedgerUnavailable:
    """Word a failure of SQLite or of the file system: which ledger, what is wrong, the way out."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    way_out = f"{_WAYS_OUT[code]} ({error})" if code in _WAYS_OUT else str(error)
    return LedgerUnavailable(f"the ledger {name} cannot be used: {way_out}")


def connect(target: str, wait_s: float) -> sqlite3.Connection:
    """Open one connection whose transactions are begun and ended by hand, usable from any thread in turn."""
    connection = sqlite3.connect(
        target, timeout=wait_s, isolation_level=None, check_same_thread=False, uri=target.startswith("file:")
    )
    connection.row_factory = sqlite3.Row
    return connection


def check_place(path: Path) -> None:
    """Refuse a place where no ledger can be, before SQLite says so in fewer words."""
    if path.is_dir():
        raise LedgerUnavailable(f"the ledger {path} is a folder: name a file under `ledger.url`")
    if not path.parent.is_dir():
        raise LedgerUnavailable(
            f"the ledger {path} cannot be made: the folder {path.parent} does not exist; create it first"
        )


def prepare(connection: sqlite3.Connection, name: str, steps: Sequence[tuple[int, list[str]]] | None = None) -> None:
    """Make a fresh file a ledger, bring an older one up to date, refuse any other file untouched.

    Safe when several processes open the same fresh file: what is to be done is decided inside the transaction.
    """
    steps = migrations("sqlite") if steps is None else steps
    if _version(connection, name, steps) == 0:
        _check_mode(connection, name)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -16000")  # KiB: the upper pages of every index of a large ledger
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, name, steps)
        for number, statements in steps:
            if number > version:
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_mode(connection: sqlite3.Connection, name: str) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode not in {"wal", "memory"}:
        raise LedgerUnavailable(
            f"the ledger {name} cannot be used: its file system has no shared memory for a write-ahead log;"
            " put it on a local disk"
        )


def _version(connection: sqlite3.Connection, name: str, steps: Sequence[tuple[int, list[str]]]) -> int:
    """Read which version of a ledger this is: 0 is an empty file."""
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if (ours, version, tables) == (0, 0, 0):
        return 0
    if ours != APPLICATION_ID:
        raise LedgerUnavailable(
            f"{name} is a SQLite database but not a ledger of this router: name another file under `ledger.url`"
        )
    newest = steps[-1][0]
    if version > newest:
        raise LedgerUnavailable(
            f"the ledger {name} has version {version}, written by a newer router; this one reads up to {newest}:"
            " update it"
        )
    return int(version)
