"""Processes that ask with the same request_id while one of them is between two attempts, or was killed there."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import EntryKind
from routing.sandbox import Sandbox
from tests.faults.buyer import buy
from tests.faults.campaign import Campaign, buyer, told
from tests.faults.test_killed import KILLS, SEED, ledger, server
from tests.router.test_closing import Asleep
from tests.router.test_single_flight import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ledger", "server"]


def cached(campaign: Campaign) -> Campaign:
    with campaign.config.open("a", encoding="utf-8") as file:
        file.write("cache: {url: file:///cache}\n")
    return campaign


@pytest.mark.parametrize(
    ("fault", "second"), [("500", "refused:RequestIdReused"), ("429:9", "settled")], ids=["charged", "rate limited"]
)
def test_a_second_process_that_comes_between_two_attempts_never_buys_what_the_first_does(
    tmp_path: Path, fault: str, second: str
) -> None:
    with Sandbox.start(pictures="flat") as vendor:
        campaign = cached(Campaign(folder=tmp_path, vendor=vendor))
        vendor.inject([fault])
        clock, first = Asleep(datetime.now(UTC)), list[str]()
        with campaign.open(clock=clock) as router:
            buying = threading.Thread(target=lambda: first.append(buy(router, "poster-0")))
            buying.start()
            assert clock.asleep.acquire(timeout=PATIENCE_S)
            with buyer(campaign, "some", "poster", "1") as child:
                assert told(child) == second
            clock.go_on.set()
            buying.join(PATIENCE_S)
            assert first == ["settled"]
            with buyer(campaign, "some", "poster", "1") as child:
                assert told(child) == "settled"
        assert vendor.bill()["images"] == 1
        campaign.check_one_post_a_reservation()
        campaign.check_nothing_is_lost()
        campaign.check_the_bill_sets_it_right()


def test_of_processes_that_ask_for_the_same_and_are_killed_between_attempts_no_two_buy_it(
    tmp_path: Path, ledger: str
) -> None:
    with Sandbox.spawn(pictures="flat", latency_s=0.02) as vendor:
        campaign = cached(Campaign(folder=tmp_path, vendor=vendor, ledger=ledger))
        vendor.inject(rates={"500": 0.3, "429:0": 0.1}, seed=int(SEED))
        kills = str(KILLS // 4)
        with buyer(campaign, "kill", SEED, kills, "poster") as child:
            assert told(child) == kills, f"seed {SEED}"
        store = campaign.store()
        entries = list(store.entries())
        store.close()
        pictures = Counter(entry.request_id for entry in entries if entry.images and entry.kind is EntryKind.SETTLE)
        attempts = Counter(entry.request_id for entry in entries if entry.kind is EntryKind.RESERVE)
        assert set(pictures.values()) == {1}
        assert max(attempts.values()) > 1  # else nobody ever waited between two attempts
        campaign.check_one_post_a_reservation(exactly=False)
        campaign.check_nothing_is_lost()
        campaign.check_the_bill_sets_it_right()
