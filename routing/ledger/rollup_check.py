"""Proving the sums that reports read: add up the entries they were folded from, month by month, and compare."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.ledger import paid
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.rollup import ALWAYS_MS, Rollup, mark, month_of, worded
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
_PAID_AMOUNTS = ("spent", "failed", "unconfirmed", "saved")
_PAID_COUNTS = ("requests", "prompt_tokens", "from_cache")


def rollup_differences(cursor: Cursor, dialect: Dialect) -> Iterator[str]:
    """Say of every sum that is not what its entries say by how much it is wrong."""
    rolled, last_seq = mark(cursor)
    if rolled > last_seq:
        yield f"entries up to {rolled} are folded, but the last one is {last_seq}"
    for since, until in _months(cursor, "next_of_charges"):
        bounds = {"since": since, "until": until, "rolled": rolled, "last": rolled, "most": TOLD_A_MONTH}
        cursor.execute(_statement(dialect), {**bounds, "months": to_json([[since, until]])})
        for row in cursor.fetchall():
            yield _sentence(row)
    yield from _paid_differences(cursor, rolled, dialect)


def _paid_differences(cursor: Cursor, rolled: int, dialect: Dialect) -> Iterator[str]:
    """Say the same of the sums that savings are computed from: they stand where a request was made."""
    for since, until in _months(cursor, "next_of_paid"):
        bounds = {"since": since, "until": until, "last": rolled, "most": TOLD_A_MONTH}
        parameters = {**bounds, "months": to_json([[since, until]])}
        for row in paid.differences_of_month(cursor, parameters, dialect):
            yield _paid_sentence(row)


def _months(cursor: Cursor, following: str) -> Iterator[tuple[int, int]]:
    """Walk the months that there is something of; the statement tells the first time of anything from :since on."""
    since = ALWAYS_MS[0]
    while (found := fetch(cursor, following, {"since": since})) and found["at"] is not None:
        month = month_of(found["at"])
        yield month
        since = month[1]


@cache
def _statement(dialect: Dialect) -> str:
    charges = SQL["charges"].format(which="e.at >= :since AND e.at < :until AND e.seq <= :rolled")
    return worded("sums_that_differ", dialect, charges)


def _sentence(row: Row) -> str:
    by = Rollup(row["rollup"]).name.lower().replace("_", " ")
    of = "".join(f" {row[name]}" for name in ("importance", "deployment", "tag", "tags", "asset") if row[name])
    return _wrong(f"the sum of {by}", of, row, _AMOUNTS, _COUNTS)


def _paid_sentence(row: Row) -> str:
    by = Rollup(row["rollup"]).name.lower()
    of = "".join(f" {row[name]}" for name in ("importance", "size") if row[name])
    return _wrong(f"the sum of what requests cost by {by}", of, row, _PAID_AMOUNTS, _PAID_COUNTS)


def _wrong(what: str, of: str, row: Row, amounts: tuple[str, ...], counts: tuple[str, ...]) -> str:
    by = [f"${usd_text(int(row[f'{name}_nusd']))} {name}" for name in amounts if row[f"{name}_nusd"]]
    by += [f"{row[name]} {name}" for name in counts if row[name]]
    start = from_ms(row["start"]).isoformat()
    return f"{what} from {start}{of and f' of{of}'} is not what its entries say, by {', '.join(by)}"
