"""Answering what assets cost: ranked and summed up in the database, which only brings in those that are told of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from routing.core.lineage import BY_ASSET, AssetSum, AssetSums
from routing.core.money import Money
from routing.core.spend import Dearest
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.spend import answer, asked, read_sums_upto

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.core.spend import SpendQuery, SpendRow
    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row


def dearest_assets(cursor: Cursor, query: SpendQuery, most: int, dialect: Dialect) -> Dearest:
    """Find the dearest assets without bringing in all others: see ``LedgerReader.dearest_assets``."""
    rolled, last = read_sums_upto(cursor)
    sql, bounds = asked(replace(query, by=("asset",), per=None), dialect, rolled, last)
    statement = SQL["dearest"].format(spend=sql, name=f"key_0{dialect.by_bytes}")
    cursor.execute(statement, {**bounds, "most": most})
    rows = cursor.fetchall()
    if not rows:
        return Dearest()
    names = tuple(str(row["name"]) for row in rows)
    return Dearest(
        rows=tuple(answer(cursor, replace(query, by=BY_ASSET.by, per=None, assets=names), dialect, rolled, last)),
        others=rows[0]["names"] - len(rows),
        others_spent=Money(rows[0]["all_spent"] - sum(row["spent"] for row in rows)),
        others_images=int(rows[0]["all_images"] - sum(row["images"] for row in rows)),
    )


def finished_assets(cursor: Cursor, query: SpendQuery, tag: str, importance: str, dialect: Dialect) -> dict[str, int]:
    """Count the assets that got a picture of an importance: see ``LedgerReader.finished_assets``."""
    rolled, last = read_sums_upto(cursor)
    query = replace(query, by=(tag, "asset"), per=None, importance=importance)
    sql, bounds = asked(query, dialect, rolled, last)
    cursor.execute(SQL["finished"].format(spend=sql), bounds)
    return {str(row["value"]): row["finished"] for row in cursor.fetchall()}


def asset_sums(cursor: Cursor, highest: str, most: int | None, dialect: Dialect) -> tuple[AssetSums, list[SpendRow]]:
    """Sum up all assets: see ``LedgerReader.asset_sums``."""
    rolled, last = read_sums_upto(cursor)
    sql, bounds = asked(BY_ASSET, dialect, rolled, last)
    statement = SQL["sums_of_assets"].format(spend=sql, name=f"name{dialect.by_bytes}")
    cursor.execute(statement, {**bounds, "highest": highest, "most": most or 0})
    rows = cursor.fetchall()
    dearest = tuple(str(row["name"]) for row in rows if not row["kind"])
    of_steps = BY_ASSET if most is None else replace(BY_ASSET, assets=dearest)
    return _sums_of(rows, _made_again(cursor)), answer(cursor, of_steps, dialect, rolled, last)


def _sums_of(rows: Sequence[Row], made_again: int) -> AssetSums:
    kinds = {row["kind"]: row for row in rows if row["kind"]}
    sums = {
        kind: AssetSum(assets=row["assets"], images=int(row["images"]), spent_nusd=int(row["spent"]))
        for kind, row in kinds.items()
    }
    drafted = {kind: int(row["drafted"]) for kind, row in kinds.items() if kind != "unnamed"}
    return AssetSums(
        **sums,
        drafted=sum(drafted.values()),
        promoted=drafted.get("finished", 0),
        drafts=sum(int(row["drafts"]) for row in kinds.values()),
        made_again=made_again,
    )


def _made_again(cursor: Cursor) -> int:
    # Of what is in archives it is not known, and half a figure would mislead.
    made = None if fetch(cursor, "archives", {}) else fetch(cursor, "made_again", {})
    return made["requests"] if made else 0
