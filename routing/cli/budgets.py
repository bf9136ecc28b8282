"""``routing budgets``: where every budget stands, and more room in one for a while."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, cast

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import config_option, echo_json, examples, json_option, read_dollars

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from routing.config.load import RouterConfig
    from routing.core.budgets import Budget
    from routing.core.money import Money
    from routing.ledger.base import Store


@click.group(invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def budgets(ctx: click.Context, config: Path, as_json: bool) -> None:
    """Show where every budget stands, or raise one for a while.

    What is held belongs to calls under way and counts as used. A line "below final" is what less important requests
    may use: the rest is kept.
    """
    if ctx.invoked_subcommand is None:
        _show(config, as_json=as_json)


def _show(config: Path, *, as_json: bool) -> None:
    from routing.reading.statuses import read_statuses
    from routing.reports.budgets import budgets_json, budgets_table, raise_notes

    now = datetime.now(UTC)
    read = _read(config, now)
    with open_books(config, read.ledger_url) as store:
        found = read_statuses(read.settings, store, now)
        raises = store.raises(now) if store else ()
    if as_json:
        echo_json(budgets_json(found))
    elif not read.settings.budgets:
        click.echo("router.yaml sets no budgets: add them under `budgets:`")
    elif not found:
        click.echo("nothing was counted yet in the present window of any budget")
    else:
        from routing.cli.screen import show

        per = read.settings.per
        show(budgets_table(found, per))
        known = {budget.name for budget in read.settings.budgets}
        for note in raise_notes((each for each in raises if each.budget in known), per):
            click.echo(note)


@budgets.command(
    "raise",
    epilog=examples(
        'routing budgets raise month --by 100 --until 2026-12-01 --reason "the fair"',
        'routing budgets raise campaign --for spring --by 20 --until 2026-12-24T18:00 --reason "more formats"',
    ),
)
@click.argument("name")
@click.option("--by", "by", metavar="DOLLARS", required=True, callback=read_dollars, help="How much more may be spent.")
@click.option("--until", required=True, metavar="DAY", help="The day it is over, or the moment, in the budget's zone.")
@click.option("--reason", required=True, help="Why; it stays in the ledger.")
@click.option("--for", "scope", metavar="VALUE", help="Which tag value, where every one has a limit of its own.")
@config_option
@click.pass_context
def raise_(
    ctx: click.Context, *, name: str, by: Money, until: str, reason: str, scope: str | None, config: Path
) -> None:
    """Make more room in a budget for a while.

    Recorded in the ledger with its reason; every process sees it with its next purchase, and it is over by itself.
    """
    from routing.assembly import open_store
    from routing.core.budgets import BudgetRaise
    from routing.reports.budgets import raise_notes

    now = datetime.now(UTC)
    config = _named_config(ctx, config)
    read = _read(config, now)
    budget = _find(read, name)
    if budget.per and scope is None:
        raise click.UsageError(f"budget {name!r} has a limit for each {budget.per}: say which with --for")
    if scope is not None and not budget.per:
        raise click.UsageError(f"budget {name!r} has one limit for all: leave out --for")
    if budget.per and scope is not None:
        _check_scope(budget, budget.per, scope)
    if not reason.strip():
        raise click.BadParameter("say why, in a few words", param_hint="'--reason'")
    raised = BudgetRaise(
        budget=name,
        scope=scope or "",
        by_nusd=by,
        at=now,
        until=_moment(until, budget.window.zone, now),
        reason=reason.strip(),
    )
    store = open_store(read.ledger_url, find_config(config).parent)
    try:
        if budget.per and scope:
            _warn_of_unseen(store, budget.per, scope)
        store.raise_budget(raised)
    finally:
        store.close()
    click.echo(raise_notes([raised], {name: budget.per} if budget.per else {})[0])


def _named_config(ctx: click.Context, config: Path) -> Path:
    """Find the file that was named, also where it stands before the word ``raise``."""
    named = click.core.ParameterSource.COMMANDLINE
    if ctx.parent and ctx.get_parameter_source("config") is not named is ctx.parent.get_parameter_source("config"):
        return cast("Path", ctx.parent.params["config"])
    return config


def _read(config: Path, now: datetime) -> RouterConfig:
    from routing.assembly import load_config

    return load_config(find_config(config), os.environ, now.date())


def _find(read: RouterConfig, name: str) -> Budget:
    from routing.core.suggest import did_you_mean

    known = {budget.name: budget for budget in read.settings.budgets}
    if name not in known:
        told = f"unknown budget {name!r}{did_you_mean(name, known)}"
        raise click.UsageError(f"{told}: router.yaml has {', '.join(known) or 'none'}")
    return known[name]


def _check_scope(budget: Budget, tag: str, value: str) -> None:
    """Refuse a value that no request of the budget could have; the empty one stands for those without the tag."""
    from routing.core.request import check_name
    from routing.core.suggest import did_you_mean
    from routing.errors import RequestError

    counted = budget.match.tags.get(tag)
    if counted is not None and value not in counted:
        told = f"budget {budget.name!r} counts no {tag} {value!r}{did_you_mean(value, counted)}"
        raise click.BadParameter(f"{told}: it counts {', '.join(sorted(counted))}", param_hint="'--for'")
    try:
        check_name(f"a {tag}", value or None)
    except RequestError as never:
        raise click.BadParameter(str(never), param_hint="'--for'") from None


def _warn_of_unseen(store: Store, tag: str, value: str) -> None:
    """Say where nothing was ever bought with a tag of this value: it may be new, or a slip."""
    from routing.core.spend import SpendQuery
    from routing.core.suggest import did_you_mean

    seen = {row.key[0] for row in store.spend(SpendQuery(by=(tag,)))} - {""}
    if value not in seen:
        told = f"nothing was bought with {tag} {value!r} yet{did_you_mean(value, seen)}"
        click.echo(f"warning: {told}: the raise counts for exactly this value", err=True)


def _moment(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read a day or moment to come; what names no zone is in the budget's."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            told = f"{text!r} is no date: write it like 2026-12-01, or 2026-12-01T18:00"
            raise click.BadParameter(told, param_hint="'--until'") from None
        at = at if at.tzinfo else at.replace(tzinfo=zone)
    else:
        at = datetime.combine(day, time(), zone)
    if at <= now:
        raise click.BadParameter(f"{text} is over already: name a day to come", param_hint="'--until'")
    return at.astimezone(UTC)
