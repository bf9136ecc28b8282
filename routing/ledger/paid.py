"""What requests cost, folded by all that a price reads of them: sums that savings are computed from.

A request's figures change with each of its entries, so a step of folding takes back what the requests it touches came
to before, and adds what they come to now. Lengths of prompts and of texts in them are folded in spans that end at round
numbers, where limits and conditions usually lie; how many tokens the prompts are is summed exactly.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from routing.core.past import Paid
from routing.ledger.operations import fetch
from routing.ledger.queries import SQL
from routing.ledger.reading import find_by_key
from routing.ledger.rollup import HOUR_MS, Rollup, months_between
from routing.ledger.rows import features_from, to_json, to_ms
from routing.ledger.spend import pieces, read_sums_upto

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from routing.ledger.dialect import Dialect
    from routing.ledger.operations import Cursor
    from routing.ledger.rollup import Step
    from routing.ledger.rows import Row

    Span = tuple[datetime, datetime]

ROLLUPS: tuple[Rollup, ...] = (Rollup.HOURS, Rollup.MONTHS)
COLUMNS = (
    "rollup", "start", "shape", "requests", "prompt_tokens", "spent_nusd", "failed_nusd", "unconfirmed_nusd",
    "from_cache", "saved_nusd",
)  # fmt: skip
"""Those of ``paid_sums``, in order."""
SHAPE = ("importance", "partial", "operation", "size", "images", "prompt_chars", "text_chars", "features")
"""Those of ``paid_shapes``, in order."""
_TEXTS = frozenset({"importance", "operation", "size", "features"})

PROMPT_STEPS = ((1000, 100), (None, 1000))
"""Below how many characters, or from there on, prompts are folded together between which multiples."""
TEXT_STEPS = ((20, 1), (100, 10), (1000, 100), (None, 1000))


def sums(cursor: Cursor, step: Step, dialect: Dialect) -> tuple[str, str]:
    """Add up what the requests of a step come to more than before: rows of ``COLUMNS`` as JSON.

    With it come the shapes that have no number yet, rows of ``SHAPE`` as JSON or empty; then it cannot be written down.
    """
    return _summed(cursor, "touched_by_step", step.parameters, dialect)


def name(cursor: Cursor, nameless: str, dialect: Dialect) -> None:
    """Give shapes their numbers; those that somebody else named meanwhile keep theirs."""
    cursor.execute(_statement("name_shapes", "", dialect), {"rows": nameless})


def add(cursor: Cursor, sums: str, dialect: Dialect) -> None:
    """Add to the sums."""
    cursor.execute(_statement("add_paid", "", dialect), {"rows": sums})


def sums_to_remove(cursor: Cursor, span: Mapping[str, int], dialect: Dialect) -> str:
    """Add up what the requests ``first`` to ``until`` of an archive come to, all of them folded."""
    found, _ = _summed(cursor, "touched_by_archive", {**span, "last": 2**62}, dialect)
    return found


def keep(cursor: Cursor, sums: str, dialect: Dialect) -> None:
    """Add sums to those of what was archived before."""
    statement = _statement("add_paid", "", dialect).replace("paid_sums", "archived_paid_sums")
    cursor.execute(statement, {"rows": sums})


def differences_of_month(cursor: Cursor, bounds: Mapping[str, object], dialect: Dialect) -> list[Row]:
    """List the sums of a month that are not what its requests say, with by how much they are wrong."""
    cursor.execute(_statement("paid_that_differs", "touched_in_month", dialect), bounds)
    return cursor.fetchall()


def paid_each(cursor: Cursor, spans: Sequence[Span], dialect: Dialect) -> list[list[Paid]]:
    """Sum up the requests made in each span: see ``LedgerReader.paid_each``."""
    rolled, last = read_sums_upto(cursor)
    edges: list[tuple[int, int, int]] = []
    summed: list[tuple[int, int, int, int]] = []
    for place, (since, until) in enumerate(spans):
        for piece in pieces(to_ms(since), to_ms(until), () if rolled is None else ROLLUPS):
            if piece.rollup is None:
                edges.append((piece.since, piece.until, place))
            else:
                summed.append((piece.since, piece.until, place, piece.rollup.value))
    parameters = {
        "edges": to_json(edges),
        "summed": to_json(summed),
        "rolled": rolled if summed else last,
        "last": last,
    }
    find_by_key(cursor, dialect)
    cursor.execute(_statement("paid_in_time", "touched_in_time", dialect), parameters)
    found: list[list[Paid]] = [[] for _ in spans]
    for row in cursor.fetchall():
        if any(row[column] for column in COLUMNS[3:]):
            found[row["place"]].append(_paid(row, spans[row["place"]][0]))
    return found


def _paid(row: Row, at: datetime) -> Paid:
    known = bool(row["features"])
    least = {name: row[name] for name in ("prompt_chars", "text_chars", "operation", "size", "features")}
    if not known:
        least |= {"operation": "generate", "features": "{}"}
    features = features_from(
        {**least, "named_importance": None, "tags": "{}", "n": int(row["images"]), "reference_pictures": 0}
    )
    return Paid(
        at=at,
        importance=row["importance"],
        features=features,
        size=features.size,
        images=int(row["images"]),
        requests=int(row["requests"]),
        prompt_tokens=int(row["prompt_tokens"]),
        prompt_chars_at_most=longest(row["prompt_chars"], PROMPT_STEPS) if known else None,
        text_chars_at_most=longest(row["text_chars"], TEXT_STEPS) if known else None,
        from_cache=int(row["from_cache"]),
        spent_nusd=int(row["spent_nusd"]),
        failed_nusd=int(row["failed_nusd"]),
        unconfirmed_nusd=int(row["unconfirmed_nusd"]),
        saved_nusd=int(row["saved_nusd"]),
        partial=bool(row["partial"]),
    )


def longest(least: int, steps: Sequence[tuple[int | None, int]]) -> int:
    """Tell where a span of lengths ends that begins with ``least``: a round number stands alone."""
    step = next(step for below, step in steps if below is None or least < below)
    return least if least % step == 0 else least + step - 2


def _over(column: str, steps: Sequence[tuple[int | None, int]]) -> str:
    """Write by how much a length is over the least of its span."""
    cases = "".join(
        f" WHEN {f'{column} < {below}' if below else 'TRUE'} THEN {_over_step(column, step)}" for below, step in steps
    )
    return f"CASE{cases} END"


def _over_step(column: str, step: int) -> str:
    return f"CASE WHEN {column} % {step} = 0 THEN 0 ELSE {column} % {step} - 1 END"


def _summed(cursor: Cursor, touched: str, parameters: Mapping[str, object], dialect: Dialect) -> tuple[str, str]:
    find_by_key(cursor, dialect)
    extent = fetch(cursor, "extent_of_requests", {})
    months = months_between(extent["first_at"], extent["last_at"]) if extent else []
    cursor.execute(_statement("paid_sums_of", touched, dialect), {**parameters, "months": to_json(months)})
    (row,) = cursor.fetchall()
    nameless = row["nameless"] or "[]"
    return row["sums"] or "[]", "" if nameless == "[]" else nameless


@cache
def _statement(name: str, touched: str, dialect: Dialect) -> str:
    """Put a statement of ``paid.sql`` together; ``touched`` selects the requests it is about."""
    number = [dialect.number.format(place=place) for place in range(4)]
    spans = {"since": number[0], "until": number[1], "place": number[2], "rollup": number[3]}
    tables = {name: dialect.rows.format(parameter=name) for name in ("rows", "months", "edges", "summed")}
    found = {**spans, **tables}
    found["same_shape"] = SQL["same_shape"].format(same_features=dialect.same_features)
    found["paid"] = SQL["paid"].format(
        touched=SQL[touched].format(**found) if touched else "",
        mark="r.mark" if name == "paid_in_time" else f"q.at - q.at % {HOUR_MS}",
        told="(r.images <> 0 AND q.features <> '{}')",  # else no price reads anything
        prompt_over=_over("q.prompt_chars", PROMPT_STEPS),
        text_over=_over("q.text_chars", TEXT_STEPS),
        shape=dialect.shape,
    )
    found["columns"] = ", ".join(dialect.number.format(place=place) for place in range(len(COLUMNS)))
    found["shapes"] = ", ".join(
        f"{(dialect.text if column in _TEXTS else dialect.number).format(place=place)} AS {column}"
        for place, column in enumerate(SHAPE)
    )
    found["pack"] = dialect.pack.format(columns=", ".join(COLUMNS))
    found["pack_shapes"] = dialect.pack.format(columns=", ".join(SHAPE))
    by_rollup = SQL["paid_by_rollup"].format(**{**found, "start": number[0], "until": number[1]})
    return SQL[name].format(**found, paid_by_rollup=by_rollup)
