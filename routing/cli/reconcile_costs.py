"""The ledger against a vendor's own sums, day by day: nothing is booked from them."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import echo_json
from routing.core.money import usd_text
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.core.reconciliation import DayRow

OTHERS_AT_MOST = 5
"""How many models that are not ours a remark names."""

DAYS_ONLY = "nothing is booked from sums of days: they do not say which call was charged what; a bill with --bill does"


def compare_costs(
    name: str,
    bounds: tuple[datetime | None, datetime | None],
    key_env: str,
    config: Path,
    *,
    as_json: bool,
) -> bool:
    """Set a vendor's own sums beside the ledger's, day by day; nothing is written."""
    from routing.bills.openai_costs import read_day_costs
    from routing.cli.attempts import booked_attempts, read_sellers, whose_bill
    from routing.core.reconciliation import compare_days

    sellers = read_sellers(find_config(config))
    provider = sellers.provider(name)
    if provider.kind != "openai":
        raise RequestError(f"provider {name!r} is of kind {provider.kind}: only OpenAI itself tells its costs by day")
    key = os.environ.get(key_env, "").strip()
    if not key:
        raise RequestError(
            f"the environment has no {key_env}: an admin key (sk-admin-...) of the organization is needed to see costs"
        )
    since, until = _whole_days(*bounds)
    billed = read_day_costs(since, until, api_key=key, key_env=key_env, base_url=provider.base_url)
    seller = whose_bill(sellers, name, frozenset())
    first, last = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in (since, until))
    with open_books(config) as store:
        attempts = [
            each
            for each in (booked_attempts(store, first, last, seller) if store else ())
            if first <= each.start < last
        ]
    ours = seller.models | {attempt.model_key for attempt in attempts}
    rows = compare_days(billed, attempts)
    mine = [row for row in rows if row.model in ours]
    others = [row for row in rows if row.model not in ours]
    if as_json:
        echo_json(days_report_json(name, (since, until), mine, others))
    else:
        tell_days(name, (since, until), mine, others)
    return not any(row.difference_nusd for row in mine)


def _whole_days(since: datetime | None, until: datetime | None) -> tuple[date, date]:
    """Take the days that were named; without an end, those that are over."""
    until = until or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if since is None:
        raise RequestError("say from which day on: --since 2026-11-01")
    for named in (since, until):
        if named.astimezone(UTC).time() != datetime.min.time():
            raise RequestError(f"costs come by whole days, UTC, and {named.isoformat()} is within one")
    if since >= until:
        raise RequestError(
            f"there is no whole day between {since:%Y-%m-%d} and {until:%Y-%m-%d}: --until names the end"
        )
    return since.astimezone(UTC).date(), until.astimezone(UTC).date()


def days_report_json(
    provider: str, days: tuple[date, date], rows: Sequence[DayRow], others: Sequence[DayRow]
) -> dict[str, object]:
    """Plain values of every day and model, ours and others'."""
    from routing.reports.bill import days_json

    return {
        "agree": not any(row.difference_nusd for row in rows),
        "provider": provider,
        "since": days[0].isoformat(),
        "until": days[1].isoformat(),
        "billed_usd": usd_text(sum(row.billed_nusd for row in rows)),
        "booked_usd": usd_text(sum(row.booked_nusd for row in rows)),
        "difference_usd": usd_text(sum(row.difference_nusd for row in rows)),
        "rows": days_json(rows),
        "other_models": days_json(others),
    }


def tell_days(provider: str, days: tuple[date, date], rows: Sequence[DayRow], others: Sequence[DayRow]) -> None:
    """Say the sums, what they cannot tell, and what else the organization paid."""
    from routing.cli.screen import show
    from routing.reports.bill import days_table

    period = f"{days[0]:%Y-%m-%d} until {days[1]:%Y-%m-%d}, UTC"
    if rows:
        click.echo(f"costs of {provider}, {period}\n")
        show(days_table(rows))
        click.echo("")
    else:
        click.echo(f"neither {provider} nor the ledger has a cost for {period}")
    if others:
        names = sorted({row.model or "no named model" for row in others})
        more = f" and {len(names) - OTHERS_AT_MOST} more" if len(names) > OTHERS_AT_MOST else ""
        paid = usd_text(sum(row.billed_nusd for row in others))
        click.echo(
            f"the organization also paid ${paid} for what router.yaml does not buy from {provider}:"
            f" {', '.join(names[:OTHERS_AT_MOST])}{more}"
        )
    if any(row.difference_nusd for row in rows):
        click.echo("a call at midnight may count on another day there; the sums also hold what others bought")
    click.echo(DAYS_ONLY)
