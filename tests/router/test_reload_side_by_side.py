"""Files change while others buy, read, interrupt and fork: every request goes by one version of them."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from routing.reload import Reloader
from routing.testing import FakeProvider
from tests.router.conftest import QUALITIES, booked, policy
from tests.shop import open_bench, settings

if TYPE_CHECKING:
    from routing.buying.shop import Shop
    from routing.providers.base import Delivery, ImageCall
    from tests.router.conftest import Team

ROOT = Path(__file__).parents[2]


class Meddling(FakeProvider):
    """A vendor during whose call the files change."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        edited = replace(shop.settings.policy, fingerprint="p2")
        renewed = replace(shop, settings=settings(policy=edited), providers={})
        self.reloader = Reloader(
            replace(shop, providers={**shop.providers, "gpt": self}), files=lambda: (), seen={}, renew=lambda _: renewed
        )

    def buy(self, call: ImageCall) -> Delivery:
        assert self.reloader.reload() == "p2"
        return super().buy(call)


def test_a_request_under_way_ends_by_what_it_began_with() -> None:
    bench = open_bench()
    vendor = Meddling(bench.router._shop)
    bench.router._reloader = vendor.reloader
    assert bench.router.generate("a fox", importance="final", request_id="fox").settled
    assert booked(bench.router, "fox").record.policy == "p1"
    assert vendor.reloader.look().settings.policy.fingerprint == "p2"
    bench.router.close()


def test_fifty_threads_buy_while_the_policy_flips_and_every_entry_agrees_with_its_policy(team: Team) -> None:
    decided: dict[str, str] = {}
    with team.open() as router:
        for default in QUALITIES:
            team.write("policy.yaml", policy(default))
            decided[router.reload()] = default
        assert len(decided) == 2
        begin = threading.Barrier(51)

        def buy(number: int) -> None:
            begin.wait()
            for turn in range(6):
                router.generate(f"fox {number}", request_id=f"{number}/{turn}")

        def flip() -> None:
            begin.wait()
            for turn in range(20):
                team.replace("policy.yaml", policy([*QUALITIES][turn % 2]))
                team.later()
                router.quote("a fox")

        with ThreadPoolExecutor(51) as pool:
            flipping = pool.submit(flip)
            list(pool.map(buy, range(50)))
            flipping.result()
        for number in range(50):
            for turn in range(6):
                history = booked(router, f"{number}/{turn}")
                (attempt,) = history.attempts
                assert history.record.importance == decided[history.record.policy]
                assert attempt.reserve.quality == QUALITIES[history.record.importance]
        assert not router.verify().differences
    assert len(team.log.named("config_reloaded")) > 2
    assert not team.log.named("config_not_reloaded")


def test_a_signals_handler_may_reload_while_the_files_are_being_read() -> None:
    bench = open_bench()
    shop = bench.router._shop

    def interrupted(before: Shop) -> Shop:
        """Read the old content; while at it, the handler reads the new one."""
        if not newest:
            newest.append(replace(before, settings=settings(hold_for_s=1)))
            reloader.reload()
            return replace(before, settings=settings(hold_for_s=2))
        return newest[0]

    newest: list[Shop] = []
    reloader = Reloader(shop, files=lambda: (), seen={}, renew=interrupted)
    reloader.reload()
    assert reloader.look().settings.hold_for_s == 1
    bench.router.close()


def test_a_child_of_a_fork_reloads_although_a_thread_of_its_parent_was_reading(team: Team) -> None:
    program = """
import os, sys, threading
from routing import open_router
router = open_router(sys.argv[1], env={"OPENAI_API_KEY": "k"})
holding, done = threading.Event(), threading.Event()
def hold():
    with router._reloader._lock:
        holding.set()
        done.wait()
thread = threading.Thread(target=hold)
thread.start()
holding.wait()
child = os.fork()
if not child:
    router.reload()
    print("reloaded", router.quote("a fox").deployment, flush=True)
    os._exit(0)
os.waitpid(child, 0)
done.set()
thread.join()
router.close()
"""
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, str(team.folder / "router.yaml")],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stdout == "reloaded gpt-image-2\n"
