"""The line that purchases wait in: order, exact waits, deadlines, threads and forks."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from routing.assembly import SystemClock
from routing.core.pacing import Allowance, Needs
from routing.errors import Charged, ProviderRateLimited
from routing.limits.memory import MemoryBook
from routing.limits.pacer import Pacer
from routing.testing import FrozenClock
from tests.limits.books import IMAGE, WINDOW_S, milliseconds

if TYPE_CHECKING:
    from routing.core.clock import Clock
    from routing.limits.base import Ask, Slot

FOREVER = 1e9


@dataclass
class Bench:
    """A pacer for five images a minute."""

    clock: FrozenClock = field(default_factory=FrozenClock)

    def __post_init__(self) -> None:
        self.pacer = Pacer(MemoryBook(milliseconds(self.clock)), self.clock)

    def take(self, needs: Needs = IMAGE, *, rank: int = 0, give_up_at_s: float = FOREVER) -> Slot:
        return self.pacer.take("gpt", needs, allowance=Allowance(images=5), rank=rank, give_up_at_s=give_up_at_s)

    def fill(self) -> None:
        self.take(Needs(requests=1, images=5))


def test_room_is_waited_for_as_long_as_it_takes_and_no_longer() -> None:
    bench = Bench()
    assert bench.take(Needs(requests=1, images=5)).waited_s == 0
    bench.clock.sleep(21)
    assert bench.take().waited_s == WINDOW_S - 21
    assert bench.clock.elapsed_s() == WINDOW_S


def test_what_cannot_go_in_time_is_refused_at_once() -> None:
    bench = Bench()
    bench.fill()
    with pytest.raises(
        ProviderRateLimited, match=r"gpt: its rate limit has room in 61\.0 s, .*; nothing was sent"
    ) as no:
        bench.take(give_up_at_s=60)
    assert (no.value.retry_after_s, no.value.charged, no.value.status_code) == (WINDOW_S, Charged.NO, None)
    assert bench.clock.elapsed_s() == 0
    assert bench.take(give_up_at_s=WINDOW_S).waited_s == WINDOW_S


def test_whoever_is_refused_leaves_the_line() -> None:
    bench = Bench()
    bench.fill()
    with pytest.raises(ProviderRateLimited):
        bench.take(Needs(requests=1, images=5), give_up_at_s=60)
    assert bench.take(Needs(requests=1, images=5)).waited_s == WINDOW_S


class Gate(FrozenClock):
    """A clock on which whoever sleeps is held until it is opened; then time flies."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()

    def sleep(self, seconds: float) -> None:
        assert self.open.wait(30)
        super().sleep(seconds)


def in_line(pacer: Pacer) -> int:
    return sum(map(len, pacer._lines.values()))


def enter(bench: Bench, threads: list[threading.Thread], work: threading.Thread) -> None:
    """Start a caller and wait until it stands in line."""
    before = in_line(bench.pacer)
    threads.append(work)
    work.start()
    until = time.monotonic() + 30
    while in_line(bench.pacer) == before:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_waiting_requests_go_in_order_of_importance_then_of_arrival() -> None:
    gate = Gate()
    bench = Bench(gate)
    bench.fill()
    order: list[str] = []

    def call(name: str, rank: int) -> None:
        bench.take(Needs(requests=1, images=5), rank=rank)
        order.append(name)

    threads: list[threading.Thread] = []
    for name, rank in (("draft 1", 0), ("final 1", 2), ("draft 2", 0), ("review", 1), ("final 2", 2)):
        enter(bench, threads, threading.Thread(target=call, args=(name, rank)))
    gate.open.set()
    for thread in threads:
        thread.join(30)
    assert order == ["final 1", "final 2", "review", "draft 1", "draft 2"]
    assert gate.elapsed_s() == pytest.approx(5 * WINDOW_S)


def test_a_request_behind_a_long_line_is_refused_at_once() -> None:
    gate = Gate()
    bench = Bench(gate)
    bench.fill()
    threads: list[threading.Thread] = []
    for _ in range(5):
        enter(bench, threads, threading.Thread(target=bench.take))
    with pytest.raises(ProviderRateLimited) as no:
        bench.take(give_up_at_s=2 * WINDOW_S - 1)
    assert no.value.retry_after_s == 2 * WINDOW_S
    gate.open.set()
    for thread in threads:
        thread.join(30)


def test_a_small_request_does_not_pass_a_large_one_that_waits() -> None:
    gate = Gate()
    bench = Bench(gate)
    bench.take(Needs(requests=1, images=3))
    threads: list[threading.Thread] = []
    enter(bench, threads, threading.Thread(target=bench.take, args=(Needs(requests=1, images=4),)))
    with pytest.raises(ProviderRateLimited):
        bench.take(Needs(requests=1, images=2), give_up_at_s=1)
    gate.open.set()
    threads[0].join(30)


def test_deployments_have_lines_of_their_own() -> None:
    bench = Bench()
    bench.fill()
    other = bench.pacer.take("flux", IMAGE, allowance=Allowance(images=1), rank=0, give_up_at_s=FOREVER)
    assert other.waited_s == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_no_ghosts_in_line_and_no_lock_of_anothers() -> None:
    gate = Gate()
    bench = Bench(gate)
    bench.fill()
    threads: list[threading.Thread] = []
    enter(bench, threads, threading.Thread(target=bench.take, kwargs={"rank": 9}))
    with bench.pacer._lock, bench.pacer._book._lock:  # type: ignore[attr-defined]  # a book of its own kind
        child = os.fork()
        if not child:
            gate.open.set()
            os._exit(0 if bench.take().waited_s == pytest.approx(WINDOW_S) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    gate.open.set()
    threads[0].join(30)


def test_many_who_wait_look_no_oftener_than_one() -> None:
    gate = Gate()
    looks: list[float] = []

    class CountedBook(MemoryBook):
        def take(self, ask: Ask) -> int:
            looks.append(gate.elapsed_s())
            return super().take(ask)

    pacer = Pacer(CountedBook(milliseconds(gate)), gate)
    allowance = Allowance(images=1)

    def call() -> None:
        pacer.take("gpt", IMAGE, allowance=allowance, rank=0, give_up_at_s=FOREVER)

    call()
    bench = Bench(gate)
    bench.pacer = pacer
    threads: list[threading.Thread] = []
    for _ in range(20):
        enter(bench, threads, threading.Thread(target=call))
    gate.open.set()
    for thread in threads:
        thread.join(30)
    # One look when it comes, one a second while it stands first, and one when it gets its room.
    assert len(looks) <= 1 + 20 * (1 + 61 + 2)


def test_time_of_the_machine_is_waited_for_too() -> None:
    clock: Clock = SystemClock()
    pacer = Pacer(MemoryBook(milliseconds(clock)), clock)  # type: ignore[arg-type]  # any clock will do
    slot = pacer.take("gpt", IMAGE, allowance=Allowance(images=1), rank=0, give_up_at_s=FOREVER)
    pacer.hear(slot, (), wait_s=0.02)
    assert pacer.take("gpt", IMAGE, allowance=Allowance(), rank=0, give_up_at_s=FOREVER).waited_s >= 0.02
