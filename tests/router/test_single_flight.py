"""The same picture wanted many times at once: one is bought, all are served."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from routing import (
    Charged,
    ContentRejected,
    ProviderTimeout,
    Result,
    RoutingError,
    usd,
)
from routing.buying.flights import Flight, Flights
from routing.buying.flights import _wait as wait
from routing.cache.base import CachedCall, CacheDown
from routing.closing import ClosingClock
from routing.core.request import ImageRequest
from routing.testing import FakeProvider, FrozenClock, blank_picture
from tests.router.conftest import ROUTER
from tests.shop import SQUARE, budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from routing.ledger.base import RequestHistory
    from routing.providers.base import Delivery, ImageCall
    from routing.sandbox.server import Sandbox
    from tests.router.conftest import Team
    from tests.shop import Bench

PATIENCE_S = 20.0
"""How long a test waits for what must happen; it goes on as soon as it does."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = open_bench(cache=tmp_path / "cache")
    yield made
    made.router.close()


@dataclass
class Crowd:
    """Callers in threads of their own, and what each was given."""

    results: list[Result] = field(default_factory=list)
    errors: list[RoutingError] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def send(self, count: int, ask: Callable[[int], Result]) -> None:
        def work(number: int) -> None:
            try:
                self.results.append(ask(number))
            except RoutingError as error:
                self.errors.append(error)

        started = [threading.Thread(target=work, args=(number,)) for number in range(count)]
        for thread in started:
            thread.start()
        self.threads += started

    def wait(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


class Gated(FakeProvider):
    """A vendor who works on every call until the gate is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.gate = threading.Semaphore(0), threading.Event()

    def buy(self, call: ImageCall) -> Delivery:
        self.reached.release()
        assert self.gate.wait(PATIENCE_S)
        return super().buy(call)


def gated(bench: Bench, name: str = "gpt") -> Gated:
    made = Gated()
    bench.fakes[name] = made
    bench.router._shop.providers[name] = made  # type: ignore[index] # the bench's own dict
    return made


class Watched(Flights[CachedCall]):
    """Tells of everybody who boards."""

    def __init__(self) -> None:
        super().__init__()
        self.boarded = threading.Semaphore(0)

    def _board(self, *boarding: Any) -> None:
        self.boarded.release()
        super()._board(*boarding)


def send(bench: Bench, crowd: Crowd, count: int, ask: Callable[[int], Result]) -> None:
    """Send callers who want one picture each, and wait until each of them buys it or waits for it."""
    watched = Watched()
    object.__setattr__(bench.router._shop, "flights", watched)
    crowd.send(count, ask)
    for _ in range(count):
        assert watched.boarded.acquire(timeout=PATIENCE_S)


def test_a_hundred_identical_requests_at_once_buy_one_picture(team: Team, vendor: Sandbox) -> None:
    team.write("router.yaml", ROUTER + 'cache: {url: "file:///cache"}\nledger: {url: "sqlite:///spend.db"}\n')
    before = vendor.bill()
    gate, crowd = threading.Barrier(100), Crowd()
    with team.open() as router:

        def ask(number: int) -> Result:
            gate.wait(PATIENCE_S)
            return router.generate("a hundred foxes", importance="final", request_id=f"fox/{number}")

        crowd.send(100, ask)
        crowd.wait()
        (total,) = router.spend(by=())
        assert router.verify().differences == ()
    bill = vendor.bill()
    assert crowd.errors == []
    assert bill["images"] - before["images"] == 1
    assert total.spent == bill["total_nusd"] - before["total_nusd"]
    assert (total.requests, total.images, total.cached, total.held) == (100, 100, 99, 0)
    assert len({result.images[0].data for result in crowd.results}) == 1
    assert sorted(result.cached for result in crowd.results) == [False] + [True] * 99
    assert all(result.saved > 0 for result in crowd.results if result.cached)


def test_those_who_wait_are_served_from_memory_though_the_cache_is_down(bench: Bench) -> None:
    class Down:
        def get(self, key: str) -> CachedCall | None:
            raise CacheDown(key)

        def put(self, key: str, call: CachedCall) -> bool:
            raise CacheDown(f"{key}{call}")

    object.__setattr__(bench.router._shop, "cache", Down())
    vendor, crowd = gated(bench), Crowd()
    send(bench, crowd, 10, lambda _: bench.router.generate("a fox", importance="final"))
    vendor.gate.set()
    crowd.wait()
    assert (len(crowd.results), bench.calls) == (10, ["gpt"])


def test_while_they_wait_they_hold_no_money(tmp_path: Path) -> None:
    """The budget has room for one picture: all ten get theirs."""
    bench = open_bench(settings(budgets=(budget("0.30"),)), cache=tmp_path)
    vendor, crowd = gated(bench), Crowd()
    send(bench, crowd, 10, lambda _: bench.router.generate("a fox", importance="final"))
    assert vendor.reached.acquire(timeout=PATIENCE_S)
    (status,) = bench.router.budgets()
    assert 0 < status.held < usd("0.30")
    vendor.gate.set()
    crowd.wait()
    assert (len(crowd.results), crowd.errors, bench.calls) == (10, [], ["gpt"])


def test_where_the_first_fails_the_next_one_buys_and_never_two_at_once(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    no = [ContentRejected("no", charged=Charged.NO), ContentRejected("still no", charged=Charged.NO)]
    vendor.fail_next(*no)
    at_once: list[int] = []

    buy = vendor.buy

    def watched(call: ImageCall) -> Delivery:
        at_once.append(1)
        try:
            assert len(at_once) == 1
            return buy(call)
        finally:
            at_once.pop()

    vendor.buy = watched  # type: ignore[method-assign] # one vendor of this test
    send(bench, crowd, 10, lambda _: bench.router.generate("a fox", importance="final"))
    vendor.gate.set()
    crowd.wait()
    assert bench.calls == ["gpt"] * 3
    assert (len(crowd.results), len(crowd.errors)) == (8, 2)


def test_fresh_neither_waits_nor_is_waited_for(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    crowd.send(3, lambda _: bench.router.generate("a fox", importance="final", fresh=True))
    for _ in range(3):
        assert vendor.reached.acquire(timeout=PATIENCE_S)
    vendor.gate.set()
    crowd.wait()
    assert bench.calls == ["gpt"] * 3


def test_another_size_quality_number_or_wording_is_another_flight(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    asked: list[Callable[[], Result]] = [
        lambda: bench.router.generate("a fox", importance="final"),
        lambda: bench.router.generate("a fox", importance="final", size="1536x1024"),
        lambda: bench.router.generate("a fox", importance="review"),
        lambda: bench.router.generate("a fox", importance="final", n=2),
        lambda: bench.router.generate("A fox", importance="final"),
    ]
    crowd.send(5, lambda number: asked[number]())
    for _ in asked:
        assert vendor.reached.acquire(timeout=PATIENCE_S)
    vendor.gate.set()
    crowd.wait()
    assert len(bench.calls) == 5


def test_whoever_cannot_wait_longer_is_told_and_nothing_was_charged(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    crowd.send(1, lambda _: bench.router.generate("a fox", importance="review"))
    assert vendor.reached.acquire(timeout=PATIENCE_S)
    with pytest.raises(ProviderTimeout, match="being bought for another call") as caught:
        bench.router.generate("a fox", importance="review", deadline=0.05)
    assert caught.value.charged is Charged.NO
    vendor.gate.set()
    crowd.wait()
    assert bench.calls == ["gpt"]


def test_without_a_cache_nobody_waits_for_another() -> None:
    bench = open_bench()
    vendor, crowd = gated(bench), Crowd()
    crowd.send(2, lambda _: bench.router.generate("a fox", importance="final"))
    for _ in range(2):
        assert vendor.reached.acquire(timeout=PATIENCE_S)
    vendor.gate.set()
    crowd.wait()
    assert bench.calls == ["gpt", "gpt"]


def test_several_pictures_of_identical_requests_are_bought_once_each(bench: Bench) -> None:
    vendor, crowd = gated(bench, "flux"), Crowd()
    send(bench, crowd, 6, lambda _: bench.router.generate("a fox", importance="draft", n=3))
    vendor.gate.set()
    crowd.wait()
    assert bench.calls == ["flux"] * 3
    assert [len(result.images) for result in crowd.results] == [3] * 6


def test_two_who_want_some_of_the_same_pictures_do_not_wait_for_each_other(bench: Bench) -> None:
    crowd = Crowd()
    crowd.send(24, lambda number: bench.router.generate("a fox", importance="draft", n=1 + number % 4))
    crowd.wait()
    assert (len(crowd.results), crowd.errors) == (24, [])
    assert bench.calls == ["flux"] * 4


def test_one_request_id_asked_many_times_at_once_is_booked_once(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    request = ImageRequest(prompt="a fox", importance="final", request_id="poster/1")
    crowd.send(8, lambda _: bench.router.generate(request))
    assert vendor.reached.acquire(timeout=PATIENCE_S)
    vendor.gate.set()
    crowd.wait()
    again = bench.router.generate(request)
    (total,) = bench.router.spend(by=())
    assert (bench.calls, total.requests, total.cached, len(again.images)) == (["gpt"], 1, 0, 1)
    assert ([len(result.images) for result in crowd.results], crowd.errors) == ([1] * 8, [])


def test_one_request_id_that_the_cache_answered_many_routers_at_once_is_booked_once(
    bench: Bench, tmp_path: Path
) -> None:
    bench.router.generate("a fox", importance="final")
    request, crowd = ImageRequest(prompt="a fox", importance="final", request_id="poster/1"), Crowd()
    gate = threading.Barrier(8)
    find = bench.router._shop.store.history

    def history(request_id: str) -> RequestHistory | None:
        found = find(request_id)
        gate.wait(PATIENCE_S)
        return found

    bench.store.history = history  # type: ignore[method-assign] # all eight find the id unused
    routers = [open_bench(store=bench.store, cache=tmp_path / "cache").router for _ in range(8)]
    crowd.send(8, lambda number: routers[number].generate(request))
    crowd.wait()
    bench.store.history = find  # type: ignore[method-assign] # as above
    booked = find("poster/1")
    assert booked is not None
    assert len(booked.cached) == 1
    assert [len(result.images) for result in crowd.results] == [1] * 8
    assert len(bench.router.generate(request).images) == 1
    assert bench.calls == ["gpt"]


def test_an_interrupt_ends_a_flight_and_the_next_one_has_its_turn(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(KeyboardInterrupt())  # type: ignore[arg-type] # what a terminal sends
    with pytest.raises(KeyboardInterrupt):
        bench.router.generate("a fox", importance="final")
    assert bench.router._shop.flights._under_way == {}
    assert bench.router.generate("a fox", importance="final").images


# --- The flights themselves -----------------------------------------------------------------------------------------

OPEN = ClosingClock(FrozenClock())
CALL = CachedCall(pictures=(blank_picture(SQUARE),), request=ImageRequest(prompt="a fox"))


def test_what_has_landed_is_not_waited_for_by_those_who_come_later() -> None:
    flights: Flights[CachedCall] = Flights()
    with flights.board(["a"], 1, OPEN) as first:
        first.land("a", CALL)
    with flights.board(["a"], 1, OPEN) as second:
        assert second.landed == {}


def test_a_process_that_was_forked_does_not_wait_for_its_parents_flights(monkeypatch: pytest.MonkeyPatch) -> None:
    flights: Flights[CachedCall] = Flights()
    with flights.board(["a"], 1, OPEN):
        monkeypatch.setattr("os.getpid", lambda: -1)
        with flights.board(["a"], 0, OPEN) as own:
            assert own.landed == {}
        monkeypatch.undo()
        with pytest.raises(ProviderTimeout), flights.board(["a"], 0, OPEN):
            pass
    assert flights._under_way == {}


def test_whoever_comes_late_to_its_turn_gets_what_the_one_before_it_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    flights: Flights[CachedCall] = Flights()
    waiting, go_on, found = threading.Semaphore(0), threading.Event(), dict[str, CachedCall | None]()

    def slowly(other: Flight[CachedCall], **bounds: Any) -> CachedCall | None:
        waiting.release()
        brought = wait(other, **bounds)
        assert threading.current_thread().name == "next" or go_on.wait(PATIENCE_S)
        return brought

    def ask() -> None:
        with flights.board(["a"], PATIENCE_S, OPEN) as boarding:
            found[threading.current_thread().name] = boarding.landed.get("a")
            boarding.land("a", CALL)

    monkeypatch.setattr("routing.buying.flights._wait", slowly)
    late, following = (threading.Thread(target=ask, name=name) for name in ("late", "next"))
    with flights.board(["a"], 1, OPEN):  # brings nothing
        late.start()
        following.start()
        for _ in range(2):
            assert waiting.acquire(timeout=PATIENCE_S)
    following.join(PATIENCE_S)
    go_on.set()
    late.join(PATIENCE_S)
    assert found == {"next": None, "late": CALL}
    assert flights._under_way == {}
