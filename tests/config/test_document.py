"""YAML text read without surprises: 1.2 scalars, exact numbers, bounded, every value with its place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from routing.config.document import BYTES_AT_MOST, ENTRIES_AT_MOST, Exact, Whole, read_document, read_scalar


@pytest.mark.parametrize(
    "word", ["no", "NO", "off", "on", "y", "Yes", "15:00", "1:30:00", "1_000", "2026-09-01", "0b1"]
)
def test_a_word_of_yaml_1_1_stays_text(word: str) -> None:
    assert read_document("f", f"a: {word}".encode()).data == {"a": word}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("true", True),
        ("False", False),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("0o17", 15),
        ("0xff", 255),
        ("007", 7),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_what_yaml_1_2_knows_is_read_as_that(written: str, read: object) -> None:
    assert read_document("f", f"a: {written}".encode()).data == {"a": read}


@pytest.mark.parametrize("text", ["0.1", "0.050", "1e-9", "500.00", ".5", "12345678901234567890.123456789"])
def test_a_decimal_number_is_exact_and_keeps_its_text(text: str) -> None:
    number = read_scalar(text)
    assert isinstance(number, Exact)
    assert (number, number.text) == (Decimal(text), text)


def test_a_whole_number_keeps_its_text() -> None:
    number = read_scalar("007")
    assert isinstance(number, Whole)
    assert number.text == "007"


@pytest.mark.parametrize("text", ["9" * 41, "1e9999", "0." + "1" * 60])
def test_a_number_beyond_any_use_stays_text(text: str) -> None:
    assert read_scalar(text) == text


def test_every_value_and_key_has_its_line_and_column() -> None:
    found = read_document("f", b"a:\n  - {b: 1}\n  - c\nd: |\n  text\n")
    assert found.place(("a", 0, "b")) == (2, 9)
    assert found.place(("a", 0, "b"), key=True) == (2, 6)
    assert found.place(("a", 1)) == (3, 5)
    assert found.place(("d",)) == (4, 4)
    assert found.place(("a", 1, "nothing", "there")) == (3, 5)
    assert found.place(("nowhere",)) == (1, 1)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    found = read_document("f", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert found.data == {"a": 1, "b": 2}
    assert found.place(("b",)) == (2, 4)


def test_a_place_counts_characters_not_bytes() -> None:
    assert read_document("f", "{ä: 1, b: 2}".encode()).place(("b",)) == (1, 11)


def test_of_two_equal_keys_the_first_counts_and_both_lines_are_named() -> None:
    found = read_document("f", b"a: {x: 1}\nb: 2\na: {x: 3}\n")
    assert found.data == {"a": {"x": 1}, "b": 2}
    (defect,) = found.defects
    assert (defect.place, defect.message) == ((3, 1), "key 'a' comes twice; it stands in line 1 too")
    assert found.usable


def test_a_file_of_more_than_a_megabyte_is_not_read() -> None:
    found = read_document("f", b"a: " + b"x" * BYTES_AT_MOST)
    assert [defect.message for defect in found.defects] == ["the file has 1,000,003 bytes, more than 1,000,000"]


def test_more_values_than_any_configuration_has_are_not_read() -> None:
    found = read_document(
        "f", b"a:\n" + b"  - [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]\n" * 1000
    )
    assert not found.usable
    assert "more than 20,000 values" in found.defects[-1].message


@pytest.mark.parametrize("content", [b"a: [" + b"1," * 1001 + b"]", b"".join(b"k%d: 1\n" % at for at in range(1001))])
def test_a_longer_list_or_mapping_than_any_configuration_has_is_not_read(content: bytes) -> None:
    found = read_document("f", content)
    assert not found.usable
    assert [defect.message for defect in found.defects] == ["more than 1,000 entries in one list or mapping"]
    assert ENTRIES_AT_MOST == 1000


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: 1\nb: {c: 1,\n  d: 2\ne: 3\n", (2, 4), "the `{` here is not closed"),
        ("a: [1,\n b\n", (1, 4), "the `[` here is not closed"),
        ("a: 'x\nb: 1\n", (1, 4), "the quotation mark here is not closed"),
        ("a: {b: 1}}\n", (1, 10), "this `}` closes nothing"),
        ("- {b: 1}}\n", (1, 9), "this `}` closes nothing"),
        ("a:1\nb: 2\n", (1, 2), "the space after the `:` is missing"),
        ("a: 1\nb:x\nc: 2\n", (2, 2), "the space after the `:` is missing"),
        ("a: 1\nb\nc: 2\n", (2, 1), "a `key: value` is expected"),
        ("a: b: c\n", (1, 5), "a second `: ` in one value"),
        ("a: {b: c: d}\n", (1, 9), "a second `: ` in one value"),
        ("a:\n  b: 1\n   c: 2\n", (3, 5), "this line does not fit below the one above"),
        ("a: >= 12\n", (1, 4), "text does not begin like this"),
        ("a: {b: >12}\n", (1, 8), "this character cannot start a value"),
        ("a: @b\n", (1, 4), "this character cannot start a value"),
        ("a: 1\n\tb: 2\n", (2, 1), "a tab cannot indent"),
    ],
)
def test_a_slip_is_pointed_at_where_it_was_made(text: str, place: tuple[int, int], message: str) -> None:
    (defect,) = read_document("f", text.encode()).defects
    assert (defect.place, defect.message) == (place, message)
    assert defect.hint


def test_a_hundred_thousand_brackets_end_at_the_first_too_deep() -> None:
    found = read_document("f", b"a: " + b"[" * 100_000)
    assert [defect.place for defect in found.defects] == [(1, 19)]


def test_a_file_full_of_aliases_ends_after_a_few_defects() -> None:
    found = read_document("f", b"a: &a 1\nb: [" + b"*a, " * 10_000 + b"]")
    assert not found.usable
    assert len(found.defects) <= 20
