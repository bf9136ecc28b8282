"""Edited files are taken up between two requests; broken ones are told, and what held before goes on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing import BudgetExceeded, ConfigError, ProviderUnavailable, RoutingError
from routing.core.health import Ended
from routing.reload import LOOK_EVERY_S, SETTLED_AFTER_S, Reloader
from tests.router.conftest import ROUTER, booked, importance, policy
from tests.shop import open_bench

if TYPE_CHECKING:
    from routing.buying.shop import Shop
    from tests.router.conftest import Team


# --- What is taken up -------------------------------------------------------------------------------------------------


def test_an_edited_policy_decides_the_next_request_and_the_ledger_names_it(team: Team) -> None:
    with team.open() as router:
        router.generate("a fox", request_id="before")
        team.write("policy.yaml", policy("final"))
        team.later()
        router.generate("a fox", request_id="after")
        before, after = booked(router, "before").record, booked(router, "after").record
        assert (before.importance, after.importance) == ("draft", "final")
        assert before.policy != after.policy
        assert team.log.named("config_reloaded") == [{"policy": after.policy, "before": before.policy}]


@pytest.mark.parametrize("kept", ["size", "size and time"])
def test_a_file_put_in_the_place_of_another_is_noticed_by_what_it_is(team: Team, kept: str) -> None:
    with team.open() as router:
        was = (team.folder / "policy.yaml").stat()
        team.replace("policy.yaml", policy("final"))
        if "time" in kept:
            os.utime(team.folder / "policy.yaml", ns=(was.st_atime_ns, was.st_mtime_ns))
        assert (team.folder / "policy.yaml").stat().st_size == was.st_size
        team.later()
        assert importance(router) == "final"


def test_a_lower_limit_holds_from_the_next_purchase_on(team: Team) -> None:
    with team.open() as router:
        router.generate("a fox", importance="final")
        team.write("router.yaml", ROUTER.replace("500", "0.06"))
        team.later()
        with pytest.raises(BudgetExceeded):
            router.generate("a fox", importance="final")
        assert [status.limit for status in router.budgets()] == [60_000_000]


def test_what_was_left_alone_is_tried_again_since_what_was_edited_may_have_been_the_fault(team: Team) -> None:
    with team.open() as router:
        router._current().cooling.hear("gpt-image-2", Ended.TURNED_AWAY, team.clock.elapsed_s(), "the key was refused")
        with pytest.raises(ProviderUnavailable, match=r"left alone .* \(the last: the key was refused\)"):
            router.generate("a fox")
        router.reload()
        assert router.generate("a fox").deployment == "gpt-image-2"


def test_a_new_deployment_of_a_new_provider_can_be_bought_from_at_once(team: Team) -> None:
    with team.open() as router:
        entry = "  second: {kind: openai, api_key_env: FAL_KEY, base_url_env: OPENAI_BASE_URL}\ndeployments:\n"
        added = ROUTER.replace("deployments:\n", f"{entry}  gpt-b: {{provider: second, model: gpt-image-2}}\n")
        team.write("router.yaml", added)
        team.write("policy.yaml", policy("draft").replace("[gpt-image-2]", "[gpt-b]"))
        team.later()
        assert router.generate("a fox").deployment == "gpt-b"
        team.write("router.yaml", ROUTER)
        team.write("policy.yaml", policy("draft"))
        team.later()
        assert router.generate("a fox").deployment == "gpt-image-2"


def test_a_policy_of_another_name_is_taken_up_also_where_it_is_written_later(team: Team) -> None:
    with team.open() as router:
        team.write("router.yaml", ROUTER.replace("policy.yaml", "other.yaml"))
        team.later()
        assert importance(router) == "draft"
        assert "other.yaml" in str(team.log.named("config_not_reloaded"))
        team.write("other.yaml", policy("final"))
        team.later()
        assert importance(router) == "final"


def test_what_was_opened_stays_open_until_the_router_is_opened_again(team: Team) -> None:
    with team.open() as router:
        router.generate("a fox", request_id="1")
        changed = 'ledger: {url: "sqlite:///other.db"}\ncache: {url: "file:///pictures"}\nalerts: [{kind: log}]\n'
        team.write("router.yaml", ROUTER + changed)
        team.later()
        router.generate("a badger", request_id="2")
        assert [booked(router, name).record.importance for name in ("1", "2")] == ["draft", "draft"]
        (told,) = team.log.named("config_waits")
        assert told["entries"] == "ledger, cache, alerts"
    assert not (team.folder / "other.db").exists()
    assert not (team.folder / "pictures").exists()


# --- When it is taken up ----------------------------------------------------------------------------------------------


def test_files_are_looked_at_once_a_second_at_most(team: Team) -> None:
    with team.open() as router:
        team.write("policy.yaml", policy("final"))
        assert importance(router) == "draft"
        team.clock.sleep(LOOK_EVERY_S - 0.01)
        assert importance(router) == "draft"
        team.clock.sleep(0.02)
        assert importance(router) == "final"


def test_half_a_file_is_not_taken_for_the_whole(team: Team) -> None:
    with team.open() as router:
        # Up to here it is a sound file, and one without a limit.
        half = ROUTER.partition("budgets:")[0]
        team.write("router.yaml", half)
        team.later()
        now_ns = int(team.clock.now().timestamp() * 1e9)
        os.utime(team.folder / "router.yaml", ns=(now_ns, now_ns))
        assert len(router.budgets()) == 1
        team.write("router.yaml", ROUTER.replace("500", "400"))
        os.utime(team.folder / "router.yaml", ns=(now_ns, now_ns))
        team.clock.sleep(max(LOOK_EVERY_S, SETTLED_AFTER_S))
        assert [status.limit for status in router.budgets()] == [400_000_000_000]
    assert not team.log.named("config_not_reloaded")


def test_whoever_wants_to_says_when(team: Team) -> None:
    with team.open(watch=False) as router:
        before = router.quote("a fox").plan.importance
        team.write("policy.yaml", policy("final"))
        team.clock.sleep(3600)
        assert importance(router) == before == "draft"
        fingerprint = router.reload()
        assert importance(router) == "final"
        router.generate("a fox", request_id="fox")
        assert booked(router, "fox").record.policy == fingerprint == asyncio.run(router.areload())


def test_a_key_that_is_set_later_is_found_by_reloading(team: Team) -> None:
    key = team.env.pop("OPENAI_API_KEY")
    with team.open() as router:
        with pytest.raises(RoutingError, match="no key"):
            router.generate("a fox")
        team.env["OPENAI_API_KEY"] = key
        router.reload()
        assert router.generate("a fox").images


def test_a_router_without_files_says_so() -> None:
    router = open_bench().router
    with pytest.raises(RoutingError, match="not opened from files"):
        router.reload()
    router.close()


# --- What is broken ---------------------------------------------------------------------------------------------------


def test_a_broken_file_is_told_once_with_all_its_problems_and_the_old_one_stays(team: Team) -> None:
    with team.open() as router:
        team.write("policy.yaml", policy("finale").replace("quality: low", "quality: lowest"))
        for _ in range(3):
            team.later()
            assert importance(router) == "draft"
        (told,) = team.log.named("config_not_reloaded")
        assert [word in problem for word, problem in zip(("finale", "lowest"), told["problems"], strict=True)] == [
            True
        ] * 2
        team.write("policy.yaml", policy("final"))
        team.later()
        assert importance(router) == "final"


@pytest.mark.parametrize("name", ["router.yaml", "policy.yaml"])
def test_a_file_that_is_gone_is_told_and_found_again(team: Team, name: str) -> None:
    with team.open() as router:
        content = (team.folder / name).read_text(encoding="utf-8")
        (team.folder / name).unlink()
        team.later()
        assert importance(router) == "draft"
        assert len(team.log.named("config_not_reloaded")) == 1
        team.write(name, content.replace("draft}", "final}"))
        team.later()
        assert importance(router) == ("final" if name == "policy.yaml" else "draft")
        assert len(team.log.named("config_reloaded")) == 1


def test_reloading_a_broken_file_raises_every_problem_and_changes_nothing(team: Team) -> None:
    with team.open() as router:
        team.write("policy.yaml", policy("finale"))
        with pytest.raises(ConfigError) as told:
            router.reload()
        assert "finale" in str(told.value)
        team.later()
        assert importance(router) == "draft"
        assert not team.log.named("config_not_reloaded")  # whoever called was told


def test_whatever_fails_while_reading_a_request_goes_by_what_was_read_before() -> None:
    def fails(_: Shop) -> Shop:
        raise MemoryError

    bench = open_bench()
    reloader = Reloader(bench.router._shop, files=lambda: (), seen={Path(__file__): None}, renew=fails)
    bench.clock.sleep(LOOK_EVERY_S)
    assert reloader.look() is bench.router._shop
    assert [told["problems"] for told in bench.log.named("config_not_reloaded")] == [["MemoryError()"]]
    bench.router.close()


def test_a_key_is_sent_without_the_line_end_of_the_file_it_came_from(team: Team) -> None:
    team.env["OPENAI_API_KEY"] += "\n"
    with team.open() as router:
        assert router.generate("a fox").images
