"""``routing assets``: what finished assets cost, from the first draft on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from routing.cli.books import declared_importances, open_books, warn_of_archives
from routing.cli.options import config_option, echo_json, examples, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.ledger.base import LedgerReader


@click.command(epilog=examples("routing assets", "routing assets poster-7 tin", "routing assets --all --json"))
@click.argument("names", metavar="[ASSET]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="List every finished asset, not only the ten dearest.")
@config_option
@json_option
def assets(names: tuple[str, ...], *, everything: bool, config: Path, as_json: bool) -> None:
    """Show what finished assets cost, drafts and all.

    An asset is finished once it has a picture of the policy's highest importance. With names, only those are told of,
    finished or not. Counted are the pictures that were delivered, those from the cache too, over all time.
    """
    from routing.core.lineage import BY_ASSET

    with open_books(config) as store:
        ranks = declared_importances(config)
        if store is not None:
            warn_of_archives([each.file for each in store.archives_behind(BY_ASSET)])
        if names:
            _tell_of(store, names, ranks, as_json=as_json)
        else:
            _tell_of_all(store, ranks, everything=everything, as_json=as_json)


def _tell_of(store: LedgerReader | None, names: Sequence[str], ranks: Sequence[str], *, as_json: bool) -> None:
    from routing.core.lineage import BY_ASSET, assets_of
    from routing.core.suggest import did_you_mean
    from routing.errors import RequestError
    from routing.reports.assets import asset_json, lineage

    found = assets_of(store.spend(replace(BY_ASSET, assets=tuple(names))) if store else (), ranks)
    known = {asset.name: asset for asset in found.named}
    missing = next((name for name in names if name not in known), None)
    if missing is not None:
        others = [row.key[0] for row in store.spend(replace(BY_ASSET, by=("asset",)))] if store else ()
        hint = "`routing spend --by asset --all` lists them" if any(others) else "there are none yet"
        raise RequestError(f"nothing was bought for asset {missing!r}{did_you_mean(missing, others)}: {hint}")
    if as_json:
        echo_json([asset_json(known[name]) for name in names])
    else:
        click.echo("\n".join(lineage(known[name]) for name in names))


def _tell_of_all(store: LedgerReader | None, ranks: Sequence[str], *, everything: bool, as_json: bool) -> None:
    from routing.cli.screen import show
    from routing.core.lineage import AssetSums, assets_of, highest
    from routing.reports.assets import ASSETS_AT_MOST, assets_json, assets_notes, assets_table
    from routing.reports.sheet import harmless

    most = None if everything or as_json else ASSETS_AT_MOST
    sums, rows = store.asset_sums(highest(ranks), most) if store else (AssetSums(), [])
    found = assets_of(rows, ranks)
    if as_json:
        echo_json(assets_json(found, sums))
    elif not sums.finished.assets:
        notes = assets_notes(sums, 0)
        click.echo("\n".join(["no asset is finished yet", *(harmless(note) for note in notes)]))
    else:
        show(assets_table(found.finished, found.importances))
        click.echo("\n" + "\n".join(assets_notes(sums, len(found.finished))))
