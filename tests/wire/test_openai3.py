"""Both openai 2.x and 3.x: whatever is installed, and the newest 3.x laid over it in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OVERLAY = ROOT / ".venv-openai3"
PINS = ROOT / "tests" / "wire" / "requirements-openai3.txt"
MEANT = "ROUTING_TESTS_MEAN_OPENAI"
"""Set in the process with 3.x: the version that its tests must find."""

PROMISES = (
    "tests/wire/test_campaign.py",
    "tests/wire/test_catalog.py",
    "tests/wire/test_moderation.py",
    "tests/wire/test_openai3.py",
    "tests/contracts/test_moderator.py",
    "tests/contracts/test_provider.py",
    "tests/providers/test_moderation.py",
    "tests/providers/test_openai.py",
    "tests/providers/test_request_ids.py",
    "tests/providers/test_stream.py",
    "tests/bills/test_openai_costs.py",
)
BUT_NOT = "not gemini and not fal"
"""What is bought through LiteLLM, which asks for openai 2.x."""

LASTS_AT_MOST_S = 240


def pinned(path: Path) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==([^ ;\\]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)


def test_the_openai_that_is_imported_is_the_one_meant() -> None:
    import openai  # noqa: PLC0415 - takes a second, and only this test reads its version

    meant = os.environ.get(MEANT) or pinned(ROOT / "requirements.lock")["openai"]
    assert (openai.__version__, version("openai")) == (meant, meant)


def test_the_second_environment_changes_openai_and_nothing_else() -> None:
    """If this fails: scripts/lock."""
    both = pinned(PINS).keys() & pinned(ROOT / "requirements.lock").keys()
    assert both == {"openai"}
    assert pinned(PINS)["openai"].startswith("3.")


@pytest.mark.skipif(MEANT in os.environ, reason="this is the process with openai 3.x")
def test_every_promise_of_the_wire_holds_with_the_newest_openai_3() -> None:
    if not (OVERLAY / "openai").is_dir():
        pytest.skip("openai 3.x does not lie beside .venv: scripts/wire installs it")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"PYTHONPATH": str(OVERLAY), MEANT: pinned(PINS)["openai"]}
    # Half of it waits for slow answers, so two run at once.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "2", "-k", BUT_NOT]
    ran = subprocess.run(
        [*command, *PROMISES], cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=LASTS_AT_MOST_S
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    passed = re.search(r"^(\d+) passed", ran.stdout.splitlines()[-1])
    assert passed, ran.stdout
    assert int(passed[1]) > 200, ran.stdout
