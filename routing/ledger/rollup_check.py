"""Proving the sums that reports read: add up the entries they were folded from, month by month, and compare."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.rollup import Rollup, mark, months_between, worded
from routing.ledger.rows import from_ms, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

TOLD_A_MONTH = 20
"""How many sums that are wrong are told of each month."""

_AMOUNTS = ("spent", "saved", "unconfirmed")
_COUNTS = ("images", "requests", "cached")


def rollup_differences(cursor: Cursor, dialect: Dialect) -> Iterator[str]:
    """Say of every sum that is not what its entries say by how much it is wrong."""
    rolled, last_seq = mark(cursor)
    if rolled > last_seq:
        yield f"entries up to {rolled} are folded, but the last one is {last_seq}"
    extents = [fetch(cursor, name, {}) for name in ("extent_of_charges", "extent_of_sums")]
    first, last = (
        [extent[edge] for extent in extents if extent and extent[edge] is not None] for edge in ("first_at", "last_at")
    )
    for since, until in months_between(min(first, default=None), max(last, default=None)):
        bounds = {"since": since, "until": until, "rolled": rolled, "last": rolled, "most": TOLD_A_MONTH}
        cursor.execute(_statement(dialect), {**bounds, "months": to_json([[since, until]])})
        for row in cursor.fetchall():
            yield _sentence(row)


@cache
def _statement(dialect: Dialect) -> str:
    charges = SQL["charges"].format(which="e.at >= :since AND e.at < :until AND e.seq <= :rolled")
    return worded("sums_that_differ", dialect, charges)


def _sentence(row: Row) -> str:
    by = Rollup(row["rollup"]).name.lower().replace("_", " ")
    of = "".join(f" {row[name]}" for name in ("importance", "deployment", "tag", "tags", "asset") if row[name])
    amounts = [f"${usd_text(row[f'{name}_nusd'])} {name}" for name in _AMOUNTS if row[f"{name}_nusd"]]
    counts = [f"{row[name]} {name}" for name in _COUNTS if row[name]]
    start = from_ms(row["start"]).isoformat()
    return (
        f"the sum of {by} from {start}{of and f' of{of}'} is not what its entries say, by {', '.join(amounts + counts)}"
    )
