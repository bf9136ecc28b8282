"""``routing deployments``: health as the ledger tells it, prices, limits, ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from routing.sandbox import Sandbox
    from tests.cli.conftest import CommandLine


def told(routing: CommandLine, name: str = "gpt-image-2") -> dict[str, Any]:
    found = json.loads(routing("deployments", "--json").out)["deployments"]
    status: dict[str, Any] = next(each for each in found if each["deployment"] == name)
    return status


def fail(routing: CommandLine, vendor: Sandbox, fault: str, times: int = 1) -> None:
    for number in range(times):
        vendor.inject([fault] * 3)
        assert routing("generate", f"a {fault} fox {number}", "-o", "fox.png").code in {1, 2}


def test_before_anything_was_bought_it_tells_prices_limits_and_missing_keys(keyless: CommandLine) -> None:
    ran = keyless("deployments")
    assert ran.code == 0
    table = ran.out.splitlines()
    assert "gpt-image-2          no key  low $0.0059, high $0.2107          50            50" in table
    assert "no key: FAL_KEY is not set, so flux-schnell will not be used" in table
    assert table[-1] == (
        "nano-banana: gemini/gemini-2.5-flash-image is shut down on 2027-03-15;"
        " gemini/gemini-nano-banana-2.1 takes its place"
    )
    assert told(keyless)["state"] == "no_key"
    assert not (keyless.folder / "spend.db").exists()


def test_what_works_is_well(routing: CommandLine) -> None:
    assert routing("generate", "a fox", "-o", "fox.png").code == 0
    status = told(routing)
    assert (status["state"], status["last_hour"]) == ("well", {"calls": 1, "failed": 0})
    assert status["picture_usd"] == {"low": "0.00588", "medium": "0.05268", "high": "0.21072"}
    assert status["per_minute"] == {"requests": 50, "images": 50, "tokens": None}


def test_what_fails_says_how_often_and_why(routing: CommandLine, vendor: Sandbox) -> None:
    fail(routing, vendor, "reset")
    status = told(routing)
    assert (status["state"], status["failures_in_a_row"], status["last_hour"]["failed"]) == ("failing", 1, 1)
    lines = routing("deployments").out.splitlines()
    assert any(
        line.startswith("gpt-image-2 ") and "last call failed" in line and "1 of 1 failed" in line for line in lines
    )
    assert any(line.startswith("the last failure of gpt-image-2: ProviderUnavailable") for line in lines)
    vendor.inject([])
    assert routing("generate", "a fox", "-o", "fox.png").code == 0
    assert told(routing)["state"] == "well"


@pytest.mark.parametrize(("fault", "error"), [("401", "ProviderRejectedKey"), ("quota", "ProviderOutOfMoney")])
def test_what_a_person_has_to_mend_cools_longer(routing: CommandLine, vendor: Sandbox, fault: str, error: str) -> None:
    fail(routing, vendor, fault)
    status = told(routing)
    assert (status["state"], status["last_hour"]) == ("cooling", {"calls": 1, "failed": 1})
    assert status["why"].startswith(error)
    assert "left alone until" in routing("deployments").out
