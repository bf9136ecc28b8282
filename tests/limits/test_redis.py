"""Limits that machines share: the server's time, servers that are away, that hang, and that forget."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing.assembly import SystemClock
from routing.core.pacing import Allowance, Needs
from routing.errors import RoutingError
from routing.limits.base import Ask
from routing.limits.registry import open_limiter
from routing.logs import SilentLog
from routing.testing import FrozenClock
from tests.limits.books import IMAGE, WINDOW_S, Desk, images, milliseconds, new_deployment, new_slot
from tests.shop import RecordingLog
from tests.valkey_server import Server, shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.limits.base import Slot

pytest.importorskip("redis", reason="redis is not installed")

from routing.limits.redis import ANSWER_WITHIN_S, TRY_AGAIN_S, RedisBook

ROOT = Path(__file__).parents[2]
FIVE = Allowance(images=5)


class Away:
    """A book, the server behind it, and what it logged; the time stands still."""

    def __init__(self, url: str) -> None:
        self.clock, self.log = FrozenClock(), RecordingLog()
        self.book = RedisBook(url, self.clock, self.log, now_ms=milliseconds(self.clock))
        self.desk = Desk(self.book, self.clock, FIVE)

    def fill(self) -> None:
        for _ in range(5):
            self.desk.get()

    @property
    def warnings(self) -> list[str]:
        return [fields["error"] for fields in self.log.named("limits_not_shared")]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of its own, to be killed."""
    server = Server()
    yield server
    server.remove()


def test_two_processes_share_one_minute() -> None:
    clock = FrozenClock()
    url, deployment = shared_server().url, new_deployment()
    desks = [
        Desk(RedisBook(url, clock, SilentLog(), now_ms=milliseconds(clock)), clock, FIVE, deployment) for _ in range(2)
    ]
    for at in range(5):
        desks[at % 2].get(process=f"process {at % 2}")
    assert [desk.take(process=f"process {at}") for at, desk in enumerate(desks)] == [WINDOW_S, WINDOW_S]
    desks[0].book.close()
    desks[1].book.close()


def test_the_time_is_the_servers_whatever_a_machine_believes() -> None:
    url, deployment = shared_server().url, new_deployment()
    early, late = FrozenClock(), FrozenClock()
    late.sleep(1_000_000)
    ours, theirs = (
        Desk(RedisBook(url, clock, SilentLog()), clock, Allowance(images=1), deployment) for clock in (early, late)
    )
    slot = ours.get(process="ours")
    wait = theirs.take(process="theirs")
    assert isinstance(wait, float)
    assert 0 < wait <= WINDOW_S
    ours.book.give_back(slot)
    theirs.hear(theirs.get(process="theirs"), wait_s=300)
    wait = ours.take(process="ours")
    assert isinstance(wait, float)
    assert 200 < wait <= 300
    ours.book.close()
    theirs.book.close()


def test_nothing_stays_on_the_server() -> None:
    from redis import Redis  # noqa: PLC0415 - redis need not be installed

    url, clock = shared_server().url, FrozenClock()
    desk = Desk(RedisBook(url, clock, SilentLog()), clock, Allowance(images=1))
    desk.hear(desk.get(), images(limit=1), wait_s=1)
    desk.take(process="waits")
    with Redis.from_url(url) as client:
        found = {key: client.pttl(key) for key in client.scan_iter("routing:limits:*")}
    assert found
    assert all(0 < left <= (86_400_000 if key.endswith(b":pause") else 3_600_000) for key, left in found.items())
    assert all(desk.deployment not in key.decode() for key in found)
    desk.book.close()


def test_a_long_pause_outlives_what_else_was_told() -> None:
    from redis import Redis  # noqa: PLC0415 - as above

    url, clock = shared_server().url, FrozenClock()
    desk = Desk(RedisBook(url, clock, SilentLog()), clock, Allowance(images=1))
    desk.hear(desk.get(), images(limit=1), wait_s=7200)
    name = hashlib.sha256(desk.deployment.encode()).hexdigest()[:24]
    with Redis.from_url(url) as client:
        pause, told = (client.pttl(f"routing:limits:{{{name}}}:{what}") for what in ("pause", "told"))
    assert 7_100_000 < pause <= 7_200_000
    assert 3_500_000 < told <= 3_600_000
    desk.book.close()


def test_without_a_server_each_process_paces_for_itself_and_says_so_once_in_a_while() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = Away(f"redis://127.0.0.1:{nobody.getsockname()[1]}/0")
        away.fill()
        assert away.desk.take() == WINDOW_S
        assert away.warnings == ["ConnectionError"]
        away.clock.sleep(TRY_AGAIN_S)
        away.desk.take()
        assert len(away.warnings) == 2
        away.book.close()


def test_a_server_that_does_not_answer_is_not_waited_for_twice() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        away = Away(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        away.fill()
        assert away.warnings == ["TimeoutError"]
        assert ANSWER_WITHIN_S <= 1
        away.book.close()


def test_a_server_that_refuses_is_as_good_as_none(server: Server) -> None:
    from redis import Redis  # noqa: PLC0415 - redis need not be installed

    with Redis.from_url(server.url) as client:
        client.config_set("requirepass", "hunter2")
    away = Away(server.url)
    away.fill()
    assert away.desk.take() == WINDOW_S
    assert away.warnings == ["AuthenticationError"]
    away.book.close()


def test_what_was_taken_while_the_server_was_away_counts_when_it_is_back(server: Server) -> None:
    away = Away(server.url)
    away.desk.get()
    server.kill()
    for _ in range(4):
        away.desk.get()
    assert away.desk.take() == WINDOW_S
    server.start()
    away.clock.sleep(TRY_AGAIN_S)
    assert away.desk.take() == WINDOW_S - TRY_AGAIN_S
    other = Desk(
        RedisBook(server.url, away.clock, SilentLog(), now_ms=milliseconds(away.clock)),
        away.clock, FIVE, away.desk.deployment,
    )  # fmt: skip
    assert other.take(process="another") == WINDOW_S - TRY_AGAIN_S
    other.book.close()
    away.book.close()


def test_a_server_that_began_anew_is_told_what_it_forgot(server: Server) -> None:
    away = Away(server.url)
    away.fill()
    server.kill()
    server.start()
    assert away.desk.take() == WINDOW_S
    assert away.warnings == []
    away.book.close()


def test_a_slot_that_is_asked_for_again_is_not_taken_twice() -> None:
    """A cut connection hides whether the server had answered."""
    clock = FrozenClock()
    desk = Desk(RedisBook(shared_server().url, clock, SilentLog(), now_ms=milliseconds(clock)), clock, FIVE)
    slot = new_slot(desk.deployment, Needs(requests=1, images=5))
    for _ in range(2):
        assert desk.book.take(Ask(slot=slot, allowance=FIVE, process="here")) == 0
    desk.book.close()


TAKER = """
import sys
from routing.assembly import SystemClock
from routing.core.pacing import Allowance, Needs
from routing.limits.registry import open_limiter
from routing.logs import SilentLog

url, deployment = sys.argv[1:]
clock = SystemClock()
limiter = open_limiter(url, clock, SilentLog())
slot = limiter.take(deployment, Needs(requests=1, images=3), allowance=Allowance(images=5), rank=0, give_up_at_s=1e12)
limiter.send(slot)
print("taken", flush=True)
sys.stdin.read()
"""


def test_a_process_that_is_killed_keeps_nobody_waiting_longer_than_its_minute() -> None:
    deployment, url = new_deployment(), shared_server().url
    command = [sys.executable, "-c", TAKER, url, deployment]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    clock = FrozenClock()
    desk = Desk(RedisBook(url, clock, SilentLog()), clock, FIVE, deployment)
    wait = desk.take(Needs(requests=1, images=3), process="lives")
    assert isinstance(wait, float)
    assert WINDOW_S - 30 < wait <= WINDOW_S
    desk.book.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_shares_the_minute_with_its_parent() -> None:
    clock, deployment = SystemClock(), new_deployment()
    limiter = open_limiter(shared_server().url, clock, SilentLog())

    def take(images_: int) -> Slot:
        needs = Needs(requests=1, images=images_)
        return limiter.take(deployment, needs, allowance=FIVE, rank=0, give_up_at_s=clock.elapsed_s())

    parents = take(2)
    child = os.fork()
    if not child:
        try:
            os._exit(0 if take(2).id != parents.id else 1)
        except BaseException:  # noqa: BLE001 - a child must not go on with the tests
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    take(1)
    with pytest.raises(RoutingError, match="rate limit"):
        take(1)
    limiter.close()


def test_an_unknown_scheme_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(RoutingError, match="unknown scheme, 'mysql'; known are memory, redis, rediss, unix"):
        open_limiter("mysql://host", FrozenClock(), SilentLog())


def test_both_kinds_are_opened_by_their_scheme() -> None:
    for url in ("memory://", shared_server().url):
        limiter = open_limiter(url, FrozenClock(), SilentLog())
        slot = limiter.take(new_deployment(), IMAGE, allowance=FIVE, rank=0, give_up_at_s=0)
        limiter.give_back(slot)
        limiter.close()
