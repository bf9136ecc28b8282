"""A ledger that cannot be written: before the call nothing is sent, after it the picture arrives and the hold stays.

Real failures of a real file or server, while a vendor on loopback works.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from routing import BudgetExceeded, LedgerUnavailable
from routing.assembly import stores
from routing.ledger.sqlite import SqliteStore
from routing.sandbox import Sandbox
from routing.testing import FrozenClock
from tests.faults.campaign import Campaign, buyer, told
from tests.postgres_server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from routing import Result, Router

WAIT_S = 0.3
LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("BEGIN EXCLUSIVE")
print(1, flush=True)
input()
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat", latency_s=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def vendor(running: Sandbox) -> Sandbox:
    running.reset()
    return running


# --- Ways to break it, each undone at the end of its block ------------------------------------------------------------


@contextmanager
def full_disk(_: Campaign) -> Iterator[None]:
    """No file of this process may grow, or be written at all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


@contextmanager
def locked(campaign: Campaign) -> Iterator[None]:
    """Another program has the file for itself, and does not let go."""
    words = [sys.executable, "-c", LOCK, str(campaign.folder / "spend.db")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"1\n"
        try:
            yield
        finally:
            child.kill()


@contextmanager
def deleted(campaign: Campaign) -> Iterator[None]:
    """Somebody moves the file away."""
    file = campaign.folder / "spend.db"
    file.rename(campaign.folder / "elsewhere.db")
    try:
        yield
    finally:
        (campaign.folder / "elsewhere.db").rename(file)


BREAKS: dict[str, Callable[[Campaign], Any]] = {"full disk": full_disk, "locked": locked, "deleted": deleted}


@pytest.fixture(params=BREAKS)
def broken(request: pytest.FixtureRequest) -> Callable[[Campaign], Any]:
    return BREAKS[request.param]


@pytest.fixture
def campaign(tmp_path: Path, vendor: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A ledger that waits for others a moment only, so that the test need not."""
    made = Campaign(folder=tmp_path, vendor=vendor)
    monkeypatch.setitem(stores._STORES, "sqlite", lambda _, root: SqliteStore.open(root / "spend.db", wait_s=WAIT_S))
    return made


def while_the_vendor_works(vendor: Sandbox, router: Router) -> tuple[threading.Thread, list[Result]]:
    """Buy in a thread, and come back when the vendor has the order."""
    bought: list[Result] = []
    buying = threading.Thread(target=lambda: bought.append(router.generate("late")))
    ahead = len(vendor.log())
    buying.start()
    while len(vendor.log()) == ahead:
        buying.join(0.005)
    return buying, bought


def check_after(campaign: Campaign, vendor: Sandbox, bought: list[Result]) -> None:
    """The picture arrived, its hold stays, and is charged once it ran out; the bill then says what it did cost."""
    (result,) = bought
    assert result.images
    assert not result.settled
    assert any("stays held" in notice for notice in result.notices)
    found = campaign.verified()
    assert (found.open_holds, found.held_nusd) == (1, result.quote)
    assert [*campaign.posts().values()] == [1, 1, 1]
    campaign.check_nothing_is_lost()
    campaign.check_the_bill_sets_it_right()
    assert vendor.bill()["images"] == 3


# --- One file ---------------------------------------------------------------------------------------------------------


def test_before_the_call_nothing_is_sent_and_later_all_is_well(
    campaign: Campaign, vendor: Sandbox, broken: Callable[[Campaign], Any]
) -> None:
    with campaign.open() as router:
        assert router.generate("before").settled
        with broken(campaign), pytest.raises(LedgerUnavailable, match=r"spend\.db"):
            router.generate("meanwhile")
        assert len(vendor.log()) == 1
        assert router.generate("after").settled
    assert campaign.verified().spent_nusd == vendor.bill()["total_nusd"]


def test_after_the_call_the_picture_arrives_and_the_hold_stays(
    campaign: Campaign, vendor: Sandbox, broken: Callable[[Campaign], Any]
) -> None:
    with campaign.open() as router:
        assert router.generate("before").settled
        buying, bought = while_the_vendor_works(vendor, router)
        with broken(campaign):
            buying.join()
        assert router.generate("after").settled
    check_after(campaign, vendor, bought)


def test_a_file_that_may_not_be_written_is_refused_and_nothing_is_sent(vendor: Sandbox) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        campaign = Campaign(folder=folder, vendor=vendor)
        with campaign.open() as router:
            router.generate("before")
        for file in (*folder.iterdir(), folder):
            file.chmod(0o555)
        with buyer(campaign, "nobody", "meanwhile", "1") as child:
            assert told(child) == "refused:LedgerUnavailable"
        folder.chmod(0o755)
        assert len(vendor.log()) == 1
        assert campaign.verified().entries == 2


# --- A server ---------------------------------------------------------------------------------------------------------


def test_a_server_that_vanishes_refuses_before_the_call_and_costs_no_picture_after_it(
    tmp_path: Path, vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres = pytest.importorskip("routing.ledger.postgres")
    open_store = partial(postgres.PostgresStore.open, wait_s=WAIT_S)
    monkeypatch.setitem(stores._STORES, "postgresql", lambda url, _: open_store(url))
    server = Server()
    try:
        campaign = Campaign(folder=tmp_path, vendor=vendor, ledger=server.url)
        with campaign.open() as router:
            assert router.generate("before").settled
            buying, bought = while_the_vendor_works(vendor, router)
            server.kill()
            with pytest.raises(LedgerUnavailable, match="cannot be used"):
                router.generate("meanwhile")
            buying.join()
            server.start()
            assert router.generate("after").settled
        check_after(campaign, vendor, bought)
    finally:
        server.remove()


# --- A clock ----------------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_back_passes_no_limit_and_ends_no_hold_early(tmp_path: Path, vendor: Sandbox) -> None:
    campaign = Campaign(folder=tmp_path, vendor=vendor, limit="0.125")
    clock = FrozenClock()
    with campaign.open(clock=clock) as router:
        store = router._shop.store
        assert router.generate("a fox", importance="review").settled
        buying, bought = while_the_vendor_works(vendor, router)
        clock._at -= timedelta(days=2)
        assert store.sweep(clock.now(), release=False) == ()
        buying.join()
        assert bought[0].settled
        assert router.generate("a wolf", importance="review").settled
        with pytest.raises(BudgetExceeded, match="budget"):
            router.generate("a bear", importance="review")
        clock._at += timedelta(days=2)
        with pytest.raises(BudgetExceeded):
            router.generate("a bear", importance="review")
    found = campaign.verified()
    assert (found.held_nusd, found.spent_nusd) == (0, vendor.bill()["total_nusd"])
    assert set(campaign.posts().values()) == {1}
