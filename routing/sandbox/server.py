"""Runs a sandbox on loopback: here, in a thread, or in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import uvicorn

from routing.sandbox.app import create_app
from routing.sandbox.settings import Settings
from routing.sandbox.transport import Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

__all__ = ["DEFAULT_PORT", "Options", "Sandbox", "serve"]

HOST = "127.0.0.1"
DEFAULT_PORT = 8788
START_S = 15.0
STOP_S = 5.0
PARENT_CHECK_S = 0.5


class Options(TypedDict, total=False):
    """The fields of `Settings`, as keywords."""

    latency_s: float
    images_per_minute: int | None
    pictures: str
    cached_share: float
    output_details: bool
    polls: int


def serve(
    *,
    port: int = DEFAULT_PORT,
    settings: Settings | None = None,
    announce: Callable[[int], None] | None = None,
    parent_pid: int | None = None,
) -> None:
    """Serve on loopback until interrupted; port 0 picks a free one, `announce` is told which.

    With `parent_pid` the server also ends when that process is its parent no more. `OSError`: the port is taken.
    """
    runner = _Runner(port, settings or Settings())
    if parent_pid is not None:
        threading.Thread(target=_follow, args=(parent_pid, runner), daemon=True).start()
    if announce:
        announce(runner.port)
    runner.run()


def _follow(parent_pid: int, runner: _Runner) -> None:
    while os.getppid() == parent_pid:
        time.sleep(PARENT_CHECK_S)
    runner.stop()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go whoever a fault keeps waiting, then close as usual."""
        self._closing.set()
        await super().shutdown(sockets)


class _Runner:
    """One server on one socket; the socket listens from the start, so nobody who knows the port comes too early."""

    def __init__(self, port: int, settings: Settings) -> None:
        app = create_app(settings)
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=600,
                timeout_graceful_shutdown=1,
            ),
            app.state.desk.closing,
        )

    @property
    def started(self) -> bool:
        return self._server.started

    def run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Ask the server to end."""
        self._server.should_exit = True


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio turns off Nagle's algorithm only where it is: otherwise every answer on a
    # kept connection waits 40 ms for an acknowledgement.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


class Sandbox:
    """A running sandbox: a context manager with its addresses, its bill and its log."""

    def __init__(self, port: int, stop: Callable[[], None]) -> None:
        """Made by `start` and `spawn`."""
        self.port = port
        self._stop = stop

    @classmethod
    def start(cls, *, port: int = 0, faults: Sequence[str | None] = (), **options: Unpack[Options]) -> Self:
        """Run in a thread of this process: quick to start, for tests."""
        runner = _Runner(port, Settings(**options))
        thread = threading.Thread(target=runner.run, name="sandbox", daemon=True)
        thread.start()

        def stop() -> None:
            runner.stop()
            thread.join(STOP_S)

        sandbox = cls(runner.port, stop)
        return sandbox._ready(lambda: runner.started, faults)

    @classmethod
    def spawn(cls, *, port: int = 0, faults: Sequence[str | None] = (), **options: Unpack[Options]) -> Self:
        """Run in a process of its own, which takes no time from this one's: for benchmarks and the demo."""
        settings = Settings(**options)
        command = [sys.executable, "-m", "routing.sandbox", "--port", str(port), "--parent", str(os.getpid())]
        child = subprocess.Popen(  # noqa: S603 - our own program
            [*command, *_arguments(settings)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=_environment()
        )

        def stop() -> None:
            child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(STOP_S)
            if child.stdout:
                child.stdout.close()

        try:
            sandbox = cls(_announced(child), stop)
            return sandbox._ready(lambda: True, faults)
        except BaseException:
            stop()
            raise

    def _ready(self, started: Callable[[], bool], faults: Sequence[str | None]) -> Self:
        deadline = time.monotonic() + START_S
        while not started():
            if time.monotonic() > deadline:
                self._stop()
                raise TimeoutError(f"the sandbox did not start within {START_S} s")
            time.sleep(0.002)
        if faults:
            self.inject(faults)
        return self

    def __enter__(self) -> Self:
        """The sandbox itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def stop(self) -> None:
        """Stop the server; a second time does nothing."""
        stop, self._stop = self._stop, lambda: None
        stop()

    @property
    def url(self) -> str:
        """The root; also the endpoint for Azure clients."""
        return f"http://{HOST}:{self.port}"

    @property
    def openai_base_url(self) -> str:
        """The base URL for the openai SDK."""
        return f"{self.url}/v1"

    @property
    def google_base_url(self) -> str:
        """The `api_base` for LiteLLM's `gemini/` models."""
        return f"{self.url}/v1beta"

    @property
    def fal_base_url(self) -> str:
        """The `api_base` for LiteLLM's `fal_ai/` models."""
        return f"{self.url}/fal"

    @property
    def apimart_base_url(self) -> str:
        """The base URL of the task dialect."""
        return f"{self.url}/apimart/v1"

    def bill(self) -> dict[str, Any]:
        """What was charged so far."""
        return self._call("GET", "/_bill")

    def log(self) -> list[dict[str, Any]]:
        """Every request so far, the oldest first."""
        rows: list[dict[str, Any]] = self._call("GET", "/_log")["requests"]
        return rows

    def reset(self) -> None:
        """Forget bill, log, faults and files."""
        self._call("POST", "/_reset")

    def inject(
        self, faults: Sequence[str | None] = (), *, rates: Mapping[str, float] | None = None, seed: int = 0
    ) -> None:
        """Replace the schedule of faults (one per purchase) and their rates; nothing clears both."""
        self._call("POST", "/_faults", {"faults": list(faults), "rates": dict(rates or {}), "seed": seed})

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise ValueError(answer["error"]["message"])
        return answer


def _environment() -> dict[str, str]:
    """This process's environment, in which a child finds the package where this process found it."""
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _arguments(settings: Settings) -> list[str]:
    """The settings as the command line of `python -m routing.sandbox`."""
    arguments = ["--latency", str(settings.latency_s), "--pictures", settings.pictures]
    arguments += ["--cached-share", str(settings.cached_share), "--polls", str(settings.polls)]
    if settings.images_per_minute is not None:
        arguments += ["--images-per-minute", str(settings.images_per_minute)]
    if not settings.output_details:
        arguments.append("--no-output-details")
    return arguments


def _announced(child: subprocess.Popen[bytes]) -> int:
    """The port from the child's first line, waited for only so long."""
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda stream: lines.append(stream.readline()), args=(child.stdout,), daemon=True)
    reader.start()
    reader.join(START_S)
    if not lines or not lines[0]:
        raise TimeoutError(f"the sandbox did not start within {START_S} s")
    return int(json.loads(lines[0])["port"])
