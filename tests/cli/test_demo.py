"""``routing demo``, end to end: one run in a process of its own, and everything it claims."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from routing.cli.demo import command_words
from routing.cli.demo_campaign import CAMPAIGN
from routing.cli.starter import starter_files
from routing.core.quoted import quoted_text

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine, Ran

ROOT = Path(__file__).parents[2]
COMMANDS = Path(sys.executable).parent
SECONDS_AT_MOST = 60
"""Three times what it takes on a machine with nothing else to do."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def told(place: Path) -> str:
    began = time.monotonic()
    ended = run(place, "demo")
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr
    assert time.monotonic() - began < SECONDS_AT_MOST
    return ended.stdout


def run(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    keys = ("OPENAI_API_KEY", "GEMINI_API_KEY", "FAL_KEY")
    return subprocess.run(
        [sys.executable, "-m", "routing", *words],
        cwd=place,
        env={name: value for name, value in os.environ.items() if name not in keys}
        | {"PYTHONPATH": str(ROOT), "PATH": os.pathsep.join((str(COMMANDS), os.environ["PATH"]))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def amount(told: str, name: str) -> Decimal:
    found = re.search(rf"^{name} +\$([\d.,]+)", told, re.MULTILINE)
    assert found, name
    return Decimal(found[1].replace(",", ""))


def test_the_ledger_and_the_vendors_bill_agree_to_the_nano_dollar(told: str) -> None:
    assert amount(told, "ledger") == amount(told, "vendor's bill") > 0
    assert re.search(r"^difference +\$0 +equal to the nano-dollar$", told, re.MULTILINE)


def test_it_says_what_was_saved_against_all_final_and_by_the_cache(told: str) -> None:
    assert amount(told, rf"all {len(CAMPAIGN)} requests as final") > 2 * amount(told, "spent")
    assert amount(told, "saved by the cache") > 0


def test_every_request_is_told_with_its_rule_its_deployment_and_its_cost(told: str) -> None:
    for number, step in enumerate(CAMPAIGN, start=1):
        line = rf"^ ?{number}  {step.name} +(draft |review|final ) -> .+ (\$[\d.]+|from cache)$"
        assert re.search(line, told, re.MULTILINE), step.name
    assert "sorted by policies/default.yaml:8 (tags.stage is draft)" in told
    assert "named by the call; route for text_chars at least 12" in told
    assert "not flux-schnell: fal_ai/fal-ai/flux/schnell cannot edit" in told
    assert "dearer: gpt-image-2.5-flare and gpt-image-2 $0.0060, nano-banana $0.0387" in told


def test_no_line_is_wider_than_a_terminal_but_the_commands_to_copy(told: str) -> None:
    wide = [line for line in told.splitlines() if len(line) > 80 and not line.startswith("  routing ")]
    assert not wide


def test_every_picture_is_saved_and_is_one(told: str, place: Path) -> None:
    assert told
    pictures = sorted(path for path in (place / "demo-out").iterdir() if path.suffix in {".png", ".jpg", ".webp"})
    assert {int(path.name[:2]) for path in pictures} == set(range(1, len(CAMPAIGN) + 1))
    for path in pictures:
        with Image.open(path) as image:
            image.verify()


def test_it_works_on_the_shipped_files_and_only_in_its_own_folder(told: str, place: Path) -> None:
    assert told
    assert [path.name for path in place.iterdir()] == ["demo-out"]
    for name, content in starter_files().items():
        assert (place / "demo-out" / name).read_bytes() == content


def test_the_three_commands_to_try_next_work_when_the_sandbox_is_gone(told: str, place: Path) -> None:
    commands = [line.strip() for line in told.splitlines() if line.startswith("  routing ")]
    assert [command.split()[1] for command in commands] == ["spend", "explain", "budgets"]
    for command in commands:
        ended = run(place, *shlex.split(command)[1:])
        assert ended.returncode == 0, ended.stderr
        assert not ended.stderr
    assert "harbour-lights" in run(place, *shlex.split(commands[0])[1:]).stdout


def test_where_the_path_has_no_routing_the_commands_to_try_next_say_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "routing").write_text("#!/bin/sh\n", encoding="utf-8")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert command_words() == shlex.quote(str(tmp_path / "routing"))
    monkeypatch.chdir(tmp_path.parent)
    assert command_words() == shlex.quote(f"{tmp_path.name}/routing")
    (tmp_path / "routing").unlink()
    assert command_words() == f"{shlex.quote(str(tmp_path / 'python'))} -m routing"


def test_a_second_run_begins_afresh_and_leaves_other_files_alone(told: str, place: Path) -> None:
    mine = place / "demo-out" / "mine.txt"
    mine.write_text("mine", encoding="utf-8")
    again = run(place, "demo")
    assert amount(again.stdout, "ledger") == amount(told, "ledger")
    assert mine.read_text(encoding="utf-8") == "mine"


def test_nothing_of_it_is_left_running(told: str) -> None:
    url = re.search(r"http://127\.0\.0\.1:(\d+)", told)
    assert url
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("this system does not list its sockets in a file")
    assert f":{int(url[1]):04X} 00000000:0000 0A" not in listening.read_text(encoding="ascii")


def test_a_folder_of_somebody_else_is_refused(keyless: CommandLine) -> None:
    ran: Ran = keyless("demo", "--out", str(keyless.folder))
    assert ran.code == 2
    assert "holds something else than a demo" in ran.err


def test_the_campaign_shows_what_it_is_to_show() -> None:
    assert 14 <= len(CAMPAIGN) <= 18
    assert len([step for step in CAMPAIGN if step.again]) >= 2
    assert len([step for step in CAMPAIGN if len(step.references) == 2]) == 1
    assert [step for step in CAMPAIGN if step.promotes and step.importance == "final"]
    assert [step for step in CAMPAIGN if step.prompt and step.importance is None]
    assert [step for step in CAMPAIGN if step.importance == "draft" and quoted_text(step.prompt)]
    assert {"review", "draft", "final"} <= {step.importance for step in CAMPAIGN}
