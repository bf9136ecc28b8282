"""A vendor at which most calls go wrong, each in one of several ways: no call is sent twice, and no charge is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from routing import ImageRequest
from routing.core.health import WELL, Health
from routing.sandbox import Sandbox
from routing.sandbox.faults import FAULTS
from tests.faults.campaign import Campaign, prompt_of

if TYPE_CHECKING:
    from pathlib import Path

EACH = 0.2
REQUESTS = 36
SEED = 7
STORMS = [
    ("401", "404", "429:0", "quota"),
    ("billing", "500", "502", "503"),
    ("moderation", "moderation-late:2.1", "reset-early", "reset"),
    ("hang:30", "truncated", "html", "badjson"),
    ("empty", "null", "null:data", "garbage"),
    ("garbage:b64", "no-usage", "fewer", "wrong-size"),
    ("blank", "small", "wrong-size", "no-usage"),
    ("error200", "500:after", "502:after", "503:after"),
]


def test_every_fault_of_the_sandbox_has_its_storm() -> None:
    assert {fault.partition(":")[0] for storm in STORMS for fault in storm} == set(FAULTS)


@pytest.mark.parametrize("storm", STORMS, ids=" ".join)
def test_a_vendor_that_fails_four_times_of_five_is_paid_exactly_what_it_bills(
    storm: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every fault is to strike often: else the vendor would be left alone after a few.
    monkeypatch.setattr(Health, "after", lambda *_: WELL)
    with Sandbox.start(pictures="flat") as vendor:
        vendor.inject(rates=dict.fromkeys(storm, EACH), seed=SEED)
        campaign = Campaign(folder=tmp_path, vendor=vendor, timeout="1s" if "hang:30" in storm else "4s")
        requests = [
            ImageRequest(
                prompt=prompt_of(str(number)),
                request_id=str(number),
                importance="review" if number % 4 == 0 else "draft",
                n=1 + number % 2,
                tags={"campaign": "abc"[number % 3]},
            )
            for number in range(REQUESTS)
        ]
        with campaign.open() as router:
            outcomes = Counter(bool(each.result) for each in router.generate_many(requests, parallel=20))
        assert outcomes.total() == REQUESTS
        struck = Counter(row["fault"] for row in vendor.log())
        assert all(struck[fault] >= REQUESTS * EACH / 3 for fault in storm), struck
        campaign.check_one_post_a_reservation()
        campaign.check_nothing_is_lost()
        campaign.check_the_bill_sets_it_right()
