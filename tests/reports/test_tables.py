"""Every table to the letter, at the width of a terminal and of a narrow one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from routing.core.abilities import Reason
from routing.core.budgets import BudgetRaise, Claim, CounterKey
from routing.core.conditions import Condition, When
from routing.core.deployment import Deployment, ListedSizes, Model
from routing.core.entries import Balance
from routing.core.forecast import Forecast
from routing.core.money import usd
from routing.core.picture import Size
from routing.core.plan import Candidate, Dropped, Plan
from routing.core.policy import Degrade, OnBad, OnUnknown, Pick, Policy, Route, Show, SortRule
from routing.core.prices import Line, Rate, Unit
from routing.core.quote import Quote, Tariff
from routing.core.request import Operation
from routing.core.spend import SpendRow
from routing.core.status import BudgetStatus
from routing.reports.budgets import budgets_table, raise_notes
from routing.reports.plan import Explanation, Touched, plan_json, plan_report, rule_words
from routing.reports.spend import spend_json, spend_remarks, spend_table
from tests.cli.golden import check_golden

GOLDEN = Path(__file__).parents[1] / "golden" / "tables"
WIDTHS = (120, 80, 60)
SQUARE = Size(width=1024, height=1024)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)

ROWS = (
    SpendRow(
        by=("campaign", "deployment"),
        key=("harbour lights at the old pier, winter edition", "gpt-image-2"),
        spent=usd("1234.5678901"),
        held=usd("0.211"),
        unconfirmed=usd("0.0527"),
        requests=5_861,
        images=5_904,
    ),
    SpendRow(
        by=("campaign", "deployment"),
        key=("[bold]spring[/]", "flux-schnell"),
        spent=usd("0.018"),
        saved=usd("0.006"),
        requests=8,
        images=8,
        cached=2,
    ),
    SpendRow(by=("campaign", "deployment"), key=("", "nano-banana"), spent=usd("0.00004"), requests=1, images=1),
)


def status(counter: tuple[str, str, str], limit: str, spent: str, resets_at: datetime | None) -> BudgetStatus:
    budget, scope, below = counter
    return BudgetStatus(
        budget=budget,
        scope=scope,
        below=below,
        limit=usd(limit),
        spent=usd(spent),
        held=usd("0.42"),
        resets_at=resets_at,
    )


BUDGETS = (
    status(("month", "", ""), "500", "412.1234", NEW_YEAR),
    status(("month", "", "final"), "300", "301.5", NEW_YEAR.replace(hour=23, day=2)),
    status(("campaign", "", ""), "150", "0", None),
    status(("campaign", "harbour-lights", ""), "150", "12.34", None),
)


def candidate(name: str, quality: str | None, price: str, unit: Unit = Unit.IMAGE) -> Candidate:
    model = Model(
        name=name,
        vendor="openai",
        operations=frozenset(Operation),
        sizes=ListedSizes(sizes=(SQUARE,)),
        default_size=SQUARE,
    )
    rate = Rate(unit=unit, per_million_nusd=usd(price) * 1_000_000, since=date(2026, 1, 1), source="its price list")
    return Candidate(
        deployment=Deployment(name=name, provider="p", model=model, wire_model=name),
        size=SQUARE,
        quality=quality,
        quote=Quote(
            price_nusd=usd(price),
            expected_nusd=usd(price),
            tariff=Tariff(n=1, lines=(Line(unit=unit, quantity=1, rate=rate),)),
        ),
    )


RULE = SortRule(importance="draft", label="policies/default.yaml:12")
ROUTE = Route(
    use=("flux-schnell", "gpt-image-2.5-flare", "nano-banana"), pick=Pick.CHEAPEST, label="policies/default.yaml:22"
)
PLAN = Plan(
    importance="draft",
    rule=RULE.label,
    capped_by="policies/default.yaml:6",
    route=ROUTE,
    candidates=(candidate("gpt-image-2.5-flare", "low", "0.005905"), candidate("gpt-image-2-azure", "low", "0.0042")),
    dropped=(
        Dropped(deployment="flux-schnell", reason=Reason.OPERATION, detail="fal_ai/fal-ai/flux/schnell cannot edit"),
        Dropped(deployment="nano-banana", reason=Reason.KEY_MISSING, detail="no key: set GEMINI_API_KEY"),
    ),
    notices=(),
    on=date(2026, 11, 21),
)
CAP = SortRule(
    at_most="draft",
    when=When(conditions=(Condition(field="tags.job", one_of=("nightly",)),)),
    label="policies/default.yaml:6",
)
POLICY = Policy(name="policies/default.yaml", importance=("draft",), sort=(CAP, RULE), routes={"draft": (ROUTE,)})


def claim(counter: tuple[str, str, str], limit: str, spent: str, held: str, *alert_at: str) -> Touched:
    budget, scope, below = counter
    key = CounterKey(budget=budget, scope=scope, below=below, start=NEW_YEAR)
    return Touched(
        claim=Claim(key=key, limit_nusd=usd(limit), end=None, alert_at=tuple(map(usd, alert_at))),
        balance=Balance(spent_nusd=usd(spent), held_nusd=usd(held)),
    )


EXPLAINED = Explanation(
    plan=PLAN,
    n=2,
    touched=(
        claim(("campaign", "", ""), "150", "0.002", "0.498", "0.005", "0.0075", "0.4", "100"),
        claim(("month", "", "final"), "300", "299", "0.9999"),
    ),
    words=rule_words(POLICY),
    per={"campaign": "campaign"},
    notices=("quality hd is called high today",),
    downgrades=True,
)


@pytest.mark.parametrize("width", WIDTHS)
def test_spend_reads_as_agreed(width: int) -> None:
    lines = [*spend_table(ROWS, ("campaign", "deployment"), width).lines(width), "", *spend_remarks(ROWS)]
    check_golden(GOLDEN / f"spend-{width}.txt", "\n".join(lines))


@pytest.mark.parametrize("width", WIDTHS)
def test_budgets_read_as_agreed(width: int) -> None:
    lines = budgets_table(BUDGETS, {"campaign": "campaign"}).lines(width)
    check_golden(GOLDEN / f"budgets-{width}.txt", "\n".join(lines))


@pytest.mark.parametrize("width", WIDTHS)
def test_budgets_that_roll_are_raised_or_will_be_full_read_as_agreed(width: int) -> None:
    month, _, campaign, spring = BUDGETS
    day = replace(month, budget="day", rolling=True)
    will_end = Forecast(expected_nusd=usd("640"), reached_at=NEW_YEAR.replace(year=2026, month=12, day=24))
    counters = (
        replace(month, forecast=will_end),
        replace(month, budget="year", forecast=replace(will_end, reached_at=None)),
        replace(month, budget="over", spent=usd("501"), forecast=will_end),
        replace(campaign, forecast=replace(will_end, reached_at=None)),
        replace(spring, forecast=will_end),
        day,
    )
    raises = (
        BudgetRaise(budget="month", scope="", by_nusd=usd("100"), at=NEW_YEAR, until=NEW_YEAR, reason="the fair"),
        BudgetRaise(budget="campaign", scope="", by_nusd=usd("0.5"), at=NEW_YEAR, until=NEW_YEAR, reason="more"),
    )
    per = {"campaign": "campaign"}
    lines = [*budgets_table(counters, per).lines(width), *raise_notes(raises, per)]
    check_golden(GOLDEN / f"budgets-forecast-{width}.txt", "\n".join(lines))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_plan_reads_as_agreed(width: int) -> None:
    check_golden(GOLDEN / f"plan-{width}.txt", "\n".join(plan_report(EXPLAINED, width)))


def test_where_the_policy_refuses_no_cheaper_candidate_is_promised_for_a_full_budget() -> None:
    next_in_line = "next, if that fails or a budget has no room: low, 1024x1024"
    assert next_in_line in "\n".join(plan_report(EXPLAINED))
    refusing = "\n".join(plan_report(replace(EXPLAINED, downgrades=False)))
    assert "next, if that fails: low, 1024x1024" in refusing


def test_a_plan_says_what_is_done_where_nothing_can_be_had() -> None:
    route = replace(ROUTE, degrade=Degrade(use=("nano-banana",), show=(Show.LAST, Show.PLACEHOLDER)))
    plan = replace(PLAN, route=route, stand_ins=(candidate("nano-banana", None, "0.0413"),))
    lines = plan_report(replace(EXPLAINED, plan=plan))
    told = "nano-banana, 1024x1024 for at most $0.0413; else the asset's last picture; else a placeholder"
    assert f"or else     {told}" in lines
    degrade = plan_json(replace(EXPLAINED, plan=plan))["degrade"]
    assert isinstance(degrade, dict)
    assert ([each["deployment"] for each in degrade["use"]], degrade["show"]) == (
        ["nano-banana"],
        ["last", "placeholder"],
    )
    alone = plan_report(replace(EXPLAINED, plan=replace(plan, stand_ins=(), route=replace(route, degrade=NOBODY))))
    assert "or else     none of its stand-ins can serve this" in alone
    assert not any(line.startswith("or else") for line in plan_report(EXPLAINED))


def test_a_plan_says_where_its_price_may_be_paid_more_than_once() -> None:
    plan = replace(PLAN, route=replace(ROUTE, bad=OnBad.RETRY, unknown=OnUnknown.RETRY))
    lines = plan_report(replace(EXPLAINED, plan=plan))
    told = "once for a bad picture, up to 11 times where nobody knows what became of a call: each is paid besides"
    assert f"again       {told}" in lines
    found = plan_json(replace(EXPLAINED, plan=plan))
    assert (found["bad"], found["unknown"]) == ("retry", "retry")
    assert not any(line.startswith("again") for line in plan_report(EXPLAINED))


NOBODY = Degrade(use=("nano-banana",))


def test_every_table_fits_a_terminal() -> None:
    for lines in (plan_report(EXPLAINED, 80), spend_table(ROWS, ("campaign", "deployment"), 80).lines(80)):
        assert max(map(len, lines)) <= 80


def test_amounts_for_programs_are_exact() -> None:
    total = spend_json(ROWS)["total"]
    assert isinstance(total, dict)
    assert total["spent_usd"] == "1234.5859301"
    plan = plan_json(EXPLAINED)
    assert plan["price_usd"] == "0.005905"
    assert plan["dropped"] == [
        {"deployment": "flux-schnell", "reason": "operation", "detail": "fal_ai/fal-ai/flux/schnell cannot edit"},
        {"deployment": "nano-banana", "reason": "key_missing", "detail": "no key: set GEMINI_API_KEY"},
    ]
