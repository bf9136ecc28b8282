"""Connections to a PostgreSQL ledger: making them, telling their cursors our SQL, and wording what fails."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.types.string import TextLoader

from routing.errors import LedgerUnavailable
from routing.ledger.queries import FOLDER, named_statements

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

T = TypeVar("T")

BATCH = named_statements((FOLDER / "postgres" / "batch.sql").read_text(encoding="utf-8"))

CONNECT_S = 5
LOCK_S = 10
"""How long a batch waits for its turn: longer than ``IDLE_S``, when the server ends a batch whose writer hangs."""
IDLE_S = 5
WRITE_S = 20
READ_S = 600
"""How long one statement may take: a fold over every entry is one."""

_DEFAULTS: Mapping[str, object] = {
    "application_name": "routing",
    "connect_timeout": CONNECT_S,
    # A server that vanished without a word is noticed after some ten seconds, not after two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

_WAYS_OUT = {
    "25006": "this server only reads: name the primary, or add `target_session_attrs=read-write` and every host",
    "42501": "its role may not do this: grant it, or let the database's owner open the ledger once",
    "53100": "the server's disk is full: make room, nothing was lost",
    "53300": "the server has no connection left: raise max_connections, or run fewer processes",
    "55P03": "another program holds its lock: close that, or try again",
    "57014": "the server took too long: try again when it is less busy",
    "password authentication failed": "check the user and the password in the variable that `ledger.url_env` names",
    "no password supplied": "the url has no password: put the whole url into the variable that `ledger.url_env` names",
    "Connection refused": "is the server running, and is it this host and port?",
    "could not translate host name": "check the host's name",
    "timeout expired": "the server does not answer: check host, port and firewall",
}
"""SQLSTATE, or words of a connection that was never made -> what to do."""


class Connection(psycopg.Connection[DictRow]):
    """A connection that hangs up on a server that is there and says nothing: its own timeouts are of no help then."""

    answer_s: float = LOCK_S + WRITE_S

    def wait(self, gen: Generator[Any, Any, T], *arguments: Any, **named: Any) -> T:
        """Wait as psycopg does, with a bound."""
        return super().wait(self._bounded(gen), *arguments, **named)

    def _bounded(self, gen: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
        until = time.monotonic() + self.answer_s
        try:
            waiting_for = next(gen)
            while True:
                ready = yield waiting_for
                if not ready and time.monotonic() > until:
                    self.close()
                    raise psycopg.OperationalError(f"the server has not answered for {self.answer_s:g} s")
                waiting_for = gen.send(ready)
        except StopIteration as end:
            answer: T = end.value
            return answer


class _WholeNumber(Loader):
    """A sum of BIGINT comes as NUMERIC; money is whole."""

    def load(self, data: bytes | bytearray | memoryview) -> int:
        return int(bytes(data))


class Place:
    """Where the ledger is: a database, and a schema in it. Its name for messages holds no password."""

    def __init__(self, url: str, schema: str) -> None:
        """Read the URL; ``LedgerUnavailable`` where it is none, without repeating it."""
        try:
            given = conninfo_to_dict(url)
        except psycopg.Error:
            told = (
                "the ledger's url cannot be read: write postgresql://user:password@host:5432/database, with %40 for @"
            )
            raise LedgerUnavailable(f"{told} and the like in a password") from None
        self.schema = schema
        self.name = _name(given)
        self._password = str(given.get("password") or "")
        self._parameters: dict[str, Any] = {**_DEFAULTS, **given}

    def connect(self) -> Connection:
        """Open a connection whose transactions are begun and ended by hand; ``psycopg.Error`` where that fails."""
        connection = Connection.connect(**self._parameters, autocommit=True, row_factory=dict_row)
        connection.adapters.register_loader("jsonb", TextLoader)  # rows are read alike from every store
        connection.adapters.register_loader("numeric", _WholeNumber)
        return connection

    def settings(self, *, statement_s: int) -> dict[str, Any]:
        """Parameters of ``settings``: where names stand, and how long each thing may take."""
        return {
            "schema": self.schema,
            "lock_ms": str(LOCK_S * 1000),
            "statement_ms": str(statement_s * 1000),
            "idle_ms": str(IDLE_S * 1000),
        }

    def unavailable(self, error: Exception) -> LedgerUnavailable:
        """Word a failure: which ledger, what is wrong, the way out."""
        text = " ".join(str(error).split())
        if self._password:
            text = text.replace(self._password, "***")
        code = getattr(error, "sqlstate", None)
        way_out = next((told for sign, told in _WAYS_OUT.items() if sign == code or sign in text), "")
        if way_out:
            text = f"{way_out} ({text})"
        return LedgerUnavailable(f"the ledger {self.name} cannot be used: {text}")


class SharedCursor:
    """Runs the statements that all stores share: their ``:name`` parameters become psycopg's."""

    def __init__(self, connection: Connection) -> None:
        """Run on ``connection``, in whatever transaction it is."""
        self._cursor = connection.cursor()

    def execute(self, sql: str, parameters: Mapping[str, object], /) -> None:
        """Run one statement."""
        self._cursor.execute(translated(sql), parameters)

    def fetchall(self) -> list[DictRow]:
        """Take the rows of the last statement."""
        return self._cursor.fetchall()


@cache
def translated(sql: str) -> bytes:
    """Write ``%(name)s`` for ``:name``; bytes, since psycopg takes only what is surely no user's text for SQL."""
    return re.sub(r"(?<!:):([a-z]\w*)", r"%(\1)s", sql.replace("%", "%%")).encode()


def _name(given: Mapping[str, object]) -> str:
    user = f"{given['user']}@" if given.get("user") else ""
    host = given.get("host") or given.get("hostaddr") or "localhost"
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{user}{host}{port}/{given.get('dbname') or ''}"
