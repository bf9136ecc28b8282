"""A wire between a ledger and its server that can be cut at the moment that matters: around a COMMIT."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import Enum

COMMIT_SENT = b"COMMIT"
COMMIT_DONE = b"COMMIT\x00"
"""The tag with which the server says that it is done."""


class Cut(Enum):
    BEFORE_COMMIT = "before the server hears of the commit"
    AFTER_COMMIT = "after the commit, before its answer arrives"


class Proxy:
    """Passes bytes between loopback and a server's port; ``cut`` arms it once, ``refuse`` hangs up on every caller."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut: Cut | None = None
        self.refuse_after_cut = False
        self.refuse = False
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refuse:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                for source, sink, upward in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass_on, args=(source, sink, upward), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, upward: bool) -> None:  # noqa: FBT001 - private
        with suppress(OSError):
            while data := source.recv(65536):
                if upward and self.cut is Cut.BEFORE_COMMIT and COMMIT_SENT in data:
                    break
                if not upward and self.cut is Cut.AFTER_COMMIT and COMMIT_DONE in data:
                    break
                sink.sendall(data)
            else:
                _hang_up(source, sink)
                return
            self.cut = None
            self.cuts += 1
            self.refuse = self.refuse_after_cut
        _hang_up(source, sink)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
