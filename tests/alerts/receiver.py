"""A receiver of webhooks on loopback that answers as it is told, and alerts to send it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from routing.core.alerts import Alert, AlertKind, overrun_alert, threshold_alert
from routing.core.budgets import CounterKey
from routing.core.entries import EntryKind, Resolution
from routing.core.money import usd
from routing.core.window import EPOCH
from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
MONTH = CounterKey(budget="month", scope="", below="", start=datetime(2026, 11, 1, tzinfo=UTC))
CAMPAIGN = CounterKey(budget="campaign", scope="spring & <fall>", below="", start=EPOCH)

THRESHOLD = threshold_alert(MONTH, usd(400), usd(500), usd("400.123456789"), AT)
EXAMPLES = {
    "threshold": THRESHOLD,
    "threshold-odd-amount": threshold_alert(CAMPAIGN, usd("7.77"), usd(40), usd("7.80"), AT),
    "threshold-rolling": threshold_alert(
        replace(MONTH, budget="day", start=AT), usd(25), usd(50), usd(26), AT, timedelta(hours=24)
    ),
    "limit": threshold_alert(MONTH, usd(500), usd(500), usd("500.01"), AT),
    "forecast": Alert(
        kind=AlertKind.FORECAST,
        name="forecast/month",
        at=AT,
        key=MONTH,
        limit_nusd=usd(500),
        spent_nusd=usd(320),
        detail="at this rate the month ends at $640.00 of $500.00, reached on 2026-11-24",
    ),
    "unconfirmed": Alert(
        kind=AlertKind.UNCONFIRMED,
        name="unconfirmed/gpt-image-2/2026-11-21",
        at=AT,
        spent_nusd=usd("0.84"),
        detail="3 calls to gpt-image-2 charged at the quote, $0.84 in all: whether the vendor charged is unknown",
    ),
    "overrun": overrun_alert(
        Resolution(reservation_id="poster-7/1", kind=EntryKind.SETTLE, at=AT, amount_nusd=usd("0.2112")),
        "gpt-image-2",
        usd("0.166"),
    ),
    "action": Alert(
        kind=AlertKind.ACTION,
        name="action/month",
        at=AT,
        key=MONTH,
        limit_nusd=usd(500),
        detail="draft requests downgraded from gpt-image-2 to flux-schnell",
    ),
    "test": Alert(kind=AlertKind.TEST, name="test/now", at=AT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request: headers in lower case, and the body."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Receiver:
    """What came in; ``status``, ``reply`` and ``location`` are what is answered, once ``open`` is set."""

    url: str = ""
    status: int = 200
    reply: bytes = b"ok"
    location: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port until the block ends."""
    receiver = Receiver()
    receiver.open.set()

    class Handler(QuietHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.arrived.append(Arrived(headers={k.lower(): v for k, v in self.headers.items()}, body=body))
            receiver.asked.set()
            receiver.open.wait(30)
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(len(receiver.reply)))
            self.end_headers()
            self.wfile.write(receiver.reply)

    server = LoopbackServer(Handler)
    receiver.url = f"{server.url}/hook"
    try:
        yield receiver
    finally:
        receiver.open.set()
        server.stop()
