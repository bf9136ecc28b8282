"""Folding entries into the sums that reports read: after they were written, exactly once, and beside those who write.

Entries never change, so what a range of them adds up to is worked out on a reader's connection, while others write. The
transaction that writes it down only adds it to the sums and moves the mark, and does neither where somebody else has
moved the mark meanwhile. Where groups or labels are new, they are given their numbers in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING

from routing.core.window import Window, WindowKind
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.rows import from_ms, to_json, to_ms

if TYPE_CHECKING:
    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor

ENTRIES_A_STEP = 20_000
"""Few enough that whoever writes meanwhile waits some milliseconds."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ALWAYS_MS = (-(2**62), 2**62)
"""Before and after every time there is."""
MONTH = Window(kind=WindowKind.CALENDAR_MONTH)
COLUMNS = (
    "rollup", "start", "spend_group", "label", "asset", "spent_nusd", "saved_nusd", "unconfirmed_nusd", "images",
    "requests", "cached",
)  # fmt: skip
"""Those of ``spend_sums``, in order."""


class Rollup(IntEnum):
    """What is summed: by which span of UTC, and by which labels."""

    HOURS = 1
    MONTHS = 2
    DAYS_BY_TAG = 3
    MONTHS_BY_TAG = 4
    MONTHS_BY_LABELS = 5
    MONTHS_BY_ASSET = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A range of entries, ``after < seq <= last``, to be folded."""

    after: int
    last: int

    @property
    def parameters(self) -> dict[str, object]:
        """Name the range for the statements."""
        return {"rolled": self.after, "last": self.last}


def next_step(cursor: Cursor, at_least: int) -> Step | None:
    """Tell what is to be folded next; ``None`` where fewer than ``at_least`` entries wait."""
    after, last = mark(cursor)
    return Step(after=after, last=min(last, after + ENTRIES_A_STEP)) if last - after >= max(1, at_least) else None


def mark(cursor: Cursor) -> tuple[int, int]:
    """Read up to which entry all are folded, and which entry is the last."""
    found = fetch(cursor, "rolled", {})
    if found is None:
        raise LookupError("the ledger has lost its mark of what is folded: run `routing ledger verify`")
    return found["rolled_seq"], found["last_seq"]


def nameless(cursor: Cursor, step: Step, dialect: Dialect) -> tuple[str, str]:
    """Find the groups and labels of a step that have no number yet: an entry or a request of each, as JSON or empty."""
    found = []
    for statement in ("groups_to_name", "labels_to_name"):
        cursor.execute(_statement(statement, dialect), step.parameters)
        numbers = [[row["number"]] for row in cursor.fetchall()]
        found.append(to_json(numbers) if numbers else "")
    groups, labels = found
    return groups, labels


def name(cursor: Cursor, nameless: tuple[str, str], dialect: Dialect) -> None:
    """Give groups and labels their numbers; those that somebody else named meanwhile keep theirs."""
    groups, labels = nameless
    if groups:
        cursor.execute(_statement("name_groups", dialect), {"rows": groups})
    if labels:
        for statement in ("name_labels", "name_tags", "name_tags_of_labels"):
            cursor.execute(_statement(statement, dialect), {"rows": labels})


def sums(cursor: Cursor, step: Step, dialect: Dialect) -> tuple[str, int]:
    """Add up the entries of a step, and take back what they confirm: rows of ``COLUMNS`` as JSON.

    With it comes how much of that has no number to stand under yet; then it cannot be written down.
    """
    extent = fetch(cursor, "extent_of_charges", {})
    months = months_between(extent["first_at"], extent["last_at"]) if extent else []
    cursor.execute(_statement("sums_of_entries", dialect), {**step.parameters, "months": to_json(months)})
    (row,) = cursor.fetchall()
    return row["sums"] or "[]", row["nameless"]


def fold(cursor: Cursor, step: Step, sums: str, dialect: Dialect) -> bool:
    """Write a step down; nothing, and ``False``, where somebody else has folded its entries."""
    if fetch(cursor, "move_mark", step.parameters) is None:
        return False
    cursor.execute(_statement("add_sums", dialect), {"rows": sums})
    return True


def months_between(first_ms: int | None, last_ms: int | None) -> list[tuple[int, int]]:
    """List the months from one time to another, each with its start and its end; none where there are no times."""
    if first_ms is None or last_ms is None:
        return []
    months = [month_of(first_ms)]
    while months[-1][1] <= last_ms:
        months.append(month_of(months[-1][1]))
    return months


def month_of(ms: int) -> tuple[int, int]:
    """Bound the month in UTC that a time falls in; what is beyond the calendar is a month of its own."""
    try:
        span = MONTH.span(from_ms(ms))
    except (OverflowError, ValueError):
        return ms, ALWAYS_MS[1]
    return to_ms(span.start), to_ms(span.end or span.start)


@cache
def _statement(name: str, dialect: Dialect) -> str:
    charges = SQL["charges"].format(which="e.seq > :rolled AND e.seq <= :last")
    return worded(name, dialect, f"{charges}\nUNION ALL\n{SQL['confirmations'].format(which='TRUE')}")


def worded(name: str, dialect: Dialect, charges: str) -> str:
    """Put a statement of ``rollup.sql`` together; ``charges`` selects what it is about."""
    found = {
        "charges": charges,
        "rows": dialect.rows.format(parameter="rows"),
        "number": dialect.number.format(place=0),
        "columns": ", ".join(
            (dialect.text if column == "asset" else dialect.number).format(place=place)
            for place, column in enumerate(COLUMNS)
        ),
        "months": dialect.rows.format(parameter="months"),
        "start": dialect.number.format(place=0),
        "until": dialect.number.format(place=1),
        "pack": dialect.pack.format(columns=", ".join(COLUMNS)),
        "each_tag": dialect.each_tag,
        "same_tags": dialect.same_tags,
    }
    return SQL[name].format(**found, charges_by_rollup=SQL["charges_by_rollup"].format(**found))
