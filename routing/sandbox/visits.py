"""The log of requests, and the wrapper that writes a row for each."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from routing.sandbox.bill import KEPT_ROWS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Log", "Visit", "visit_of"]


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request, from its arrival on; `status` stays 0 until a status line has left."""

    seq: int
    time: str
    method: str
    path: str
    request_id: str
    model: str = ""
    status: int = 0
    charged_nusd: int = 0
    images: int = 0
    prompt_sha256: str = ""
    fault: str = ""

    def note(self, *, model: str, prompt: str) -> None:
        """Write down what the request turned out to be."""
        self.model = model
        self.prompt_sha256 = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def visit_of(scope: Scope) -> Visit:
    """The row of the request being answered."""
    visit = scope["sandbox.visit"]
    assert isinstance(visit, Visit)  # noqa: S101 - the wrapper below put it there
    return visit


class Log:
    """Counts requests, gives each an id, and keeps their rows."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self._numbers = itertools.count(1)
        self._rows: deque[Visit] = deque(maxlen=KEPT_ROWS)

    def clear(self) -> None:
        """Forget the rows and count from 1 again."""
        self._numbers = itertools.count(1)
        self._rows.clear()

    def as_json(self) -> dict[str, object]:
        """The body of `GET /_log`."""
        return {"requests": [asdict(row) for row in self._rows]}

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Log every request to `app`, except those that steer the sandbox itself."""

        async def logged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith("/_"):
                await app(scope, receive, send)
                return
            visit = self._open(scope)
            scope["sandbox.visit"] = visit

            async def stamp(message: Message) -> None:
                if message["type"] == "http.response.start":
                    visit.status = message["status"]
                    MutableHeaders(scope=message)["x-request-id"] = visit.request_id
                await send(message)

            await app(scope, receive, stamp)

        return logged

    def _open(self, scope: Scope) -> Visit:
        visit = Visit(
            seq=next(self._numbers),
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            method=scope["method"],
            path=scope["path"],
            request_id=f"req_{secrets.token_hex(16)}",
        )
        self._rows.append(visit)
        return visit
