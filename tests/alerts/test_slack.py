"""Messages to Slack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from routing.alerts.base import NotTaken
from routing.alerts.slack import SlackChannel
from tests.alerts.receiver import EXAMPLES, THRESHOLD

if TYPE_CHECKING:
    from tests.alerts.receiver import Receiver


def test_a_message_is_one_post_of_plain_text(receiver: Receiver) -> None:
    SlackChannel(receiver.url, what="SLACK_WEBHOOK_URL").send(THRESHOLD)
    (arrived,) = receiver.arrived
    assert arrived.headers["content-type"] == "application/json; charset=utf-8"
    title, *sentences = json.loads(arrived.body)["text"].splitlines()
    assert title == "*Budget month has reached 80% of its limit*"
    assert sentences[0] == "Spent: $400.12 of $500.00 since 2026-11-01."


def test_a_tag_cannot_call_everybody(receiver: Receiver) -> None:
    SlackChannel(receiver.url, what="SLACK_WEBHOOK_URL").send(EXAMPLES["threshold-odd-amount"])
    text = json.loads(receiver.arrived[0].body)["text"]
    assert "spring &amp; &lt;fall&gt;" in text
    assert "<" not in text


def test_a_refusal_names_the_host_and_never_the_address(receiver: Receiver) -> None:
    receiver.status, receiver.reply = 404, b"no_service"
    with pytest.raises(NotTaken) as why:
        SlackChannel(f"{receiver.url}/T0/B0/secret", what="SLACK_WEBHOOK_URL").send(THRESHOLD)
    assert str(why.value) == '127.0.0.1 answered 404: "no_service"'
