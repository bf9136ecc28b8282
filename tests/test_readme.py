"""Every command and every line of code in the README, run as a newcomer would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sh|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
PAID_BY_OTHERS = {
    "scripts/test": "runs this very test",
    "source .venv/bin/activate": "the path below has the commands already",
}


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A folder with the shipped files, and an environment whose vendor is the sandbox."""
    shutil.copy(ROOT / "router.yaml", tmp_path)
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    with Sandbox.start(pictures="flat") as vendor:
        yield {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OPENAI_API_KEY": "sandbox",
            "OPENAI_BASE_URL": vendor.openai_base_url,
            "FAL_KEY": "sandbox",
            "FAL_BASE_URL": vendor.fal_base_url,
        }


def test_the_commands_of_the_readme_work_in_their_order(shell: dict[str, str], tmp_path: Path) -> None:
    commands = [line.split("#")[0].strip() for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
    assert set(PAID_BY_OTHERS) <= set(commands)
    for command in commands:
        if not command or command in PAID_BY_OTHERS:
            continue
        runs = ["bash", str(ROOT / command), "--out", str(tmp_path / "demo")] if command == "scripts/demo" else None
        done = subprocess.run(
            runs or ["bash", "-c", command], cwd=tmp_path, env=shell, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert (tmp_path / "fox.png").read_bytes().startswith(b"\x89PNG")


def test_the_code_of_the_readme_works(shell: dict[str, str], tmp_path: Path) -> None:
    (code,) = [block for kind, block in BLOCKS if kind == "python"]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=shell, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "gpt-image-2 high $0.21" in done.stdout
    assert (tmp_path / "draft.png").exists()


def test_every_page_the_readme_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
