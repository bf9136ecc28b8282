"""``routing deployments``: what can be bought from now."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import config_option, echo_json, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@json_option
def deployments(config: Path, as_json: bool) -> None:
    """Show what can be bought from now: health, price, limits, end.

    Health is what the ledger tells of the last hour: a router that has seen as much leaves alone what fails in a row.
    A picture costs so much at the deployment's own size, the prompt not counted. Limits of a minute are left out where
    the terminal has no room for them; --json has all.
    """
    from routing.assembly import load_config
    from routing.reading.availability import read_deployments
    from routing.reports.deployments import deployment_notes, deployments_json, deployments_table

    now = datetime.now(UTC)
    read = load_config(find_config(config), os.environ, now.date())
    with open_books(config, read.ledger_url) as store:
        found = read_deployments(read.settings, store, now, {}, 0.0)
    if as_json:
        echo_json(deployments_json(found))
        return
    from routing.cli.screen import screen_width, show

    show(deployments_table(found, screen_width()))
    for note in deployment_notes(found):
        click.echo(note)
