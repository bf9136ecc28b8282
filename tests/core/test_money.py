"""Money is whole nano-dollars: read exactly, printed exactly, rounded once and on purpose."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.money import MAX_NUSD, Money, divide_half_up, usd, usd_text
from routing.errors import RequestError

AMOUNTS = st.integers(-MAX_NUSD, MAX_NUSD)


@pytest.mark.parametrize(
    ("amount", "nusd"),
    [
        ("0.05", 50_000_000),
        (" 0.05 ", 50_000_000),
        ("0.000000001", 1),
        ("-1.5", -1_500_000_000),
        ("1e-3", 1_000_000),
        (40, 40_000_000_000),
        (0, 0),
        (Decimal("0.1"), 100_000_000),
        (Decimal(MAX_NUSD) / 10**9, MAX_NUSD),
    ],
)
def test_dollars_are_read_exactly(amount: str | int | Decimal, nusd: int) -> None:
    assert usd(amount) == nusd
    assert isinstance(usd(amount), Money)


@pytest.mark.parametrize("amount", [0.1, 1.0, True, None, b"1", [1]])
def test_what_cannot_hold_an_exact_amount_is_refused(amount: object) -> None:
    with pytest.raises(RequestError, match="is text or a whole number"):
        usd(amount)  # type: ignore[arg-type]  # that is the mistake


def test_a_float_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(RequestError, match=r'write usd\("0\.1"\)'):
        usd(0.1)  # type: ignore[arg-type]  # that is the mistake


@pytest.mark.parametrize("amount", ["", "free", "$1", "1,50", "1 000", "NaN", "sNaN", "Infinity", "-Infinity"])
def test_text_that_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(RequestError, match="is not an amount in USD"):
        usd(amount)


@pytest.mark.parametrize("amount", ["0.0000000001", "1.0000000005", "1e-10"])
def test_nothing_is_finer_than_a_nano_dollar(amount: str) -> None:
    with pytest.raises(RequestError, match="finer than a nano-dollar"):
        usd(amount)


@pytest.mark.parametrize("amount", [10**10, "9223372036.854775808", "-1e12"])
def test_an_amount_beyond_the_ledgers_columns_is_refused(amount: str | int) -> None:
    with pytest.raises(RequestError, match="more than the ledger can hold"):
        usd(amount)


@pytest.mark.parametrize(
    ("nusd", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (38_700_000, "0.0387"),
        (1_000_000_000, "1"),
        (1_500_000_000, "1.5"),
        (10_000_000_000, "10"),
        (-38_700_000, "-0.0387"),
        (-1, "-0.000000001"),
    ],
)
def test_amounts_are_written_without_trailing_zeros(nusd: int, text: str) -> None:
    assert usd_text(nusd) == text


@given(AMOUNTS)
def test_what_is_written_is_read_again(nusd: int) -> None:
    assert usd(usd_text(nusd)) == nusd


@pytest.mark.parametrize(("nusd", "text"), [(38_700_000, "$0.0387"), (-5_000_000, "-$0.005"), (0, "$0")])
def test_money_prints_as_dollars(nusd: int, text: str) -> None:
    assert str(Money(nusd)) == text
    assert f"{Money(nusd):>10}" == text.rjust(10)


@given(AMOUNTS)
def test_money_shows_itself_as_the_call_that_makes_it(nusd: int) -> None:
    assert eval(repr(Money(nusd)), {"usd": usd}) == nusd  # noqa: S307 - our own text


def test_sums_of_money_are_money() -> None:
    price = usd("0.04")
    results = (price + price, price - price, price * 3, 3 * price, -price, 5 + price, sum([price, price]))
    assert all(isinstance(result, Money) for result in results)
    assert [int(result) for result in results] == [
        80_000_000, 0, 120_000_000, 120_000_000, -40_000_000, 40_000_005, 80_000_000,
    ]  # fmt: skip


def test_money_compares_and_stores_like_a_whole_number() -> None:
    assert usd("0.04") < usd("0.05") == 50_000_000
    assert {usd("0.04"): "same"}[Money(40_000_000)] == "same"


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**10))
def test_a_cost_rounds_half_up(amount: int, by: int) -> None:
    assert Fraction(-1, 2) < divide_half_up(amount, by) - Fraction(amount, by) <= Fraction(1, 2)


@pytest.mark.parametrize(("amount", "rounded"), [(4, 0), (5, 1), (6, 1), (14, 1), (15, 2), (-5, 0), (-6, -1)])
def test_exactly_a_half_goes_up(amount: int, rounded: int) -> None:
    assert divide_half_up(amount, 10) == rounded
