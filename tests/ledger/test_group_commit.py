"""Many threads, one transaction: what one caller's refusal, failure or interrupt means for the others."""

from __future__ import annotations

import ctypes
import itertools
import random
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Balance, EntryKind
from routing.errors import BudgetExceeded, LedgerUnavailable
from routing.ledger.file_lock import FileLock
from routing.ledger.sqlite import SqliteStore
from tests.ledger.purchases import NOVEMBER, buy, claim, record, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "spend.db")
    yield store
    store.close()


class Callers:
    """Threads that call at the same time: the first one leads and is held inside until all others stand in the line."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.outcomes: dict[str, object] = {}
        self._leading = threading.Event()
        self._go = threading.Event()

    def together(self, leader: Callable[[], object], others: dict[str, Callable[[], object]]) -> dict[str, object]:
        """Run the leader's work once everyone waits; return what each got or raised."""

        def lead() -> object:
            def work(_cursor: sqlite3.Cursor) -> object:
                self._leading.set()
                self._go.wait()
                return leader()

            return self.store._writer.run(work)

        threads = [threading.Thread(target=self._note, args=("leader", lead))]
        threads[0].start()
        self._leading.wait()
        for name, work in others.items():
            threads.append(threading.Thread(target=self._note, args=(name, work)))
            threads[-1].start()
        while len(self.store._writer._line) < len(threads):
            threads[-1].join(0.001)
        self._go.set()
        for thread in threads:
            thread.join()
        return self.outcomes

    def _note(self, name: str, work: Callable[[], object]) -> None:
        try:
            self.outcomes[name] = work()
        except BaseException as error:  # noqa: BLE001 - interrupts are what is tested
            self.outcomes[name] = error


def hold(store: SqliteStore, name: str, amount: int) -> Callable[[], object]:
    """A call that answers with the name once its reservation is written."""

    def reserve() -> object:
        store.reserve(record(name), [reservation(amount, claim("month", 100), request_id=name)])
        return name

    return reserve


def commits(store: SqliteStore) -> list[str]:
    """Collect the commits from now on."""
    seen: list[str] = []
    store._writer._connection.set_trace_callback(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    return seen


def test_whoever_waits_is_written_in_one_transaction(store: SqliteStore) -> None:
    seen = commits(store)
    outcomes = Callers(store).together(lambda: "led", {name: hold(store, name, 10) for name in "abcdef"})
    assert outcomes == {"leader": "led", **{name: name for name in "abcdef"}}
    assert len(seen) == 2
    assert store.verify().open_holds == 6


def test_one_refusal_undoes_only_itself(store: SqliteStore) -> None:
    outcomes = Callers(store).together(
        lambda: None, {"a": hold(store, "a", 60), "too much": hold(store, "too much", 101), "c": hold(store, "c", 40)}
    )
    assert (outcomes["a"], outcomes["c"]) == ("a", "c")
    assert isinstance(outcomes["too much"], BudgetExceeded)
    assert store.balances("month", [NOVEMBER]) == {claim().key: Balance(held_nusd=100)}
    assert store.history("too much") is None


def test_a_commit_that_fails_fails_every_call_of_its_transaction(store: SqliteStore) -> None:
    def fail() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    outcomes = Callers(store).together(fail, {name: hold(store, name, 10) for name in "ab"})
    assert all(isinstance(outcome, LedgerUnavailable) for outcome in outcomes.values())
    assert len({id(outcome) for outcome in outcomes.values()}) == 3
    assert store.verify().entries == 0
    hold(store, "later", 10)()
    assert store.verify().entries == 1


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_a_leader_that_is_interrupted_hands_over(store: SqliteStore, interrupt: type[BaseException]) -> None:
    def stop() -> None:
        raise interrupt

    outcomes = Callers(store).together(stop, {name: hold(store, name, 10) for name in "abc"})
    assert isinstance(outcomes.pop("leader"), interrupt)
    assert outcomes == {name: name for name in "abc"}
    assert store.verify().open_holds == 3


def test_an_interrupted_leader_has_written_nothing(store: SqliteStore) -> None:
    def half_way(cursor: sqlite3.Cursor) -> None:
        cursor.execute("INSERT INTO holds VALUES ('half way', 1, 1)")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store._writer.run(half_way)
    assert store.verify().open_holds == 0
    buy(store, "poster", 1)
    assert store.verify().differences == ()


def test_an_error_of_ours_in_one_call_reaches_that_call_alone(store: SqliteStore) -> None:
    def wrong(_cursor: sqlite3.Cursor) -> None:
        raise ZeroDivisionError

    others: dict[str, Callable[[], object]] = {"wrong": lambda: store._writer.run(wrong), "a": hold(store, "a", 1)}
    outcomes = Callers(store).together(lambda: "led", others)
    assert isinstance(outcomes["wrong"], ZeroDivisionError)
    assert (outcomes["leader"], outcomes["a"]) == ("led", "a")


def test_whoever_waits_while_the_store_is_closed_is_refused_and_touches_no_other_file(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "spend.db")
    callers = Callers(store)
    with store._writer._lock:
        waiting = threading.Thread(target=callers._note, args=("late", hold(store, "late", 1)))
        waiting.start()
        while not store._writer._line:
            waiting.join(0.001)
        store._writer._handle.closed = True
        assert store._writer._file_lock is not None
        store._writer._file_lock.close()
        other = FileLock(tmp_path / "spend.db")  # gets the number of the descriptor that was closed
        other.acquire(1)
    waiting.join()
    assert isinstance(callers.outcomes["late"], LedgerUnavailable)
    assert "was closed" in str(callers.outcomes["late"])
    with pytest.raises(BlockingIOError):
        FileLock(tmp_path / "spend.db")._try()
    other.close()
    store._writer._connection.close()


class Spender(threading.Thread):
    """Buys until told to stop, whatever interrupts it, and remembers what it was told is written."""

    def __init__(self, store: SqliteStore, name: str, enough: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.store = store
        self.enough = enough
        self.acknowledged: set[tuple[str, EntryKind]] = set()
        self.numbers = itertools.count()

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                self.spend(f"{self.name}-{next(self.numbers)}")
            except KeyboardInterrupt:
                continue

    def spend(self, name: str) -> None:
        self.store.reserve(record(name), [reservation(7, claim("month", 10**12), request_id=name)])
        self.acknowledged.add((name, EntryKind.RESERVE))
        self.store.resolve(settle(f"{name}/1", 5))
        self.acknowledged.add((name, EntryKind.SETTLE))

    def interrupt(self) -> None:
        """Raise ``KeyboardInterrupt`` at its next step, as Ctrl-C does in the main thread."""
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident or 0), ctypes.py_object(KeyboardInterrupt))


@pytest.mark.filterwarnings("default::pytest.PytestUnhandledThreadExceptionWarning")
def test_interrupts_at_any_moment_lose_nothing_that_was_acknowledged_and_stop_nobody(store: SqliteStore) -> None:
    enough, chance = threading.Event(), random.Random(7)
    spenders = [Spender(store, f"spender{number}", enough) for number in range(8)]
    for spender in spenders:
        spender.start()
    for _ in range(400):
        spender = chance.choice(spenders)
        spender.interrupt()
        spender.join(0.001)
    enough.set()
    for spender in spenders:
        spender.join(30)
    assert not any(spender.is_alive() for spender in spenders)
    written = [(entry.request_id, entry.kind) for entry in store.entries()]
    assert len(written) == len({*written}) > 0
    assert set().union(*(spender.acknowledged for spender in spenders)) <= {*written}
    assert store.verify().differences == ()
