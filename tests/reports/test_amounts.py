"""Dollars for reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.money import usd
from routing.reports.amounts import exact_usd, readable, readable_column, readable_share


@pytest.mark.parametrize(
    ("dollars", "read"),
    [
        ("0", "$0.00"),
        ("500", "$500.00"),
        ("1234567.5", "$1,234,567.50"),
        ("0.05", "$0.05"),
        ("0.003", "$0.0030"),
        ("0.0387", "$0.0387"),
        ("0.01182", "$0.0118"),
        ("0.00005", "$0.0001"),
        ("0.000049999", "<$0.0001"),
        ("0.000000001", "<$0.0001"),
        ("-0.25", "-$0.25"),
        ("-0.00125", "-$0.0013"),
    ],
)
def test_an_amount_is_exact_where_that_is_short_and_else_rounded(dollars: str, read: str) -> None:
    assert readable(usd(dollars)) == read


def test_a_column_shows_equally_many_decimals() -> None:
    assert readable_column([usd("500"), usd("0.2256"), usd("0")]) == ["$500.0000", "$0.2256", "$0.0000"]
    assert readable_column([usd("500"), usd("0.25")]) == ["$500.00", "$0.25"]
    assert readable_column([]) == []


@given(st.integers(min_value=1, max_value=10**15))
def test_what_costs_something_never_reads_as_nothing(nusd: int) -> None:
    assert readable(nusd).strip("$0.,")


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_reading_is_wrong_by_less_than_a_hundredth_of_a_cent(nusd: int) -> None:
    read = readable(nusd)
    if not read.startswith("<"):
        assert abs(usd(read.replace("$", "").replace(",", "")) - nusd) <= usd("0.00005")


def test_a_difference_is_told_to_the_nano_dollar() -> None:
    assert exact_usd(0) == "$0"
    assert exact_usd(-1) == "-$0.000000001"
    assert exact_usd(usd("0.683804")) == "$0.683804"


def test_a_share_of_nothing_is_no_number() -> None:
    assert readable_share(1, 3) == "33.3 %"
    assert readable_share(0, 0) == ""
