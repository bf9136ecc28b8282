"""A slow call is told to the log and to the caller, with what the likely cause is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from routing import ProviderTimeout
from routing.config.catalog import packaged_catalog
from routing.core.deployment import TypicalTime
from routing.testing import FakeProvider, FrozenClock
from tests.providers.buying import Said, parrot
from tests.shop import GPT, RecordingLog, deployment, open_bench, settings

if TYPE_CHECKING:
    from routing.providers.base import Delivery, ImageCall
    from tests.router.conftest import Team
    from tests.shop import Bench

KNOWN = replace(GPT, typical=TypicalTime(seconds={"low": 10.0, "high": 100.0}))


class Slow(FakeProvider):
    """A vendor who takes a while by the clock of the test."""

    def __init__(self, clock: FrozenClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def buy(self, call: ImageCall) -> Delivery:
        self._clock.sleep(self._seconds)
        return super().buy(call)


def bench(seconds: float, **known: Any) -> Bench:
    made = settings()
    deployments = {**made.deployments, "gpt": deployment("gpt", replace(KNOWN, **known))}
    opened = open_bench(replace(made, deployments=deployments))
    opened.fakes["gpt"] = Slow(opened.clock, seconds)
    opened.router._shop.providers["gpt"] = opened.fakes["gpt"]  # type: ignore[index] # the bench's own dict
    return opened


def test_a_slow_call_is_a_warning_and_a_notice() -> None:
    opened = bench(301.0)
    result = opened.router.generate("a fox", importance="final", request_id="fox")
    assert "slow: it took 301 s, such calls usually take 100 s; likely because of quality high" in result.notices, (
        result.notices
    )
    assert opened.log.named("slow") == [
        {
            "reservation": "fox/1",
            "deployment": "gpt",
            "seconds": 301.0,
            "typical_s": 100.0,
            "causes": ("quality high",),
        }
    ]


def test_a_call_of_the_usual_length_is_not_told() -> None:
    opened = bench(299.0)
    result = opened.router.generate("a fox", importance="final")
    assert [notice for notice in result.notices if "slow" in notice] == []
    assert opened.log.named("slow") == []


def test_where_nothing_is_known_nothing_is_hinted() -> None:
    opened = bench(10_000.0, typical=TypicalTime(seconds={}))
    assert opened.router.generate("a fox", importance="final").notices == ()
    assert opened.log.named("slow") == []


def test_a_call_that_failed_after_long_is_told_to_the_log() -> None:
    opened = bench(301.0)
    opened.fakes["gpt"].fail_next(ProviderTimeout("no answer"))
    with pytest.raises(ProviderTimeout):
        opened.router.generate("a fox", importance="final")
    assert [told["seconds"] for told in opened.log.named("slow")] == [301.0]


def test_the_catalog_says_what_is_usual_and_a_queue_is_the_likely_cause_of_a_slow_draft(team: Team) -> None:
    found = packaged_catalog().find("gpt-image-2")
    assert found is not None
    usual = found.model.typical.seconds["low"]

    def answer(_: object) -> Said:
        team.clock.sleep(4 * usual)
        return Said({"error": {"message": "no", "type": "invalid_value", "code": "invalid_value"}}, status=400)

    with parrot(answer) as vendor:
        team.env["OPENAI_BASE_URL"] = f"{vendor.url}/v1"
        with team.open() as router, pytest.raises(Exception, match="no"):
            router.generate("a fox")
    assert isinstance(team.log, RecordingLog)
    (told,) = team.log.named("slow")
    assert (told["seconds"], told["typical_s"], told["causes"]) == (4 * usual, usual, ("a queue at the vendor",))
