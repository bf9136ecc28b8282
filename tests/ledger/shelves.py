"""Where ledgers stand in tests: each way to open one, to open it again, and to break what is in it."""

from __future__ import annotations

import sqlite3
import uuid
from typing import TYPE_CHECKING, Protocol

import pytest

from routing.errors import LedgerUnavailable
from routing.ledger.memory import open_memory
from routing.ledger.sqlite import SqliteStore
from tests.postgres_server import shared_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from routing.ledger.base import Store
    from routing.ledger.postgres import PostgresStore

_TRIGGERS = {
    "entries_are_never_edited": "entries",
    "entries_are_never_deleted": "entries",
    "an_answer_from_the_cache_is_written_once": "entries",
    "requests_are_never_edited": "requests",
    "requests_are_never_deleted": "requests",
    "counters_are_never_deleted": "counters",
    "counters_keep_their_name": "counters",
    "raises_are_never_edited": "raises",
    "raises_are_never_deleted": "raises",
    "seals_are_never_edited": "seals",
    "seals_are_never_deleted": "seals",
    "archives_stay_as_they_were_written": "archives",
    "archives_are_sealed_once": "archives",
}


class Shelf(Protocol):
    """One way to keep a ledger."""

    durable: bool
    address: str
    """What ``tests.ledger.worker`` opens; empty where no other process can."""

    def open(self) -> Store:
        """Open it, for the first time or again."""

    def attempt(self, statement: str) -> None:
        """Change rows as any program with the right to could; ``LedgerUnavailable`` with what the database says."""

    def tamper(self, *statements: str) -> None:
        """Change rows behind the ledger's back, its triggers removed."""

    def close(self) -> None:
        """Close whatever is open."""


class FileShelf:
    durable = True

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spend.db"
        self.address = str(self.path)
        self._opened: list[SqliteStore] = []

    def open(self) -> Store:
        store = SqliteStore.open(self.path, wait_s=20)
        self._opened.append(store)
        return store

    def attempt(self, statement: str) -> None:
        self._opened[0]._writer.run(lambda cursor: cursor.execute(statement))

    def tamper(self, *statements: str) -> None:
        connection = sqlite3.connect(self.path)
        for statement in (*_drop_triggers(), *statements):
            connection.execute(statement)
        connection.commit()
        connection.close()

    def close(self) -> None:
        for store in self._opened:
            store.close()


class MemoryShelf:
    durable = False
    address = ""

    def __init__(self, _folder: Path) -> None:
        self._store = open_memory()

    def open(self) -> Store:
        return self._store

    def attempt(self, statement: str) -> None:
        self._store._writer.run(lambda cursor: cursor.execute(statement))

    def tamper(self, *statements: str) -> None:
        for statement in (*_drop_triggers(), *statements):
            self._store._writer._connection.execute(statement)

    def close(self) -> None:
        self._store.close()


class PostgresShelf:
    """A schema of its own on the server that all tests share."""

    durable = True

    def __init__(self, _folder: Path | None = None) -> None:
        pytest.importorskip("psycopg", reason="psycopg is not installed")
        self.url = shared_server().url
        self.schema = f"test_{uuid.uuid4().hex}"
        self.address = f"{self.url}#{self.schema}"
        self._opened: list[PostgresStore] = []

    def open(self) -> PostgresStore:
        from routing.ledger.postgres import PostgresStore  # noqa: PLC0415 - where psycopg is missing, others are tested

        store = PostgresStore.open(self.url, schema=self.schema)
        self._opened.append(store)
        return store

    def attempt(self, statement: str) -> None:
        import psycopg  # noqa: PLC0415 - as above

        try:
            self.tamper(statement, unlocked=False)
        except psycopg.Error as error:
            raise LedgerUnavailable(str(error)) from error

    def tamper(self, *statements: str, unlocked: bool = True) -> None:
        import psycopg  # noqa: PLC0415 - as above

        with psycopg.connect(self.url, options=f"-c search_path={self.schema}") as connection:
            for statement in (*(_drop_triggers(on_table=True) if unlocked else ()), *statements):
                connection.execute(statement.encode())

    def close(self) -> None:
        for store in self._opened:
            store.close()
        self.tamper(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE", unlocked=False)


def _drop_triggers(*, on_table: bool = False) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {trigger}{f' ON {table}' if on_table else ''}" for trigger, table in _TRIGGERS.items()
    ]


SHELVES: dict[str, Callable[[Path], Shelf]] = {
    "sqlite file": FileShelf,
    "memory": MemoryShelf,
    "postgresql": PostgresShelf,
}
"""Every store passes the same suite: a new one is a row here."""


def fold(ledger: Store) -> None:
    while ledger.roll_up():
        pass
