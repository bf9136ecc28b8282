"""``explain``, ``spend``, ``budgets``, ``ledger verify``: looking at money without moving any."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from routing.assembly import open_store
from routing.core.budgets import BudgetRaise
from routing.core.money import usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

FOX = ("generate", "a fox")
LOW_LIMIT = "limit: 1, window: calendar_month, alert_at: [6%, 10%, 50%]"


@pytest.fixture
def spent(routing: CommandLine) -> CommandLine:
    """Two drafts for spring, one of them from the cache, and a review for nobody."""
    for name in ("1.png", "2.png"):
        routing(*FOX, "-t", "campaign=spring", "-o", name)
    routing("generate", "a badger", "-i", "review", "-o", "3.png")
    return routing


def files(folder: CommandLine) -> list[str]:
    return sorted(str(path.relative_to(folder.folder)) for path in folder.folder.rglob("*"))


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "a fox", "--assume-keys"),
        ("spend",),
        ("spend", "--by", "campaign"),
        ("budgets",),
        ("ledger", "verify"),
        ("check",),
    ],
    ids=" ".join,
)
def test_looking_makes_no_file_and_needs_no_key(keyless: CommandLine, words: tuple[str, ...]) -> None:
    before = files(keyless)
    for ran in (keyless(*words), keyless(*words, "--json")):
        assert ran.code == 0
        assert not ran.err
    assert files(keyless) == before


def test_explain_says_the_rule_the_price_and_its_parts(keyless: CommandLine) -> None:
    words = ("a fox", "-i", "final", "--size", "2048x2048", "-n", "2", "-t", "campaign=spring", "--assume-keys")
    plan = json.loads(keyless("explain", *words, "--json").out)
    assert (plan["importance"], plan["rule"]) == ("final", "named by the call")
    assert (plan["deployment"], plan["quality"], plan["size"]) == ("gpt-image-2", "high", "2048x2048")
    # 2 x (5 bytes of prompt at $5 + 14,272 tokens of picture at $30 a million)
    assert plan["price_usd"] == "0.85637"
    assert [(line["unit"], line["quantity"]) for line in plan["lines"]] == [("text_in", 10), ("image_out", 28_544)]
    touched = {(each["budget"], each["scope"]): each["left_usd"] for each in plan["budgets"]}
    assert touched == {("campaign", "spring"): "150", ("month", ""): "500"}
    assert all(each["fits"] for each in plan["budgets"])


def test_explain_says_why_every_other_deployment_was_left_out(
    keyless: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("policies/single-model.yaml", "policies/default.yaml")
    ran = keyless("explain", "a fox", "--size", "2048x2048", OPENAI_API_KEY="k", FAL_KEY="k")
    assert ran.code == 0
    told = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "gpt-image-2.5-flare $0.0119 bought: low, 2048x2048" in told
    assert "gpt-image-2 $0.0119 next, if that fails: low, 2048x2048" in told
    assert "not: fal_ai/fal-ai/flux/schnell cannot make 2048x2048" in ran.out
    assert "not: gemini/gemini-2.5-flash-image cannot make 2048x2048" in ran.out  # before the key it lacks
    assert "not: no key: set GEMINI_API_KEY" in keyless("explain", "a fox", OPENAI_API_KEY="k", FAL_KEY="k").out


def test_explain_tells_when_a_budget_has_no_room(keyless: CommandLine, edit_config: Callable[[str, str], None]) -> None:
    edit_config("limit: 500", "limit: 0.001")
    ran = keyless("explain", "a fox", "--assume-keys")
    assert ran.code == 0
    assert "has no room for it" in ran.out


def test_explain_tells_which_alerts_would_fire_and_what_is_spent_and_held(
    spent: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    # 0.05858 is spent of a dollar; another review may cost 0.0637 at most.
    edit_config("limit: 500, window: calendar_month, alert_at: [50%, 80%, 100%]", LOW_LIMIT)
    words = ("explain", "an otter", "-i", "review")
    budgets = json.loads(spent(*words, "--json").out)["budgets"]
    (month,) = (each for each in budgets if (each["budget"], each["below"]) == ("month", ""))
    assert (month["spent_usd"], month["held_usd"], month["limit_usd"]) == ("0.05858", "0", "1")
    assert (month["alerts_usd"], month["alerts_with_held_usd"]) == (["0.06", "0.1"], [])
    assert "fits; its alerts at $0.06 and $0.10 would fire" in " ".join(spent(*words).out.split())


def test_explain_knows_a_budget_that_was_raised(spent: CommandLine, edit_config: Callable[[str, str], None]) -> None:
    edit_config("limit: 500", "limit: 0.06")
    assert "has no room for it" in spent("explain", "an otter", "-i", "review").out
    now = datetime.now(UTC)
    more = BudgetRaise(
        budget="month", scope="", by_nusd=usd("1"), at=now, until=now + timedelta(hours=1), reason="the fair"
    )
    with closing(open_store("sqlite:///spend.db", spent.folder)) as store:
        store.raise_budget(more)
    budgets = json.loads(spent("explain", "an otter", "-i", "review", "--json").out)["budgets"]
    limits = {(each["budget"], each["below"]): each["limit_usd"] for each in budgets}
    assert limits == {("campaign", ""): "150", ("month", ""): "1.06", ("month", "final"): "0.636"}
    assert all(each["fits"] for each in budgets)


def test_explain_of_references_prices_them(spent: CommandLine) -> None:
    plan = json.loads(spent("explain", "in the colours of 2", "--image", "1.png", "--image", "3.png", "--json").out)
    assert [line["quantity"] for line in plan["lines"] if line["unit"] == "image_in"] == [2 * 1536]


def test_spend_has_exactly_the_documented_shape(spent: CommandLine) -> None:
    ran = spent("spend", "--by", "importance", "--json")
    assert ran.code == 0
    told = json.loads(ran.out)
    first = datetime.now(UTC).strftime("%Y-%m-01T00:00:00+00:00")
    assert (told.pop("since"), told.pop("until"), told.pop("zone")) == (first, None, "UTC")
    assert (told.pop("per"), told.pop("by")) == (None, ["importance"])
    assert told == {
        "rows": [
            {
                "importance": "review",
                "spent_usd": "0.05269",
                "held_usd": "0",
                "unconfirmed_usd": "0",
                "requests": 1,
                "images": 1,
                "average_usd": "0.05269",
                "cached": 0,
                "saved_usd": "0",
            },
            {
                "importance": "draft",
                "spent_usd": "0.00589",
                "held_usd": "0",
                "unconfirmed_usd": "0",
                "requests": 2,
                "images": 2,
                "average_usd": "0.002945",
                "cached": 1,
                "saved_usd": "0.00589",
            },
        ],
        "total": {
            "spent_usd": "0.05858",
            "held_usd": "0",
            "unconfirmed_usd": "0",
            "requests": 3,
            "images": 3,
            "average_usd": "0.019526667",
            "cached": 1,
            "saved_usd": "0.00589",
        },
    }


def test_spend_as_a_table_has_shares_a_total_and_what_the_cache_saved(spent: CommandLine) -> None:
    ran = spent("spend", "--by", "campaign,importance")
    first, _, *lines = ran.out.splitlines()
    assert first == f"since {datetime.now(UTC):%Y-%m-01}, UTC"
    names = ["campaign", "importance", "spent", "share", "requests", "images", "average", "cached", "not", "spent"]
    assert lines[0].split() == names
    assert lines[2].split() == ["-", "review", "$0.0527", "89.9", "%", "1", "1", "$0.0527", "-", "-"]
    assert lines[3].split() == ["spring", "draft", "$0.0059", "10.1", "%", "2", "2", "$0.0029", "1", "$0.0059"]
    assert lines[5].split() == ["total", "$0.0586", "100.0", "%", "3", "3", "$0.0195", "1", "$0.0059"]
    assert lines[-1] == "$0.0059 was saved by the cache: not spent, and no part of it"


def test_spend_counts_only_the_period_that_is_asked_for(spent: CommandLine) -> None:
    assert spent("spend", "--until", "2020-01-01").out == "nothing was spent before 2020-01-01, UTC\n"
    assert "since 2020-01-01, UTC" in spent("spend", "--since", "2020-01-01").out


def test_spend_without_groups_is_the_total_alone(spent: CommandLine) -> None:
    assert json.loads(spent("spend", "--by", "", "--json").out)["total"]["spent_usd"] == "0.05858"
    assert spent("spend", "--by", "").code == 0


def test_spend_knows_the_tags_that_the_policy_declares(spent: CommandLine) -> None:
    policy = spent.folder / "policies" / "single-model.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("version: 1\n", "version: 1\ntags: [stage, campaign]\n"), encoding="utf-8")
    assert spent("spend", "--by", "campaign").code == 0
    ran = spent("spend", "--by", "campain")
    assert ran.code == 2
    assert "did you mean 'campaign'?" in ran.err


def test_spend_is_told_even_where_the_rest_of_the_yaml_is_wrong(
    spent: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("limit: 500", "limit: lots")
    assert spent("spend").code == 0
    assert spent("check").code == 2


def test_the_config_may_be_named_by_the_environment_or_be_a_folder(spent: CommandLine) -> None:
    elsewhere = str(spent.folder)
    said = spent("spend").out
    assert spent("spend", "--config", elsewhere).out == said
    assert spent("spend", ROUTING_CONFIG=f"{elsewhere}/router.yaml").out == said


def test_budgets_tell_where_each_counter_stands(spent: CommandLine) -> None:
    found = json.loads(spent("budgets", "--json").out)["budgets"]
    assert {(each["budget"], each["scope"], each["below"]): each["left_usd"] for each in found} == {
        ("month", "", ""): "499.94142",
        ("month", "", "final"): "299.94142",
        ("campaign", "", ""): "149.94731",
        ("campaign", "spring", ""): "149.99411",
    }
    table = spent("budgets").out
    assert "month, below final" in table
    assert "campaign (no campaign)" in table


def test_the_ledger_agrees_with_itself(spent: CommandLine) -> None:
    ran = spent("ledger", "verify")
    assert ran.code == 0
    assert ran.out.startswith("ok: ")
    found = json.loads(spent("ledger", "verify", "--json").out)
    assert found["ok"]
    assert found["spent_usd"] == "0.05858"
    assert found["differences"] == []


def test_a_ledger_that_is_not_there_yet_has_the_same_shape_for_programs(spent: CommandLine) -> None:
    booked = json.loads(spent("ledger", "verify", "--json").out)
    (spent.folder / "spend.db").rename(spent.folder / "elsewhere.db")
    nothing = json.loads(spent("ledger", "verify", "--json").out)
    assert nothing.keys() == booked.keys()
    assert (nothing["ok"], nothing["entries"], nothing["spent_usd"]) == (True, 0, "0")


@pytest.mark.parametrize("on_budget", ["downgrade", "refuse"])
def test_explain_promises_a_cheaper_candidate_for_a_full_budget_only_where_the_policy_does(
    keyless: CommandLine, on_budget: str
) -> None:
    policy = keyless.folder / "policies" / "single-model.yaml"
    text = policy.read_text(encoding="utf-8").replace("on_budget: refuse # there", f"on_budget: {on_budget} # there")
    policy.write_text(text.replace("{use: [gpt-image-2], ask: {quality: low}", "{use: [gpt-image-2, flux-schnell]"))
    ran = keyless("explain", "a fox", "--assume-keys")
    assert ("or a budget has no room" in ran.out) is (on_budget == "downgrade")


def test_a_ledger_that_was_tampered_with_is_an_exit_code(spent: CommandLine) -> None:
    with closing(sqlite3.connect(spent.folder / "spend.db")) as ledger, ledger:
        ledger.execute("UPDATE counters SET spent_nusd = spent_nusd + 1 WHERE budget = 'month' AND below = ''")
    ran = spent("ledger", "verify")
    assert ran.code == 1
    assert ran.out.startswith("difference: ")
    assert not json.loads(spent("ledger", "verify", "--json").out)["ok"]


def test_tables_are_plain_text_where_nobody_watches(spent: CommandLine) -> None:
    for words in (("spend",), ("budgets",), ("explain", "a fox")):
        ran = spent.process(*words)
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert all(line == line.rstrip() for line in ran.out.splitlines())


def test_a_reader_who_leaves_early_sees_no_traceback(spent: CommandLine) -> None:
    with spent.start("spend") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
