"""Proving the counters: fold every entry and compare."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.ledger.archived import gone
from routing.ledger.base import Verification
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.rollup_check import rollup_differences
from routing.ledger.rows import from_ms, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from routing.ledger.archived import Gone
    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

_FOLDS = (("folded_reserves", 1), ("folded_resolutions", -1), ("folded_adjustments", 0))
"""Statements that sum entries by the counters they count in, and which way each moves what is held."""

_STRAYS = (
    ("entries_without_request", "entry {seq} ({kind}) belongs to no request"),
    ("answers_without_reserve", "entry {seq} ({kind}) answers no reservation"),
    ("reserves_without_end", "reservation {request_id}/{attempt} (entry {seq}) has neither a hold nor an end"),
    ("holds_without_open_reserve", "the hold of {reservation_id} stands for no open reservation"),
    ("deliveries_without_alert", "a delivery to {channel} is of alert {alert}, which is missing"),
)


def verify(cursor: Cursor, dialect: Dialect) -> Verification:
    """Fold the entries inside the database, in one pass each, and compare with counters, holds and roll-ups."""
    extent = _only(fetch(cursor, "extent", {}))
    moved = gone(cursor)
    held, spent, held_nusd, spent_nusd = _folded(cursor)
    spent.update(moved.spent)
    cursor.execute(SQL["counters"], {})
    counters = cursor.fetchall()
    ratios = _only(fetch(cursor, "hold_ratios", {}))
    return Verification(
        entries=extent["entries"],
        counters=len(counters),
        open_holds=_only(fetch(cursor, "holds", {}))["open_holds"],
        spent_nusd=spent_nusd + moved.spent_nusd,
        held_nusd=held_nusd,
        unconfirmed_nusd=int(_only(fetch(cursor, "unconfirmed", {}))["unconfirmed"]),
        differences=(
            *_missing(extent, moved),
            *_strays(cursor),
            *_counter_differences(counters, held, spent),
            *rollup_differences(cursor, dialect),
        ),
        hold_ratio_median=ratios["median"],
        hold_ratio_worst=ratios["worst"],
        archived=moved.entries,
    )


def _folded(cursor: Cursor) -> tuple[Counter[int], Counter[int], int, int]:
    """Sum held and spent by counter, and over all reservations."""
    held: Counter[int] = Counter()
    spent: Counter[int] = Counter()
    held_nusd = spent_nusd = 0
    for name, direction in _FOLDS:
        cursor.execute(SQL[name], {})
        for row in cursor.fetchall():
            row_held, row_spent = direction * int(row["held"]), int(row["spent"])
            held_nusd += row_held
            spent_nusd += row_spent
            for counter in whole_numbers(row["counters"]):
                held[counter] += row_held
                spent[counter] += row_spent
    return held, spent, held_nusd, spent_nusd


def _missing(extent: Row, moved: Gone) -> Iterator[str]:
    # Numbers are given out without gaps, since a failed write gives its numbers back and what is moved is counted.
    first, last = min(extent["first_seq"], moved.first_seq or extent["first_seq"]), extent["last_seq"]
    missing = last - first + 1 - extent["entries"] - moved.entries
    if missing:
        yield f"{missing} entries between {first} and {last} are missing"


def _strays(cursor: Cursor) -> Iterator[str]:
    for name, sentence in _STRAYS:
        cursor.execute(SQL[name], {})
        for row in cursor.fetchall():
            yield sentence.format_map(row)


def _counter_differences(counters: list[Row], held: Mapping[int, int], spent: Mapping[int, int]) -> Iterator[str]:
    for row in counters:
        for what, says, folded in (
            ("holds", row["held_nusd"], held.get(row["id"], 0)),
            ("has spent", row["spent_nusd"], spent.get(row["id"], 0)),
        ):
            if says != folded:
                yield f"{_name(row)} {what} ${usd_text(says)}, its entries say ${usd_text(folded)}"
    known = {row["id"] for row in counters}
    for counter in sorted((held.keys() | spent.keys()) - known):
        yield f"budget counter {counter} is missing; its entries say that ${usd_text(spent.get(counter, 0))} is spent"


def _name(row: Row) -> str:
    scope = f" for {row['scope']!r}" if row["scope"] else ""
    below = f", below {row['below']!r}," if row["below"] else ""
    return f"budget {row['budget']!r}{scope}{below} from {from_ms(row['start']).isoformat()}"


def _only(row: Row | None) -> Row:
    if row is None:
        raise LookupError("a statement that always answers with one row did not")
    return row
