"""A folder with the shipped files, a vendor on loopback, and two ways to run a command."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from routing.cli.app import app
from routing.cli.starter import starter_files
from routing.cli.vendor import BASES, KEYS, environment
from routing.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@dataclass(slots=True, kw_only=True)
class CommandLine:
    """Runs commands in a folder with an environment of their own."""

    folder: Path
    env: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, *words: str, stdin: str | None = None, **env: str) -> Ran:
        """Run in this process."""
        result = CliRunner().invoke(app, list(words), input=stdin, env={**self.env, **env}, catch_exceptions=False)
        return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)

    def process(self, *words: str, **env: str) -> Ran:
        """Run as a person does: in a process of its own."""
        ended = subprocess.run(
            [sys.executable, "-m", "routing", *words],
            cwd=self.folder,
            env=self.whole_environment(**env),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(code=ended.returncode, out=ended.stdout, err=ended.stderr)

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start a process that the test will end."""
        return subprocess.Popen(
            [sys.executable, "-m", "routing", *words],
            cwd=self.folder,
            env=self.whole_environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def whole_environment(self, **env: str) -> dict[str, str]:
        """The environment of a process: this one's without keys, then what the test gives."""
        given: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT), **OFFLINE, **self.env, **env}
        return {name: value for name, value in given.items() if value is not None}


@pytest.fixture(scope="session")
def vendor() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat") as sandbox:
        yield sandbox


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: the shipped files, and reports for every request bought from gpt-image-2."""
    for name, content in starter_files().items():
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        # One model for everything: the quickest to call, and every price known by heart.
        place.write_bytes(content.replace(b"policy: policies/default.yaml", b"policy: policies/single-model.yaml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def keyless(folder: Path) -> CommandLine:
    """The command line of somebody who has set no key."""
    return CommandLine(folder=folder, env=dict.fromkeys((*KEYS, *BASES, "ROUTING_CONFIG", "NO_COLOR", "COLUMNS")))


@pytest.fixture
def routing(keyless: CommandLine, vendor: Sandbox) -> CommandLine:
    """The command line of somebody whose vendor is the sandbox."""
    vendor.reset()
    return CommandLine(folder=keyless.folder, env={**keyless.env, **environment(vendor.url)})


@pytest.fixture
def edit_config(folder: Path) -> Callable[[str, str], None]:
    """Replace a text of router.yaml."""

    def replace(old: str, new: str) -> None:
        path = folder / "router.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
