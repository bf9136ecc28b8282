"""Files are written whole or not at all, where they were meant to be, for those who could read them before."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from routing.cli.whole_file import whole_file
from routing.errors import RequestError

AS_NOBODY = """
import os, sys
from pathlib import Path
from routing.cli.whole_file import whole_file
from routing.errors import RequestError
if not os.geteuid():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    with whole_file(Path(sys.argv[1])) as file:
        file.write(b"new")
except RequestError as error:
    print(error)
"""
"""Permissions do not bind root, as whom tests may run."""


def write(target: Path, text: bytes = b"new") -> None:
    with whole_file(target) as file:
        file.write(text)


def _break_off(target: Path) -> None:
    with whole_file(target) as file:
        file.write(b"half")
        raise KeyError


def told(target: Path) -> str:
    with pytest.raises(RequestError) as refused:
        write(target)
    return str(refused.value)


def test_what_stood_there_stays_until_the_new_file_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "focus.csv"
    target.write_bytes(b"old")
    with pytest.raises(KeyError):
        _break_off(target)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == {target: b"old"}
    write(target)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == {target: b"new"}


def test_a_link_is_followed(tmp_path: Path) -> None:
    latest, dated = tmp_path / "latest.csv", tmp_path / "2026-11.csv"
    latest.symlink_to(dated.name)
    write(latest)
    assert latest.is_symlink()
    assert dated.read_bytes() == b"new"


def test_nobody_may_read_the_new_file_who_could_not_read_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "focus.csv"
    target.touch(mode=0o600)
    write(target)
    assert target.stat().st_mode & 0o777 == 0o600


def test_the_longest_name_there_is_can_be_written(tmp_path: Path) -> None:
    write(tmp_path / f"{'n' * 251}.csv")
    write(tmp_path / ("\N{GRINNING FACE}" * 62 + ".csv"))


def test_where_nothing_can_be_written_the_place_and_the_way_out_are_named(tmp_path: Path) -> None:
    assert told(tmp_path) == f"{tmp_path} is a folder: name a file in it"
    nowhere = tmp_path / "nowhere" / "x.csv"
    assert told(nowhere) == f"{nowhere}: the folder {nowhere.parent} does not exist; create it first"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no folder here that even root may not write")
def test_a_folder_that_may_not_be_written_is_named_and_not_the_file_aside() -> None:
    said = told(Path("/proc/x.csv"))
    assert said.startswith("/proc/x.csv: the folder /proc cannot be written (")
    assert said.endswith("): name a file elsewhere")


def test_a_file_that_is_kept_from_writing_is_left_alone() -> None:
    with tempfile.TemporaryDirectory() as name:  # that of the test would be closed to nobody
        folder = Path(name)
        folder.chmod(0o777)
        target = folder / "page.html"
        target.write_bytes(b"signed off")
        target.chmod(0o444)
        asked = [sys.executable, "-c", AS_NOBODY, str(target)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout == f"{target} is there and may not be written: name another file\n", done.stderr
        assert target.read_bytes() == b"signed off"
