"""An archive whose process is killed, and two that do the same at once."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

from routing.ledger import archive as steps
from routing.ledger.archive_files import read_file
from routing.ledger.base import ArchiveError
from tests.ledger.old_books import STEPS
from tests.ledger.purchases import DECEMBER, NOON, buy, claim
from tests.ledger.shelves import SHELVES, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.ledger.base import Archive, Store

ROOT = Path(__file__).parents[2]

REQUESTS = 12
"""More than the worker moves at once."""


@pytest.fixture(params=[name for name in SHELVES if name != "memory"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    shelf = SHELVES[request.param](tmp_path)
    yield shelf
    shelf.close()


@pytest.fixture
def ledger(shelf: Shelf) -> Store:
    store = shelf.open()
    for number in range(REQUESTS):
        buy(store, f"r{number}", 3, claim("month", 10**9), at=NOON)
    buy(store, "new", 1, at=DECEMBER)
    return store


def check(ledger: Store, file: Path) -> None:
    assert [each.finished for each in ledger.archives()] == [True]
    found = ledger.verify()
    assert found.differences == ()
    assert (found.entries, found.archived, found.spent_nusd) == (2, 2 * REQUESTS, 3 * REQUESTS + 1)
    assert [line["seq"] for line in read_file(file)] == list(range(1, 2 * REQUESTS + 1))


@pytest.mark.parametrize("stop", STEPS)
def test_an_archive_that_was_killed_is_finished_by_the_next(
    shelf: Shelf, ledger: Store, tmp_path: Path, stop: str
) -> None:
    file = tmp_path / "old.csv"
    command = [sys.executable, "-m", "tests.ledger.worker", "archive", shelf.address, str(file)]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=PIPE, stdout=PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        for line in worker.stdout:
            if line.strip() == stop:
                break
            worker.stdin.write("go\n")
            worker.stdin.flush()
        worker.kill()
    found = ledger.verify()
    assert found.differences == ()
    assert (found.entries + found.archived, found.spent_nusd) == (2 * REQUESTS + 2, 3 * REQUESTS + 1)
    ledger.archive(DECEMBER, file, DECEMBER)
    check(ledger, file)


@pytest.mark.parametrize("stop", STEPS)
def test_two_archives_at_once_move_everything_once(
    shelf: Shelf, ledger: Store, tmp_path: Path, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "REQUESTS_AT_ONCE", 5)
    other, file = shelf.open(), tmp_path / "old.csv"
    done: list[Archive | None] = []

    def let_the_other_do_it(step: str) -> None:
        if step == stop and not done:
            done.append(other.archive(DECEMBER, file, DECEMBER))

    with suppress(ArchiveError):  # the other was quicker
        ledger.archive(DECEMBER, file, DECEMBER, watch=let_the_other_do_it)
    assert len(done) == 1
    check(ledger, file)
