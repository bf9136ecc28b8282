"""The worker of a router: it starts with the first purchase, tells, watches, survives forks, and ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing import upkeep as upkeeping
from routing.alerts.base import NotTaken
from routing.core.alerts import AlertKind
from routing.core.budgets import OnBudget
from routing.core.money import usd
from routing.core.prices import Usage
from routing.core.window import EPOCH
from routing.errors import BudgetExceeded, LedgerUnavailable, ProviderTimeout
from routing.ledger import rollup
from routing.ledger.sqlite import SqliteStore
from routing.upkeep import Upkeep
from tests.shop import Bench, budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from routing.core.alerts import Alert
    from routing.core.policy import Settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20


class Ear:
    """A channel that tells when it has heard something; it hangs while ``open`` is not set."""

    def __init__(self) -> None:
        self.heard: list[Alert] = []
        self.asked = threading.Event()
        self.told = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.down = False

    def send(self, alert: Alert) -> None:
        self.asked.set()
        assert self.open.wait(30)
        if self.down:
            raise NotTaken("down")
        self.heard.append(alert)
        self.told.set()

    @property
    def names(self) -> list[str]:
        return [alert.name for alert in self.heard]


def thresholds(*amounts: str, limit: str = "1") -> Settings:
    return settings(budgets=(budget(limit, alert_at=tuple(usd(amount) for amount in amounts)),))


@pytest.fixture
def open_working() -> Iterator[Callable[..., Bench]]:
    """Open benches whose router has a worker; they are closed after the test."""
    made: list[Bench] = []

    def opened(made_by: Settings, *ears: Ear, store: SqliteStore | None = None) -> Bench:
        made.append(open_bench(made_by, channels=ears, store=store, background=True))
        return made[-1]

    yield opened
    for bench in made:
        bench.router.close()


def test_a_threshold_is_told_by_the_worker(open_working: Callable[..., Bench]) -> None:
    ear = Ear()
    bench = open_working(thresholds("0.002"), ear)
    bench.router.generate("a fox")
    assert ear.told.wait(PATIENCE_S)
    assert [alert.kind for alert in ear.heard] == [AlertKind.THRESHOLD]


def test_a_channel_that_hangs_keeps_no_purchase_waiting(open_working: Callable[..., Bench]) -> None:
    ear = Ear()
    ear.open.clear()
    bench = open_working(thresholds("0.002", "0.005", "0.008"), ear)
    bench.router.generate("a fox")
    assert ear.asked.wait(PATIENCE_S)
    for number in range(3):
        assert bench.router.generate(f"wolf {number}").settled
    assert not ear.heard
    ear.open.set()


def test_closing_tells_what_there_is_to_tell(open_working: Callable[..., Bench]) -> None:
    ear = Ear()
    bench = open_working(thresholds("0.002", "0.005", "0.008"), ear)
    for number in range(3):
        bench.router.generate(f"fox {number}")
    bench.router.close()
    assert [alert.threshold_nusd for alert in ear.heard] == [usd("0.002"), usd("0.005"), usd("0.008")]


def test_closing_does_not_wait_for_a_channel_that_hangs_and_the_next_router_tells(
    tmp_path: Path, open_working: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeeping, "CLOSE_WITHIN_S", 0.1)
    hanging = Ear()
    hanging.open.clear()
    first = open_working(thresholds("0.002"), hanging, store=SqliteStore.open(tmp_path / "spend.db"))
    first.router.generate("a fox")
    assert hanging.asked.wait(PATIENCE_S)
    first.router.close()
    assert first.log.named("upkeep_cut_short")
    ear = Ear()
    second = open_working(thresholds("0.002"), ear, store=SqliteStore.open(tmp_path / "spend.db"))
    second.clock.sleep(3600)
    second.router.generate("a wolf")
    assert ear.told.wait(PATIENCE_S)
    hanging.open.set()


def test_what_a_closed_router_could_not_tell_the_next_one_does(tmp_path: Path) -> None:
    ear = Ear()
    ear.down = True
    first = open_bench(thresholds("0.002"), channels=[ear], store=SqliteStore.open(tmp_path / "spend.db"))
    first.router.generate("a fox")
    first.router.close()
    ear.down = False
    second = open_bench(thresholds("0.002"), channels=[ear], store=SqliteStore.open(tmp_path / "spend.db"))
    second.clock.sleep(60)
    second.router.generate("a wolf")
    second.clock.sleep(3600)
    second.router.generate("a badger")
    assert len(ear.heard) == 1
    second.router.close()


def test_no_worker_runs_before_the_first_purchase_and_none_after_closing(open_working: Callable[..., Bench]) -> None:
    bench = open_working(thresholds("0.002"), Ear())
    upkeep = bench.router._shop.upkeep
    bench.router.quote("a fox")
    assert not upkeep._workers
    bench.router.generate("a fox")
    (worker,) = upkeep._workers.values()
    bench.router.generate("a wolf")
    assert [*upkeep._workers.values()] == [worker]
    bench.router.close()
    assert not worker.thread.is_alive()


def test_a_child_of_a_fork_starts_a_worker_of_its_own() -> None:
    program = """
import os
from tests.shop import open_bench, settings
bench = open_bench(background=True)
bench.router.generate("a fox")
upkeep = bench.router._shop.upkeep
child = os.fork()
if not child:
    upkeep.begin(settings())
    upkeep.begin(settings())
    own = upkeep._workers[os.getpid()]
    print("child", own.thread.is_alive(), len(upkeep._workers), flush=True)
    upkeep.close()
    print("closed", own.thread.is_alive(), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print("parent", [worker.thread.is_alive() for worker in upkeep._workers.values()])
bench.router.close()
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["child True 2", "closed False", "parent [True]"]


def test_a_fault_of_the_ledger_is_told_and_the_worker_goes_on(open_working: Callable[..., Bench]) -> None:
    ear, swept = Ear(), threading.Event()
    bench = open_working(thresholds("0.002"), ear)

    def broken(*_: object, **__: object) -> None:
        swept.set()
        raise LedgerUnavailable("the disk is full")

    bench.store.sweep = broken  # type: ignore[method-assign, assignment]  # a ledger that fails once
    bench.router.generate("a fox")
    assert swept.wait(PATIENCE_S)
    assert ear.told.wait(PATIENCE_S)
    assert {"step": "sweep", "error": "LedgerUnavailable: the disk is full"} in bench.log.named("upkeep_failed")


def test_without_a_thread_to_be_had_the_purchase_goes_on_and_the_next_one_tries_again(
    open_working: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    bench = open_working(thresholds("0.002"), ear)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "routing-upkeep":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert bench.router.generate("a fox").settled
    assert bench.log.named("upkeep_not_started")
    monkeypatch.undo()
    bench.router.generate("a wolf")
    assert ear.told.wait(PATIENCE_S)


# --- What is watched --------------------------------------------------------------------------------------------------


def test_whole_steps_are_folded_at_once_and_what_comes_meanwhile_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert upkeeping.FOLD_AT_MOST == rollup.ENTRIES_A_STEP
    monkeypatch.setattr(rollup, "ENTRIES_A_STEP", 4)
    monkeypatch.setattr(upkeeping, "FOLD_AT_MOST", 4)
    monkeypatch.setattr(upkeeping, "FOLD_AT_LEAST", 2)
    bench = open_bench()
    for number in range(5):
        bench.router.generate(f"fox {number}")
    upkeep = Upkeep(
        settings=settings(), store=bench.store, subscriptions=(), clock=bench.clock, log=bench.log, background=False
    )
    more = [upkeep.roll_up(bench.clock.now()) for _ in range(4)]
    assert more == [True, True, False, False]
    assert bench.store.roll_up() == 0


def test_a_refusal_is_told_once_for_each_importance() -> None:
    ear = Ear()
    bench = open_bench(settings(budgets=(budget("0.002", on_budget=OnBudget.REFUSE),)), channels=[ear])
    for importance in ("draft", "draft", "review", "draft"):
        with pytest.raises(BudgetExceeded):
            bench.router.generate("a fox", importance=importance)
    assert [alert.detail for alert in ear.heard] == ["draft requests refused", "review requests refused"]
    assert {alert.kind for alert in ear.heard} == {AlertKind.ACTION}


def test_a_refusal_is_told_again_in_the_next_window() -> None:
    ear = Ear()
    bench = open_bench(settings(budgets=(budget("0.002"),)), channels=[ear])
    for _ in range(2):
        with pytest.raises(BudgetExceeded):
            bench.router.generate("a fox")
        bench.clock.sleep(timedelta(days=31).total_seconds())
    assert len(set(ear.names)) == 2


def test_a_downgrade_names_both_deployments() -> None:
    ear = Ear()
    cheap = settings()
    route = cheap.policy.routes["draft"][0]
    dear_first = type(route)(use=("gpt", "flux"), ask=route.ask, label=route.label)
    policy = type(cheap.policy)(
        name="test",
        importance=cheap.policy.importance,
        sort=cheap.policy.sort,
        routes={**cheap.policy.routes, "draft": (dear_first,)},
    )
    made = settings(policy=policy, budgets=(budget("0.004", per="campaign"),))
    bench = open_bench(made, channels=[ear])
    result = bench.router.generate("a fox", tags={"campaign": "spring"})
    assert result.deployment == "flux"
    (alert,) = ear.heard
    assert alert.detail == "draft requests downgraded from gpt to flux"
    assert alert.key is not None
    assert (alert.key.budget, alert.key.scope) == ("month", "spring")


def test_money_in_doubt_is_told_once_a_day_and_deployment_with_its_sum() -> None:
    ear = Ear()
    bench = open_bench(channels=[ear])
    lost = ProviderTimeout("no answer", deployment="gpt")

    def lose() -> None:
        bench.fakes["gpt"].fail_next(lost)
        with pytest.raises(ProviderTimeout):
            bench.router.generate("a fox", importance="review", fresh=True)

    lose()
    lose()
    quote = bench.spent() // 2
    for _ in range(3):
        bench.clock.sleep(60)
        bench.router.generate("a wolf")
    (alert,) = ear.heard
    assert (alert.kind, alert.spent_nusd) == (AlertKind.UNCONFIRMED, 2 * quote)
    assert alert.detail.startswith("2 calls to gpt charged at the quote")
    bench.clock.sleep(timedelta(days=1).total_seconds())
    bench.router.generate("a wolf")
    assert len(ear.heard) == 1
    lose()
    bench.clock.sleep(60)
    bench.router.generate("a wolf")
    assert [alert.spent_nusd for alert in ear.heard] == [2 * quote, 3 * quote]


def test_an_overrun_is_told_with_the_call_that_caused_it() -> None:
    ear = Ear()
    bench = open_bench(channels=[ear])
    deliver = bench.fakes["gpt"].buy

    def dear(call: object) -> object:
        delivery = deliver(call)  # type: ignore[arg-type]  # whatever the router sends
        return type(delivery)(pictures=delivery.pictures, usage=Usage(text_in=10, image_out=1_000_000))

    bench.fakes["gpt"].buy = dear  # type: ignore[method-assign, assignment]  # a vendor that takes more than it said
    result = bench.router.generate("a fox", importance="review")
    (alert,) = ear.heard
    assert alert.kind is AlertKind.OVERRUN
    assert alert.spent_nusd == result.cost
    assert f"{result.request_id}/1" in alert.detail


def test_alerts_stay_in_the_ledger_for_who_looks(open_working: Callable[..., Bench]) -> None:
    bench = open_working(thresholds("0.002"))
    bench.router.generate("a fox")
    (standing,) = bench.store.alerts(EPOCH)
    assert (standing.delivered, standing.failing) == ((), ())
