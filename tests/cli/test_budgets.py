"""``budgets raise``: more room for a while, recorded with its reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

MORE = ("--by", "100", "--until", "2100-12-01", "--reason", "the fair")


def limits(routing: CommandLine) -> dict[tuple[str, str, str], tuple[str, str]]:
    found = json.loads(routing("budgets", "--json").out)["budgets"]
    return {(each["budget"], each["scope"], each["below"]): (each["limit_usd"], each["raised_usd"]) for each in found}


def test_a_raise_makes_room_at_once_and_the_table_says_why(
    routing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("limit: 500", "limit: 0.001")
    assert routing("generate", "a fox", "-o", "fox.png").code == 3
    ran = routing("budgets", "raise", "month", *MORE)
    assert (ran.code, ran.out) == (0, "month: raised by $100.00 until 2100-12-01: the fair\n")
    assert routing("generate", "a fox", "-o", "fox.png").code == 0
    assert limits(routing)["month", "", ""] == ("100.001", "100")
    assert limits(routing)["month", "", "final"] == ("60.0006", "60")
    assert routing("budgets").out.splitlines()[-1] == "month: raised by $100.00 until 2100-12-01: the fair"


def test_a_budget_with_a_limit_for_each_tag_value_is_raised_for_one(routing: CommandLine) -> None:
    for campaign in ("spring", "winter"):
        routing("generate", f"a fox in {campaign}", "-t", f"campaign={campaign}", "-o", f"{campaign}.png")
    ran = routing("budgets", "raise", "campaign", "--for", "spring", *MORE)
    assert ran.out == "campaign spring: raised by $100.00 until 2100-12-01: the fair\n"
    found = limits(routing)
    assert found["campaign", "spring", ""] == ("250", "100")
    assert found["campaign", "winter", ""] == ("150", "0")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("mouth", *MORE), "unknown budget 'mouth' (did you mean 'month'?): router.yaml has month, campaign"),
        (("campaign", *MORE), "budget 'campaign' has a limit for each campaign: say which with --for"),
        (("month", "--for", "spring", *MORE), "budget 'month' has one limit for all: leave out --for"),
        (("month", *MORE, "--by", "0"), "'0' is no amount of dollars above 0"),
        (("month", *MORE, "--by", "-5"), "'-5' is no amount of dollars above 0"),
        (("month", *MORE, "--until", "2020-01-01"), "2020-01-01 is over already: name a day to come"),
        (("month", *MORE, "--until", "soon"), "'soon' is no date: write it like 2026-12-01"),
        (("month", *MORE, "--reason", " "), "say why, in a few words"),
        (("month", "--by", "5", "--until", "2100-12-01"), "--reason"),
    ],
)
def test_a_raise_that_cannot_be_meant_is_refused_and_nothing_is_written(
    routing: CommandLine, words: tuple[str, ...], told: str
) -> None:
    ran = routing("budgets", "raise", *words)
    assert ran.code == 2
    assert told in " ".join(ran.err.split())
    assert not (routing.folder / "spend.db").exists()


@pytest.mark.parametrize(
    ("until", "zone", "told"),
    [
        ("2100-12-01", "UTC", "until 2100-12-01:"),
        ("2100-12-01", "Europe/Berlin", "until 2100-11-30 23:00:"),
        ("2100-12-01T18:30", "UTC", "until 2100-12-01 18:30:"),
        ("2100-12-01T18:30", "Europe/Berlin", "until 2100-12-01 17:30:"),
        ("2100-12-01T18:30+05:00", "Europe/Berlin", "until 2100-12-01 13:30:"),
    ],
)
def test_a_day_begins_in_the_zone_of_the_budget(
    routing: CommandLine, edit_config: Callable[[str, str], None], until: str, zone: str, told: str
) -> None:
    edit_config("window: calendar_month", f"window: calendar_month, zone: {zone}")
    assert told in routing("budgets", "raise", "month", *MORE, "--until", until).out


def test_a_raise_for_a_value_that_a_budget_cannot_count_is_refused(
    routing: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("per: campaign,", "per: campaign, match: {tags: {campaign: [spring, winter]}},")
    for value, told in (
        ("sprng", "budget 'campaign' counts no campaign 'sprng' (did you mean 'spring'?): it counts spring, winter"),
        ("", "budget 'campaign' counts no campaign '': it counts spring, winter"),
    ):
        ran = routing("budgets", "raise", "campaign", "--for", value, *MORE)
        assert ran.code == 2
        assert told in ran.err
    assert routing("budgets", "raise", "campaign", "--for", "winter", *MORE).code == 0


@pytest.mark.parametrize("value", ["  ", "x" * 201, "spring\nsale"])
def test_a_raise_for_what_no_tag_can_be_is_refused(routing: CommandLine, value: str) -> None:
    ran = routing("budgets", "raise", "campaign", "--for", value, *MORE)
    assert ran.code == 2
    assert "invalid value for '--for': a campaign is" in ran.err
    assert not (routing.folder / "spend.db").exists()


def test_a_raise_for_what_was_never_bought_is_made_with_a_warning(routing: CommandLine) -> None:
    routing("generate", "a fox", "-t", "campaign=spring", "-o", "a.png")
    ran = routing("budgets", "raise", "campaign", "--for", "sprng", *MORE)
    assert (ran.code, ran.out) == (0, "campaign sprng: raised by $100.00 until 2100-12-01: the fair\n")
    assert ran.err == (
        "warning: nothing was bought with campaign 'sprng' yet (did you mean 'spring'?): the raise counts for exactly"
        " this value\n"
    )
    for seen in ("spring", ""):
        assert not routing("budgets", "raise", "campaign", "--for", seen, *MORE).err


def test_the_file_may_be_named_before_or_after_the_word_raise(routing: CommandLine) -> None:
    (routing.folder / "other").mkdir()
    for name in ("router.yaml", "policies"):
        (routing.folder / name).rename(routing.folder / "other" / name)
    for words in (("-c", "other", "raise", "month", *MORE), ("raise", "month", *MORE, "-c", "other")):
        assert routing("budgets", *words).code == 0
        assert routing("budgets", *words, ROUTING_CONFIG="nowhere.yaml").code == 0
    assert (routing.folder / "other" / "spend.db").exists()


def test_a_rolling_budget_says_so(routing: CommandLine, edit_config: Callable[[str, str], None]) -> None:
    edit_config("window: calendar_month", "window: rolling 24h")
    routing("generate", "a fox", "-o", "fox.png")
    assert "rolling" in routing("budgets").out
    found = json.loads(routing("budgets", "--json").out)["budgets"]
    (month,) = (each for each in found if (each["budget"], each["below"]) == ("month", ""))
    assert (month["rolling"], month["spent_usd"], month["forecast"]) == (True, "0.00589", None)
    assert month["resets_at"] is not None
