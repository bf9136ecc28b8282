"""What the ledger still knows of entries that were moved to files."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from heapq import merge
from typing import TYPE_CHECKING

from routing.ledger import paid
from routing.ledger.archive_files import read_file, sha256_of
from routing.ledger.base import Archive, ArchiveError, WrongFile
from routing.ledger.operations import fetch_all
from routing.ledger.queries import SQL
from routing.ledger.rollup import ALWAYS_MS, months_between, worded
from routing.ledger.rows import from_ms, to_json, to_ms, whole_numbers
from routing.ledger.spend import pieces, rollups_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from routing.core.spend import SpendQuery
    from routing.ledger.dialect import Dialect
    from routing.ledger.lines import Line
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

WRITTEN = frozenset({"removing", "done"})
"""States of an archive whose file is written, and whose entries may be gone."""


def archive_from(row: Row) -> Archive:
    """Read an archive."""
    return Archive(
        id=row["id"],
        file=row["file"],
        until=from_ms(row["until"]),
        at=from_ms(row["at"]),
        finished=row["state"] == "done",
        sealed=bool(row["sealed"]),
        all_sums=bool(row["all_sums"]),
        requests=row["requests"] or 0,
        entries=row["entries"] or 0,
        first_seq=row["first_seq"] or 0,
        last_seq=row["last_seq"] or 0,
        spent_nusd=row["spent_nusd"] or 0,
        sha256=row["sha256"] or "",
    )


def archives(cursor: Cursor) -> tuple[Archive, ...]:
    """List all archives: see ``LedgerReader.archives``."""
    return tuple(archive_from(row) for row in fetch_all(cursor, "archives", {}))


def archives_behind(cursor: Cursor, query: SpendQuery) -> tuple[Archive, ...]:
    """List the archives that a question misses: see ``LedgerReader.archives_behind``."""
    since, until = (
        edge if asked is None else to_ms(asked)
        for asked, edge in zip((query.since, query.until), ALWAYS_MS, strict=True)
    )
    by = query.by if query.assets is None else (*query.by, "asset")
    cut = pieces(since, until, rollups_for(by))
    one_by_one = [piece.since for piece in cut if piece.rollup is None]
    told_apart = [piece.since for piece in cut] if {"asset"} < {*by} else []
    return tuple(
        each
        for each in archives(cursor)
        if any(piece < to_ms(each.until) for piece in (one_by_one if each.all_sums else one_by_one + told_apart))
    )


def find_archives(known: Sequence[Archive], files: Sequence[Path]) -> list[tuple[Archive, Path]]:
    """Find out which archive each file is, whatever its name is now.

    Raises:
        WrongFile: where one is none of this ledger, or cannot be read.
        ArchiveError: where one was changed.

    """
    by_content = {each.sha256: each for each in known if each.sha256}
    found = {}
    for path in files:
        archive = by_content.get(sha256_of(path))
        if archive is None:
            if any(each.file == path.name for each in known):
                raise ArchiveError(f"{path.name} was changed since it was written")
            raise WrongFile(f"{path.name} is no archive of this ledger, or it was changed since it was written")
        found[archive.id] = (archive, path)
    return list(found.values())


def lines_in_order(files: Sequence[Path]) -> Iterator[Line]:
    """Walk the lines of archives in the order of their numbers."""
    return merge(*map(read_file, files), key=lambda line: int(line["seq"] or 0))


def spent_by_counter(cursor: Cursor, archive: int) -> tuple[Counter[int], int]:
    """Sum what an archive's entries that are still here have spent: by counter, and over all."""
    spent: Counter[int] = Counter()
    total = 0
    for row in fetch_all(cursor, "claimed_charges", {"archive": archive}):
        total += int(row["spent"])
        for counter in whole_numbers(row["counters"]):
            spent[counter] += int(row["spent"])
    return spent, total


@dataclass(slots=True)
class Gone:
    """What the entries that are gone come to."""

    entries: int = 0
    first_seq: int | None = None
    last_seq: int = 0
    spent_nusd: int = 0
    spent: Counter[int] = field(default_factory=Counter)


def gone(cursor: Cursor) -> Gone:
    """Sum over all archives; of one whose entries are being removed, what is still here is left out."""
    found = Gone()
    for row in fetch_all(cursor, "archives", {}):
        if row["state"] not in WRITTEN:
            continue
        found.entries += row["entries"]
        found.spent_nusd += row["spent_nusd"]
        found.spent.update({int(counter): amount for counter, amount in json.loads(row["sums"]).items()})
        if row["entries"]:
            found.first_seq = min(row["first_seq"], found.first_seq or row["first_seq"])
            found.last_seq = max(row["last_seq"], found.last_seq)
        if row["state"] != "done":
            here, total = spent_by_counter(cursor, row["id"])
            found.spent.subtract(here)
            found.spent_nusd -= total
            found.entries -= fetch_all(cursor, "claimed_entries", {"archive": row["id"]})[0]["entries"]
    return found


# --- The sums that reports read ---------------------------------------------------------------------------------------

LAST = 2**62
"""After every entry there is."""


def is_removed(cursor: Cursor, span: Mapping[str, int]) -> bool:
    """Tell whether the entries of an archive's requests ``first`` to ``until`` are gone: they go all at once."""
    cursor.execute(f"{SQL['entries_to_remove']} LIMIT 1", span)
    return not cursor.fetchall()


def sums_to_remove(cursor: Cursor, span: Mapping[str, int], dialect: Dialect) -> tuple[str, str] | None:
    """Add up what reports read of the entries of some requests, as roll-ups do; ``None`` where they are gone.

    The second are those that savings are computed from.
    """
    if is_removed(cursor, span):
        return None
    seqs = SQL["entries_to_remove"]
    cursor.execute(SQL["extent_to_remove"].format(seqs=seqs), span)
    (extent,) = cursor.fetchall()
    charges = SQL["charges"].format(which=f"e.seq IN ({seqs})")
    months = to_json(months_between(extent["first_at"], extent["last_at"]))
    cursor.execute(worded("sums_of_entries", dialect, charges), {**span, "last": LAST, "months": months})
    (row,) = cursor.fetchall()
    return row["sums"] or "[]", paid.sums_to_remove(cursor, span, dialect)


def keep_sums(cursor: Cursor, sums: tuple[str, str], dialect: Dialect) -> None:
    """Add sums to those of what was archived before: the same statements as those of the roll-ups, for other tables."""
    statement = worded("add_sums", dialect, "").replace("spend_sums", "archived_sums")
    cursor.execute(statement, {"rows": sums[0]})
    paid.keep(cursor, sums[1], dialect)
