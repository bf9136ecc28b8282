"""What may follow a failure, and what it says of the deployment."""

from __future__ import annotations

import pytest

from routing.core.health import Ended
from routing.core.policy import OnUnknown
from routing.core.retries import QUICK_FAULT_S, Then, ended_as, in_doubt_at_most, then
from routing.errors import (
    Charged,
    ContentRejected,
    ProviderError,
    ProviderOutOfMoney,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
)

NO, YES, UNKNOWN = Charged.NO, Charged.YES, Charged.UNKNOWN
STOP, NEXT, AGAIN = Then.STOP, Then.NEXT, Then.AGAIN
REFUSED = ProviderError("400", status_code=400, charged=NO)
KEY = ProviderRejectedKey("401", status_code=401, charged=NO)
EMPTY = ProviderOutOfMoney("no money", status_code=429, charged=NO)
LIMITED = ProviderRateLimited("429")
UNSENT = ProviderUnavailable("refused", retryable=True, charged=NO)
FAULT = ProviderUnavailable("500", status_code=500, retryable=True)
GATEWAY = ProviderUnavailable("502", status_code=502, retryable=True)
LOST = ProviderUnavailable("reset", retryable=True)
LATE = ProviderTimeout("no answer", retryable=True)
PAID = ProviderUnavailable("no picture", status_code=200, retryable=True, charged=YES)
BLOCKED = ContentRejected("blocked", charged=NO)


@pytest.mark.parametrize(
    ("error", "usually", "with_risk", "says"),
    [
        (REFUSED, NEXT, NEXT, Ended.WELL),
        (KEY, NEXT, NEXT, Ended.TURNED_AWAY),
        (EMPTY, NEXT, NEXT, Ended.TURNED_AWAY),
        (LIMITED, AGAIN, AGAIN, None),
        (UNSENT, AGAIN, AGAIN, Ended.FAILED),
        (FAULT, AGAIN, AGAIN, Ended.FAILED),
        (GATEWAY, STOP, AGAIN, Ended.FAILED),
        (LOST, STOP, AGAIN, Ended.FAILED),
        (LATE, STOP, AGAIN, Ended.FAILED),
        (PAID, NEXT, AGAIN, Ended.FAILED),
        (BLOCKED, STOP, STOP, Ended.WELL),
    ],
    ids=str,
)
def test_every_failure_has_what_may_follow_it(
    error: ProviderError, usually: Then, with_risk: Then, says: Ended | None
) -> None:
    assert then(error, 1.0, OnUnknown.STOP) is usually
    assert then(error, 1.0, OnUnknown.RETRY) is with_risk
    assert ended_as(error, cut_short=False) is says


def test_a_server_fault_that_took_its_time_is_an_unknown_outcome() -> None:
    assert then(FAULT, QUICK_FAULT_S, OnUnknown.STOP) is AGAIN
    assert then(FAULT, QUICK_FAULT_S + 0.001, OnUnknown.STOP) is STOP
    assert then(FAULT, 60.0, OnUnknown.RETRY) is AGAIN


def test_a_call_that_was_cut_short_by_a_deadline_says_nothing_of_the_vendor() -> None:
    assert ended_as(LATE, cut_short=True) is None
    assert ended_as(FAULT, cut_short=True) is Ended.FAILED


def test_what_was_refused_before_it_was_sent_says_nothing_of_the_vendor() -> None:
    assert ended_as(ProviderError("there is no word for that", charged=NO), cut_short=False) is None


def test_risking_money_has_its_bound_too() -> None:
    assert in_doubt_at_most(OnUnknown.STOP) == 3
    assert in_doubt_at_most(OnUnknown.RETRY) == 12
