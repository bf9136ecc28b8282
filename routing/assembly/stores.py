"""Ledgers, by the scheme of their URL; each is imported where it is opened, so that the others need not be there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from routing.core.extras import how_to_install
from routing.errors import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.ledger.base import Store


def open_store(url: str, root: Path) -> Store:
    """Open the ledger a URL names; a relative path is relative to the folder of ``router.yaml``.

    Raises:
        LedgerUnavailable: for an unknown scheme, or where the store cannot be opened.

    """
    scheme = urlsplit(url).scheme
    opener = _STORES.get(scheme)
    if opener is None:
        raise LedgerUnavailable(f"the ledger's url has an unknown scheme, {scheme!r}; known are {', '.join(_STORES)}")
    return opener(url, root)


def find_store(url: str, root: Path) -> Store | None:
    """Open the ledger a URL names where it is there already; to look at what was never written makes no file.

    Raises:
        LedgerUnavailable: as ``open_store``.

    """
    if urlsplit(url).scheme == "sqlite" and not (root / _file_path(url)).exists():
        return None
    return open_store(url, root)


def place_of(url: str, root: Path) -> str | None:
    """Name the ledger a URL means, the same for every router of a process; ``None`` where each router has its own."""
    scheme = urlsplit(url).scheme
    if scheme == "memory":
        return None
    return str((root / _file_path(url)).resolve()) if scheme == "sqlite" else url


def _open_sqlite(url: str, root: Path) -> Store:
    from routing.ledger.sqlite import SqliteStore

    return SqliteStore.open(root / _file_path(url))


def _open_memory(_url: str, _root: Path) -> Store:
    from routing.ledger.memory import open_memory

    return open_memory()


def _open_postgres(url: str, _root: Path) -> Store:
    try:
        from routing.ledger.postgres import PostgresStore
    except ImportError as error:
        told = f"a ledger in PostgreSQL needs psycopg: {how_to_install('postgres')} ({error})"
        raise LedgerUnavailable(told) from error
    return PostgresStore.open(url)


_STORES: dict[str, Callable[[str, Path], Store]] = {
    "sqlite": _open_sqlite,
    "memory": _open_memory,
    "postgresql": _open_postgres,
    "postgres": _open_postgres,
}
"""URL scheme -> how its ledger is opened."""


def _file_path(url: str) -> Path:
    """Read ``scheme:///relative`` and ``scheme:////absolute``, as is usual for SQLite URLs."""
    return Path(unquote(urlsplit(url).path).removeprefix("/"))
