"""``routing ledger``: the ledger against itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.errors import FAILED
from routing.cli.options import config_option, json_option
from routing.core.money import usd_text

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import Verification

NUSD = "_nusd"


@click.group
def ledger() -> None:
    """Check the ledger against itself."""


@ledger.command
@config_option
@json_option
@click.pass_context
def verify(ctx: click.Context, config: Path, as_json: bool) -> None:
    """Add up every entry and compare with the counters of the budgets.

    Exit code 1 where they differ. Also tells how close holds came to what was charged.
    """
    from routing.ledger.base import Verification

    with open_books(config) as store:
        found = store.verify() if store else None
    if as_json:
        nothing = Verification(
            entries=0, counters=0, open_holds=0, spent_nusd=0, held_nusd=0, unconfirmed_nusd=0, differences=()
        )
        click.echo(json.dumps(verification_json(found or nothing), indent=2, ensure_ascii=False))
    elif found is None:
        click.echo("no ledger yet: it is made with the first purchase")
    else:
        click.echo("\n".join(verification_lines(found)))
    if found is not None and found.differences:
        ctx.exit(FAILED)


def verification_json(found: Verification) -> dict[str, object]:
    """Plain values: amounts as exact decimal strings in USD."""
    return {
        "ok": not found.differences,
        **{
            f"{name.removesuffix(NUSD)}_usd" if name.endswith(NUSD) else name: usd_text(value)
            if name.endswith(NUSD)
            else value
            for name, value in asdict(found).items()
        },
    }


def verification_lines(found: Verification) -> list[str]:
    """Say what was compared, and every difference."""
    lines = [f"difference: {difference}" for difference in found.differences]
    if lines:
        lines.append(f"{len(lines)} differences between {found.entries:,} entries and {found.counters:,} counters")
    else:
        lines.append(f"ok: {found.entries:,} entries agree with {found.counters:,} counters")
    lines.append(
        f"spent ${usd_text(found.spent_nusd)}, of it unconfirmed ${usd_text(found.unconfirmed_nusd)};"
        f" held ${usd_text(found.held_nusd)} by {found.open_holds:,} calls under way"
    )
    if found.hold_ratio_median is not None and found.hold_ratio_worst is not None:
        lines.append(
            f"holds were {found.hold_ratio_median:.2f} times what was charged (median),"
            f" {found.hold_ratio_worst:.2f} times at most"
        )
    return lines
