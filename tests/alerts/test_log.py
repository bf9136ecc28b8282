"""Alerts as log events."""

from __future__ import annotations

import pytest

from routing.alerts.log import LogChannel
from tests.alerts.receiver import EXAMPLES
from tests.shop import RecordingLog


def test_an_alert_names_its_budget_and_exact_amounts() -> None:
    log = RecordingLog()
    LogChannel(log).send(EXAMPLES["threshold"])
    (event,) = log.named("budget_threshold")
    assert event == {
        "budget": "month",
        "window_start": "2026-11-01T00:00:00+00:00",
        "threshold_usd": "400",
        "limit_usd": "500",
        "spent_usd": "400.123456789",
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_alert_is_an_event_that_says_something(name: str) -> None:
    log = RecordingLog()
    LogChannel(log).send(EXAMPLES[name])
    ((_, fields),) = log.events
    assert fields.get("budget") or fields["detail"]
