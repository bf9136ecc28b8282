"""A web server on loopback that answers as a test wants: it prints nothing, and minds nobody who hangs up."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """What is common to all; a test says how to ``respond``."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def respond(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def log_message(self, *_: object) -> None:
        """Tests print enough."""


class LoopbackServer(ThreadingHTTPServer):
    """Answers in threads of its own, on a free port, until ``stop``."""

    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, handler: type[QuietHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what many tests are about."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)
