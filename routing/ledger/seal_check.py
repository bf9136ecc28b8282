"""Checking seals: each against the rows it covers, and against the seal before it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from routing.ledger.archived import WRITTEN
from routing.ledger.base import Seal, SealCheck
from routing.ledger.lines import Lines
from routing.ledger.operations import fetch_all
from routing.ledger.seals import ENTRIES, ArchivedLines, archive_seal, read_lines, seal_digest, seal_from

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.ledger.lines import Line
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row
    from routing.ledger.seals import Reading

SEALS_A_PAGE = 20
NUMBERS_AT_MOST = 5
SHORT_DIGEST = 16


def check_seals(
    reading: Reading, key: bytes, *, expect: str = "", archived: Iterable[Line] = (), read: frozenset[int] = frozenset()
) -> SealCheck:
    """Check every seal, page by page.

    ``expect`` begins the digest of a seal that must be there. ``archived`` are the lines of the archives in ``read``
    (by their id), in the order of their numbers.
    """
    check = _Check(key, expect, archived, read)
    while True:
        with reading() as cursor:
            if not check.go_on(cursor):
                return check.told()


class _Check:
    """What was seen so far."""

    def __init__(self, key: bytes, expect: str, archived: Iterable[Line], read: frozenset[int]) -> None:
        self._key = key
        self._expect = expect
        self._expected = False
        self._lines = Lines()
        self._archived = ArchivedLines(archived)
        self._read = read
        self._archives: list[Row] = []
        self._vouched: list[Row] = []
        self._newest: Seal | None = None
        self._newest_is_sound = True
        self._seals = 0
        self._rows = {"entries": 0, "raises": 0}
        self._fitting = 0
        self._unlike = 0
        self._unchecked = 0
        self._unread: dict[str, None] = {}
        self._differences: list[str] = []

    def go_on(self, cursor: Cursor) -> bool:
        """Check the next page, in the state of the ledger that ``cursor`` sees; tell whether there was one."""
        after = self._newest.id if self._newest else 0
        self._archives = [row for row in fetch_all(cursor, "archives", {}) if row["state"] in WRITTEN]
        # An archive that does not carry a seal of this key excuses nothing.
        self._vouched = [
            row for row in self._archives if hmac.compare_digest(row["seal"] or "", archive_seal(self._key, row))
        ]
        page = fetch_all(cursor, "seals_after", {"id": after, "most": SEALS_A_PAGE})
        for row in page:
            self._check(cursor, seal_from(row))
        return bool(page)

    def _check(self, cursor: Cursor, seal: Seal) -> None:
        rows = read_lines(cursor, self._lines, seal.covers, seal.first_seq, seal.last_seq)
        if seal.covers == ENTRIES:
            rows += self._archived.take(seal.first_seq, seal.last_seq)
            rows.sort(key=lambda line: int(line["seq"] or 0))
        fits = hmac.compare_digest(seal_digest(self._key, seal, rows), seal.digest)
        elsewhere = [row["file"] for row in self._vouched if self._may_hold(row, seal)]
        self._check_place(seal)
        self._newest = seal
        self._seals += 1
        self._rows[seal.covers] += seal.rows_sealed
        self._fitting += fits
        sound = fits
        if not fits and len(rows) < seal.rows_sealed and elsewhere:
            self._unchecked += seal.rows_sealed
            self._unread |= dict.fromkeys(elsewhere)
            sound = True
        elif not fits:
            self._unlike += len(rows) == seal.rows_sealed
            self._differences.append(f"{_range(seal)}: {_told_of(seal, rows)}")
        self._expected |= sound and seal.digest.startswith(self._expect)
        self._newest_is_sound = sound

    def _may_hold(self, archive: Row, seal: Seal) -> bool:
        """Tell whether rows of a seal may stand in an archive that nobody reads now."""
        near = archive["first_seq"] <= seal.last_seq and archive["last_seq"] >= seal.first_seq
        return bool(seal.covers == ENTRIES and archive["sealed"] and near and archive["id"] not in self._read)

    def _check_place(self, seal: Seal) -> None:
        """Tell whether the seal before this one is there."""
        number = self._newest.id + 1 if self._newest else 1
        if seal.id > number:
            one = seal.id == number + 1
            gone = f"seal {number} is" if one else f"seals {number} to {seal.id - 1} are"
            self._differences.append(f"{gone} missing: what stood under {'it' if one else 'them'} cannot be checked")
        elif self._newest and self._newest_is_sound and self._newest.digest != seal.previous:
            self._differences.append(f"seal {seal.id} does not follow the seal before it: one of the two is of a copy")

    def told(self) -> SealCheck:
        """Word what was found; a key that fits nothing is told once, and not as so many edits."""
        differences = list(self._differences)
        signed = [row for row in self._archives if row["seal"]]
        if not self._fitting and not self._vouched and self._unlike + len(signed) > 1:
            differences = [f"none of {self._seals:,} seals fits this key: is it the key they were made with?"]
        elif self._seals:
            if self._unlike == self._seals == 1:
                differences = [f"{told}, or is this not the key it was sealed with?" for told in differences]
            differences += [
                f"{row['file']} is not sealed with this key: was it written by `routing ledger archive`?"
                for row in self._archives
                if row not in self._vouched
            ]
        if self._expect and not self._expected:
            short = self._expect[:SHORT_DIGEST]
            differences.append(f"no sound seal begins with {short}: the ledger was cut, or sealed anew")
        return SealCheck(
            seals=self._seals,
            entries=self._rows["entries"],
            raises=self._rows["raises"],
            newest=self._newest,
            differences=tuple(differences),
            unchecked=self._unchecked,
            unread=tuple(self._unread),
        )


def _range(seal: Seal) -> str:
    return f"{seal.covers} {seal.first_seq:,} to {seal.last_seq:,}, sealed on {seal.at:%Y-%m-%d %H:%M}"


def _told_of(seal: Seal, rows: list[Line]) -> str:
    """Say how the rows of a seal differ from what was sealed."""
    missing = seal.rows_sealed - len(rows)
    if not missing:
        return f"one of them{' or of their requests' if seal.covers == ENTRIES else ''} was edited"
    if missing < 0:
        return f"there are {len(rows):,} of them, {seal.rows_sealed:,} were sealed"
    number = "seq" if seal.covers == ENTRIES else "id"
    there = {line[number] for line in rows}
    gone = [each for each in range(seal.first_seq, seal.last_seq + 1) if each not in there]
    if len(gone) > missing:  # some were archived before there were seals
        return f"{missing:,} of them missing"
    numbers = ", ".join(f"{each:,}" for each in gone[:NUMBERS_AT_MOST])
    more = ", ..." if missing > NUMBERS_AT_MOST else ""
    return f"{missing:,} of them missing ({numbers}{more})"
