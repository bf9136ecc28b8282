"""Answering what was spent: from the sums that entries were folded into, and from the entries where no sum reaches.

Time is cut in pieces: whole months and whole days or hours of UTC are read from sums, what is left at the edges from
entries, and so is everything that is not folded yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from routing.core.money import Money
from routing.core.spend import DIMENSIONS, SpendRow
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.rollup import ALWAYS_MS, DAY_MS, HOUR_MS, Rollup, mark, month_of
from routing.ledger.rows import to_json, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.core.spend import SpendQuery
    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rows import Row

OF_ENTRY = frozenset({"deployment", "model", "size", "quality"})
IN_NO_SUM = frozenset({"asset", "request_id", "parent"})
"""Dimensions with so many values that sums by them and others would be as many as the entries."""

PLANNED_EACH_AT_MOST = 10
"""Up to as many questions are each planned by themselves."""

_GROUPS = "LEFT JOIN spend_groups AS g ON g.id = s.spend_group"
_LABELS = "LEFT JOIN labels AS l ON l.id = s.label"
_LENGTHS_MS = {Rollup.HOURS: HOUR_MS, Rollup.DAYS_BY_TAG: DAY_MS}
_WITHOUT_TAGS = {Rollup.DAYS_BY_TAG: Rollup.HOURS, Rollup.MONTHS_BY_TAG: Rollup.MONTHS}
"""Where the same times are summed whatever the tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A span of time, ``since <= at < until`` in milliseconds; without a ``rollup`` it is read from entries."""

    rollup: Rollup | None
    since: int
    until: int


def spend(cursor: Cursor, queries: Sequence[SpendQuery], dialect: Dialect) -> list[list[SpendRow]]:
    """Answer each question on the one state that the cursor sees: see ``LedgerReader.spend_each``."""
    if len(queries) > PLANNED_EACH_AT_MOST and dialect.plan_once:
        cursor.execute(dialect.plan_once, {})
    rolled, last = read_sums_upto(cursor)
    return [answer(cursor, query, dialect, rolled, last) for query in queries]


def read_sums_upto(cursor: Cursor) -> tuple[int | None, int]:
    """Tell up to which entry all are folded (``None`` where sums are not worth reading), and which is the last."""
    rolled, last = mark(cursor)
    # Of a ledger that is hardly folded yet, its entries by time are read sooner than all that are not folded. Of one
    # whose old entries are in archives, only the sums know them.
    by_sums = rolled * 2 >= last or fetch(cursor, "archives", {}) is not None
    return rolled if by_sums else None, last


def answer(cursor: Cursor, query: SpendQuery, dialect: Dialect, rolled: int | None, last: int) -> list[SpendRow]:
    """Group charges, cached answers and open holds; groups in which nothing came about are left out."""
    cursor.execute(*asked(query, dialect, rolled, last))
    rows = (_row(query.by, row) for row in cursor.fetchall())
    return sorted((row for row in rows if _came_about(row)), key=lambda row: (-row.spent, row.key))


def asked(query: SpendQuery, dialect: Dialect, rolled: int | None, last: int) -> tuple[str, dict[str, object]]:
    """Word a question, with its parameters; without ``rolled`` no sums are read."""
    since, until = (
        edge if asked is None else to_ms(asked)
        for asked, edge in zip((query.since, query.until), ALWAYS_MS, strict=True)
    )
    rollups = rollups_for(query.by if query.assets is None else (*query.by, "asset")) if rolled is not None else ()
    cut = pieces(since, until, rollups)
    bounds: dict[str, object] = {"since": since, "until": until, "rolled": rolled, "last": last}
    for place, piece in enumerate(cut):
        bounds |= {f"since_{place}": piece.since, f"until_{place}": piece.until}
    summed = [piece for piece in cut if piece.rollup]
    if summed:
        bounds |= {"tail_since": summed[0].since, "tail_until": summed[-1].until}
    if query.assets is not None:
        bounds["assets"] = to_json([[asset] for asset in query.assets])
    if query.importance is not None:
        bounds["importance"] = query.importance
    tags = {f"tag_{place}": name for place, name in enumerate(query.by) if name not in DIMENSIONS}
    read_from = tuple(piece.rollup for piece in cut)
    return _statement(query.by, read_from, dialect, _only(query, dialect)), {**tags, **bounds}


def _only(query: SpendQuery, dialect: Dialect) -> tuple[str, str]:
    """Word what a question is only about: for entries, and for sums."""
    of_entries = of_sums = ""
    if query.assets is not None:
        names = {"name": dialect.text.format(place=0), "assets": dialect.rows.format(parameter="assets")}
        of_entries += SQL["only_assets"].format(column="q.asset", **names)
        of_sums += SQL["only_assets"].format(column="asset", **names)
    if query.importance is not None:
        of_entries += SQL["only_importance"]
        of_sums += SQL["only_importance_of_sums"]
    return of_entries, of_sums


def rollups_for(by: Sequence[str]) -> tuple[Rollup, ...]:
    """Choose the sums that tell these dimensions apart, finest first; none where there are no such sums."""
    if "asset" in by and not {*by} & ({*DIMENSIONS} - {"asset", "importance"}):
        return (Rollup.MONTHS_BY_ASSET,)
    if IN_NO_SUM & {*by}:
        return ()
    tags = [name for name in by if name not in DIMENSIONS]
    if len(tags) > 1:
        return (Rollup.MONTHS_BY_LABELS,)
    return (Rollup.DAYS_BY_TAG, Rollup.MONTHS_BY_TAG) if tags else (Rollup.HOURS, Rollup.MONTHS)


def pieces(since: int, until: int, rollups: Sequence[Rollup]) -> list[Piece]:
    """Cut a span, in order of time: the coarsest sums in the middle, finer ones around it, entries at the edges."""
    if since >= until:
        return []
    if not rollups:
        return [Piece(rollup=None, since=since, until=until)]
    *finer, rollup = rollups
    if length := _LENGTHS_MS.get(rollup):
        first, end = -(-since // length) * length, until // length * length
    else:
        start, following = month_of(since)
        first, end = since if start == since else following, month_of(until)[0]
    if first >= end:
        return pieces(since, until, finer)
    return [*pieces(since, first, finer), Piece(rollup=rollup, since=first, until=end), *pieces(end, until, finer)]


@lru_cache(maxsize=64)
def _statement(
    by: tuple[str, ...], read_from: tuple[Rollup | None, ...], dialect: Dialect, only: tuple[str, str]
) -> str:
    """Write a question; keys of tags are data and never become part of it."""
    charges = [
        SQL["charges"].format(which=f"e.at >= :since_{place} AND e.at < :until_{place}")
        for place, rollup in enumerate(read_from)
        if rollup is None
    ]
    summed = {place: rollup for place, rollup in enumerate(read_from) if rollup}
    only_entries, only_sums = only
    sums, of_sums = _sums(by, summed, dialect, only_sums)
    if of_sums:
        # What is not folded yet is found by its number: the sign keeps it from being sought by its time.
        tail = "+e.at >= :tail_since AND +e.at < :tail_until"
        charges += [
            SQL["charges"].format(which=f"e.seq > :rolled AND e.seq <= :last AND {tail}"),
            SQL["confirmations"].format(which=tail),
        ]
    keys = [f"key_{place}" for place in range(len(by))]
    tag = dialect.tag.format(tags="q.tags", parameter="{parameter}")
    return SQL["spend"].format(
        sums=sums,
        charges="\nUNION ALL\n".join(charges or [SQL["charges"].format(which="1 = 0")]),
        of_entries=_columns(by, of_entry="c", of_request="q", tag=tag),
        of_holds=_columns(by, of_entry="e", of_request="q", tag=tag),
        of_sums=of_sums,
        only=only_entries,
        keys="".join(f"{key}, " for key in keys),
        group_by=f"GROUP BY {', '.join(keys)}" if keys else "",
    )


def _sums(by: tuple[str, ...], read_from: Mapping[int, Rollup], dialect: Dialect, only: str) -> tuple[str, str]:
    """Write what adds up the sums of some pieces, and what names them."""
    if not read_from:
        return "", ""
    columns = partial(_columns, by, of_entry="g", of_request="g")
    if Rollup.MONTHS_BY_ASSET in read_from.values():
        joins = f" {_GROUPS}" if "importance" in by else ""
        told = columns(tag="l.{parameter}", of_asset="s")
        if not {*by} - {*DIMENSIONS}:  # as many assets as before: to add them up twice would be for nothing
            source = f"({_pieces(read_from, only)}) AS s{joins}"
            return "", SQL["of_asset_sums"].format(columns=told, source=source)
        sums = _added("by_asset", ["asset", "spend_group", "label"], read_from, only) + _labels("by_asset", by, dialect)
        return sums, SQL["of_asset_sums"].format(columns=told, source=f"by_asset AS s{joins} {_LABELS}")
    if Rollup.MONTHS_BY_LABELS in read_from.values():
        sums = _added("labelled", ["spend_group", "label"], read_from, only) + _labels("labelled", by, dialect)
        return sums, SQL["of_label_sums"].format(columns=columns(tag="l.{parameter}"))
    plain = SQL["of_plain_sums"].format(columns=columns(tag="''"))
    if not {*_WITHOUT_TAGS} & {*read_from.values()}:
        return _added("plain", ["spend_group"], read_from, only), plain
    (tag,) = (f"tag_{place}" for place, name in enumerate(by) if name not in DIMENSIONS)
    tagged = SQL["of_tag_sums"].format(columns=columns(tag="t.value"), columns_without=columns(tag="''"), tag=tag)
    without = {place: _WITHOUT_TAGS[rollup] for place, rollup in read_from.items()}
    sums = _added("tagged", ["spend_group", "label"], read_from, only)
    return sums + _added("plain", ["spend_group"], without, only), f"{tagged}\n{plain}"


def _added(name: str, keys: Sequence[str], read_from: Mapping[int, Rollup], only: str) -> str:
    return SQL["sums"].format(name=name, keys=", ".join(keys), pieces=_pieces(read_from, only)) + "\n"


def _pieces(read_from: Mapping[int, Rollup], only: str) -> str:
    return "\nUNION ALL\n".join(
        SQL["rolled_up"].format(rollup=rollup.value, since=f":since_{place}", until=f":until_{place}", only=only)
        for place, rollup in read_from.items()
    )


def _labels(of: str, by: Sequence[str], dialect: Dialect) -> str:
    tags = (f"tag_{place}" for place, name in enumerate(by) if name not in DIMENSIONS)
    told = (f", {dialect.tag.format(tags='l.tags', parameter=tag)} AS {tag}" for tag in tags)
    return SQL["labels_of_sums"].format(name=of, tags="".join(told)) + "\n"


def _columns(by: Sequence[str], *, of_entry: str, of_request: str, tag: str, of_asset: str = "") -> str:
    """Name what is grouped by: in which tables it stands, and how a tag is read."""
    told = []
    for place, name in enumerate(by):
        if name not in DIMENSIONS:
            value = tag.format(parameter=f"tag_{place}")
        elif name == "asset" and of_asset:
            value = f"{of_asset}.{name}"
        else:
            value = f"{of_entry if name in OF_ENTRY else of_request}.{name}"
        told.append(f"COALESCE({value}, '') AS key_{place}, ")
    return "".join(told)


def _row(by: tuple[str, ...], row: Row) -> SpendRow:
    return SpendRow(
        by=by,
        key=tuple(str(row[f"key_{place}"]) for place in range(len(by))),
        spent=Money(row["spent"] or 0),
        held=Money(row["held"] or 0),
        unconfirmed=Money(row["unconfirmed"] or 0),
        saved=Money(row["saved"] or 0),
        requests=row["requests"] or 0,
        images=row["images"] or 0,
        cached=row["cached"] or 0,
    )


def _came_about(row: SpendRow) -> bool:
    return any((row.spent, row.held, row.unconfirmed, row.saved, row.requests, row.images, row.cached))
