"""``routing spend``: what was spent, grouped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from routing.cli.books import declared_tags, open_books
from routing.cli.options import config_option, examples, json_option

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_BY = "importance,deployment"


@click.command(
    epilog=examples(
        "routing spend --by campaign --since 2026-11-01",
        "routing spend --by kind,importance --json",
    )
)
@click.option(
    "--by",
    default=DEFAULT_BY,
    show_default=True,
    help="Names to group by, with commas: importance, deployment, model, operation, rule, policy, asset, request_id,"
    " size, quality, or any tag (campaign, kind, ...). Empty for the total alone.",
)
@click.option("--since", help="First day or moment, UTC: 2026-11-01 or 2026-11-01T09:00.")
@click.option("--until", help="The day or moment before which it ends.")
@config_option
@json_option
def spend(by: str, since: str | None, until: str | None, config: Path, as_json: bool) -> None:
    """Show what was spent, grouped as you like."""
    from routing.core.spend import DIMENSIONS, spend_query
    from routing.reports.spend import spend_json, spend_remarks, spend_table

    names = [name.strip() for name in by.split(",") if name.strip()]
    # Only a tag needs the policy to be read.
    tags = None if {*names} <= {*DIMENSIONS} else declared_tags(config)
    query = spend_query(names, since, until, tags)
    with open_books(config) as store:
        rows = store.spend(query) if store else []
    if as_json:
        click.echo(json.dumps(spend_json(rows), indent=2, ensure_ascii=False))
        return
    period = " ".join(
        f"{word} {moment:%Y-%m-%d %H:%M}" for word, moment in (("since", query.since), ("until", query.until)) if moment
    )
    if not rows:
        click.echo(f"nothing was spent{' ' + period if period else ''}")
        return
    from routing.cli.screen import show

    show(spend_table(rows, query.by))
    remarks = [f"{period}, UTC", *spend_remarks(rows)] if period else spend_remarks(rows)
    if remarks:
        click.echo("\n" + "\n".join(remarks))
