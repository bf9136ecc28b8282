"""Processes and servers that are killed or stopped anywhere: the books never say less than the vendor's bill."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from routing.sandbox import Sandbox
from tests.faults.campaign import Campaign, buyer, told
from tests.postgres_server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = int(os.environ.get("ROUTING_DRILL_KILLS", "200"))
SEED = os.environ.get("ROUTING_DRILL_SEED", "20261121")
"""For longer runs, and other ones."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return "sqlite:///spend.db"
    url: str = request.getfixturevalue("server").url
    return url


def test_processes_that_are_killed_anywhere_lose_nothing(tmp_path: Path, ledger: str) -> None:
    with Sandbox.spawn(pictures="flat", latency_s=0.02) as vendor:
        campaign = Campaign(folder=tmp_path, vendor=vendor, ledger=ledger)
        with buyer(campaign, "kill", SEED, str(KILLS)) as child:
            assert told(child) == str(KILLS), f"seed {SEED}"
        found = campaign.verified()
        # Killed while they bought, and while calls were under way: else nothing was tried.
        assert found.entries > KILLS
        assert found.open_holds > KILLS / 10
        campaign.check_one_post_a_reservation(exactly=False)
        campaign.check_nothing_is_lost()
        campaign.check_the_bill_sets_it_right()


def test_a_server_that_is_killed_while_processes_buy_loses_nothing(tmp_path: Path, server: Server) -> None:
    with Sandbox.spawn(pictures="flat", latency_s=0.01) as vendor:
        campaign = Campaign(folder=tmp_path, vendor=vendor, ledger=server.url)
        with buyer(campaign, "load", "a") as one, buyer(campaign, "load", "b") as other:
            outcomes = [told(child) for child in (one, other) for _ in range(20)]
            for _ in range(5):
                server.kill()
                server.start()
                outcomes += [told(child) for child in (one, other) for _ in range(20)]
        assert {"settled"} <= set(outcomes) <= {"settled", "held", "refused:LedgerUnavailable"}
        campaign.check_one_post_a_reservation(exactly=False)
        campaign.check_nothing_is_lost()
        campaign.check_the_bill_sets_it_right()


def test_a_process_that_is_stopped_past_its_holds_and_goes_on_corrects_the_books(tmp_path: Path) -> None:
    with Sandbox.spawn(pictures="flat", latency_s=0.7) as vendor:
        campaign = Campaign(folder=tmp_path, vendor=vendor, timeout="1s", hold_for="1s")
        with buyer(campaign, "some", "stopped", "12") as child:
            while sum(campaign.posts().values()) < 6:
                time.sleep(0.01)
            child.send_signal(signal.SIGSTOP)
            time.sleep(2.1)  # what this is about: twice the time a call may take, after which holds run out
            swept = campaign.sweep(datetime.now(UTC))
            assert swept
            billed, found = campaign.billed_nusd(), campaign.verified()
            assert found.spent_nusd + found.held_nusd >= billed > 0
            child.send_signal(signal.SIGCONT)
            outcomes = told(child).split()
        assert len(outcomes) == 12
        assert set(outcomes) <= {"settled", "failed:unknown", "failed:no"}
        campaign.check_one_post_a_reservation(exactly=False)
        campaign.check_nothing_is_lost()
        campaign.check_the_bill_sets_it_right()
