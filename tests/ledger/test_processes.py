"""Several processes on one ledger: opening it at once, sharing a budget, being killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

from routing.core.alerts import Alert, AlertKind
from routing.core.entries import Balance, EntryKind
from tests.ledger.purchases import HOLD_FOR, NOON, NOVEMBER, claim
from tests.ledger.shelves import SHELVES, Shelf
from tests.ledger.worker import LIMIT, PRICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]


@contextmanager
def workers(what: str, address: str, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes that begin together once all are ready."""
    command = [sys.executable, "-m", "tests.ledger.worker", what, address]
    started = [
        subprocess.Popen([*command, f"worker{number}"], cwd=ROOT, text=True, stdin=PIPE, stdout=PIPE)
        for number in range(count)
    ]
    try:
        for worker in started:
            assert told(worker) == "ready"
        for worker in started:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        yield started
    finally:
        for worker in started:
            worker.kill()
            worker.communicate()


def told(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


@pytest.fixture(params=[name for name in SHELVES if name != "memory"])
def make_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Shelf]]:
    """Make shelves that several processes can share."""
    made: list[Shelf] = []

    def make() -> Shelf:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(SHELVES[request.param](folder))
        return made[-1]

    yield make
    for shelf in made:
        shelf.close()


def test_four_processes_open_a_fresh_ledger_at_once(make_shelf: Callable[[], Shelf]) -> None:
    for _ in range(3):
        with workers("open", make_shelf().address, 4) as started:
            assert [told(worker) for worker in started] == ["open"] * 4


def test_four_processes_of_eight_threads_reach_a_limit_exactly_and_all_are_served(
    make_shelf: Callable[[], Shelf],
) -> None:
    shelf = make_shelf()
    with workers("hammer", shelf.address, 4) as started:
        bought = [int(told(worker)) for worker in started]
    store = shelf.open()
    assert sum(bought) == LIMIT // PRICE
    assert all(count > 0 for count in bought), bought
    assert store.balances("month", [NOVEMBER]) == {claim().key: Balance(spent_nusd=LIMIT)}
    campaigns = [claim("campaign", scope=f"worker{number}").key for number in range(4)]
    spent = store.balances("campaign", [NOVEMBER])
    assert [spent[key].spent_nusd for key in campaigns] == [count * PRICE for count in bought]
    assert store.verify().differences == ()


def test_two_processes_that_deliver_take_no_alert_twice(make_shelf: Callable[[], Shelf]) -> None:
    shelf = make_shelf()
    names = [f"alert{number}" for number in range(400)]
    shelf.open().record_alerts([Alert(kind=AlertKind.ACTION, name=name, at=NOON) for name in names])
    with workers("deliver", shelf.address, 2) as started:
        taken = [line for worker in started for line in iter(lambda: told(worker), "none left")]  # noqa: B023 - used at once
    assert sorted(taken) == sorted(f"{name} {channel}" for name in names for channel in ("log", "mail"))


@pytest.mark.parametrize("purchases", [1, 10, 100])
def test_a_killed_process_loses_nothing_it_was_told(make_shelf: Callable[[], Shelf], purchases: int) -> None:
    shelf = make_shelf()
    with workers("endless", shelf.address, 2) as started:
        acknowledged = {told(worker) for worker in started for _ in range(purchases)}
        started[0].kill()
        acknowledged |= {told(started[1]) for _ in range(purchases)}
        for worker in started:
            worker.kill()
    store = shelf.open()
    settled = {entry.request_id for entry in store.entries() if entry.kind is EntryKind.SETTLE}
    assert acknowledged <= settled
    assert store.verify().differences == ()
    swept = store.sweep(NOON + HOLD_FOR, release=False)
    found = store.verify()
    assert (found.differences, found.open_holds, found.held_nusd) == ((), 0, 0)
    assert found.unconfirmed_nusd == len(swept) * PRICE
