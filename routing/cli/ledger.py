"""``routing ledger``: the ledger against itself, and against what the vendor says."""

from __future__ import annotations

import click

from routing.cli.archive import archive
from routing.cli.reconcile import reconcile
from routing.cli.unconfirmed import resolve, unconfirmed
from routing.cli.verify import verify


@click.group
def ledger() -> None:
    """Check the ledger against itself and the vendor's bill."""


for command in (verify, archive, unconfirmed, resolve, reconcile):
    ledger.add_command(command)
