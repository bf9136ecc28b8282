"""Connections that are cut, answers that are lost and servers that are killed: nothing lost, nothing booked twice."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Adjustment, Balance, EntryKind
from routing.errors import BudgetExceeded, LedgerUnavailable
from tests.ledger.proxy import Cut, Proxy
from tests.ledger.purchases import NOON, NOVEMBER, a_raise, buy, cache_hit, claim, record, reservation, settle
from tests.postgres_server import Server, shared_server

pytest.importorskip("psycopg")

import psycopg

from routing.ledger import postgres_connection
from routing.ledger.postgres import SCHEMA, PostgresStore
from routing.ledger.postgres_writer import Writer
from routing.ledger.rare_operations import raise_budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from routing.ledger.base import Store
    from routing.ledger.operations import Cursor
    from tests.ledger.shelves import PostgresShelf

LARGE = 10**12


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy(shared_server().port)
    yield proxy
    proxy.close()


def through(proxy: Proxy, shelf: PostgresShelf, wait_s: float = 10) -> PostgresStore:
    """Open the shelf's ledger over the wire that can be cut."""
    url = shared_server().tcp_url.replace(str(shared_server().port), str(proxy.port))
    store = PostgresStore.open(url, schema=shelf.schema, wait_s=wait_s)
    shelf._opened.append(store)
    return store


def correct(store: Store, request_id: str, cost: int) -> None:
    store.adjust(Adjustment(reservation_id=f"{request_id}/1", at=NOON, cost_nusd=cost, reason="the bill"))


# --- A COMMIT whose answer is lost ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", Cut)
def test_a_call_whose_connection_is_cut_around_its_commit_is_booked_exactly_once(
    shelf: PostgresShelf, proxy: Proxy, cut: Cut
) -> None:
    store = through(proxy, shelf)
    month = claim("month", LARGE)
    calls: list[Callable[[], object]] = [
        lambda: store.reserve(record(), [reservation(50, month)]),
        lambda: store.resolve(settle("poster/1", 30)),
        lambda: correct(store, "poster", 26),
        lambda: store.record_cached(record(), cache_hit()),
    ]
    for number, call in enumerate(calls, 1):
        proxy.cut = cut
        call()
        assert proxy.cuts == number
    kinds = [entry.kind for entry in store.entries()]
    assert kinds == [EntryKind.RESERVE, EntryKind.SETTLE, EntryKind.ADJUST, EntryKind.CACHED]
    assert store.balances("month", [NOVEMBER]) == {month.key: Balance(spent_nusd=26)}
    assert store.verify().differences == ()


@pytest.mark.parametrize("cut", Cut)
def test_what_runs_alone_and_is_cut_around_its_commit_is_written_exactly_once(
    shelf: PostgresShelf, proxy: Proxy, cut: Cut
) -> None:
    store = through(proxy, shelf)
    proxy.cut = cut
    store.raise_budget(a_raise(50))
    assert proxy.cuts == 1
    assert store.raises(NOON) == (a_raise(50),)


@pytest.mark.parametrize("cut", Cut)
def test_a_refusal_that_shares_a_batch_with_a_lost_answer_stays_a_refusal(
    shelf: PostgresShelf, proxy: Proxy, cut: Cut
) -> None:
    store = through(proxy, shelf)
    outcomes = together(store, shelf, dict.fromkeys("ab", 60), before=lambda: setattr(proxy, "cut", cut))
    assert proxy.cuts == 1
    assert sorted(type(outcome).__name__ for outcome in outcomes.values()) == ["BudgetExceeded", "NoneType"]
    assert store.balances("month", [NOVEMBER]) == {claim().key: Balance(held_nusd=60)}


def test_who_cannot_learn_what_became_of_a_commit_is_told_so_and_the_hold_stays(
    shelf: PostgresShelf, proxy: Proxy
) -> None:
    store = through(proxy, shelf, wait_s=0.2)
    proxy.cut, proxy.refuse_after_cut = Cut.AFTER_COMMIT, True
    with pytest.raises(LedgerUnavailable, match="whether the last batch was written is not known, what it held will"):
        store.reserve(record(), [reservation(50, claim())])
    with pytest.raises(LedgerUnavailable, match="cannot be used: ") as later:
        store.reserve(record("later"), [reservation(50, claim(), request_id="later")])
    assert "not known" not in str(later.value)
    proxy.refuse = False
    assert [entry.reservation_id for entry in store.entries()] == ["poster/1"]
    store.reserve(record("later"), [reservation(50, claim(), request_id="later")])
    assert store.verify().differences == ()


# --- What else goes wrong between two trips ---------------------------------------------------------------------------


def test_a_counter_that_someone_else_moved_in_the_meantime_is_read_again(
    shelf: PostgresShelf, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(store, "before", 10, claim())
    commit, meanwhile = Writer._commit, ["UPDATE counters SET spent_nusd = 95"]

    def move_and_commit(self: Writer, *arguments: object) -> None:
        while meanwhile:
            shelf.tamper(meanwhile.pop(), unlocked=False)
        commit(self, *arguments)  # type: ignore[arg-type]  # handed on as they are

    monkeypatch.setattr(Writer, "_commit", move_and_commit)
    with pytest.raises(BudgetExceeded, match=r"spent \$0\.000000095"):
        store.reserve(record(), [reservation(50, claim())])
    assert store.verify().open_holds == 0


def test_another_program_that_holds_the_ledgers_lock_is_waited_for_with_a_bound(
    shelf: PostgresShelf, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_connection, "LOCK_S", 0.05)
    with holding_the_lock(shelf), pytest.raises(LedgerUnavailable, match="another program holds its lock: close that"):
        store.reserve(record(), [reservation(1)])
    store.reserve(record(), [reservation(1)])


def test_a_server_that_is_there_and_says_nothing_is_left_for_another_connection(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    buy(store, "before", 10, claim())
    monkeypatch.setattr(postgres_connection.Connection, "answer_s", 0.2)
    connection = store._writer._connection
    assert connection is not None
    backend = connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    try:
        store.reserve(record(), [reservation(50, claim())])
    finally:
        os.kill(backend, signal.SIGCONT)
    assert store.balances("month", [NOVEMBER]) == {claim().key: Balance(held_nusd=50, spent_nusd=10)}


def test_what_one_caller_wrote_wrong_fails_nobody_else(shelf: PostgresShelf, store: PostgresStore) -> None:
    outcomes = together(store, shelf, {"a": 10, "b\0": 10, "c": 10, "d\ud800": 10, "e": LARGE**2})
    assert {name for name, outcome in outcomes.items() if outcome is None} == {"a", "c"}
    told = {name: str(outcome) for name, outcome in outcomes.items() if isinstance(outcome, LedgerUnavailable)}
    assert "NUL" in told["b\0"]
    assert "surrogates" in told["d\ud800"]
    assert isinstance(outcomes["e"], BudgetExceeded)
    assert store.verify().open_holds == 2


def test_what_fails_alone_writes_nothing_and_fails_nobody_else(store: PostgresStore) -> None:
    def half_way(cursor: Cursor) -> None:
        raise_budget(cursor, a_raise(50))
        raise ZeroDivisionError

    for operation, error in (
        (half_way, ZeroDivisionError),
        (lambda cursor: cursor.execute("?", {}), LedgerUnavailable),
    ):
        with pytest.raises(error):
            store._run_alone(operation)
    assert store.raises(NOON) == ()
    buy(store, "after", 1)


def test_what_runs_alone_stands_in_the_same_line_as_all_others(store: PostgresStore, shelf: PostgresShelf) -> None:
    seen: list[object] = []
    with holding_the_lock(shelf):
        works: list[Callable[[], object]] = [
            lambda: store._run_alone(lambda _cursor: seen.append("alone")),
            lambda: buy(store, "a", 100, claim()),
            lambda: store.raise_budget(a_raise(50)),
        ]
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    buy(store, "b", 50, claim())
    assert seen == ["alone"]
    assert store.verify().differences == ()


def test_whoever_waits_is_written_in_one_transaction(shelf: PostgresShelf, store: PostgresStore) -> None:
    before = store._writer._batch
    outcomes = together(store, shelf, dict.fromkeys("abcdefgh", 10))
    assert set(outcomes.values()) == {None}
    assert store._writer._batch - before <= 2


class holding_the_lock:  # noqa: N801 - reads as the context it is
    """Hold the turn of a ledger from outside, as a writer that hangs would."""

    def __init__(self, shelf: PostgresShelf) -> None:
        self._connection = psycopg.connect(shelf.url)
        self._statement = postgres_connection.translated(postgres_connection.BATCH["turn"])
        self._connection.execute(self._statement, {"schema": shelf.schema})

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def together(
    store: PostgresStore, shelf: PostgresShelf, amounts: dict[str, int], before: Callable[[], None] = lambda: None
) -> dict[str, object]:
    """Reserve from many threads while the first of them waits for its turn; return what each got or raised."""
    outcomes: dict[str, object] = {}

    def reserve(name: str, amount: int) -> None:
        try:
            store.reserve(record(name), [reservation(amount, claim(), request_id=name)])
            outcomes[name] = None
        except Exception as error:  # noqa: BLE001 - it is what is looked at
            outcomes[name] = error

    threads = [threading.Thread(target=reserve, args=item) for item in amounts.items()]
    first = threading.Thread(target=store._run_alone, args=(lambda _cursor: None,))
    with holding_the_lock(shelf):
        first.start()
        connection = store._writer._connection
        assert connection is not None
        while connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE:
            first.join(0.001)
        for thread in threads:
            thread.start()
        while store._writer._line.qsize() < len(threads):
            first.join(0.001)
        before()
    for thread in (first, *threads):
        thread.join()
    return outcomes


# --- Under load -------------------------------------------------------------------------------------------------------


class Load:
    """Threads that buy, correct and use the cache until told to stop, and count what they were told is written."""

    def __init__(self, store: PostgresStore, threads: int = 8) -> None:
        self.store = store
        self.acknowledged: Counter[tuple[str, EntryKind]] = Counter()
        self.errors: list[Exception] = []
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._spend, args=(number,), daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, more: int) -> None:
        until = len(self.acknowledged) + more
        while len(self.acknowledged) < until and not self.errors:
            self._threads[0].join(0.005)

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _spend(self, thread: int) -> None:
        for number in itertools.count():
            if self._enough.is_set():
                return
            try:
                self._spend_once(f"{thread}-{number}")
            except Exception as error:  # noqa: BLE001 - it is what is looked at
                self.errors.append(error)

    def _spend_once(self, name: str) -> None:
        steps: dict[EntryKind, Callable[[], object]] = {
            EntryKind.RESERVE: lambda: self.store.reserve(
                record(name), [reservation(7, claim("month", LARGE), request_id=name)]
            ),
            EntryKind.SETTLE: lambda: self.store.resolve(settle(f"{name}/1", 5)),
            EntryKind.ADJUST: lambda: correct(self.store, name, 6),
            EntryKind.CACHED: lambda: self.store.record_cached(record(name), cache_hit(name)),
        }
        for kind, step in steps.items():
            step()
            self.acknowledged[name, kind] += 1


def check_exactly(load: Load) -> None:
    """Every step that was acknowledged is written once, and nothing else is."""
    assert load.errors == []
    assert Counter((entry.request_id, entry.kind) for entry in load.store.entries()) == load.acknowledged
    requests = len({name for name, _ in load.acknowledged})
    assert load.store.balances("month", [NOVEMBER]) == {claim().key: Balance(spent_nusd=requests * 6)}
    assert load.store.verify().differences == ()


def test_connections_that_are_cut_under_load_lose_nothing_and_book_nothing_twice(store: PostgresStore) -> None:
    load = Load(store)
    with psycopg.connect(shared_server().url, autocommit=True) as killer:
        for _ in range(10):
            load.wait_for(100)
            killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'routing' AND pid <> pg_backend_pid()"
            )
    load.stop()
    check_exactly(load)


def test_a_server_that_is_killed_and_restarted_under_load_loses_nothing_and_books_nothing_twice() -> None:
    server = Server()
    try:
        store = PostgresStore.open(server.url)
        load = Load(store)
        for _ in range(3):
            load.wait_for(200)
            server.kill()
            server.start()
        load.wait_for(200)
        load.stop()
        check_exactly(load)
        store.close()
        again = PostgresStore.open(server.url, schema=SCHEMA)
        assert again.verify().differences == ()
        again.close()
    finally:
        server.remove()


def test_a_server_that_is_gone_refuses_in_words_and_is_used_again_once_it_is_back() -> None:
    server = Server()
    try:
        store = PostgresStore.open(server.url, wait_s=0.2)
        buy(store, "before", 1)
        server.kill()
        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match=r"the ledger postgresql://ledger@.* cannot be used: "):
                store.reserve(record(), [reservation(1)])
            with pytest.raises(LedgerUnavailable, match="cannot be used: "):
                store.history("before")
        server.start()
        buy(store, "after", 1)
        assert store.verify().entries == 4
        store.close()
    finally:
        server.remove()
