"""Who may ask a deployment that has cooled down: one at a time, and never nobody for good."""

from __future__ import annotations

from routing.buying.cooling import LOOK_AGAIN_S, PROBE_AT_MOST_S, CoolDowns
from routing.core.health import COOL_FIRST_S, FAILURES_AT_ONCE, Ended


def cooled() -> CoolDowns:
    """A deployment that has just cooled down, at five seconds."""
    made = CoolDowns()
    for _ in range(FAILURES_AT_ONCE):
        made.hear("gpt", Ended.FAILED, 0.0)
    return made


def test_one_tries_and_the_others_look_again() -> None:
    cooling = cooled()
    assert cooling.admit("gpt", COOL_FIRST_S).probe
    assert cooling.admit("gpt", COOL_FIRST_S).wait_s == LOOK_AGAIN_S


def test_a_probe_that_nobody_ends_blocks_the_others_for_a_minute() -> None:
    cooling = cooled()
    cooling.admit("gpt", COOL_FIRST_S)
    assert cooling.admit("gpt", COOL_FIRST_S + PROBE_AT_MOST_S - 0.001).wait_s == LOOK_AGAIN_S
    assert cooling.admit("gpt", COOL_FIRST_S + PROBE_AT_MOST_S).probe


def test_one_that_ends_late_does_not_end_the_next() -> None:
    cooling = cooled()
    first = cooling.admit("gpt", COOL_FIRST_S)
    later_s = COOL_FIRST_S + PROBE_AT_MOST_S
    cooling.admit("gpt", later_s)
    cooling.leave(first)
    assert cooling.admit("gpt", later_s).wait_s == LOOK_AGAIN_S
