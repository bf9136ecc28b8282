"""A router whose pictures are kept in a bucket, opened from its files."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from routing import RoutingError
from routing.testing import FrozenClock
from tests.bucket_server import new_bucket
from tests.router.conftest import ROUTER
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from routing.sandbox.server import Sandbox
    from tests.router.conftest import Team


@pytest.fixture
def machine(team: Team) -> Team:
    """One of several machines that share a bucket, each with a ledger of its own."""
    bucket = new_bucket()
    team.write(
        "router.yaml",
        ROUTER + f'cache: {{url: "s3://{bucket.name}/ours", endpoint_env: BUCKETS}}\nledger: {{url: "memory://"}}\n',
    )
    team.clock = FrozenClock(datetime.now(UTC))
    team.env |= {
        "BUCKETS": bucket.endpoint,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "AWS_REGION": "us-east-1",
    }
    return team


def test_what_one_machine_bought_another_is_given(machine: Team, vendor: Sandbox) -> None:
    with machine.open() as here:
        bought = here.generate("a fox for two")
    before = vendor.bill()["images"]
    with machine.open() as there:
        given = there.generate("a fox for two")
    assert (given.cached, given.cost, given.saved > 0) == (True, 0, True)
    assert given.images == bought.images
    assert vendor.bill()["images"] == before


def test_a_bucket_that_is_down_costs_a_notice_and_no_picture(machine: Team) -> None:
    machine.env["BUCKETS"] = "http://127.0.0.1:9"
    with machine.open() as router:
        results = [router.generate(f"fox {number}") for number in range(3)]
    assert all(result.images and not result.cached for result in results)
    assert all("could not be kept in the cache" in " ".join(result.notices) for result in results)
    assert len(machine.log.named("cache_down")) == 1
    assert "hunter2" not in str(machine.log.events)


def test_without_the_variable_of_its_endpoint_pictures_are_bought_and_that_is_told(machine: Team) -> None:
    del machine.env["BUCKETS"]
    with machine.open() as router:
        assert not router.generate("a fox").cached
    assert "the environment has no BUCKETS" in str(machine.log.named("config"))


def test_a_bucket_without_its_library_names_what_to_install(machine: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "routing.cache.s3", raising=False)
    with pytest.raises(
        RoutingError,
        match=r"pip install 'obstore>=0\.10,<1', or, .* pip install '\.\[s3\]'",
    ):
        replace(machine, log=RecordingLog()).open()
