"""``routing ledger reconcile``: the ledger against the vendor's bill, line by line or day by day."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from routing.cli.errors import FAILED
from routing.cli.options import PATH, config_option, examples, json_option
from routing.cli.reconcile_bill import BillAsked, reconcile_bill
from routing.cli.reconcile_costs import DAYS_ONLY, compare_costs
from routing.errors import RequestError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

ADMIN_KEY = "OPENAI_ADMIN_KEY"
SLACK_UNITS = {"s": 1, "m": 60, "h": 3600}
SLACK_AT_MOST = timedelta(hours=24)


def read_slack(ctx: click.Context, param: click.Parameter, value: str) -> timedelta:
    """Read a length of time like ``5m``."""
    found = re.fullmatch(r"([0-9]{1,6})([smh])", value.strip())
    slack = timedelta(seconds=int(found[1]) * SLACK_UNITS[found[2]]) if found else None
    if slack is None or slack > SLACK_AT_MOST:
        raise click.BadParameter(f"{value!r} is no length of time up to 24h: write it like 30s or 5m", ctx, param)
    return slack


@click.command(
    epilog=examples(
        "routing ledger reconcile --bill bill.csv",
        "routing ledger reconcile --bill bill.csv --since 2026-11-01 --until 2026-12-01 --complete --apply",
        'routing ledger reconcile --bill bill.csv --column amount="Total (USD)"',
        "routing ledger reconcile --costs openai --since 2026-11-01 --until 2026-12-01",
    )
)
@click.option("--bill", type=PATH, metavar="FILE", help="The vendor's bill: CSV, or JSON with one object a line.")
@click.option("--costs", metavar="PROVIDER", help="Ask this provider (OpenAI) for its sums by day instead.")
@click.option("--provider", help="Whose bill it is, where several providers sell its models.")
@click.option("--since", help="First day or moment it covers, UTC; without it, that of its first line.")
@click.option("--until", help="The day or moment before which it ends; without it, after its last line.")
@click.option("--complete", is_flag=True, help="The bill lists every charge of that time: what it lacks was free.")
@click.option("--slack", default="5m", show_default=True, callback=read_slack, help="How far the clocks may differ.")
@click.option(
    "--column", "columns", multiple=True, metavar="FIELD=NAME", help="Which column is the amount, the time..."
)
@click.option("--apply", is_flag=True, help="Book what the bill says; without it nothing is written.")
@click.option("--key-env", default=ADMIN_KEY, show_default=True, help="Variable with the admin key that --costs needs.")
@config_option
@json_option
@click.pass_context
def reconcile(  # noqa: PLR0917 - click hands every option over by name
    ctx: click.Context,
    bill: Path | None,
    costs: str | None,
    provider: str | None,
    since: str | None,
    until: str | None,
    complete: bool,
    slack: timedelta,
    columns: tuple[str, ...],
    apply: bool,
    key_env: str,
    config: Path,
    as_json: bool,
) -> None:
    """Compare the ledger with the vendor's bill.

    Lines are matched by the vendor's request id, else by model, time and amount. Exit code 1 where differences remain.
    """
    from routing.bills.columns import read_choices

    if (bill is None) is (costs is None):
        raise click.UsageError("say one of the two: --bill FILE, or --costs PROVIDER")
    if bill is not None:
        asked = BillAsked(
            bill=bill,
            choices=read_choices(columns),
            provider=provider,
            bounds=_bounds(since, until),
            complete=complete,
            slack=slack,
            apply=apply,
            config=config,
        )
        agree = reconcile_bill(asked, as_json=as_json)
    else:
        if complete or columns or apply or provider is not None:
            raise click.UsageError(f"--costs takes no --complete, --column, --apply or --provider: {DAYS_ONLY}")
        agree = compare_costs(costs or "", _bounds(since, until), key_env, config, as_json=as_json)
    if not agree:
        ctx.exit(FAILED)


def _bounds(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    from routing.bills.cells import EARLIEST, LATEST
    from routing.core.spend import moment

    bounds = moment("since", since), moment("until", until)
    for name, text, at in (("since", since, bounds[0]), ("until", until, bounds[1])):
        if at and not EARLIEST <= at < LATEST:
            raise RequestError(f"{name} {text} is of no bill's time: from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}")
    if bounds[0] and bounds[1] and bounds[0] >= bounds[1]:
        raise RequestError(f"since {since} is not before until {until}")
    return bounds
