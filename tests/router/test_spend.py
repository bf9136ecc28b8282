"""``Router.spend``: by time, in a zone, and for event loops."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from routing.core.money import Money
from routing.core.spend import total_of
from routing.errors import RequestError
from tests.reports.ledgers import Happened, write
from tests.shop import open_bench

if TYPE_CHECKING:
    from tests.shop import Bench

LATE = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
CENT = 10_000_000


@pytest.fixture
def bench() -> Bench:
    made = open_bench()
    write(made.store, (Happened(request_id=f"r{n}", at=LATE + timedelta(hours=n), nusd=CENT) for n in range(3)))
    return made


def test_spend_by_time_gives_each_period_rows_of_its_own_in_the_zone(bench: Bench) -> None:
    rows = bench.router.spend(by=["deployment"], per="month")
    assert [(row.period, row.key, row.spent) for row in rows] == [
        (date(2026, 10, 1), ("gpt-image-2",), Money(CENT)),
        (date(2026, 11, 1), ("gpt-image-2",), Money(2 * CENT)),
    ]
    (row,) = bench.router.spend(by=[], per="month", zone=ZoneInfo("Europe/Berlin"))
    assert (row.period, row.spent) == (date(2026, 11, 1), Money(3 * CENT))


def test_a_day_is_one_of_the_zone(bench: Bench) -> None:
    found = {
        zone: total_of(bench.router.spend(since="2026-11-01", zone=ZoneInfo(zone))).requests
        for zone in ("UTC", "Europe/Berlin", "America/New_York")
    }
    assert found == {"UTC": 2, "Europe/Berlin": 3, "America/New_York": 0}


def test_event_loops_are_told_the_same(bench: Bench) -> None:
    assert asyncio.run(bench.router.aspend(per="day", by=[])) == bench.router.spend(per="day", by=[])


def test_a_period_that_is_none_is_refused(bench: Bench) -> None:
    with pytest.raises(RequestError, match="per is day, week, month, not 'year'"):
        bench.router.spend(per="year")
