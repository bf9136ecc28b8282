"""The same behaviour from threads, event loops, several routers, and none of these."""

from __future__ import annotations

import asyncio
import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest

from routing import BudgetExceeded, ImageRequest, Outcome, RequestError, usd
from routing.core.window import EPOCH
from routing.ledger.sqlite import SqliteStore
from tests.shop import budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.core.alerts import Alert
    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = open_bench()
    yield made
    made.router.close()


def test_every_call_has_a_twin_for_event_loops(bench: Bench) -> None:
    async def work() -> None:
        assert (await bench.router.aquote("a fox")).deployment == "flux"
        draft = await bench.router.agenerate("a fox", importance="draft")
        final = await bench.router.apromote(draft, importance="final")
        edited = await bench.router.aedit("a wolf", images=[final.images[0]], importance="review")
        assert edited.deployment == "gpt"
        finished = [outcome async for outcome in bench.router.agenerate_many(["a fox", "a wolf"])]
        assert len(finished) == 2
        rows = await bench.router.aspend(by=["deployment"])
        assert sum(row.requests for row in rows) == 5
        await bench.router.aclose()

    asyncio.run(work())


def test_a_cancelled_await_still_settles(bench: Bench) -> None:
    started, go_on = threading.Event(), threading.Event()
    fake = bench.fakes["gpt"]
    deliver = fake.buy

    def slow(call: ImageCall) -> Delivery:
        started.set()
        assert go_on.wait(10)
        return deliver(call)

    fake.buy = slow  # type: ignore[method-assign]  # a slow vendor

    async def work() -> None:
        task = asyncio.create_task(bench.router.agenerate("a fox", importance="final"))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    asyncio.run(work())
    bench.router._pool.shutdown(wait=True)
    assert bench.spent() == usd("0.21073")
    assert bench.held() == 0


def test_many_requests_come_back_as_they_finish_each_with_its_result_or_its_error(bench: Bench) -> None:
    requests: list[str | ImageRequest] = ["a fox", "", ImageRequest(prompt="a wolf", importance="final"), "a hare"]
    outcomes = list(bench.router.generate_many(requests, parallel=2, tags={"campaign": "spring"}))
    given = [outcome.request for outcome in outcomes]
    assert len(given) == len(requests)
    assert all(request in given for request in requests)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    assert len(errors) == 1
    assert isinstance(errors[0], RequestError)


def test_an_endless_list_of_requests_is_bought_only_as_fast_as_it_is_taken(bench: Bench) -> None:
    taken = count()
    endless = (f"fox {number}" for number in taken)
    finished = bench.router.generate_many(endless, parallel=3)
    for _ in range(5):
        next(finished)
    finished.close()
    assert next(taken) <= 12
    bench.router.close()


def test_a_refused_request_does_not_end_the_others() -> None:
    bench = open_bench(settings(budgets=(budget("0.007"),)))
    outcomes = list(bench.router.generate_many(["a", "b", "c", "d"], parallel=1))
    assert [outcome.error is None for outcome in outcomes] == [True, True, False, False]
    assert isinstance(outcomes[2].error, BudgetExceeded)


def test_several_routers_on_one_ledger_keep_one_budget(tmp_path: Path) -> None:
    made = settings(budgets=(budget("0.03"),))
    benches = [open_bench(made, store=SqliteStore.open(tmp_path / "spend.db")) for _ in range(3)]
    bought: list[Outcome] = []

    def work(bench: Bench) -> None:
        bought.extend(
            outcome for outcome in bench.router.generate_many([f"{i}" for i in range(8)], parallel=4) if outcome.result
        )

    threads = [threading.Thread(target=work, args=(bench,)) for bench in benches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bought) == 10
    assert benches[0].spent() == usd("0.03")
    for bench in benches:
        bench.router.close()


class _Channel:
    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.taken: list[Alert] = []

    def send(self, alert: Alert) -> None:
        if self.down:
            raise ConnectionError("the channel is down")
        self.taken.append(alert)


def test_a_threshold_alerts_once_and_a_channel_that_is_down_loses_nothing() -> None:
    channel = _Channel(down=True)
    limit = budget("0.03", alert_at=(usd("0.005"), usd("0.02")))
    bench = open_bench(settings(budgets=(limit,)), channels=[channel])
    for number in range(3):
        bench.router.generate(f"fox {number}")
    assert channel.taken == []
    channel.down = False
    bench.clock.sleep(3600)
    for number in range(5):
        bench.router.generate(f"wolf {number}")
    assert [alert.threshold_nusd for alert in channel.taken] == [usd("0.005"), usd("0.02")]
    standing = bench.store.alerts(EPOCH)
    assert [(each.delivered, each.failing) for each in standing] == [(("channel-1",), ())] * 2


def test_budgets_tell_what_is_left() -> None:
    bench = open_bench(settings(budgets=(budget("0.03"), budget("1", name="campaign", per="campaign"))))
    (only,) = bench.router.budgets()
    assert (only.budget, only.spent, only.left) == ("month", 0, usd("0.03"))
    bench.router.generate("a fox", tags={"campaign": "spring"})
    rows = {(status.budget, status.scope): status.left for status in bench.router.budgets()}
    assert rows == {("month", ""): usd("0.027"), ("campaign", "spring"): usd("0.997")}


def test_spend_groups_by_what_is_known_and_asks_back_about_the_rest(bench: Bench) -> None:
    bench.router.generate("a fox", tags={"campaign": "spring"})
    (row,) = bench.router.spend(since="2026-11-01", by=["campaign", "deployment"])
    assert (row.key, row.spent, row.images) == (("spring", "flux"), usd("0.003"), 1)
    with pytest.raises(RequestError, match="did you mean 'campaign'"):
        bench.router.spend(by=["campain"])
    with pytest.raises(RequestError, match="since"):
        bench.router.spend(since="yesterday")


def test_holds_of_dead_processes_are_resolved_in_passing(tmp_path: Path) -> None:
    bench = open_bench(store=SqliteStore.open(tmp_path / "spend.db"))

    def dies(_call: object) -> object:
        raise SystemExit

    bench.fakes["gpt"].buy = dies  # type: ignore[method-assign, assignment]  # a process that ends in the call
    bench.store.resolve = lambda _resolution: ()  # type: ignore[method-assign, assignment]  # and cannot write any more
    with pytest.raises(SystemExit):
        bench.router.generate("a fox", importance="final")
    bench.router.close()
    later = open_bench(store=SqliteStore.open(tmp_path / "spend.db"))
    later.clock.sleep(100_000)
    assert later.held() > 0
    later.router.generate("a wolf")
    assert later.held() == 0
    assert later.log.named("hold_expired")
    later.router.close()
