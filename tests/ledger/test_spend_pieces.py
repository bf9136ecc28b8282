"""How a question's time is cut into what is read from sums and what from entries."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.ledger.rollup import ALWAYS_MS, DAY_MS, HOUR_MS, Rollup, month_of, months_between
from routing.ledger.spend import Piece, pieces, rollups_for
from tests.ledger.purchases import DECEMBER, NOVEMBER

TIMES = st.one_of(
    st.integers(0, 4 * 10**12),
    st.builds(lambda month, away: month_of(month)[0] + away, st.integers(0, 4 * 10**12), st.sampled_from([0, 1, -1])),
    st.sampled_from(ALWAYS_MS),
)
BY = [("importance", "deployment"), ("campaign",), ("campaign", "kind"), ("asset",), ("request_id",), ()]
NOVEMBER_MS, DECEMBER_MS = (int(at.timestamp() * 1000) for at in (NOVEMBER, DECEMBER))


@pytest.mark.parametrize("by", BY)
@given(since=TIMES, until=TIMES)
def test_pieces_cover_the_time_once_and_without_gaps(by: tuple[str, ...], since: int, until: int) -> None:
    cut = pieces(since, until, rollups_for(by))
    if since >= until:
        assert cut == []
        return
    assert (cut[0].since, cut[-1].until) == (since, until)
    assert all(earlier.until == later.since for earlier, later in pairwise(cut))
    assert all(piece.since < piece.until for piece in cut)
    assert all(piece.rollup is not None for piece in cut[1:-1])


@pytest.mark.parametrize("by", BY)
@given(since=TIMES, until=TIMES)
def test_sums_are_read_only_from_where_they_begin_to_where_they_end(
    by: tuple[str, ...], since: int, until: int
) -> None:
    lengths = {Rollup.HOURS: HOUR_MS, Rollup.DAYS_BY_TAG: DAY_MS}
    for piece in pieces(since, until, rollups_for(by)):
        for edge in {piece.since, piece.until} - {*ALWAYS_MS}:
            if length := lengths.get(piece.rollup or Rollup.MONTHS):
                assert edge % length == 0
            elif piece.rollup:
                assert month_of(edge)[0] == edge


def test_a_month_a_day_and_an_hour_are_each_read_where_they_cost_least() -> None:
    plain = rollups_for(("importance",))
    assert pieces(NOVEMBER_MS, DECEMBER_MS, plain) == [
        Piece(rollup=Rollup.MONTHS, since=NOVEMBER_MS, until=DECEMBER_MS)
    ]
    assert pieces(NOVEMBER_MS - 1, DECEMBER_MS + HOUR_MS, plain) == [
        Piece(rollup=None, since=NOVEMBER_MS - 1, until=NOVEMBER_MS),
        Piece(rollup=Rollup.MONTHS, since=NOVEMBER_MS, until=DECEMBER_MS),
        Piece(rollup=Rollup.HOURS, since=DECEMBER_MS, until=DECEMBER_MS + HOUR_MS),
    ]
    assert pieces(NOVEMBER_MS, NOVEMBER_MS + DAY_MS + 1, rollups_for(("campaign",))) == [
        Piece(rollup=Rollup.DAYS_BY_TAG, since=NOVEMBER_MS, until=NOVEMBER_MS + DAY_MS),
        Piece(rollup=None, since=NOVEMBER_MS + DAY_MS, until=NOVEMBER_MS + DAY_MS + 1),
    ]


@pytest.mark.parametrize(
    ("by", "read_from"),
    [
        ((), (Rollup.HOURS, Rollup.MONTHS)),
        (("quality", "policy"), (Rollup.HOURS, Rollup.MONTHS)),
        (("campaign", "importance"), (Rollup.DAYS_BY_TAG, Rollup.MONTHS_BY_TAG)),
        (("campaign", "kind"), (Rollup.MONTHS_BY_LABELS,)),
        (("asset",), (Rollup.MONTHS_BY_ASSET,)),
        (("asset", "importance"), (Rollup.MONTHS_BY_ASSET,)),
        (("asset", "campaign"), (Rollup.MONTHS_BY_ASSET,)),
        (("asset", "deployment"), ()),
        (("parent",), ()),
        (("request_id", "importance"), ()),
    ],
)
def test_what_tells_dimensions_apart_is_chosen_by_them(by: tuple[str, ...], read_from: tuple[Rollup, ...]) -> None:
    assert rollups_for(by) == read_from


def test_months_are_listed_from_the_first_to_the_last() -> None:
    months = months_between(NOVEMBER_MS - 1, DECEMBER_MS)
    assert [start for start, _ in months][1:] == [NOVEMBER_MS, DECEMBER_MS]
    assert all(earlier[1] == later[0] for earlier, later in pairwise(months))
    assert len(months) == 3
    assert months_between(None, None) == []
