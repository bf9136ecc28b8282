"""Alerts as CloudEvents, signed the Standard Webhooks way."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from typing import TYPE_CHECKING

from routing.alerts.base import NotTaken
from routing.alerts.post import post
from routing.alerts.words import alert_id, values_of

if TYPE_CHECKING:
    from routing.core.alerts import Alert
    from routing.core.clock import Clock

SOURCE = "urn:image-routing"
TYPE = "image-routing.alert"
ENCODED = "whsec_"
"""How a secret begins that is written in base64."""


class WebhookChannel:
    """POSTs every alert to one address."""

    def __init__(self, url: str, secret: str, clock: Clock, *, what: str) -> None:
        """``secret`` may be empty: then nothing is signed. ``what`` names the address in messages."""
        self._url = url
        self._secret = secret
        self._clock = clock
        self._what = what

    def send(self, alert: Alert) -> None:
        """Send the event; its id is the same whenever it is sent again."""
        event = alert_id(alert)
        sent_at = str(int(self._clock.now().timestamp()))
        body = event_body(alert)
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": event,
            "webhook-timestamp": sent_at,
        }
        if self._secret:
            headers["webhook-signature"] = sign(self._secret, event, sent_at, body)
        post(self._url, body, headers, what=self._what)


def event_body(alert: Alert) -> bytes:
    """Write an alert as a CloudEvent in JSON, structured mode."""
    event = {
        "specversion": "1.0",
        "id": alert_id(alert),
        "source": SOURCE,
        "type": f"{TYPE}.{alert.kind.value}",
        "subject": alert.key.budget if alert.key else alert.name,
        "time": alert.at.isoformat(),
        "datacontenttype": "application/json",
        "data": values_of(alert),
    }
    return json.dumps(event, ensure_ascii=False).encode()


def sign(secret: str, event: str, sent_at: str, body: bytes) -> str:
    """Sign ``id.timestamp.body`` with HMAC-SHA256; a secret that begins with ``whsec_`` is base64, any other plain.

    Raises:
        NotTaken: where what follows ``whsec_`` is no base64.

    """
    key = secret.encode()
    if secret.startswith(ENCODED):
        encoded = secret.removeprefix(ENCODED)
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise NotTaken(f"the webhook's secret begins with {ENCODED} and is no base64 after that") from None
    signed = hmac.digest(key, b".".join((event.encode(), sent_at.encode(), body)), "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"
