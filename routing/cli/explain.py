"""``routing explain``: where a request would go, and why; buys nothing, writes nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import (
    PATH,
    config_option,
    echo_json,
    examples,
    importance_option,
    json_option,
    label_options,
    read_prompt,
    read_wishes,
    shape_options,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.core.features import Features
    from routing.core.plan import Plan
    from routing.core.policy import Settings, Standings
    from routing.ledger.base import Store
    from routing.reports.plan import Touched


@click.command(
    epilog=examples(
        "routing explain 'Poster: the word \"LAUNCH\" over Earth' --importance final --size 2048x2048",
    )
)
@click.argument("prompt")
@importance_option
@label_options
@shape_options
@click.option("--image", "images", type=PATH, multiple=True, help="A reference; makes it an edit.")
@click.option("--assume-keys", is_flag=True, help="Plan as if every deployment had its key.")
@config_option
@json_option
def explain(
    prompt: str, *, images: tuple[Path, ...], assume_keys: bool, config: Path, as_json: bool, **wishes: Any
) -> None:
    """Say where a request would go, why, and for how much; buys nothing.

    Besides: why not elsewhere, what the price is made of, which budgets it would count in and which of their alerts
    would fire.
    """
    from routing.assembly import load_config
    from routing.core.features import features_of
    from routing.core.plan import decide
    from routing.options import read_options
    from routing.reports.plan import Explanation, plan_json, plan_report, rule_words

    now = datetime.now(UTC)
    read = load_config(find_config(config), os.environ, now.date())
    settings = read.settings.with_keys() if assume_keys else read.settings
    asked = read_options(read_prompt(prompt), read_wishes(**wishes), images=images)
    features = features_of(asked.request)
    with open_books(config, read.ledger_url) as store:
        standings = _standings(settings, features, store, now)
        plan = decide(settings, features, now.date(), standings, prompt=asked.request.prompt)
        touched = _touched(settings, plan, features, store, now)
    explained = Explanation(
        plan=plan,
        n=asked.request.n,
        touched=touched,
        words=rule_words(settings.policy),
        per=settings.per,
        notices=(*asked.notices, *plan.notices, *_more_notices(settings, plan)),
        downgrades=_downgrades(settings, plan, touched),
    )
    if as_json:
        echo_json(plan_json(explained))
        return
    from routing.cli.screen import screen_width

    click.echo("\n".join(plan_report(explained, screen_width())))


def _more_notices(settings: Settings, plan: Plan) -> list[str]:
    """Say too what those would not be asked for that are tried later, and that the prompt would be looked at."""
    notices = [notice for candidate in plan.candidates[1:] for notice in candidate.options.notices]
    if plan.importance in settings.policy.moderate:
        notices.append(f"moderation would look at the prompt first: {settings.policy.moderate_label}")
    return notices


def _standings(settings: Settings, features: Features, store: Store | None, now: datetime) -> Standings:
    """Tell how full the budgets are; where nothing was ever bought they are empty."""
    from routing.core.standing import counted_in, standing_of
    from routing.reading.standing import read_standings

    if store is not None:
        return read_standings(settings, store, features, now)
    ranks = settings.policy.importance
    return lambda importance: standing_of(counted_in(settings.budgets, features, importance, ranks, now), {})


def _downgrades(settings: Settings, plan: Plan, touched: Sequence[Touched]) -> bool:
    """Tell whether a budget without room leads on to what is cheaper: the route says, else the budget, else all."""
    from routing.core.budgets import OnBudget

    said = (plan.route.on_budget or each.claim.on_budget or settings.policy.on_budget for each in touched)
    return OnBudget.DOWNGRADE in said


def _touched(settings: Settings, plan: Plan, features: Features, store: Store | None, now: datetime) -> list[Touched]:
    """Find the budget counters that buying from the first candidate would count in, and how they stand."""
    from routing.core.budgets import Purchase, claims_for, raised
    from routing.core.entries import Balance
    from routing.reports.plan import Touched

    purchase = Purchase(
        importance=plan.importance,
        deployment=plan.candidates[0].deployment.name,
        operation=features.operation.value,
        tags=features.tags,
    )
    raises = store.raises(now) if store else ()
    touched = []
    for claim in claims_for(settings.budgets, purchase, settings.policy.importance, now):
        starts = (*claim.earlier, claim.key.start)
        balances = store.balances(claim.key.budget, starts) if store else {}
        counted = (balances.get(replace(claim.key, start=start), Balance()) for start in starts)
        touched.append(Touched(claim=raised(claim, raises), balance=sum(counted, Balance())))
    return touched
