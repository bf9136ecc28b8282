"""The ledger's statements, read once from the ``.sql`` files beside this module."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from routing.core.spend import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).with_name("sql")

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")

_OF_ENTRY = frozenset({"deployment", "model", "size", "quality"})
TAG_IN_SQLITE = "(SELECT value FROM json_each(q.tags) WHERE key = :{parameter})"
TAG_IN_POSTGRES = "q.tags ->> CAST(:{parameter} AS TEXT)"


def named_statements(text: str) -> Mapping[str, str]:
    """Take a file of ``-- name: ...`` blocks apart."""
    return {name: sql.strip().removesuffix(";") for name, sql in _NAMED.findall(text)}


SQL = named_statements((FOLDER / "queries.sql").read_text(encoding="utf-8"))


def scripts(dialect: str) -> list[tuple[int, str]]:
    """List a dialect's numbered migrations in order."""
    files = sorted(path for path in (FOLDER / dialect).iterdir() if _MIGRATION.fullmatch(path.name))
    return [(int(path.name[:4]), path.read_text(encoding="utf-8")) for path in files]


def migrations(dialect: str) -> list[tuple[int, list[str]]]:
    """List a dialect's numbered migrations, each as its statements: SQLite takes one at a time."""
    return [(number, split_statements(script)) for number, script in scripts(dialect)]


def split_statements(script: str) -> list[str]:
    """Cut a script at the semicolons that end a statement, not at those inside a trigger."""
    statements, lines = [], []
    for line in script.splitlines():
        lines.append(line)
        if line.rstrip().endswith(";") and sqlite3.complete_statement("\n".join(lines)):
            statements.append("\n".join(lines))
            lines = []
    return statements


def spend_statement(by: Sequence[str], tag: str) -> tuple[str, dict[str, str]]:
    """Write the statement that groups spend ``by`` dimensions or tag keys, and the parameters that carry the tag keys.

    Keys of tags are data and never become part of the statement. ``tag`` is how a dialect reads one.
    """
    columns, parameters = [], {}
    for place, name in enumerate(by):
        if name in DIMENSIONS:
            value = f"{'e' if name in _OF_ENTRY else 'q'}.{name}"
        else:
            parameters[f"tag_{place}"] = name
            value = tag.format(parameter=f"tag_{place}")
        columns.append(f"COALESCE({value}, '') AS key_{place}")
    keys = [f"key_{place}" for place in range(len(by))]
    sql = SQL["spend"].format(
        columns="".join(f"{column}, " for column in columns),
        keys="".join(f"{key}, " for key in keys),
        group_by=f"GROUP BY {', '.join(keys)}" if keys else "",
    )
    return sql, parameters
