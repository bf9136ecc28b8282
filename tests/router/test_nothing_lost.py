"""What was paid for arrives and is booked, whatever fails around it."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from routing import Charged, LedgerUnavailable, Outcome, ProviderRateLimited, ProviderUnavailable, usd
from routing.core.prices import Usage
from routing.testing import blank_picture
from tests.shop import SQUARE, budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from routing import Result
    from routing.core.alerts import Alert
    from routing.core.entries import RequestRecord, Reservation
    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = open_bench(cache=tmp_path / "cache")
    yield made
    made.router.close()


def fails(*_args: object, **_fields: object) -> None:
    raise ValueError("I/O operation on closed file")


def change(bench: Bench, name: str, how: Callable[[Delivery], Delivery]) -> None:
    deliver = bench.fakes[name].buy
    bench.fakes[name].buy = lambda call: how(deliver(call))  # type: ignore[method-assign]  # another vendor


def test_a_log_that_fails_costs_neither_picture_nor_booking(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.log, "info", fails)
    monkeypatch.setattr(bench.log, "warning", fails)
    assert bench.router.generate("a fox").images
    bench.fakes["gpt"].fail_next(ProviderUnavailable("down", charged=Charged.NO))
    assert bench.router.generate("a fox", importance="final").deployment == "gpt-b"
    assert bench.held() == 0


@pytest.mark.parametrize("method", ["get", "put"])
def test_a_cache_that_raises_costs_neither_picture_nor_booking(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(bench.router._shop.cache, method, fails)
    assert bench.router.generate("a fox").images
    assert (bench.spent(), bench.held()) == (usd("0.003"), 0)


def test_a_ledger_that_fails_in_an_unforeseen_way_still_lets_the_picture_arrive(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.store, "resolve", fails)
    result = bench.router.generate("a fox")
    assert result.images
    assert not result.settled


def test_a_ledger_that_goes_away_between_two_calls_lets_the_first_picture_arrive(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.fakes["flux"].fail_next(ProviderRateLimited("slow down", retry_after_s=1))
    reserve, rounds = bench.store.reserve, count()

    def once(record: RequestRecord, reservations: Sequence[Reservation]) -> None:
        if next(rounds):
            raise LedgerUnavailable("the disk is full")
        reserve(record, reservations)

    monkeypatch.setattr(bench.store, "reserve", once)
    result = bench.router.generate("a fox", n=2)
    assert (len(result.images), result.cost) == (1, usd("0.003"))
    assert "nothing more was bought: the disk is full" in result.notices


def test_a_vendor_who_says_half_a_character_costs_no_picture(bench: Bench) -> None:
    change(bench, "flux", lambda delivery: replace(delivery, revised_prompt="half \ud83d"))
    first = bench.router.generate("a fox", request_id="fox")
    assert bench.router.generate("a fox", request_id="fox").images == first.images


def test_a_reference_whose_name_is_not_utf_8_costs_no_picture(bench: Bench) -> None:
    picture = replace(blank_picture(SQUARE), name="\udce9.png")
    result = bench.router.edit("a fox", images=[picture], importance="final")
    assert not any("cache" in notice for notice in result.notices)


def test_an_error_with_half_a_character_is_booked_all_the_same(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderUnavailable("half \ud83d", charged=Charged.NO))
    assert bench.router.generate("a fox", importance="final").deployment == "gpt-b"
    assert bench.held() == 0


def test_a_usage_beyond_every_ledger_is_charged_at_the_quote(bench: Bench) -> None:
    change(bench, "gpt", lambda delivery: replace(delivery, usage=Usage(image_out=10**30)))
    result = bench.router.generate("a fox", importance="final")
    assert result.settled
    assert result.cost == result.quote == bench.spent()


def test_what_the_other_calls_brought_is_booked_and_kept_where_one_of_them_meets_a_bug(bench: Bench) -> None:
    bench.fakes["flux"].fail_next(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        bench.router.generate("a fox", n=3, request_id="fox")
    assert (len(bench.calls), bench.held()) == (3, 0)
    again = bench.router.generate("a fox", n=3, request_id="fox")
    assert len(again.images) == 2
    assert any("2 of 3" in notice for notice in again.notices)
    assert len(bench.calls) == 3


def test_without_another_thread_to_be_had_calls_are_made_in_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_more)
    assert len(bench.router.generate("a fox", n=3).images) == 3
    assert (bench.calls, bench.held()) == (["flux"] * 3, 0)


def test_a_bug_in_one_of_many_is_raised_after_what_was_under_way_was_yielded(bench: Bench) -> None:
    bench.fakes["flux"].fail_next(ZeroDivisionError("a bug"))
    finished = bench.router.generate_many([f"fox {number}" for number in range(9)], parallel=4)
    outcomes: list[Outcome] = []
    with pytest.raises(ZeroDivisionError):
        outcomes.extend(finished)
    assert len(outcomes) == len(bench.calls) - 1


def test_closing_waits_for_calls_of_every_thread(bench: Bench) -> None:
    started, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    deliver = bench.fakes["gpt"].buy

    def slow(call: ImageCall) -> Delivery:
        started.set()
        assert go_on.wait(10)
        return deliver(call)

    bench.fakes["gpt"].buy = slow  # type: ignore[method-assign]  # a slow vendor
    results: list[Result] = []
    buying = threading.Thread(target=lambda: results.append(bench.router.generate("a fox", importance="final")))

    def close() -> None:
        bench.router.close()
        closed.set()

    closing = threading.Thread(target=close)
    buying.start()
    assert started.wait(10)
    closing.start()
    assert not closed.wait(0.1)
    go_on.set()
    buying.join(10)
    closing.join(10)
    assert results[0].settled
    with pytest.raises(LedgerUnavailable, match="closed"):
        bench.router.generate("a wolf")


def test_more_streams_at_once_than_threads_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.router.THREADS_AT_MOST", 2)
    bench = open_bench()

    async def stream(name: str) -> int:
        return len([outcome async for outcome in bench.router.agenerate_many([f"{name} 1", f"{name} 2"])])

    async def work() -> list[int]:
        return await asyncio.wait_for(asyncio.gather(*(stream(str(number)) for number in range(12))), 10)

    assert asyncio.run(work()) == [2] * 12
    bench.router.close()


def test_an_alert_that_is_being_told_is_not_told_again_by_somebody_else() -> None:
    telling, told = threading.Event(), threading.Event()

    class Slow:
        def __init__(self) -> None:
            self.taken: list[Alert] = []

        def send(self, alert: Alert) -> None:
            self.taken.append(alert)
            telling.set()
            assert told.wait(10)

    channel = Slow()
    bench = open_bench(settings(budgets=(budget("1", alert_at=(1,)),)), channels=[channel])
    first = threading.Thread(target=bench.router.generate, args=("a fox",))
    first.start()
    assert telling.wait(10)
    assert bench.router._shop.upkeep.deliver(bench.clock.now()) == ()
    told.set()
    first.join(10)
    assert len(channel.taken) == 1
