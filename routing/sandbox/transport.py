"""Answers that break off: what HTTP libraries are careful never to send."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["Broken", "Protocol", "Truncated"]

_KEY = "sandbox.transport"


class Protocol(H11Protocol):
    """uvicorn's HTTP protocol, which hands its connection to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own: for TCP
        """Remember the connection where requests find it."""
        self.app_state = {**self.app_state, _KEY: transport}
        super().connection_made(transport)


class Broken(Response):
    """No answer at all: the connection is reset."""

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        """Reset the connection under the client's feet."""
        transport = scope.get("state", {}).get(_KEY)
        if transport is None:
            raise ConnectionResetError("the sandbox breaks connections only when it runs under its own server")
        if transport.is_closing():
            return
        # Lingering for zero seconds turns the close into a TCP reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        # The server learns of it in the next turn of the loop; until then it would try to answer 500.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class Truncated(Response):
    """Two thirds of a body under the Content-Length of the whole."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the start and stop: the server closes the connection on a body that does not end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        await send({"type": "http.response.body", "body": body[: len(body) * 2 // 3], "more_body": True})
