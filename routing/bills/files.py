"""Bills that were downloaded: CSV, or JSON with one object a line. Read as a stream, every defect told at once."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from routing.bills.cells import Defect, amount_of, currency_defect, printable, shown, text_of, time_of
from routing.bills.columns import Columns, find_columns
from routing.core.bill import BillLine
from routing.core.money import MAX_NUSD
from routing.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from routing.bills.cells import Cell

BYTES_AT_MOST = 256 * 1024 * 1024
LINES_AT_MOST = 500_000
LINE_CHARS_AT_MOST = 64 * 1024
PROBLEMS_AT_MOST = 20
ID_CHARS_AT_MOST = 200
"""Longer than any vendor's request id."""

_JSON_FILES = frozenset({".json", ".jsonl", ".ndjson"})
_CSV_FILES = frozenset({".csv", ".tsv"})
_SEPARATORS = ",;\t|"
_AS_LINES = "`jq -c '.[]' bill.json > bill.jsonl` writes a list so; of {\"data\": [...]} it is '.data[]'"
SHAPES_AT_MOST = 100


Row: TypeAlias = "tuple[int, Columns, Mapping[str, Cell]]"
"""The number of a line, where its cells are, and the cells."""


class BillError(ConfigError):
    """A bill cannot be used; ``problems`` lists what is wrong with it, up to a bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFile:
    """A bill as it was read. ``rounded`` counts amounts that were finer than a nano-dollar."""

    name: str
    columns: Columns
    lines: tuple[BillLine, ...]
    rounded: int = 0


@dataclass(slots=True)
class _Reading:
    """What was read so far, and what is wrong with it."""

    name: str
    choices: Mapping[str, str]
    columns: dict[str, str] = field(default_factory=dict)
    lines: list[BillLine] = field(default_factory=list)
    rounded: int = 0
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0

    def note(self, line: int, where: str, defect: Defect) -> None:
        """Keep a problem, or count it where there are many."""
        if len(self.problems) == PROBLEMS_AT_MOST:
            self.more_problems += 1
            return
        self.problems.append(
            Problem(file=self.name, line=line, column=1, path=where, message=defect.message, hint=defect.hint)
        )

    def stop(self, line: int, message: str, hint: str) -> BillError:
        """Give up: what follows cannot be read."""
        last = Problem(file=self.name, line=line, column=1, path="", message=message, hint=hint)
        return BillError([*self.problems, last])

    def finish(self) -> BillFile:
        """Hand over the lines, or every problem."""
        if self.more_problems:
            last = self.problems[-1].line
            told = f"and {self.more_problems:,} more like these"
            self.problems.append(Problem(file=self.name, line=last, column=1, path="", message=told))
        if self.problems:
            raise BillError(self.problems)
        if not self.lines:
            raise self.stop(1, "there are no lines", "is this the file you downloaded?")
        if sum(abs(line.amount_nusd) for line in self.lines) > MAX_NUSD:
            raise self.stop(1, "the amounts add up to more than any ledger holds", "are they in dollars?")
        return BillFile(name=self.name, columns=Columns(of=self.columns), lines=tuple(self.lines), rounded=self.rounded)


def read_bill(path: Path, choices: Mapping[str, str] | None = None) -> BillFile:
    """Read a bill; ``choices`` names the columns of fields that are not found by their usual names.

    Raises:
        BillError: with every problem of the file, up to a bound.

    """
    reading = _Reading(printable(path.name), choices or {})
    try:
        if path.stat().st_size > BYTES_AT_MOST:
            raise reading.stop(1, f"this is more than {BYTES_AT_MOST >> 20} MB", "download a shorter time at once")
        with path.open("rb") as stream:
            as_json = _is_json(path, stream.read(LINE_CHARS_AT_MOST))
            stream.seek(0)
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            rows = _json_rows(text, reading) if as_json else _csv_rows(text, reading)
            for number, columns, row in rows:
                if len(reading.lines) == LINES_AT_MOST:
                    told = f"these are more than {LINES_AT_MOST:,} lines"
                    raise reading.stop(number, told, "download a shorter time at once")
                _read_row(number, columns, row, reading)
    except UnicodeDecodeError as error:
        at = len(reading.lines) + 1
        raise reading.stop(at, f"this is not UTF-8 text ({error.reason})", "save it as CSV in UTF-8") from None
    except OSError as error:
        raise reading.stop(1, f"cannot be read: {error.strerror}", "is it a file you may read?") from error
    return reading.finish()


def _is_json(path: Path, beginning: bytes) -> bool:
    suffix = path.suffix.lower()
    if suffix in _JSON_FILES | _CSV_FILES:
        return suffix in _JSON_FILES
    return beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def _csv_rows(text: io.TextIOWrapper, reading: _Reading) -> Iterator[Row]:
    header = text.readline(LINE_CHARS_AT_MOST)
    # The first that is in the header is not enough: a name may hold a comma.
    separator = max(_SEPARATORS, key=lambda sign: (header.count(sign), -_SEPARATORS.index(sign)))
    names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise reading.stop(1, f"two columns are called {twice!r}", "rename one of them")
    columns = find_columns(names, reading.choices)
    if isinstance(columns, Defect):
        raise reading.stop(1, columns.message, columns.hint)
    reading.columns = dict(columns.of)
    rows = csv.reader(_bounded(text, reading), delimiter=separator, strict=True)
    try:
        for row in rows:
            number = rows.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                told = f"{len(row)} cells under {len(names)} columns"
                reading.note(number, "", Defect(told, "is a text with a separator in it not quoted?"))
                continue
            yield number, columns, dict(zip(names, row, strict=True))
    except csv.Error as error:
        raise reading.stop(rows.line_num + 1, f"this is not CSV: {error}", "is a quotation mark not closed?") from None


def _bounded(text: io.TextIOWrapper, reading: _Reading) -> Iterator[str]:
    number = 1
    while line := text.readline(LINE_CHARS_AT_MOST):
        number += 1
        if len(line) == LINE_CHARS_AT_MOST:
            told = f"this line is longer than {LINE_CHARS_AT_MOST:,} characters"
            raise reading.stop(number, told, "is it a bill?")
        yield line


def _json_rows(text: io.TextIOWrapper, reading: _Reading) -> Iterator[Row]:
    shapes: dict[tuple[str, ...], Columns | Defect] = {}
    for number, line in enumerate(_bounded(text, reading), 1):
        if not line.strip():
            continue
        row: Any = None
        with suppress(ValueError, RecursionError):
            row = json.loads(line, parse_float=Decimal, parse_constant=str)
        if not isinstance(row, dict):
            if line.lstrip().startswith("[") or line.strip() == "{":
                raise reading.stop(number, "this is one JSON document, not an object a line", _AS_LINES)
            reading.note(number, "", Defect(f"{shown(line.strip())} is no JSON object", "each line holds one: {...}"))
            continue
        flat = _flat(row)
        # An object may leave out what another has, so each has its own columns; there are few forms of them.
        shape = tuple(flat)
        if shape not in shapes and len(shapes) < SHAPES_AT_MOST:
            shapes[shape] = find_columns(shape, reading.choices)
        columns = shapes.get(shape) or find_columns(shape, reading.choices)
        if isinstance(columns, Defect):
            reading.note(number, "", columns)
            continue
        reading.columns = {**columns.of, **reading.columns}
        yield number, columns, flat


def _flat(row: Mapping[str, Any]) -> dict[str, Cell]:
    """Lift what stands one level deeper: ``{"amount": {"value": 1}}`` has a column ``amount.value``."""
    flat: dict[str, Cell] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": deeper for inner, deeper in value.items()}
        else:
            flat[name] = value
    return flat


def _read_row(number: int, columns: Columns, row: Mapping[str, Cell], reading: _Reading) -> None:
    of = columns.of
    cells = {name: row[column] for name, column in of.items()}
    amount, at = amount_of(cells["amount"]), time_of(cells.get("time"))
    request_id, model = text_of(cells.get("request_id")), printable(text_of(cells.get("model")))
    defects = {
        of.get("currency", ""): currency_defect(cells.get("currency")),
        of["amount"]: amount if isinstance(amount, Defect) else None,
        of.get("time", ""): at if isinstance(at, Defect) else None,
        of.get("request_id", ""): _id_defect(request_id),
        "": None if request_id or model else Defect("this names neither a request nor a model", "what is it for?"),
    }
    for column, defect in defects.items():
        if defect:
            reading.note(number, column, defect)
    if isinstance(amount, Defect) or isinstance(at, Defect) or any(defects.values()):
        return
    reading.rounded += not amount.exact
    reading.lines.append(
        BillLine(
            place=f"{reading.name}:{number}",
            amount_nusd=amount.nusd,
            model=model,
            vendor_request_id=request_id,
            start=at[0] if at else None,
            end=at[1] if at else None,
        )
    )


def _id_defect(request_id: str) -> Defect | None:
    if len(request_id) <= ID_CHARS_AT_MOST and request_id.isprintable():
        return None
    return Defect(f"{shown(request_id)} is no request id", 'leave the column out with --column request_id=""')
