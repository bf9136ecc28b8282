"""Seals: with a key that the database does not have, an edited or deleted row is found.

Each seal is an HMAC-SHA256 over its own columns, the digest of the seal before it, and a line for each row it covers.
Entries and raises of budgets have seals of their own, in one chain. Who edits rows cannot make the seals fit again
without the key; who deletes the newest seals with their rows is found by whoever noted one of them elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from routing.ledger.base import Seal
from routing.ledger.lines import Line, Lines, encoded, raise_lines
from routing.ledger.operations import fetch, fetch_all
from routing.ledger.queries import SQL
from routing.ledger.rows import from_ms, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

    Reading: TypeAlias = Callable[[], AbstractContextManager[Cursor]]
    Run: TypeAlias = Callable[[Callable[[Cursor], bool]], bool]

ROWS_AT_MOST = 1000
"""How many rows one seal covers at most: so near an edit is found."""

VERSION = 1
"""Of what a seal is made of; a line with more columns would be another."""

ENTRIES, RAISES = "entries", "raises"

_OF_ARCHIVE = (
    "id",
    "file",
    "until",
    "upto_seq",
    "sealed",
    "sha256",
    "requests",
    "entries",
    "first_seq",
    "last_seq",
    "spent_nusd",
    "sums",
)


def seal_from(row: Row) -> Seal:
    """Read a seal."""
    return Seal(
        id=row["id"],
        covers=row["covers"],
        first_seq=row["first_seq"],
        last_seq=row["last_seq"],
        rows_sealed=row["rows_sealed"],
        at=from_ms(row["at"]),
        previous=row["previous"],
        digest=row["digest"],
    )


def seal_parameters(seal: Seal) -> dict[str, object]:
    """Name the columns of a seal."""
    return {
        "id": seal.id,
        "covers": seal.covers,
        "first_seq": seal.first_seq,
        "last_seq": seal.last_seq,
        "rows_sealed": seal.rows_sealed,
        "at": to_ms(seal.at),
        "previous": seal.previous,
        "digest": seal.digest,
    }


def seal_digest(key: bytes, seal: Seal, lines: Iterable[Line]) -> str:
    """Compute the digest of a seal: over its columns, the digest of the seal before it among them, and its rows."""
    columns = {**seal_parameters(seal), "digest": VERSION}
    mac = hmac.new(key, f"seal {json.dumps(list(columns.values()))}\n".encode(), hashlib.sha256)
    for line in lines:
        mac.update(encoded(line))
    return mac.hexdigest()


def archive_seal(key: bytes, archive: Row) -> str:
    """Compute the seal of an archive's row: without it, who deletes entries could say that they were archived."""
    columns = json.dumps([VERSION, *(archive[name] for name in _OF_ARCHIVE)])
    return hmac.new(key, f"archive {columns}\n".encode(), hashlib.sha256).hexdigest()


def newest_seal(cursor: Cursor) -> Seal | None:
    """Read the last seal."""
    row = fetch(cursor, "newest_seal", {})
    return seal_from(row) if row else None


def seal_what_is_new(reading: Reading, run: Run, key: bytes, at: datetime) -> tuple[int, Seal | None]:
    """Seal the rows that were there when this began, page by page; return how many, and the newest seal.

    Lines are made while nobody waits: rows do not change. Who comes too late to write a seal looks again.
    """
    lines, sealed = Lines(), 0
    with reading() as cursor:
        bounds = fetch_all(cursor, "to_seal", {})[0]
    while True:
        with reading() as cursor:
            unfinished = fetch(cursor, "unfinished_archive", {})
            seal = None if unfinished else _next_seal(cursor, lines, key, at, bounds)
            if seal is None:
                return sealed, newest_seal(cursor)
        if run(partial(_write, seal=seal, key=key)):
            sealed += seal.rows_sealed


def _next_seal(cursor: Cursor, lines: Lines, key: bytes, at: datetime, bounds: Row) -> Seal | None:
    done = fetch_all(cursor, "to_seal", {})[0]
    newest = newest_seal(cursor)
    for covers in (ENTRIES, RAISES):
        first, last = done[f"{covers}_sealed"] + 1, bounds[f"{covers}_last"]
        found = read_lines(cursor, lines, covers, first, last)
        if found:
            number = "seq" if covers == ENTRIES else "id"
            seal = Seal(
                id=newest.id + 1 if newest else 1,
                covers=covers,
                first_seq=int(found[0][number] or 0),
                last_seq=int(found[-1][number] or 0),
                rows_sealed=len(found),
                at=at,
                previous=newest.digest if newest else "",
            )
            return replace(seal, digest=seal_digest(key, seal, found))
    return None


def read_lines(cursor: Cursor, lines: Lines, covers: str, first: int, last: int) -> list[Line]:
    """Read a seal's worth of lines, from one number to another."""
    if covers == RAISES:
        return raise_lines(cursor, first, last, ROWS_AT_MOST)
    return lines.between(cursor, first, last, ROWS_AT_MOST)


def _write(cursor: Cursor, seal: Seal, key: bytes) -> bool:
    """Write a seal, unless someone else was quicker or moves entries to a file right now."""
    newest = newest_seal(cursor)
    if (newest.digest if newest else "") != seal.previous or fetch(cursor, "unfinished_archive", {}):
        return False
    if newest is None:  # what was archived before there were seals is vouched for from here on
        for row in fetch_all(cursor, "archives", {}):
            cursor.execute(SQL["seal_archive"], {"id": row["id"], "seal": archive_seal(key, row)})
    cursor.execute(SQL["insert_seal"], seal_parameters(seal))
    return True


class ArchivedLines:
    """The lines of archives in the order of their numbers, taken range by range."""

    def __init__(self, lines: Iterable[Line]) -> None:
        """``lines`` are read once, as far as they are needed."""
        self._lines = iter(lines)
        self._next: deque[Line] = deque()

    def take(self, first: int, last: int) -> list[Line]:
        """Take the lines numbered ``first`` to ``last``; later ranges must follow."""
        taken = []
        while (line := self._peek()) is not None and int(line["seq"] or 0) <= last:
            self._next.popleft()
            if int(line["seq"] or 0) >= first:
                taken.append(line)
        return taken

    def _peek(self) -> Line | None:
        if not self._next:
            self._next.extend(line for line in (next(self._lines, None),) if line is not None)
        return self._next[0] if self._next else None
