"""``routing budgets``: where every budget stands."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import config_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command
@config_option
@json_option
def budgets(config: Path, as_json: bool) -> None:
    """Show where every budget stands.

    What is held belongs to calls under way and counts as used. A line "below final" is what less important requests
    may use: the rest is kept.
    """
    from routing.assembly import load_config
    from routing.core.status import budget_status
    from routing.reports.budgets import budgets_json, budgets_table

    now = datetime.now(UTC)
    read = load_config(find_config(config), os.environ, now.date())
    with open_books(config, read.ledger_url) as store:
        found = [
            status
            for budget in read.settings.budgets
            for status in budget_status(
                budget,
                store.balances(budget.name, budget.window.span(now).start) if store else {},
                read.settings.policy.importance,
                now,
            )
        ]
    if as_json:
        click.echo(json.dumps(budgets_json(found), indent=2, ensure_ascii=False))
    elif not read.settings.budgets:
        click.echo("router.yaml sets no budgets: add them under `budgets:`")
    elif not found:
        click.echo("nothing was counted yet in the present window of any budget")
    else:
        from routing.cli.screen import show

        show(budgets_table(found, {budget.name: budget.per for budget in read.settings.budgets if budget.per}))
