"""A witness between the router and a vendor: lets every request through once it has read, checked and counted it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.loopback import LoopbackServer, QuietHandler
from tests.wire.rules import KINDS, problems_of_body, problems_of_headers, read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KEY = "sk-wire-0123456789abcdef0123456789"
UPSTREAM_S = 20.0

NOT_PASSED_ON = frozenset({"host", "connection", "content-length", "transfer-encoding", "keep-alive"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One POST: whose it was, what was wrong with its body, what became of it (status 0: the vendor hung up)."""

    request_id: str
    model: str
    n: int
    status: int
    vendor_request_id: str
    problems: tuple[str, ...]
    raw: bytes = field(repr=False)


class Witness:
    """A server on loopback before a vendor.

    ``faults`` says for a request, and how many POSTs of it came before, which chaos headers go to the vendor with it.
    The router has no word for such headers, so they are added on the way. Who is asking is told by
    ``safety_identifier``: the tests put the id of the request there.
    """

    def __init__(self, vendor: str) -> None:
        self.posted: list[Posted] = []
        self.faults: Callable[[str, int], Mapping[str, str]] = lambda _id, _before: {}
        self._vendor = vendor
        self._lock = threading.Lock()
        self._begun: dict[str, int] = {}
        witness = self

        class Handler(QuietHandler):
            def respond(self) -> None:
                witness._pass_on(self)

        self._server = LoopbackServer(Handler)
        self.url = self._server.url

    def of(self, request_id: str) -> list[Posted]:
        """Tell the POSTs of one request, in the order of their answers."""
        with self._lock:
            return [post for post in self.posted if post.request_id == request_id]

    def stop(self) -> None:
        self._server.stop()

    def _pass_on(self, handler: QuietHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        body, problems = _checked(handler.path, headers, raw)
        whose = str(body.get("safety_identifier", ""))
        with self._lock:
            before = self._begun.get(whose, 0)
            self._begun[whose] = before + 1
        passed_on = {name: value for name, value in headers.items() if name not in NOT_PASSED_ON}
        # The vendor ignores n and size; its answers are chosen by this.
        passed_on["x-aimock-context"] = f"{body.get('size')} x{body.get('n')}"
        answer = self._ask(handler.path, raw, {**passed_on, **self.faults(whose, before)})
        post = Posted(
            request_id=whose,
            model=str(body.get("model")),
            n=int(body.get("n", 1)),
            status=answer.status if answer else 0,
            vendor_request_id=answer.headers.get("x-request-id", "") if answer else "",
            problems=tuple(problems),
            raw=raw,
        )
        with self._lock:
            self.posted.append(post)
        if answer is None:
            handler.close_connection = True  # without a word, as the vendor did
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            if name not in NOT_PASSED_ON:
                handler.send_header(name, value)
        handler.send_header("content-length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body)

    def _ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> _Answer | None:
        connection = HTTPConnection(urlsplit(self._vendor).netloc, timeout=UPSTREAM_S)
        try:
            connection.request("POST", path, body, dict(headers))
            response = connection.getresponse()
            read = response.read()
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
        named = {name.lower(): value for name, value in response.getheaders()}
        return _Answer(status=response.status, headers=named, body=read)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _checked(path: str, headers: Mapping[str, str], raw: bytes) -> tuple[dict[str, Any], list[str]]:
    problems = list(problems_of_headers(headers, KEY))
    kind = KINDS.get(path)
    if kind is None:
        return {}, [*problems, f"the Images API has no {path}"]
    try:
        body = read_body(path, headers, raw)
    except (OSError, TypeError, ValueError) as unreadable:
        return {}, [*problems, str(unreadable)]
    return body, [*problems, *problems_of_body(kind, body)]


@contextmanager
def witness_of(vendor: str) -> Iterator[Witness]:
    """Stand before a vendor until the block ends."""
    witness = Witness(vendor)
    try:
        yield witness
    finally:
        witness.stop()
