"""The schema of a PostgreSQL ledger: knowing it for ours, and bringing it up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from routing.errors import LedgerUnavailable
from routing.ledger.postgres_connection import BATCH, READ_S, Connection, translated
from routing.ledger.queries import scripts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.ledger.postgres_connection import Place

APPLICATION = "image-routing"
OLDEST_SERVER = 130000

_TABLES = """
SELECT c.relname AS name FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
WHERE s.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm')
"""


def prepare(connection: Connection, place: Place, steps: Sequence[tuple[int, str]] | None = None) -> None:
    """Make a fresh schema a ledger, bring an older one up to date, refuse any other untouched.

    Safe when many processes open the same fresh database: what is to be done is decided while all others wait. A ledger
    that is up to date is only looked at, so that a role that may only read can open it.
    """
    if connection.info.server_version < OLDEST_SERVER:
        told = f"its server is PostgreSQL {connection.info.server_version // 10000}; it takes 13 or later"
        raise LedgerUnavailable(f"the ledger {place.name} cannot be used: {told}")
    steps = scripts("postgres") if steps is None else steps
    with connection.transaction():
        if _version(connection, place, steps) == steps[-1][0]:
            return
    connection.answer_s = READ_S + Connection.answer_s  # a large ledger is brought up to date in minutes
    with connection.transaction():
        connection.execute(translated(BATCH["settings"]), place.settings(statement_s=READ_S))
        connection.execute(translated(BATCH["turn"]), {"schema": place.schema})
        version = _version(connection, place, steps)
        if version == 0:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(place.schema)))
        for number, script in steps:
            if number > version:
                connection.execute(script.encode())
        connection.execute(
            "INSERT INTO ledger VALUES (%s, %s) ON CONFLICT (application) DO UPDATE SET version = excluded.version",
            (APPLICATION, steps[-1][0]),
        )
    del connection.answer_s


def _version(connection: Connection, place: Place, steps: Sequence[tuple[int, str]]) -> int:
    """Read which version of a ledger this is: 0 is a schema with nothing in it, or none."""
    tables = {row["name"] for row in connection.execute(_TABLES, (place.schema,)).fetchall()}
    if not tables:
        return 0
    row = None
    if {"ledger", "entries", "counters"} <= tables:
        look = sql.SQL("SELECT * FROM {} WHERE application = %s").format(sql.Identifier(place.schema, "ledger"))
        row = connection.execute(look, (APPLICATION,)).fetchone()
    if row is None:
        raise LedgerUnavailable(
            f"{place.name} has a schema {place.schema!r} that is not a ledger of this router: name another database"
        )
    version, newest = int(row["version"]), steps[-1][0]
    if version > newest:
        raise LedgerUnavailable(
            f"the ledger {place.name} has version {version}, written by a newer router; this one reads up to {newest}:"
            " update it"
        )
    return version
