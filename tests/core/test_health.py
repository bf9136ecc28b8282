"""When a deployment is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from routing.core.health import (
    COOL_AT_MOST_S,
    COOL_FIRST_S,
    FAILING_FOR_S,
    FAILURES_AT_ONCE,
    FAILURES_IN_A_ROW,
    TURNED_AWAY_S,
    WELL,
    Ended,
    Health,
    State,
)


def failed(times: int, health: Health = WELL, at_s: float = 100.0) -> Health:
    for _ in range(times):
        health = health.after(Ended.FAILED, at_s, "HTTP 500")
    return health


def test_a_few_failures_at_once_change_nothing() -> None:
    health = failed(FAILURES_AT_ONCE - 1)
    assert health.state(100.0) is State.FAILING
    assert health.coolings == 0


def test_many_are_enough_and_it_cools_down_for_a_while() -> None:
    health = failed(FAILURES_AT_ONCE)
    assert health.why == "HTTP 500"
    assert health.state(100.0 + COOL_FIRST_S - 0.001) is State.COOLING
    assert health.state(100.0 + COOL_FIRST_S) is State.PROBE_DUE


def test_a_few_are_enough_where_they_took_their_time() -> None:
    health = failed(FAILURES_IN_A_ROW - 1)
    assert failed(1, health, 100.0 + FAILING_FOR_S - 0.001).state(110.0) is State.FAILING
    assert failed(1, health, 100.0 + FAILING_FOR_S).state(110.0) is State.COOLING
    assert failed(1, failed(FAILURES_IN_A_ROW - 2), 500.0).state(500.0) is State.FAILING


def test_a_success_in_between_forgets_the_failures() -> None:
    assert failed(FAILURES_AT_ONCE - 1).after(Ended.WELL, 100.0) == WELL


def test_a_probe_that_fails_doubles_the_time_up_to_half_a_minute() -> None:
    health, waits_s = failed(FAILURES_AT_ONCE), []
    for _ in range(6):
        at_s = health.cool_until_s
        health = failed(1, health, at_s)
        waits_s.append(health.cool_until_s - at_s)
    assert waits_s == [4.0, 8.0, 16.0, COOL_AT_MOST_S, COOL_AT_MOST_S, COOL_AT_MOST_S]


def test_a_probe_that_succeeds_ends_it() -> None:
    health = failed(FAILURES_AT_ONCE)
    assert health.after(Ended.WELL, health.cool_until_s).state(health.cool_until_s) is State.WELL


def test_what_fails_while_it_cools_down_was_sent_before_and_is_no_news() -> None:
    health = failed(FAILURES_AT_ONCE)
    assert failed(50, health, health.cool_until_s - 0.001) == health


def test_what_succeeds_while_it_cools_down_is_news() -> None:
    assert failed(FAILURES_AT_ONCE).after(Ended.WELL, 101.0) == WELL


@pytest.mark.parametrize("before", [0, 1, FAILURES_AT_ONCE])
def test_what_a_person_has_to_mend_cools_longer_and_at_once(before: int) -> None:
    health = failed(before).after(Ended.TURNED_AWAY, 101.0, "no money")
    assert health.turned_away
    assert health.cool_until_s == 101.0 + TURNED_AWAY_S
    assert health.state(101.0) is State.COOLING
    assert health.after(Ended.WELL, 101.0 + TURNED_AWAY_S) == WELL
