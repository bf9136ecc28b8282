"""The same request_id again while the first call is between two attempts: never bought twice, and told the truth."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from routing import (
    LedgerUnavailable,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    RequestIdReused,
    open_router,
)
from routing.buying.flights import Flights
from routing.core.pacing import Allowance
from routing.core.retries import DEADLINE_S
from routing.errors import AllCandidatesFailed, Charged
from routing.ledger.sqlite import SqliteStore
from tests.router.conftest import ROUTER
from tests.router.test_closing import Asleep, fault
from tests.router.test_rate_limits import paced
from tests.router.test_repeats import other_pictures_each_time
from tests.router.test_single_flight import PATIENCE_S, Crowd
from tests.shop import open_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing import Result
    from routing.cache.base import CachedCall
    from routing.core.policy import Settings
    from routing.sandbox import Sandbox
    from tests.router.conftest import Team
    from tests.shop import Bench

LIMITED = ProviderRateLimited("slow down", retry_after_s=9)


class Lounge(Flights["Result"]):
    """Tells of everybody who comes with a request_id."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Semaphore(0)

    def _board(self, *boarding: Any) -> None:
        self.came.release()
        super()._board(*boarding)


class Desk:
    """A shop in which whoever waits between two attempts sleeps until the test lets go."""

    def __init__(self, made: Settings | None = None, **how: Any) -> None:
        self.clock, self.lounge = Asleep(), Lounge()
        self.bench = open_bench(made, clock=self.clock, **how)
        object.__setattr__(self.bench.router._shop, "requests", self.lounge)
        for name in self.bench.fakes:
            other_pictures_each_time(self.bench, name)
        self.first, self.others = Crowd(), Crowd()

    def ask(self, crowd: Crowd, count: int = 1, **options: Any) -> None:
        """Ask for the one poster, and wait until every caller is at it or waits for it."""
        wanted: dict[str, Any] = {"importance": "review", "request_id": "poster/1", **options}
        crowd.send(count, lambda _: self.bench.router.generate("a fox", **wanted))
        for _ in range(count):
            assert self.lounge.came.acquire(timeout=PATIENCE_S)

    def ask_between_attempts(self, others: int = 1, **options: Any) -> None:
        """Send the first call, and others once it waits after its failed attempt; then let time go on."""
        self.ask(self.first, **options)
        assert self.clock.asleep.acquire(timeout=PATIENCE_S)
        self.ask(self.others, others, **options)
        self.clock.go_on.set()
        self.first.wait()
        self.others.wait()

    @property
    def calls(self) -> list[str]:
        return self.bench.calls

    def check_the_books(self) -> None:
        """What was charged is what the first call says, and nothing is held."""
        found = self.bench.store.verify()
        assert (found.differences, found.held_nusd) == ((), 0)


@pytest.fixture(params=["cached", "uncached"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(cache=tmp_path / "cache" if request.param == "cached" else None)
    yield made
    made.bench.router.close()


# --- In one router ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [fault(), LIMITED], ids=["charged", "rate limited"])
def test_whoever_comes_between_two_attempts_waits_and_gets_the_same_pictures(desk: Desk, failure: Exception) -> None:
    desk.bench.fakes["gpt"].fail_next(failure)
    desk.ask_between_attempts(others=7)
    (first,) = desk.first.results
    assert [each.images for each in desk.others.results] == [first.images] * 7
    assert {(each.cached, each.cost, each.saved, each.plan) for each in desk.others.results} == {
        (True, first.cost, 0, None)
    }
    notice = "request_id 'poster/1' was being bought for another call: nothing was bought twice"
    assert all(each.notices[0] == notice for each in desk.others.results)
    assert desk.calls == ["gpt", "gpt"]
    assert desk.bench.spent() == first.cost
    desk.check_the_books()


def test_all_pictures_of_a_request_are_given_also_where_only_some_were_there_when_it_was_asked_again() -> None:
    desk = Desk(paced(gpt=Allowance(images=2)))
    desk.ask_between_attempts(others=3, n=5)
    (first,) = desk.first.results
    assert len(first.images) == 5
    assert [each.images for each in desk.others.results] == [first.images] * 3
    assert desk.bench.spent() == first.cost
    desk.bench.router.close()


def test_where_the_first_call_fails_for_good_the_others_are_told_what_was_charged(desk: Desk) -> None:
    desk.bench.fakes["gpt"].fail_next(fault(), fault(), fault())
    desk.ask_between_attempts(others=3)
    assert [type(error) for error in desk.first.errors] == [AllCandidatesFailed]
    assert [type(error) for error in desk.others.errors] == [RequestIdReused] * 3
    assert all("without a known outcome" in str(error) for error in desk.others.errors)
    assert len(desk.calls) == 3


def test_where_the_first_call_fails_and_nothing_was_charged_the_next_one_buys(desk: Desk) -> None:
    refused = ProviderUnavailable("connection refused", retryable=True, charged=Charged.NO)
    desk.bench.fakes["gpt"].fail_next(refused, refused, refused)
    desk.ask_between_attempts(others=3)
    assert [type(error) for error in desk.first.errors] == [AllCandidatesFailed]
    assert len({each.images for each in desk.others.results}) == 1
    assert sorted(each.cached for each in desk.others.results) == [False, True, True]
    assert len(desk.calls) == 4
    desk.check_the_books()


def test_an_interrupt_of_the_first_call_between_two_attempts_leaves_its_turn_to_the_next(desk: Desk) -> None:
    desk.bench.fakes["gpt"].fail_next(LIMITED)
    sleep, interrupts = desk.clock.sleep, [KeyboardInterrupt()]

    def interrupted(seconds: float) -> None:
        sleep(seconds)
        if interrupts:
            raise interrupts.pop()

    desk.clock.sleep = interrupted  # type: ignore[method-assign]  # what a terminal does
    seen: list[BaseException] = []

    def first() -> None:
        with pytest.raises(KeyboardInterrupt) as caught:
            desk.bench.router.generate("a fox", importance="review", request_id="poster/1")
        seen.append(caught.value)

    thread = threading.Thread(target=first)
    thread.start()
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    assert desk.lounge.came.acquire(timeout=PATIENCE_S)
    desk.ask(desk.others, 3)
    desk.clock.go_on.set()
    thread.join(PATIENCE_S)
    desk.others.wait()
    assert len(seen) == 1
    assert len({each.images for each in desk.others.results}) == 1
    assert len(desk.others.results) == 3
    assert desk.lounge._under_way == {}
    assert desk.calls == ["gpt", "gpt"]
    desk.check_the_books()


def test_whoever_cannot_wait_so_long_is_told_and_the_first_call_goes_on(desk: Desk) -> None:
    desk.bench.fakes["gpt"].fail_next(fault())
    desk.ask(desk.first)
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    with pytest.raises(
        ProviderTimeout, match="the same is being bought for another call, and was not there by the deadline"
    ) as caught:
        desk.bench.router.generate("a fox", importance="review", request_id="poster/1", deadline=0.05)
    assert caught.value.charged is Charged.NO
    desk.clock.go_on.set()
    desk.first.wait()
    assert len(desk.first.results) == 1


def test_another_request_with_the_same_id_is_refused_at_once(desk: Desk) -> None:
    desk.bench.fakes["gpt"].fail_next(fault())
    desk.ask(desk.first)
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    with pytest.raises(RequestIdReused, match="for another request"):
        desk.bench.router.generate("a wolf", importance="review", request_id="poster/1")
    desk.clock.go_on.set()
    desk.first.wait()
    assert desk.calls == ["gpt", "gpt"]


def test_closing_ends_the_first_call_and_with_it_those_who_wait_for_it(tmp_path: Path) -> None:
    desk = Desk(store=SqliteStore.open(tmp_path / "spend.db"))
    desk.bench.fakes["gpt"].fail_next(LIMITED)
    desk.ask(desk.first)
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    desk.ask(desk.others, 3)
    closing = threading.Thread(target=desk.bench.router.close)
    closing.start()
    while not desk.bench.router._shop.clock.closed:
        threading.Event().wait(0.001)
    desk.clock.go_on.set()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()
    desk.others.wait()
    assert [type(error) for error in desk.first.errors] == [ProviderRateLimited]
    assert [type(error) for error in desk.others.errors] == [LedgerUnavailable] * 3
    assert desk.calls == ["gpt"]


def test_routers_of_one_process_on_the_same_ledger_wait_for_each_other(team: Team, vendor: Sandbox) -> None:
    before, clock, first, second = vendor.bill()["images"], Asleep(), Crowd(), Crowd()
    team.write("router.yaml", ROUTER + 'ledger: {url: "sqlite:///spend.db"}\ncache: {url: "file:///cache"}\n')
    vendor.inject(["500"])
    with open_router(team.folder / "router.yaml", env=team.env, log=team.log, clock=clock) as router:
        first.send(1, lambda _: router.generate("a fox", request_id="poster/1"))
        assert clock.asleep.acquire(timeout=PATIENCE_S)
        with open_router(team.folder / ".." / team.folder.name / "router.yaml", env=team.env, log=team.log) as another:
            second.send(3, lambda _: another.generate("a fox", request_id="poster/1"))
            while len(another._under_way) < 3:
                threading.Event().wait(0.001)
            clock.go_on.set()
            first.wait()
            second.wait()
        (bought,) = first.results
        assert [each.images for each in second.results] == [bought.images] * 3
        assert bought.cost == router.spend(by=())[0].spent
    assert vendor.bill()["images"] == before + 1


# --- Between two processes, which know of each other what the ledger says ---------------------------------------------


@pytest.fixture
def another(desk: Desk) -> Bench:
    """A second router on the same ledger, with the same cache: it knows of the first what the ledger says."""
    made = open_bench(store=desk.bench.store)
    object.__setattr__(made.router._shop, "cache", desk.bench.router._shop.cache)
    return made


def elsewhere(bench: Bench, **options: Any) -> Result:
    return bench.router.generate("a fox", importance="review", request_id="poster/1", **options)


def test_another_process_is_told_that_the_first_may_still_be_trying_and_buys_nothing(
    desk: Desk, another: Bench
) -> None:
    desk.bench.fakes["gpt"].fail_next(fault())
    desk.ask(desk.first)
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    with pytest.raises(RequestIdReused) as caught:
        elsewhere(another)
    assert str(caught.value) == (
        "request_id 'poster/1' was charged $0.052705 without a known outcome; if another process is still at it (until"
        " 12:15:00 UTC at the latest), ask again with the same one; buying it again needs a new request_id"
    )
    desk.clock.go_on.set()
    desk.first.wait()
    assert another.calls == []
    if another.router._shop.cache:
        assert elsewhere(another).images == desk.first.results[0].images


@pytest.mark.parametrize("deadline_s", [None, 7200.0])
def test_once_nobody_can_be_trying_any_more_nothing_is_said_of_it(desk: Desk, deadline_s: float | None) -> None:
    desk.bench.fakes["gpt"].fail_next(ProviderTimeout("no answer"))
    desk.clock.go_on.set()
    with pytest.raises(ProviderTimeout):
        elsewhere(desk.bench, deadline=deadline_s)
    for wait_s, may_go_on in (((deadline_s or DEADLINE_S) - 1, True), (1, False)):
        desk.clock.sleep(wait_s)
        with pytest.raises(RequestIdReused) as caught:
            elsewhere(desk.bench)
        assert ("still at it" in str(caught.value)) is may_go_on


def test_of_a_process_that_died_nobody_says_that_it_is_still_at_it(
    desk: Desk, another: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.bench.fakes["gpt"].fail_next(ProviderTimeout("no answer"))
    desk.clock.go_on.set()
    with monkeypatch.context() as dying:
        dying.setattr(desk.bench.store, "resolve", lambda _: 1 / 0)
        with pytest.raises(ProviderTimeout):
            elsewhere(desk.bench)
    with pytest.raises(RequestIdReused, match=r"being bought right now: ask again with the same one \(if its process"):
        elsewhere(another)
    desk.bench.store.sweep(desk.clock.now() + timedelta(days=1), release=False)
    with pytest.raises(RequestIdReused, match=r"without a known outcome; buying it again needs a new request_id$"):
        elsewhere(another)


def test_another_process_that_finds_some_of_the_pictures_is_told_that_there_may_be_more(tmp_path: Path) -> None:
    desk = Desk(paced(gpt=Allowance(images=1)), cache=tmp_path / "cache")
    another = open_bench(store=desk.bench.store, cache=tmp_path / "cache")
    desk.ask(desk.first, n=2)
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    half = elsewhere(another, n=2)
    assert len(half.images) == 1
    assert half.notices[-1] == (
        "1 of 2 pictures were to be had then; if another process is still at it (until 12:15:00 UTC at the latest),"
        " ask again with the same one; a new request_id buys afresh"
    )
    desk.clock.go_on.set()
    desk.first.wait()
    whole = elsewhere(another, n=2)
    assert (whole.images, another.calls) == (desk.first.results[0].images, [])
    assert desk.bench.spent() == desk.first.results[0].cost
    desk.bench.router.close()


def test_where_nothing_was_charged_yet_whoever_is_quicker_buys_and_both_get_the_same(
    desk: Desk, another: Bench
) -> None:
    desk.bench.fakes["gpt"].fail_next(LIMITED)
    desk.ask(desk.first)
    assert desk.clock.asleep.acquire(timeout=PATIENCE_S)
    bought = elsewhere(another)
    desk.clock.go_on.set()
    desk.first.wait()
    if another.router._shop.cache:
        (first,) = desk.first.results
        assert (first.images, first.cost, first.cached) == (bought.images, bought.cost, True)
    else:
        assert "no cache is configured" in str(desk.first.errors[0])
    assert (desk.calls, another.calls) == (["gpt"], ["gpt"])
    assert another.spent() == bought.cost
    desk.check_the_books()


def test_another_process_that_comes_while_a_picture_is_put_into_the_cache_is_not_told_that_it_is_gone(
    tmp_path: Path,
) -> None:
    bench = open_bench(cache=tmp_path / "cache")
    another = open_bench(store=bench.store, cache=tmp_path / "cache")
    cache: Any = bench.router._shop.cache
    put, told = cache.put, list[str]()

    def slowly(key: str, call: CachedCall) -> bool:
        with pytest.raises(RequestIdReused) as caught:
            elsewhere(another)
        told.append(str(caught.value))
        kept: bool = put(key, call)
        return kept

    cache.put = slowly
    first = elsewhere(bench)
    assert "is being bought right now: ask again with the same one" in told[0]
    assert elsewhere(another).images == first.images
    bench.router.close()


def test_an_interrupt_while_a_picture_is_put_into_the_cache_leaves_it_settled(tmp_path: Path) -> None:
    bench = open_bench(cache=tmp_path / "cache")
    cache: Any = bench.router._shop.cache

    def interrupted(_key: str, _call: CachedCall) -> bool:
        raise KeyboardInterrupt

    cache.put = interrupted
    with pytest.raises(KeyboardInterrupt):
        elsewhere(bench)
    found = bench.store.verify()
    assert (found.held_nusd, found.unconfirmed_nusd) == (0, 0)
    assert found.spent_nusd > 0
    bench.router.close()
