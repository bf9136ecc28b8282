"""CSV that is exact, complete and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from routing.reports.exports import Column, Kind, csv_text, moment_text, safe_cell
from tests.reports.ledgers import HOSTILE

Row = tuple[object, ...]


def columns(*kinds: Kind) -> tuple[Column[Row], ...]:
    def reading(place: int) -> Column[Row]:
        return Column(name=f"c{place}", kind=kinds[place], read=lambda row: row[place])

    return tuple(map(reading, range(len(kinds))))


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_amounts_are_exact_and_numbers_stay_numbers() -> None:
    kinds = columns(Kind.USD, Kind.COUNT, Kind.FLAG, Kind.USD, Kind.TEXT)
    text = "".join(csv_text(kinds, [(-1, -3, True, 9_223_372_036_854_775_807, None), (10**9, 0, False, 0, "")]))
    assert read(text) == [
        ["c0", "c1", "c2", "c3", "c4"],
        ["-0.000000001", "-3", "true", "9223372036.854775807", ""],
        ["1", "0", "false", "0", ""],
    ]


def test_a_time_is_told_in_utc() -> None:
    at = datetime(2026, 11, 21, 13, 0, 0, 250_999, tzinfo=timezone(timedelta(hours=1)))
    assert moment_text(at, Kind.MOMENT) == "2026-11-21T12:00:00.250Z"
    assert moment_text(at.replace(microsecond=0), Kind.SECOND) == "2026-11-21T12:00:00Z"
    assert "2026-11-21T12:00:00.000Z" in "".join(csv_text(columns(Kind.MOMENT), [(at.replace(microsecond=0),)]))


FORMULA = re.compile(r"\s*[=+\-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}]|[\t\r]")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_of_text_is_a_formula_however_the_spreadsheet_cuts_it(text: str, delimiter: str) -> None:
    written = "".join(csv_text(columns(Kind.TEXT, Kind.COUNT), [(text, 1)]))
    cells = [cell for record in read(written, delimiter)[1:] for cell in record]
    assert cells
    assert not [cell for cell in cells if FORMULA.match(cell)]


@pytest.mark.parametrize("text", HOSTILE)
def test_only_an_apostrophe_is_added_and_the_text_comes_back(text: str) -> None:
    ((_,), (cell,)) = read("".join(csv_text(columns(Kind.TEXT), [(text or "-",)])))
    assert cell.replace("'", "") == (text or "-").replace("'", "")


@pytest.mark.parametrize("plain", ["spring", "a-b", "user@example.com", "1+1=2", "a, -b", "حملة الربيع", "2026-11-21"])
def test_what_is_no_formula_stays_as_it_is(plain: str) -> None:
    assert safe_cell(plain) == plain


def test_the_names_of_columns_are_text_too() -> None:
    tag: Column[Row] = Column(name="=1+1", kind=Kind.TEXT, read=lambda row: row[0])
    assert "".join(csv_text([tag], [])) == "'=1+1\n"


def test_a_long_export_is_written_piece_by_piece() -> None:
    drawn = 0

    def rows() -> object:
        nonlocal drawn
        for number in range(5000):
            drawn += 1
            yield (number,)

    pieces = csv_text(columns(Kind.COUNT), rows())  # type: ignore[arg-type]  # rows of one number
    first = next(pieces)
    assert drawn < 2000
    assert len(read(first + "".join(pieces))) == 5001


def test_times_need_no_zone_of_their_own_to_be_compared() -> None:
    assert moment_text(datetime(2026, 1, 1, tzinfo=UTC), Kind.SECOND) == "2026-01-01T00:00:00Z"
