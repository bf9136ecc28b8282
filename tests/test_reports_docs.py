"""Every command and all code of ``docs/reports.md``, in a folder with two weeks behind it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from routing.ledger.sqlite import SqliteStore
from tests.reports.ledgers import a_story, write

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python|text)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    shutil.copy(ROOT / "router.yaml", folder)
    shutil.copytree(ROOT / "policies", folder / "policies")
    store = SqliteStore.open(folder / "spend.db")
    write(store, a_story(datetime.now(UTC)))
    store.close()
    return folder


def run(folder: Path, *words: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_works(folder: Path, command: str) -> None:
    if "--parquet" in command:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    run(folder, "bash", "-c", command)
    for name in re.findall(r"\S+\.(?:csv|html|parquet)$", command):
        assert (folder / name).stat().st_size > 0


def test_the_line_of_an_asset_is_just_as_the_page_shows_it(folder: Path) -> None:
    (shown,) = (block for kind, block in BLOCKS if kind == "text")
    assert run(folder, "routing", "assets", "poster-7") == shown


def test_the_code_of_the_page_works(folder: Path) -> None:
    (code,) = (block for kind, block in BLOCKS if kind == "python")
    run(folder, sys.executable, "-c", code)
