"""A course of amounts in one line."""

from __future__ import annotations

from datetime import date

from routing.core.money import Money
from routing.core.spend import Period, SpendRow
from routing.reports.sparkline import sparkline
from routing.reports.spend import spark_lines


def row(key: str, day: date, spent: int) -> SpendRow:
    return SpendRow(by=("a",), key=(key,), period=day, spent=Money(spent))


def test_the_greatest_is_the_highest_and_nothing_is_blank() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 80) == " ▁▂▃▄▅▆▇█"


def test_the_least_there_is_can_be_seen() -> None:
    assert sparkline([1, 10**18, 0], 80) == "▁█ "


def test_more_than_there_is_room_for_is_added_up() -> None:
    assert sparkline([1, 1, 1, 1, 8, 8], 3) == "▁▁█"
    assert sparkline([1] * 400, 80) == "█" * 80


def test_corrections_below_zero_are_blank() -> None:
    assert sparkline([-5, 5], 80) == " █"
    assert sparkline([-5, 0], 80) == "  "
    assert not sparkline([], 80)


def test_days_without_spending_have_their_place_in_the_course() -> None:
    lines = spark_lines([row("x", date(2026, 11, 1), 8), row("x", date(2026, 11, 5), 8)], Period.DAY, 80)
    assert lines == ["2026-11-01 to 2026-11-05:", "x  █   █   <$0.0001"]


def test_months_and_weeks_follow_each_other_too() -> None:
    months = [row("x", date(2026, 11, 1), 8), row("x", date(2027, 2, 1), 8)]
    assert spark_lines(months, Period.MONTH, 80)[0].startswith("2026-11 to 2027-02")
    assert "█  █" in spark_lines(months, Period.MONTH, 80)[1]
    weeks = [row("x", date(2026, 11, 2), 8), row("x", date(2026, 11, 16), 8)]
    assert "█ █" in spark_lines(weeks, Period.WEEK, 80)[1]


def test_one_period_is_no_course_and_many_groups_are_not_all_drawn() -> None:
    assert spark_lines([row("x", date(2026, 11, 1), 8)], Period.DAY, 80) == []
    many = [row(f"g{number:02}", date(2026, 11, day), 8) for number in range(15) for day in (1, 2)]
    lines = spark_lines(many, Period.DAY, 80)
    assert len(lines) == 13
    assert "3 more are not drawn" in lines[0]
