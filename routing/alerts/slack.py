"""Alerts as messages in Slack, through an incoming webhook."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from routing.alerts.post import post
from routing.alerts.words import sentences_of, title_of

if TYPE_CHECKING:
    from routing.core.alerts import Alert


class SlackChannel:
    """POSTs every alert as one message."""

    def __init__(self, url: str, *, what: str) -> None:
        """``what`` names the address in messages: whoever knows it can write to the channel."""
        self._url = url
        self._what = what

    def send(self, alert: Alert) -> None:
        """Send title and sentences."""
        post(self._url, message_body(alert), {"Content-Type": "application/json; charset=utf-8"}, what=self._what)


def message_body(alert: Alert) -> bytes:
    """Write an alert as a message: the title in bold, and nothing of it read as a mention or a link."""
    title, *sentences = (escaped(line) for line in (title_of(alert), *sentences_of(alert)))
    return json.dumps({"text": "\n".join((f"*{title}*", *sentences))}, ensure_ascii=False).encode()


def escaped(text: str) -> str:
    """Keep Slack from reading ``<!channel>`` in a tag's value as what it stands for."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
