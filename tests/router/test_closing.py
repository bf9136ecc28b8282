"""Closing a router: what a vendor works on is waited for, what only waits ends at once, and nothing is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from routing import LedgerUnavailable, ProviderRateLimited, ProviderUnavailable
from routing.core.health import FAILURES_AT_ONCE, Ended
from routing.core.pacing import Allowance
from routing.core.policy import Degrade, Show
from routing.errors import AllCandidatesFailed, ProviderError
from routing.ledger.sqlite import SqliteStore
from routing.testing import FakeModerator, FrozenClock
from tests.router.test_moderated import moderating
from tests.router.test_rate_limits import paced
from tests.router.test_single_flight import PATIENCE_S, Crowd, gated, send
from tests.shop import open_bench, settings

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from routing.core.policy import Settings
    from routing.errors import RoutingError
    from tests.shop import Bench


class Asleep(FrozenClock):
    """Whoever sleeps by this clock sleeps until the test lets go; then time moves on."""

    def __init__(self, *at: datetime) -> None:
        super().__init__(*at)
        self.asleep, self.go_on = threading.Semaphore(0), threading.Event()

    def sleep(self, seconds: float) -> None:
        self.asleep.release()
        assert self.go_on.wait(PATIENCE_S)
        super().sleep(seconds)


@dataclass
class Evening:
    """A shop in which every wait lasts until it was closed, and its books, which can be read after that."""

    folder: Path
    bench: Bench
    clock: Asleep
    crowd: Crowd = field(default_factory=Crowd)

    def ask(self, count: int = 1, importance: str = "review", n: int = 1) -> None:
        """Let so many callers ask, each for a picture of its own."""
        generate = self.bench.router.generate
        self.crowd.send(count, lambda number: generate(f"fox {number}", importance=importance, n=n))

    def close(self, sleepers: int = 1) -> None:
        """Close once so many sleep, and only then let time pass."""
        for _ in range(sleepers):
            assert self.clock.asleep.acquire(timeout=PATIENCE_S)
        closing = threading.Thread(target=self.bench.router.close)
        closing.start()
        self.let_go_once_closed()
        closing.join(PATIENCE_S)
        assert not closing.is_alive()
        self.crowd.wait()

    def let_go_once_closed(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while not self.bench.router._shop.clock.closed:
            assert time.monotonic() < until
            time.sleep(0.001)
        self.clock.go_on.set()

    @property
    def error(self) -> RoutingError:
        (error,) = self.crowd.errors
        return error

    def spent(self) -> int:
        """Tell what the books say, of which nothing may be held any more."""
        store = SqliteStore.open(self.folder / "spend.db")
        found = store.verify()
        store.close()
        assert (found.held_nusd, found.open_holds, found.differences) == (0, 0, ())
        return found.spent_nusd


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    return open_evening(tmp_path)


def open_evening(folder: Path, made: Settings | None = None, **how: Any) -> Evening:
    clock = Asleep()
    return Evening(folder, open_bench(made, store=SqliteStore.open(folder / "spend.db"), clock=clock, **how), clock)


def fault() -> ProviderError:
    return ProviderUnavailable("HTTP 500", status_code=500, retryable=True)


# --- What only waits --------------------------------------------------------------------------------------------------


def test_a_request_between_two_attempts_ends_with_the_error_of_its_last_one_and_is_not_sent_again(
    evening: Evening,
) -> None:
    evening.bench.fakes["gpt"].fail_next(fault())
    evening.ask()
    evening.close()
    assert str(evening.error) == "HTTP 500"
    assert evening.error.__notes__ == ["it was not tried again: the router was closed: open another"]
    assert evening.bench.calls == ["gpt"]
    assert evening.spent() > 0  # nobody knows what became of that attempt: it stays charged


def test_after_several_attempts_all_of_them_are_told(evening: Evening) -> None:
    evening.bench.fakes["gpt"].fail_next(fault())
    evening.bench.fakes["gpt-b"].fail_next(fault())
    evening.ask(importance="final")
    evening.close()
    assert isinstance(evening.error, AllCandidatesFailed)
    assert evening.bench.calls == ["gpt", "gpt-b"]


def test_a_request_that_a_vendor_told_to_wait_ends_with_nothing_charged(evening: Evening) -> None:
    evening.bench.fakes["gpt"].fail_next(ProviderRateLimited("slow down", retry_after_s=600))
    evening.ask()
    evening.close()
    assert isinstance(evening.error, ProviderRateLimited)
    assert (evening.bench.calls, evening.spent()) == (["gpt"], 0)


def test_all_who_stand_in_line_for_room_in_a_minute_end_without_having_sent_anything(tmp_path: Path) -> None:
    evening = open_evening(tmp_path, paced(gpt=Allowance(images=1)))
    evening.bench.router.generate("a wolf", importance="review")
    spent = evening.bench.spent()
    evening.ask(12)
    evening.close()
    assert {type(error) for error in evening.crowd.errors} == {LedgerUnavailable}
    assert len(evening.crowd.errors) == 12
    assert {str(error) for error in evening.crowd.errors} == {"the router was closed: open another"}
    assert (evening.bench.calls, evening.spent()) == (["gpt"], spent)


def test_a_request_that_waits_for_a_deployment_to_recover_ends(evening: Evening) -> None:
    for _ in range(FAILURES_AT_ONCE):
        evening.bench.router._shop.cooling.hear("gpt", Ended.FAILED, 0)
    evening.ask()
    evening.close()
    with pytest.raises(LedgerUnavailable, match="the router was closed"):
        raise evening.error
    assert (evening.bench.calls, evening.spent()) == ([], 0)


def test_a_request_whose_prompt_nobody_could_look_at_yet_ends(tmp_path: Path) -> None:
    moderator = FakeModerator()
    moderator.fail_next(ProviderUnavailable("down", status_code=503, retryable=True))
    evening = open_evening(tmp_path, moderating(), moderator=moderator)
    evening.ask()
    evening.close()
    assert isinstance(evening.error, LedgerUnavailable)
    assert (len(moderator.prompts), evening.bench.calls, evening.spent()) == (1, [], 0)


def test_pictures_that_were_bought_before_are_handed_over(tmp_path: Path) -> None:
    evening = open_evening(tmp_path, paced(gpt=Allowance(images=1)))
    evening.ask(n=2)
    evening.close()
    (result,) = evening.crowd.results
    assert len(result.images) == 1
    assert "1 of 2 pictures: the router was closed: open another" in result.notices
    assert (evening.bench.calls, evening.spent()) == (["gpt"], result.cost)


def test_nothing_stands_in_for_a_request_that_was_not_tried_to_its_end(tmp_path: Path) -> None:
    made = settings()
    (route,) = made.policy.routes["review"]
    route = replace(route, degrade=Degrade(use=("flux",), show=(Show.PLACEHOLDER,)))
    evening = open_evening(tmp_path, replace(made, policy=replace(made.policy, routes={"review": (route,)})))
    evening.bench.fakes["gpt"].fail_next(fault())
    evening.ask()
    evening.close()
    assert isinstance(evening.error, ProviderUnavailable)
    assert evening.bench.calls == ["gpt"]


def test_of_many_what_is_under_way_is_yielded_and_the_rest_is_told(tmp_path: Path) -> None:
    evening = open_evening(tmp_path)
    vendor = gated(evening.bench)
    outcomes = evening.bench.router.generate_many((f"fox {n}" for n in range(99)), parallel=3, importance="review")
    found: list[object] = []
    taking = threading.Thread(target=lambda: found.extend(outcome.error or outcome.result for outcome in outcomes))
    taking.start()
    for _ in range(3):
        assert vendor.reached.acquire(timeout=PATIENCE_S)
    closing = threading.Thread(target=evening.bench.router.close)
    closing.start()
    evening.let_go_once_closed()
    vendor.gate.set()
    closing.join(PATIENCE_S)
    taking.join(PATIENCE_S)
    assert not closing.is_alive()
    assert not taking.is_alive()
    delivered = [each for each in found if not isinstance(each, LedgerUnavailable)]
    assert len(delivered) == len(evening.bench.calls) == 3
    assert len(found) < 99
    assert evening.spent() == sum(result.cost for result in delivered)  # type: ignore[attr-defined]  # all are results


def test_for_event_loops_it_is_the_same(evening: Evening) -> None:
    evening.bench.fakes["gpt"].fail_next(fault())
    router = evening.bench.router

    async def work() -> tuple[object, ...]:
        waiting = asyncio.create_task(router.agenerate("a fox", importance="review"))
        await asyncio.to_thread(evening.clock.asleep.acquire)
        letting_go = asyncio.to_thread(evening.let_go_once_closed)
        await asyncio.wait_for(asyncio.gather(router.aclose(), letting_go), PATIENCE_S)
        late = router.agenerate("a wolf", importance="review")
        return tuple(await asyncio.gather(waiting, late, return_exceptions=True))

    first, late = asyncio.run(work())
    assert (type(first), type(late)) == (ProviderUnavailable, LedgerUnavailable)
    assert evening.bench.calls == ["gpt"]


# --- What a vendor works on -------------------------------------------------------------------------------------------


def test_a_call_that_is_under_way_is_waited_for_and_whoever_wants_its_picture_too_ends(tmp_path: Path) -> None:
    evening = open_evening(tmp_path, cache=tmp_path / "cache")
    vendor, router = gated(evening.bench), evening.bench.router
    send(evening.bench, evening.crowd, 3, lambda _: router.generate("a fox", importance="review"))
    closing = threading.Thread(target=router.close)
    closing.start()
    evening.let_go_once_closed()
    until = time.monotonic() + PATIENCE_S
    while len(evening.crowd.errors) < 2:
        assert time.monotonic() < until
        time.sleep(0.001)
    assert closing.is_alive()
    vendor.gate.set()
    closing.join(PATIENCE_S)
    evening.crowd.wait()
    assert {str(error) for error in evening.crowd.errors} == {"the router was closed: open another"}
    (result,) = evening.crowd.results
    assert evening.spent() == result.cost > 0


def test_whoever_waits_for_a_thread_that_closes_the_router_in_a_signals_handler_ends(tmp_path: Path) -> None:
    evening = open_evening(tmp_path, paced(gpt=Allowance(images=1)), cache=tmp_path / "cache")
    router = evening.bench.router
    router.generate("a wolf", importance="review")
    evening.ask()
    assert evening.clock.asleep.acquire(timeout=PATIENCE_S)  # the first in line, who cannot go on
    behind = Crowd()
    behind.send(4, lambda number: router.generate(f"fox {number % 2}", importance="review"))  # two want its picture
    until = time.monotonic() + PATIENCE_S
    while len(router._under_way) < 5:
        assert time.monotonic() < until
        time.sleep(0.001)
    closing = threading.Thread(target=router.close)
    closing.start()
    behind.wait()
    assert [type(error) for error in behind.errors] == [LedgerUnavailable] * 4
    evening.let_go_once_closed()
    closing.join(PATIENCE_S)
    evening.crowd.wait()
    assert evening.bench.calls == ["gpt"]


def test_a_signals_handler_may_close_while_its_own_thread_waits() -> None:
    class Interrupting(FrozenClock):
        def sleep(self, seconds: float) -> None:
            bench.router.close()
            super().sleep(seconds)

    bench = open_bench(clock=Interrupting())
    bench.fakes["gpt"].fail_next(fault())
    with pytest.raises(ProviderUnavailable):
        bench.router.generate("a fox", importance="review")
    assert bench.calls == ["gpt"]
