"""Windows cut time into [start, end) in a named time zone, also where clocks are moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.window import EPOCH, Span, Window, WindowKind

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = (UTC, BERLIN, NEW_YORK, ZoneInfo("Asia/Kolkata"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Pacific/Auckland"),
         ZoneInfo("America/Havana"), ZoneInfo("America/Santiago"))  # fmt: skip
"""Among them clocks that are moved at midnight, and offsets that are no whole hours."""

ENDING = [kind for kind in WindowKind if kind not in {WindowKind.LIFETIME, WindowKind.ROLLING}]
HOUR = timedelta(hours=1)
CLOCKS_MOVE = [
    datetime.fromisoformat(f"{day}+00:00")
    for day in ("2026-03-08T07:00", "2026-03-29T01:00", "2026-04-04T14:00", "2026-10-25T01:00", "2026-11-01T06:00",
                "2026-09-06T04:00", "2026-03-08T05:00", "2026-11-01T05:00", "2026-12-31T23:00", "2028-02-29T23:00")
]  # fmt: skip
MOMENTS = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),  # noqa: DTZ001 - made aware at once
    st.builds(lambda at, away: at + away, st.sampled_from(CLOCKS_MOVE), st.timedeltas(-30 * HOUR, 30 * HOUR)),
)


def span(kind: WindowKind, at: str, zone: ZoneInfo | None = None) -> Span:
    return Window(kind=kind, zone=zone or UTC).span(datetime.fromisoformat(at))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        (WindowKind.CALENDAR_HOUR, "2026-11-21T13:00", "2026-11-21T14:00"),
        (WindowKind.CALENDAR_DAY, "2026-11-21", "2026-11-22"),
        (WindowKind.CALENDAR_WEEK, "2026-11-16", "2026-11-23"),
        (WindowKind.CALENDAR_MONTH, "2026-11-01", "2026-12-01"),
        (WindowKind.CALENDAR_QUARTER, "2026-10-01", "2027-01-01"),
        (WindowKind.CALENDAR_YEAR, "2026-01-01", "2027-01-01"),
    ],
)
def test_every_kind_cuts_where_the_calendar_does(kind: WindowKind, start: str, end: str) -> None:
    assert span(kind, "2026-11-21T13:45:30+00:00") == Span(start=utc(start), end=utc(end))


def test_a_lifetime_never_ends() -> None:
    assert span(WindowKind.LIFETIME, "2026-11-21T12:00:00+00:00") == Span(start=EPOCH, end=None)


@pytest.mark.parametrize("kind", ENDING)
def test_the_end_of_a_window_is_in_the_next_one(kind: WindowKind) -> None:
    first = span(kind, "2026-11-21T12:00:00+00:00")
    assert first.end is not None
    assert Window(kind=kind).span(first.end - timedelta(microseconds=1)) == first
    assert Window(kind=kind).span(first.end).start == first.end


@pytest.mark.parametrize(
    ("month", "quarter_starts"),
    [(1, "2026-01-01"), (3, "2026-01-01"), (4, "2026-04-01"), (6, "2026-04-01"), (9, "2026-07-01"), (12, "2026-10-01")],
)
def test_quarters_start_in_january_april_july_and_october(month: int, quarter_starts: str) -> None:
    assert span(WindowKind.CALENDAR_QUARTER, f"2026-{month:02d}-28T00:00:00+00:00").start == utc(quarter_starts)


@pytest.mark.parametrize(
    ("at", "monday"),
    [
        ("2026-11-16T00:00:00", "2026-11-16"),
        ("2026-11-22T23:59:59", "2026-11-16"),
        ("2027-01-01T12:00:00", "2026-12-28"),
    ],
)
def test_weeks_start_on_monday_also_across_years(at: str, monday: str) -> None:
    assert span(WindowKind.CALENDAR_WEEK, f"{at}+00:00").start == utc(monday)


def test_february_has_its_leap_day() -> None:
    february = span(WindowKind.CALENDAR_MONTH, "2028-02-29T23:00:00+00:00")
    assert february == Span(start=utc("2028-02-01"), end=utc("2028-03-01"))
    assert february.end is not None
    assert (february.end - february.start).days == 29


def test_a_month_starts_at_midnight_of_its_own_zone() -> None:
    late = "2026-10-31T23:30:00+00:00"
    assert span(WindowKind.CALENDAR_MONTH, late).start == utc("2026-10-01")
    assert span(WindowKind.CALENDAR_MONTH, late, BERLIN).start == utc("2026-10-31T23:00")
    assert span(WindowKind.CALENDAR_MONTH, late, NEW_YORK).start == utc("2026-10-01T04:00")


@pytest.mark.parametrize(
    ("zone", "at", "start", "hours"),
    [
        (BERLIN, "2026-03-29T12:00:00+00:00", "2026-03-28T23:00", 23),
        (BERLIN, "2026-10-25T12:00:00+00:00", "2026-10-24T22:00", 25),
        (NEW_YORK, "2026-03-08T12:00:00+00:00", "2026-03-08T05:00", 23),
        (NEW_YORK, "2026-11-01T12:00:00+00:00", "2026-11-01T04:00", 25),
    ],
)
def test_days_on_which_clocks_are_moved_have_23_or_25_hours(zone: ZoneInfo, at: str, start: str, hours: int) -> None:
    day = span(WindowKind.CALENDAR_DAY, at, zone)
    assert day == Span(start=utc(start), end=utc(start) + hours * HOUR)


def test_the_hour_that_autumn_repeats_is_two_windows() -> None:
    first = span(WindowKind.CALENDAR_HOUR, "2026-10-25T02:30:00+02:00", BERLIN)
    second = span(WindowKind.CALENDAR_HOUR, "2026-10-25T02:30:00+01:00", BERLIN)
    assert first == Span(start=utc("2026-10-25T00:00"), end=utc("2026-10-25T01:00"))
    assert second == Span(start=utc("2026-10-25T01:00"), end=utc("2026-10-25T02:00"))


def test_a_month_with_a_moved_clock_ends_where_the_next_begins() -> None:
    march = span(WindowKind.CALENDAR_MONTH, "2026-03-15T12:00:00+00:00", BERLIN)
    assert march == Span(start=utc("2026-02-28T23:00"), end=utc("2026-03-31T22:00"))


def test_hours_of_a_zone_that_is_half_an_hour_off_start_on_its_own_clock() -> None:
    assert span(WindowKind.CALENDAR_HOUR, "2026-11-21T12:45:00+00:00", ZoneInfo("Asia/Kolkata")).start == utc(
        "2026-11-21T12:30"
    )


def test_the_zone_of_the_moment_does_not_matter() -> None:
    at = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    for kind in WindowKind:
        window = Window(kind=kind, zone=BERLIN, length=HOUR)
        assert window.span(at) == window.span(at.astimezone(NEW_YORK))


@given(MOMENTS, st.sampled_from(ENDING), st.sampled_from(ZONES))
def test_a_window_holds_the_moment_it_was_asked_for(at: datetime, kind: WindowKind, zone: ZoneInfo) -> None:
    found = Window(kind=kind, zone=zone).span(at)
    assert found.end is not None
    assert found.start <= at < found.end
    assert (found.start.tzinfo, found.end.tzinfo) == (UTC, UTC)


@given(MOMENTS, st.sampled_from(ENDING), st.sampled_from(ZONES))
def test_windows_follow_each_other_without_gap_or_overlap(at: datetime, kind: WindowKind, zone: ZoneInfo) -> None:
    window = Window(kind=kind, zone=zone)
    found = window.span(at)
    assert found.end is not None
    assert window.span(found.start) == found
    assert window.span(found.end).start == found.end
    assert window.span(found.start - timedelta(microseconds=1)).end == found.start


# --- Windows that roll ------------------------------------------------------------------------------------------------


@given(at=MOMENTS, hours=st.integers(1, 366 * 24))
def test_a_rolling_window_counts_its_whole_length_and_at_most_a_24th_more(at: datetime, hours: int) -> None:
    length = hours * HOUR
    window = Window(kind=WindowKind.ROLLING, length=length)
    present, earlier = window.span(at), window.earlier(at)
    assert present.start <= at
    assert present.end == present.start + length / 24 > at
    assert length <= at - earlier[0] < length + length / 24
    starts = [*earlier, present.start]
    assert len(starts) == 25
    assert {later - start for start, later in pairwise(starts)} == {length / 24}


@given(at=MOMENTS, hours=st.integers(1, 366 * 24))
def test_every_moment_of_a_slice_is_in_the_same_one(at: datetime, hours: int) -> None:
    window = Window(kind=WindowKind.ROLLING, length=hours * HOUR)
    present = window.span(at)
    assert present.end is not None
    assert window.span(present.start) == present == window.span(present.end - timedelta(microseconds=1))
    assert window.span(present.end).start == present.end


def test_slices_are_cut_from_1970_on_in_whole_seconds_whatever_the_zone() -> None:
    window = Window(kind=WindowKind.ROLLING, length=HOUR, zone=ZoneInfo("Asia/Kathmandu"))
    assert window.span(utc("2026-11-21T12:04:59")) == Span(
        start=utc("2026-11-21T12:02:30"), end=utc("2026-11-21T12:05")
    )


@pytest.mark.parametrize("kind", [*ENDING, WindowKind.LIFETIME])
def test_no_other_window_has_slices(kind: WindowKind) -> None:
    assert Window(kind=kind).earlier(utc("2026-11-21")) == ()
