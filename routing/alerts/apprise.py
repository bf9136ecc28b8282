"""Alerts through Apprise, which knows a hundred services (an extra: ``apprise``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.alerts.base import NotTaken
from routing.alerts.words import sentences_of, title_of
from routing.core.extras import how_to_install

if TYPE_CHECKING:
    from routing.core.alerts import Alert


class AppriseChannel:
    """Notifies one Apprise address."""

    def __init__(self, url: str, *, what: str) -> None:
        """``what`` names the address in messages: most hold a key."""
        self._url = url
        self._what = what

    def send(self, alert: Alert) -> None:
        """Send title and sentences as plain text."""
        try:
            import apprise  # noqa: PLC0415 - an extra that need not be installed
        except ImportError:
            raise NotTaken(f"apprise is not installed: {how_to_install('apprise')}") from None
        service = apprise.Apprise()
        if not service.add(self._url):
            raise NotTaken(f"{self._what} holds no address that Apprise knows")
        taken = service.notify(
            title=title_of(alert), body="\n".join(sentences_of(alert)), body_format=apprise.NotifyFormat.TEXT
        )
        if not taken:
            raise NotTaken("Apprise could not notify; its own log says why")
