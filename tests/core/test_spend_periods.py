"""Cutting a question into days, weeks and months of a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.money import usd
from routing.core.spend import PERIODS_AT_MOST, Period, SpendQuery, SpendRow, in_order, spend_query, split
from routing.errors import RequestError

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_days_are_those_of_the_zone_and_the_question_keeps_its_own_edges() -> None:
    query = SpendQuery(since=at("2026-10-24T12:00"), until=at("2026-10-26T12:00"), per=Period.DAY, zone=BERLIN)
    parts = split(query, at("2026-10-24T12:00"), at("2026-10-26T12:00"))
    assert [(day.isoformat(), part.since, part.until) for day, part in parts] == [
        ("2026-10-24", at("2026-10-24T12:00"), at("2026-10-24T22:00")),
        ("2026-10-25", at("2026-10-24T22:00"), at("2026-10-25T23:00")),  # 25 hours
        ("2026-10-26", at("2026-10-25T23:00"), at("2026-10-26T12:00")),
    ]
    assert all(part.per is None for _, part in parts)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    found = {
        per: [day.isoformat() for day, _ in split(SpendQuery(per=per), at("2026-11-04"), at("2026-12-02"))]
        for per in (Period.WEEK, Period.MONTH)
    }
    assert found[Period.WEEK] == ["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23", "2026-11-30"]
    assert found[Period.MONTH] == ["2026-11-01", "2026-12-01"]


def test_a_question_without_edges_stays_open_at_both_ends() -> None:
    parts = split(SpendQuery(per=Period.DAY), at("2026-11-01"), at("2026-11-03"))
    assert (parts[0][1].since, parts[-1][1].until) == (None, None)


def test_more_periods_than_anybody_reads_are_refused_with_a_way_out() -> None:
    last = at("2020-01-01") + timedelta(days=PERIODS_AT_MOST - 1)
    assert len(split(SpendQuery(per=Period.DAY), at("2020-01-01"), last)) == PERIODS_AT_MOST
    with pytest.raises(RequestError, match="more than 400 days: ask for weeks or months, or a later since"):
        split(SpendQuery(per=Period.DAY), at("2020-01-01"), last + timedelta(days=1))


@given(
    st.sampled_from(ZONES),
    st.sampled_from(Period),
    st.integers(0, 15 * 365 * 24 * 60),
    st.timedeltas(timedelta(), timedelta(days=90)),
)
def test_the_parts_of_a_question_are_the_whole_without_gap_or_overlap(
    zone: str, per: Period, start_min: int, length: timedelta
) -> None:
    since = at("2015-01-01") + timedelta(minutes=start_min)
    query = SpendQuery(since=since, until=since + length, per=per, zone=ZoneInfo(zone))
    parts = split(query, since, since + length)
    assert (parts[0][1].since, parts[-1][1].until) == (since, since + length)
    assert all(one.until == following.since for (_, one), (_, following) in pairwise(parts))
    days = [day for day, _ in parts]
    assert days == sorted(set(days))
    assert all(part.since.astimezone(ZoneInfo(zone)).date() >= day for day, part in parts if part.since)


def test_a_day_that_is_asked_for_is_one_of_the_zone() -> None:
    query = spend_query([], "2026-11-01", date(2026, 12, 1), per="week", zone=BERLIN)
    assert (query.since, query.until) == (at("2026-10-31T23:00"), at("2026-11-30T23:00"))
    assert query.per is Period.WEEK


def test_a_period_that_is_none_is_asked_after() -> None:
    with pytest.raises(RequestError, match=r"per is day, week, month, not 'dya' \(did you mean 'day'\?\)"):
        spend_query([], per="dya")


def test_rows_stand_by_period_then_dearest_first_then_by_key() -> None:
    def row(key: str, day: int, spent: int) -> SpendRow:
        return SpendRow(by=("a",), key=(key,), period=date(2026, 11, day), spent=usd(spent))

    rows = [row("x", 2, 9), row("b", 1, 1), row("a", 1, 1), row("c", 1, 5)]
    assert [each.key[0] for each in in_order(rows)] == ["c", "a", "b", "x"]


def test_a_row_tells_its_period_and_what_a_picture_cost() -> None:
    row = SpendRow(by=(), key=(), period=date(2026, 11, 2), spent=usd("0.1"), images=3)
    assert row.as_json()["period"] == "2026-11-02"
    assert row.as_json()["average_usd"] == "0.033333333"
    assert SpendRow(by=(), key=()).as_json()["average_usd"] is None
