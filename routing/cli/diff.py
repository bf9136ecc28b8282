"""``routing diff``: what an edited policy would have bought for the requests of the past; buys nothing."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

import click

from routing.cli.books import open_books
from routing.cli.errors import REFUSED
from routing.cli.opening import find_config
from routing.cli.options import PATH, config_option, echo_json, examples, json_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from routing.config.load import PolicyText, RouterConfig
    from routing.core.budgets import CounterKey
    from routing.core.difference import Difference
    from routing.core.past import Past
    from routing.core.policy import Policy
    from routing.ledger.base import Store

USUAL_BY = ("importance", "campaign", "deployment")
USUAL_AGO = timedelta(days=30)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
COLUMNS_AT_MOST = 100


def read_percentage(ctx: click.Context, param: click.Parameter, value: str | None) -> Fraction | None:
    """Read ``5%`` or ``5`` as a share of one."""
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?%?", value):
        raise click.BadParameter(f"{value!r} is no percentage: write it like 5%", ctx, param)
    return Fraction(value.removesuffix("%")) / 100


@click.command(
    epilog=examples(
        "routing diff policies/edited.yaml --since 30d",
        "routing diff policies/default.yaml policies/edited.yaml --workload month.jsonl",
        "routing diff --against HEAD --markdown",
    )
)
@click.argument("policies", metavar="[OLD] [NEW]", nargs=-1, type=PATH)
@click.option("--against", metavar="REVISION", help="Compare one policy with what git has of it: HEAD, main, v1.2.")
@click.option("--since", help="First day or moment, UTC, or how long ago: 2026-11-01, 30d, 12h. Else 30d.")
@click.option("--until", help="The day or moment before which it ends, written alike.")
@click.option("--workload", type=PATH, help="Requests from a file instead of the ledger: one JSON object a line.")
@click.option(
    "--by",
    help="Names to group the money by, with commas: importance, deployment, operation, asset, or any tag. Else"
    " importance,campaign,deployment.",
)
@click.option("--markdown", is_flag=True, help="Print Markdown, for a comment on a pull request.")
@click.option(
    "--fail-above",
    metavar="PERCENT",
    callback=read_percentage,
    help="Exit code 3 where NEW is expected to cost more than this above OLD, like 5%.",
)
@config_option
@json_option
@click.pass_context
def diff(
    ctx: click.Context,
    policies: tuple[Path, ...],
    *,
    against: str | None,
    since: str | None,
    until: str | None,
    workload: Path | None,
    by: str | None,
    markdown: bool,
    fail_above: Fraction | None,
    config: Path,
    as_json: bool,
) -> None:
    """Try an edited policy on past requests; buys nothing.

    Both policies decide every request that the ledger has, at the price of its day: what goes elsewhere, the money
    before and after, which budgets have no room, what no rule can serve. Without OLD it is router.yaml's own policy.
    Every deployment counts as having its key.
    """
    from routing.cli.screen import screen_width
    from routing.cli.versions import read_versions
    from routing.reports.diff import Compared, diff_json, diff_markdown, diff_report, readable_change

    if markdown and as_json:
        raise click.UsageError("--markdown and --json are two ways to print the same: keep one")
    now = datetime.now(UTC)
    path = find_config(config)
    old, new = (_read(path, version, now) for version in read_versions(path, policies, against))
    names = _names(by, [old.settings.policy, new.settings.policy])
    start, end = _moment("since", since, now), _moment("until", until, now)
    if workload is None:
        start, end = start or now - USUAL_AGO, end or now
        found, source = _of_ledger(config, (old, new), (start, end), names), "the ledger"
    else:
        found, source = _of_workload(workload, (old, new), (start, end), names), f"workload {workload.name}"
    compared = Compared(difference=found, source=source, charged=workload is None, per=new.settings.per)
    if as_json:
        echo_json(diff_json(compared))
    elif not found.requests:
        click.echo(_nothing(start, end, source))
    elif markdown:
        click.echo(diff_markdown(compared))
    else:
        click.echo("\n".join(diff_report(compared, min(screen_width(), COLUMNS_AT_MOST))))
    before, after = found.before.expected_nusd, found.after.expected_nusd
    if fail_above is not None and after > before * (1 + fail_above):
        change = readable_change(before, after) or "from nothing to something"
        click.echo(f"error: the change is {change}; --fail-above allows {float(100 * fail_above):g} %", err=True)
        ctx.exit(REFUSED)


def _read(path: Path, policy: PolicyText | None, now: datetime) -> RouterConfig:
    from routing.config.load import load

    read = load(path, os.environ, today=now.date(), policy=policy)
    return replace(read, settings=read.settings.with_keys())


def _names(by: str | None, policies: Sequence[Policy]) -> list[str]:
    """Read what to group by; a tag must be declared by one of the policies, unless one lets any be."""
    from routing.core.difference import DIMENSIONS
    from routing.core.suggest import did_you_mean
    from routing.errors import RequestError

    declared = [policy.tags for policy in policies if policy.tags is not None]
    known = (*DIMENSIONS, *sorted(frozenset[str]().union(*declared)))
    open_to_any = len(declared) < len(policies)
    if by is None:
        return [name for name in USUAL_BY if open_to_any or name in known]
    names = list(dict.fromkeys(name.strip() for name in by.split(",") if name.strip()))
    for name in names:
        if not open_to_any and name not in known:
            raise RequestError(f"cannot group by {name!r}{did_you_mean(name, known)}: known are {', '.join(known)}")
    return names


def _moment(name: str, given: str | None, now: datetime) -> datetime | None:
    """Read a day, a moment, or how long ago."""
    from routing.core.spend import moment

    ago = re.fullmatch(r"(\d{1,5})([hdw])", given or "")
    return now - int(ago[1]) * UNITS[ago[2]] if ago else moment(name, given)


def _nothing(start: datetime | None, end: datetime | None, source: str) -> str:
    bounds = (("since", start), ("before", end))
    period = "".join(f" {word} {at:%Y-%m-%d %H:%M}" for word, at in bounds if at)
    hint = "; --workload FILE takes the requests from a file" if source == "the ledger" else ""
    return f"{source} has no requests{period}{hint}"


# --- Where the requests come from -------------------------------------------------------------------------------------

Sides: TypeAlias = "tuple[RouterConfig, RouterConfig]"
Period: TypeAlias = "tuple[datetime | None, datetime | None]"


def _of_workload(workload: Path, sides: Sides, period: Period, by: Sequence[str]) -> Difference:
    """Try both policies on a file; where there is a cache, it answers what comes again."""
    from routing.core.difference import compare
    from routing.core.replay import Replay
    from routing.workload import read_workload

    start, end = period
    pasts: Iterable[Past] = (row.past for row in read_workload(workload))
    if sides[0].cache is None:
        pasts = (replace(past, words=None) for past in pasts)
    chosen = (past for past in pasts if (start is None or past.at >= start) and (end is None or past.at < end))
    before, after = (Replay(settings=side.settings) for side in sides)
    return compare(before, after, chosen, by)


def _of_ledger(config: Path, sides: Sides, period: tuple[datetime, datetime], by: Sequence[str]) -> Difference:
    """Try both policies on what the ledger has; the budgets begin with what they had spent until then."""
    from routing.core.difference import compare
    from routing.core.replay import Replay

    start, end = period
    with open_books(config, sides[0].ledger_url) as store:
        if store and (moved := [each.file for each in store.archives() if start < each.until]):
            click.echo(f"warning: requests that were moved to {', '.join(moved)} are left out", err=True)
        spent = _spent_before(store, sides, start) if store else {}
        before, after = (Replay(settings=side.settings, spent=dict(spent)) for side in sides)
        return compare(before, after, store.pasts(start, end) if store else (), by)


def _spent_before(store: Store, sides: Sides, start: datetime) -> dict[CounterKey, int]:
    """Tell what the budgets' windows of a time had spent until then: what they have now, without what came since."""
    budgets = {budget.name: budget for side in sides for budget in side.settings.budgets}
    if not budgets:
        return {}
    since = store.spent_since(start)
    spent = {}
    for name, budget in budgets.items():
        starts = [budget.window.span(start).start, *budget.window.earlier(start)]
        for key, balance in store.balances(name, starts).items():
            spent[key] = balance.spent_nusd - since.get(key, 0)
    return spent
