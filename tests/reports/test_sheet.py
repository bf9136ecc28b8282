"""Tables: aligned, folded, and never cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routing.reports.sheet import Sheet, cell_width, fold

LABELS = st.text(st.characters(min_codepoint=33, max_codepoint=0x9FFF, exclude_categories=["C", "Z", "M"]), min_size=1)


def test_numbers_stand_right_and_text_stands_left() -> None:
    sheet = Sheet(columns=("name", "spent"), rows=(("a", "$1.00"), ("long", "$100.00")), total=("total", "$101.00"))
    assert sheet.lines() == [
        "name     spent",
        "──────────────",
        "a        $1.00",
        "long   $100.00",
        "──────────────",
        "total  $101.00",
    ]


def test_text_folds_at_its_spaces_and_amounts_never_do() -> None:
    sheet = Sheet(columns=("why", "at most"), rows=(("flux-schnell cannot make this", "$1,234.5678"),))
    assert sheet.lines(30) == [
        "why                    at most",
        "──────────────────────────────",
        "flux-schnell       $1,234.5678",
        "cannot make this",
    ]


def test_wide_characters_take_two_columns() -> None:
    sheet = Sheet(columns=("tag", "spent"), rows=(("春の", "$1.00"), ("abcd", "$2.00")))
    assert {cell_width(line) for line in sheet.lines()} == {cell_width("abcd  $2.00")}


@given(LABELS, st.integers(min_value=2, max_value=40))
def test_folding_loses_nothing_and_keeps_the_width(text: str, width: int) -> None:
    lines = fold(text, width)
    assert "".join(lines) == text
    assert all(cell_width(line) <= width for line in lines)


@given(st.lists(LABELS, min_size=1, max_size=4), st.integers(min_value=10, max_value=100))
def test_a_table_says_every_cell(cells: list[str], width: int) -> None:
    sheet = Sheet(columns=("name", "spent"), rows=tuple((cell, "$1.00") for cell in cells))
    said = "".join(sheet.lines(width)).replace(" ", "").replace("$1.00", "")
    assert all(cell in said for cell in cells)
