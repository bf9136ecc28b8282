"""Webhooks, as a receiver sees them: the body read by the CloudEvents library, the signature by Standard Webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from standardwebhooks import Webhook, WebhookVerificationError

from routing.alerts.base import NotTaken
from routing.alerts.webhook import WebhookChannel
from routing.assembly import SystemClock
from routing.testing import FrozenClock
from tests.alerts.receiver import EXAMPLES, THRESHOLD

if TYPE_CHECKING:
    from tests.alerts.receiver import Receiver

SECRET = f"whsec_{base64.b64encode(b'twenty-four bytes of salt').decode()}"


def test_a_receiver_can_check_who_sent_it_and_that_it_is_whole(receiver: Receiver) -> None:
    # The library of the receiver looks at the machine's own clock.
    WebhookChannel(receiver.url, SECRET, SystemClock(), what="HOOK").send(THRESHOLD)
    (arrived,) = receiver.arrived
    assert Webhook(SECRET).verify(arrived.body, arrived.headers)["data"]["budget"] == "month"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(arrived.body.replace(b"month", b"mouth"), arrived.headers)


def test_a_secret_that_is_plain_text_signs_as_it_is(receiver: Receiver) -> None:
    WebhookChannel(receiver.url, "plain words", FrozenClock(), what="HOOK").send(THRESHOLD)
    (arrived,) = receiver.arrived
    signed = b".".join(
        (arrived.headers["webhook-id"].encode(), arrived.headers["webhook-timestamp"].encode(), arrived.body)
    )
    expected = base64.b64encode(hmac.new(b"plain words", signed, hashlib.sha256).digest()).decode()
    assert arrived.headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_body_is_a_cloud_event(receiver: Receiver, name: str) -> None:
    alert = EXAMPLES[name]
    WebhookChannel(receiver.url, "", FrozenClock(), what="HOOK").send(alert)
    (arrived,) = receiver.arrived
    event = from_http_event(HTTPMessage(headers=arrived.headers, body=arrived.body))
    assert event.get_type() == f"image-routing.alert.{alert.kind}"
    assert event.get_time() == alert.at
    assert event.get_id() == arrived.headers["webhook-id"]
    data = event.get_data()
    assert isinstance(data, dict)
    assert (data["kind"], data["name"]) == (alert.kind, alert.name)


def test_what_is_sent_again_has_the_same_id_so_that_it_can_be_dropped(receiver: Receiver) -> None:
    clock = FrozenClock()
    channel = WebhookChannel(receiver.url, SECRET, clock, what="HOOK")
    channel.send(THRESHOLD)
    clock.sleep(60)
    channel.send(THRESHOLD)
    first, second = (arrived.headers for arrived in receiver.arrived)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) == int(first["webhook-timestamp"]) + 60


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    WebhookChannel(receiver.url, "", FrozenClock(), what="HOOK").send(THRESHOLD)
    assert "webhook-signature" not in receiver.arrived[0].headers


def test_a_damaged_secret_is_told_and_nothing_is_sent_unsigned(receiver: Receiver) -> None:
    with pytest.raises(NotTaken, match="no base64"):
        WebhookChannel(receiver.url, "whsec_not!base64", FrozenClock(), what="HOOK").send(THRESHOLD)
    assert not receiver.arrived


def test_amounts_are_exact_decimal_strings(receiver: Receiver) -> None:
    WebhookChannel(receiver.url, "", FrozenClock(), what="HOOK").send(THRESHOLD)
    data = json.loads(receiver.arrived[0].body)["data"]
    assert (data["threshold_usd"], data["limit_usd"], data["spent_usd"]) == ("400", "500", "400.123456789")
