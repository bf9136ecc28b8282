"""What a damaged file is answered with: the messages are product.

``REWRITE_GOLDEN=1 pytest tests/config`` writes them anew.
"""

from __future__ import annotations

import os
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from routing.config.load import load
from routing.errors import ConfigError

GOLDEN = Path(__file__).parents[1] / "golden" / "config"
DAMAGED = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
TODAY = date(2026, 11, 21)
ENV = {"OPENAI_API_KEY": "set", "GEMINI_API_KEY": "set"}


def answer(stem: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put one damaged file beside its sound counterpart and load both."""
    for sound in (GOLDEN / "sound").iterdir():
        shutil.copy(sound, folder)
    shutil.copy(GOLDEN / f"{stem}.yaml", folder / f"{stem.partition('-')[0]}.yaml")
    monkeypatch.chdir(folder)
    try:
        config = load(Path("router.yaml"), ENV, today=TODAY)
    except ConfigError as error:
        return f"{error}\n"
    return "".join(f"{warning}\n" for warning in config.warnings)


@pytest.mark.parametrize("stem", DAMAGED)
def test_a_damaged_file_is_answered_with_the_agreed_words(
    stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = answer(stem, tmp_path, monkeypatch)
    golden = GOLDEN / f"{stem}.txt"
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("stem", DAMAGED)
def test_every_answer_names_file_line_column_and_a_way_out(stem: str) -> None:
    lines = (GOLDEN / f"{stem}.txt").read_text(encoding="utf-8").splitlines()
    assert lines, "a damaged file must be answered"
    for line in lines:
        assert re.match(r"(router|policy)\.yaml:[1-9]\d*:[1-9]\d*: .+; .+", line), line


def test_the_sound_files_raise_no_problem(tmp_path: Path) -> None:
    for sound in (GOLDEN / "sound").iterdir():
        shutil.copy(sound, tmp_path)
    assert load(tmp_path / "router.yaml", ENV, today=TODAY).warnings == ()


def test_no_answer_repeats_a_key() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.txt"))
    for key in ("Zx81kQ0pLmN4vR7tYw2eAb3C", "hunter2", "AIzaSy", "q8F2nLx0Zr7Vt5Wm1Kc9", "s3cr3t", "me:secret"):
        assert key not in said
