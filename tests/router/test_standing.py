"""A policy that asks how full the budgets are, against a real ledger."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from routing import usd
from routing.core.conditions import Condition, When
from routing.core.policy import Ask, Route, SortRule
from routing.ledger.memory import open_memory
from tests.shop import budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pytest

    from routing.core.budgets import CounterKey
    from routing.core.entries import Balance
    from routing.core.policy import Settings

FULL = When(conditions=(Condition(field="budget_used", at_least=Fraction(50, 100)),))


def thrifty(*, per: str | None = None) -> Settings:
    made = settings(budgets=(budget("1.00", per=per),))
    finals = (
        Route(use=("gpt",), when=FULL, ask=Ask(quality="low"), label="routes.final.thrifty"),
        *made.policy.routes["final"],
    )
    return replace(made, policy=replace(made.policy, routes={**made.policy.routes, "final": finals}))


def test_a_route_may_change_as_the_budget_fills() -> None:
    bench = open_bench(thrifty())
    bought = [bench.router.generate(f"fox {n}", importance="final").quality for n in range(5)]
    # .21 each: after three of them more than half of the dollar is used
    assert bought == ["high", "high", "high", "low", "low"]
    assert bench.router.quote("a fox", importance="final").quality == "low"
    bench.router.close()


def test_each_campaign_is_judged_by_its_own_counter() -> None:
    bench = open_bench(thrifty(per="campaign"))
    for n in range(3):
        bench.router.generate(f"fox {n}", importance="final", tags={"campaign": "spring"})
    quality = {name: bench.router.quote("a fox", importance="final", tags={"campaign": name}).quality
               for name in ("spring", "autumn")}  # fmt: skip
    assert quality == {"spring": "low", "autumn": "high"}
    bench.router.close()


def test_a_cap_may_come_with_little_money_left() -> None:
    little = When(conditions=(Condition(field="budget_left", at_most=usd("0.80")),))
    made = settings(budgets=(budget("1.00"),))
    sort = (SortRule(at_most="draft", when=little, label="cap"), *made.policy.sort)
    bench = open_bench(replace(made, policy=replace(made.policy, sort=sort)))
    assert [bench.router.generate(f"fox {n}", importance="final").importance for n in range(2)] == ["final", "draft"]
    bench.router.close()


def test_the_ledger_is_only_asked_where_a_rule_asks_of_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_memory()
    asked: list[str] = []
    balances = store.balances

    def counted(name: str, starts: Sequence[datetime]) -> dict[CounterKey, Balance]:
        asked.append(name)
        return balances(name, starts)

    monkeypatch.setattr(store, "balances", counted)
    open_bench(settings(budgets=(budget("1.00"),)), store=store).router.quote("a fox", importance="final")
    assert asked == []
    open_bench(thrifty(), store=store).router.quote("a fox", importance="final")
    assert asked == ["month"]
