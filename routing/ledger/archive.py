"""Moving old entries to a file, step by step: whoever is killed in between loses nothing and does nothing twice.

1. *claiming*: requests of which everything is over are marked. From then on nothing is written of them, and their ids
   stay refused.
2. *writing*: the file is written, read back, and compared line by line with the ledger.
3. *removing*: what the file holds is noted (its SHA-256, how many entries, what they spent by counter); only now their
   entries may go, whole requests at a time.
4. *done*.

Whoever does it again goes on where it stopped. Each write of the ledger is one short transaction.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from routing.ledger.archive_files import format_of, read_file, sha256_of, write_file
from routing.ledger.archived import archive_from, is_removed, keep_sums, spent_by_counter, sums_to_remove
from routing.ledger.base import Archive, ArchiveError, WrongFile
from routing.ledger.lines import Line, Lines, encoded
from routing.ledger.operations import fetch, fetch_all
from routing.ledger.queries import SQL, listed
from routing.ledger.rows import from_ms, to_json, to_ms
from routing.ledger.seals import archive_seal, newest_seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any, TypeAlias

    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row
    from routing.ledger.seals import Reading

    RunAny: TypeAlias = Callable[[Callable[[Cursor], Any]], Any]

REQUESTS_AT_ONCE = 500
BEFORE_ALL = (-(2**62), -1)
"""Before the time and the key of the first request."""
LINES_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """What it takes: a store's two halves, what to move where, the key of the seals (empty: none), and an onlooker."""

    reading: Reading
    run: RunAny
    until: datetime
    file: Path
    at: datetime
    dialect: Dialect
    key: bytes = b""
    watch: Callable[[str], object] = str


@dataclass(slots=True)
class Tally:
    """What lines come to; two that are equal were made of the same lines."""

    digest: str = ""
    entries: int = 0
    first_seq: int = 0
    last_seq: int = 0
    _hash: Any = field(default_factory=hashlib.sha256, compare=False, repr=False)

    def over(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Pass lines on and count them."""
        for line in lines:
            self._hash.update(encoded(line))
            self.entries += 1
            self.last_seq = int(line["seq"] or 0)
            self.first_seq = self.first_seq or self.last_seq
            yield line
        self.digest = self._hash.hexdigest()

    def of(self, lines: Iterable[Line]) -> Tally:
        """Count lines to their end."""
        for _ in self.over(lines):
            pass
        return self


def archive(work: Archiving) -> Archive | None:
    """Do it, or finish what was begun: see ``Safekeeping.archive``."""
    format_of(work.file)
    if not work.file.parent.is_dir():
        raise WrongFile(f"{work.file} cannot be made: the folder {work.file.parent} does not exist; create it first")
    row = _unfinished(work)
    if row is None:
        row = _begin(work)
        if row is None:
            return None
    if row["state"] == "claiming":
        work.watch("claiming")
        _claim(work, row)
        work.watch("writing")
    if row["state"] in {"claiming", "writing"}:
        tally = _write(work, row)
        work.watch("describing")
        _describe(work, row, tally)
    elif sha256_of(work.file) != row["sha256"]:
        raise ArchiveError(
            f"{work.file.name} is not the file that was written, or was changed: nothing more is removed"
        )
    work.watch("removing")
    _remove(work, row)
    work.watch("done")
    work.run(partial(_advance, id=row["id"], before="removing", state="done"))
    with work.reading() as cursor:
        return archive_from(fetch_all(cursor, "archive", {"id": row["id"]})[0])


# --- Beginning --------------------------------------------------------------------------------------------------------


def _unfinished(work: Archiving) -> Row | None:
    """Find an archive that was interrupted; refuse to do another one first."""
    with work.reading() as cursor:
        row = fetch(cursor, "unfinished_archive", {})
        _check_key(cursor, work.key)
    if row is None:
        if work.file.exists():
            raise WrongFile(f"{work.file} is there already: name another file with --to")
        return None
    if row["until"] != to_ms(work.until):
        day = f"{from_ms(row['until']):%Y-%m-%d}"
        raise ArchiveError(
            f"an archive was interrupted: `routing ledger archive --before {day}` finishes it, with the same --to"
        )
    if row["state"] == "removing":
        if row["file"] != work.file.name or not work.file.exists():
            raise ArchiveError(
                f"an archive was interrupted while it removed what stands in {row['file']}: name that file with --to"
            )
    elif row["file"] != work.file.name:
        work.run(partial(_rename, id=row["id"], file=work.file.name))
    return row


def _check_key(cursor: Cursor, key: bytes) -> None:
    if not key and newest_seal(cursor) is not None:
        raise ArchiveError("this ledger has seals: name the variable of their key as `seal_key_env` under `ledger`")


def _begin(work: Archiving) -> Row | None:
    """Note that an archive is under way; ``None`` where there is nothing to move."""
    with work.reading() as cursor:
        plan = _plan(cursor, work)
        if not _to_claim(cursor, plan, BEFORE_ALL, most=1):
            return None
        known = len(fetch_all(cursor, "archives", {}))
    work.watch("beginning")
    row: Row | None = work.run(partial(_insert, work=work, known=known))
    return row


def _plan(cursor: Cursor, work: Archiving) -> dict[str, Any]:
    """Name how far entries may be moved: what reports have sums of, and what stands under seals where there are any.

    The newest entry stays, so that numbers go on where they were.
    """
    bounds = fetch_all(cursor, "archive_bounds", {})[0]
    upto = min(bounds["last_seq"] - 1, bounds["rolled_seq"])
    if work.key:
        upto = min(upto, bounds["sealed_seq"])
    return {"until": to_ms(work.until), "upto_seq": upto}


def _insert(cursor: Cursor, work: Archiving, known: int) -> Row:
    if len(fetch_all(cursor, "archives", {})) != known:
        raise ArchiveError("someone else has begun an archive just now: look again in a while")
    _check_key(cursor, work.key)
    row = {
        "id": known + 1,
        "file": work.file.name,
        **_plan(cursor, work),
        "at": to_ms(work.at),
        "sealed": int(bool(work.key)),
    }
    cursor.execute(SQL["insert_archive"], row)
    return fetch_all(cursor, "archive", {"id": row["id"]})[0]  # type: ignore[no-any-return]  # a row is what a cursor gives


def _rename(cursor: Cursor, id: int, file: str) -> None:  # noqa: A002 - the column's name
    cursor.execute(SQL["rename_archive"], {"id": id, "file": file})


# --- Claiming ---------------------------------------------------------------------------------------------------------


def _claim(work: Archiving, row: Row) -> None:
    """Mark the requests to move, page by page; each is looked at again when nobody else writes."""
    place: tuple[int, int] | None = BEFORE_ALL
    while place is not None:
        with work.reading() as cursor:
            page = _to_claim(cursor, row, place, REQUESTS_AT_ONCE)
        if page:
            work.run(partial(_claim_page, row=row, ids=[each["id"] for each in page]))
        place = (page[-1]["at"], page[-1]["id"]) if len(page) == REQUESTS_AT_ONCE else None
    work.run(partial(_advance, id=row["id"], before="claiming", state="writing"))


def _to_claim(
    cursor: Cursor,
    row: Mapping[str, Any] | Row,
    place: tuple[int, int],
    most: int,
    ids: Sequence[int] | None = None,
) -> list[Any]:
    """List requests to move, after a place or (with ``ids``) of these."""
    sql, chosen = SQL["requests_to_claim"].format(chosen=""), dict[str, object]()
    if ids is not None:
        sql, chosen = listed(SQL["requests_to_claim"].format(chosen="AND q.id IN ({ids})"), "ids", ids)
    bounds = {"at": place[0], "id": place[1], "until": row["until"], "upto_seq": row["upto_seq"], "most": most}
    cursor.execute(sql, {**bounds, **chosen})
    return cursor.fetchall()


def _claim_page(cursor: Cursor, row: Row, ids: Sequence[int]) -> None:
    if fetch_all(cursor, "archive", {"id": row["id"]})[0]["state"] != "claiming":
        return  # someone else, who does the same, was quicker
    free = [each["id"] for each in _to_claim(cursor, row, BEFORE_ALL, len(ids), ids)]
    if free:
        sql, chosen = listed(SQL["claim_requests"], "ids", free)
        cursor.execute(sql, {"archive": row["id"], **chosen})


def _advance(cursor: Cursor, id: int, before: str, state: str) -> None:  # noqa: A002 - the column's name
    if fetch_all(cursor, "archive", {"id": id})[0]["state"] == before:
        cursor.execute(SQL["advance_archive"], {"id": id, "state": state})


# --- Writing ----------------------------------------------------------------------------------------------------------


def _write(work: Archiving, row: Row) -> Tally:
    """Write the file under another name, read it back, and give it its own.

    One of that name is there only if an earlier run came so far; then it must hold the same.
    """
    if work.file.exists():
        wanted = Tally().of(_lines(work, row))
        if Tally().of(read_file(work.file)) != wanted:
            raise WrongFile(f"{work.file} is there already, and is not what was begun: name another file with --to")
        return wanted
    suffix = "".join(work.file.suffixes[-2:])
    with tempfile.TemporaryDirectory(prefix=f".{work.file.name}.", dir=work.file.parent) as folder:
        part = Path(folder) / f"part{suffix}"
        tally = Tally()
        write_file(part, tally.over(_lines(work, row)))
        work.watch("checking")
        if Tally().of(read_file(part)) != tally:
            raise ArchiveError(f"{work.file} does not hold what was written to it: is the disk sound?")
        work.watch("naming")
        part.rename(work.file)
    _settle(work.file.parent)
    return tally


def _lines(work: Archiving, row: Row) -> Iterator[Line]:
    """Walk what was claimed, page by page."""
    lines, seq = Lines(), 0
    while True:
        with work.reading() as cursor:
            bounds = {"archive": row["id"], "seq": seq, "upto_seq": row["upto_seq"], "most": LINES_AT_ONCE}
            page = lines.of(cursor, fetch_all(cursor, "entries_to_archive", bounds))
        yield from page
        if len(page) < LINES_AT_ONCE:
            return
        seq = int(page[-1]["seq"] or 0)


def _settle(folder: Path) -> None:
    """See that a folder's names are on the disk, where the system can say so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _describe(work: Archiving, row: Row, tally: Tally) -> None:
    """Note what the file holds: from here on its entries may go."""
    with work.reading() as cursor:
        sums, spent = spent_by_counter(cursor, row["id"])
        requests = fetch_all(cursor, "claimed_requests", {"archive": row["id"]})[0]["requests"]
    told = {
        "file": work.file.name,
        "sha256": sha256_of(work.file),
        "requests": requests,
        "entries": tally.entries,
        "first_seq": tally.first_seq,
        "last_seq": tally.last_seq,
        "spent_nusd": spent,
        "sums": to_json({str(counter): sums[counter] for counter in sorted(sums)}),
    }
    work.run(partial(_write_down, id=row["id"], told=told, key=work.key))


def _write_down(cursor: Cursor, id: int, told: dict[str, object], key: bytes) -> None:  # noqa: A002 - the column's name
    row = dict(fetch_all(cursor, "archive", {"id": id})[0])
    if row["state"] != "writing":
        raise ArchiveError("someone else has finished this archive meanwhile")
    seal = archive_seal(key, {**row, **told}) if key else None
    cursor.execute(SQL["rename_archive"], {"id": id, "file": told["file"]})
    cursor.execute(SQL["describe_archive"], {"id": id, "seal": seal, **{k: v for k, v in told.items() if k != "file"}})
    cursor.execute(SQL["advance_archive"], {"id": id, "state": "removing"})


# --- Removing ---------------------------------------------------------------------------------------------------------


def _remove(work: Archiving, row: Row) -> None:
    """Remove entries, all of a request in one transaction."""
    last = -1
    while True:
        with work.reading() as cursor:
            page = fetch_all(cursor, "requests_to_empty", {"archive": row["id"], "id": last, "most": REQUESTS_AT_ONCE})
            if not page:
                return
            span = {"archive": row["id"], "first": page[0]["id"], "until": page[-1]["id"]}
            sums = sums_to_remove(cursor, span, work.dialect)
        last = page[-1]["id"]
        if sums is not None:
            work.run(partial(_remove_page, span=span, sums=sums, dialect=work.dialect))
            work.watch("removed some")


def _remove_page(cursor: Cursor, span: dict[str, int], sums: tuple[str, str], dialect: Dialect) -> None:
    """Remove the entries of some requests and keep their sums, unless someone else, who does the same, was quicker."""
    if is_removed(cursor, span):
        return
    for statement in ("remove_reserves", "remove_resolutions", "remove_later_entries"):
        cursor.execute(SQL[statement], span)
    keep_sums(cursor, sums, dialect)
