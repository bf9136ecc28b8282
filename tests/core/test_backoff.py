"""How long to wait where nobody says."""

from __future__ import annotations

import pytest

from routing.core.backoff import backoff_s

WAITING = [f"poster-{number}/1" for number in range(2_000)]


@pytest.mark.parametrize(("before", "at_most_s"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (7, 60), (500, 60)])
def test_a_wait_is_anywhere_up_to_a_bound_that_doubles_to_a_minute(before: int, at_most_s: float) -> None:
    waits = sorted(backoff_s(before, who) for who in WAITING)
    assert 0 < waits[0] < at_most_s * 0.01
    assert at_most_s * 0.99 < waits[-1] <= at_most_s
    # Spread evenly: a tenth of those who wait come back in each tenth of the time.
    for tenth in range(10):
        share = sum(at_most_s * tenth / 10 < wait <= at_most_s * (tenth + 1) / 10 for wait in waits) / len(waits)
        assert 0.07 < share < 0.13


def test_the_same_one_waits_as_long_each_time_it_is_tried() -> None:
    assert backoff_s(3, "poster-7/1") == backoff_s(3, "poster-7/1") != backoff_s(4, "poster-7/1")
