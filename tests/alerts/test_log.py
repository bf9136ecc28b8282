"""Alerts as log events."""

from __future__ import annotations

from datetime import UTC, datetime

from routing.alerts.log import LogChannel
from routing.core.budgets import CounterKey
from routing.core.entries import Alert
from routing.core.money import usd
from tests.shop import RecordingLog


def test_an_alert_names_its_budget_and_exact_amounts() -> None:
    log = RecordingLog()
    key = CounterKey(budget="campaign", scope="spring", below="", start=datetime(2026, 11, 1, tzinfo=UTC))
    LogChannel(log).send(
        Alert(key=key, threshold_nusd=usd("36"), limit_nusd=usd("40"), spent_nusd=usd("36.123456789"), at=key.start)
    )
    (event,) = log.named("budget_threshold")
    assert (event["budget"], event["scope"], event["spent_usd"]) == ("campaign", "spring", "36.123456789")
