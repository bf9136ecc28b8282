"""Questions about spend, read from words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from routing.core.spend import spend_query
from routing.errors import RequestError


@pytest.mark.parametrize(
    ("since", "moment"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 1, tzinfo=UTC)),
        (datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 11, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_day_or_a_moment_is_utc_unless_it_says_otherwise(
    since: str | date | datetime | None, moment: datetime | None
) -> None:
    assert spend_query([], since).since == moment


def test_a_date_that_is_none_is_refused_with_an_example() -> None:
    with pytest.raises(RequestError, match="until is a day or a moment like 2026-11-01"):
        spend_query([], None, "tomorrow")


def test_any_tag_will_do_where_none_is_declared() -> None:
    assert spend_query(["campaign", "importance", "campaign"]).by == ("campaign", "importance")


def test_an_undeclared_tag_is_asked_after() -> None:
    with pytest.raises(RequestError, match=r"cannot group by 'campain' \(did you mean 'campaign'\?\)"):
        spend_query(["campain"], tags=frozenset({"campaign"}))
