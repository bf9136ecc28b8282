"""``routing assets``: what finished assets cost, from the first draft on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from routing.cli.books import declared_importances, open_books, warn_of_archives
from routing.cli.options import config_option, examples, json_option

if TYPE_CHECKING:
    from pathlib import Path


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
    from routing.core.lineage import assets_of
    from routing.core.spend import SpendQuery
    from routing.reports.assets import ASSETS_AT_MOST, asset_json, assets_json, assets_notes, assets_table, lineage
    from routing.reports.sheet import harmless

    with open_books(config) as store:
        rows = store.spend(SpendQuery(by=("asset", "importance"))) if store else []
        warn_of_archives(
            [each.file for each in store.archives_behind(SpendQuery(by=("asset", "importance")))] if store else ()
        )
        # Half a figure would mislead.
        whole = store is not None and not names and not store.archives()
        parents = store.parents() if store and whole else ()
    found = assets_of(rows, parents, declared_importances(config))
    if names:
        known = {asset.name: asset for asset in found.all}
        missing = [name for name in names if name not in known]
        if missing:
            from routing.core.suggest import did_you_mean
            from routing.errors import RequestError

            raise RequestError(f"nothing was bought for asset {missing[0]!r}{did_you_mean(missing[0], known)}")
        if as_json:
            click.echo(json.dumps([asset_json(known[name]) for name in names], indent=2, ensure_ascii=False))
        else:
            click.echo("\n".join(lineage(known[name]) for name in names))
    elif as_json:
        click.echo(json.dumps(assets_json(found), indent=2, ensure_ascii=False))
    elif not found.finished:
        notes = assets_notes(found, 0)
        click.echo("\n".join(["no asset is finished yet", *(harmless(note) for note in notes)]))
    else:
        from routing.cli.screen import show

        shown = found.finished if everything else found.finished[:ASSETS_AT_MOST]
        show(assets_table(shown, found.importances))
        click.echo("\n" + "\n".join(assets_notes(found, len(shown))))
