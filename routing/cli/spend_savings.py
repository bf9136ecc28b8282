"""``routing spend --savings``: against a declared baseline, with all it rests on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import echo_json
from routing.cli.periods import zone_name

if TYPE_CHECKING:
    from routing.cli.spend_asked import Asked
    from routing.core.policy import Settings
    from routing.core.savings import Savings
    from routing.ledger.base import LedgerReader


def show_savings(asked: Asked, named: str | None) -> None:
    """Print what was saved."""
    from routing.reports import savings as words
    from routing.reports.exports import csv_text

    settings = read_settings(asked)
    ranks, zone = settings.policy.importance, zone_name(asked.query.zone)
    with open_books(asked.config) as store:
        found = find_savings(asked, settings, store, named)
    if asked.as_json:
        echo_json(words.savings_json(found, ranks, zone))
    elif asked.as_csv:
        for piece in csv_text(words.SAVINGS, words.savings_rows(found, ranks)):
            click.echo(piece, nl=False)
    elif not found.groups and not found.partial.requests and not found.unpriced.requests:
        click.echo(f"nothing was bought {asked.period}, so nothing could be saved")
    else:
        from routing.cli.screen import screen_width, show
        from routing.reports.sheet import fold

        click.echo(f"{asked.period}: {words.savings_headline(found)}\n")
        show(words.savings_table(found, ranks))
        width = screen_width()
        lines = [line for note in words.savings_notes(found, zone) for line in fold(note, width)]
        click.echo("\n" + "\n".join(lines).lstrip("\n"))


def find_savings(asked: Asked, settings: Settings, store: LedgerReader | None, named: str | None) -> Savings:
    """Set every request of the period beside the baseline; without a ledger there is none.

    Raises:
        RequestError: for a baseline that is neither an importance nor a deployment.

    """
    from routing.core.baseline import baseline_of
    from routing.core.savings import Savings
    from routing.core.window import EVER
    from routing.reading.paid import read_savings

    baseline = baseline_of(settings, named)
    if store is None:
        return Savings(baseline=baseline)
    since, until = asked.query.since or EVER[0], asked.query.until or EVER[1]
    return read_savings(store, baseline, since, until, asked.query.zone, asked.now)


def read_settings(asked: Asked) -> Settings:
    """Read both files; every deployment counts as having its key: nothing is bought."""
    from routing.assembly import load_config

    return load_config(find_config(asked.config), os.environ, asked.now.date()).settings.with_keys()
