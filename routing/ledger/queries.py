"""The ledger's statements, read once from the ``.sql`` files beside this module."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).with_name("sql")

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


def named_statements(text: str) -> Mapping[str, str]:
    """Take a file of ``-- name: ...`` blocks apart."""
    return {name: sql.strip().removesuffix(";") for name, sql in _NAMED.findall(text)}


SQL = {
    name: sql
    for path in sorted(FOLDER.glob("*.sql"))
    for name, sql in named_statements(path.read_text(encoding="utf-8")).items()
}
"""Every statement that the stores share, whichever file it stands in."""


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


def listed(sql: str, name: str, values: Sequence[object]) -> tuple[str, dict[str, object]]:
    """Write as many parameters as there are values where a statement says ``{name}``, and the values by parameter."""
    parameters = {f"{name}_{place}": value for place, value in enumerate(values)}
    return sql.format(**{name: ", ".join(f":{each}" for each in parameters)}), parameters
