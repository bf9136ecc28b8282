"""A file that is not the one a command needs: said in one line, with the way out, as a mistake of the caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

POLICY = "policies/default.yaml"
READERS = (
    ("check",),
    ("explain", "a fox"),
    ("generate", "a fox"),
    ("spend",),
    ("spend", "--by", "campaign"),
    ("assets",),
    ("show", "fox"),
    ("budgets",),
    ("budgets", "raise", "month", "--by", "1", "--until", "2100-01-01", "--reason", "why"),
    ("alerts",),
    ("diff", "policies/single-model.yaml"),
    ("ledger", "verify"),
    ("ledger", "unconfirmed"),
    ("ledger", "archive", "--before", "2026-01-01"),
)
"""Every command that reads ``router.yaml``."""


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_policy_in_the_place_of_router_yaml_is_called_one_with_what_to_run(
    keyless: CommandLine, words: tuple[str, ...]
) -> None:
    ran = keyless(*words, "--config", POLICY)
    assert ran.code == 2
    assert (ran.out + ran.err).splitlines()[0] == (
        f"{POLICY}:3:1: is a policy, not a router.yaml; `routing check --config router.yaml` checks the policy that"
        f" router.yaml names; `routing diff {POLICY}` tries this one on past requests"
    )


def test_a_policy_that_is_checked_by_its_own_name_is_one_problem(keyless: CommandLine) -> None:
    told = json.loads(keyless("check", POLICY, "--json").out)
    assert [(each["file"], each["line"]) for each in told["problems"]] == [(POLICY, 3)]
    assert keyless("check", "--config", "router.yaml").code == 0


def test_a_router_yaml_in_the_place_of_a_policy_is_called_one(keyless: CommandLine) -> None:
    ran = keyless("diff", "router.yaml")
    assert ran.code == 2
    assert "the policy 'router.yaml' is a router.yaml, not a policy" in ran.err
