"""What finished assets cost, from the first draft on, as a table and as data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.core.money import divide_half_up, usd_text
from routing.reports.amounts import number_of, readable, readable_column, readable_share
from routing.reports.sheet import Sheet, harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.core.lineage import Asset, Assets, AssetSums

ASSETS_AT_MOST = 10
"""How many are listed, the dearest first; the data have all."""


def lineage(asset: Asset) -> str:
    """Say how an asset came about: ``poster-7: 14 drafts $0.47, 1 review $0.05, 1 final $0.21``."""
    steps = ", ".join(f"{counted(step.images, step.importance)} {readable(step.spent_nusd)}" for step in asset.steps)
    return harmless(f"{asset.name}: {steps}")


def counted(images: int, importance: str) -> str:
    """Count pictures of an importance: ``14 drafts``, ``1 final``."""
    return f"{images:,} {plural(importance, images)}"


def plural(importance: str, images: int) -> str:
    """Name pictures of an importance: ``drafts``, or ``final`` for one; what is no plain word stays as it is."""
    return f"{importance}s" if images != 1 and re.fullmatch("[a-z]*[a-rt-xz]", importance) else importance


def assets_table(assets: Sequence[Asset], importances: Sequence[str]) -> Sheet:
    """Lay out the pictures and the money of each importance, and the cost of the whole."""
    taken = [name for name in importances if any(step.importance == name for asset in assets for step in asset.steps)]
    spent = readable_column([*(asset.spent_nusd for asset in assets), sum(asset.spent_nusd for asset in assets)])
    return Sheet(
        columns=("asset", *taken, "images", "spent"),
        rows=tuple(
            (asset.name, *(_step(asset, name) for name in taken), f"{asset.images:,}", spent[place])
            for place, asset in enumerate(assets)
        ),
    )


def assets_notes(sums: AssetSums, shown: int) -> list[str]:
    """Say what a finished asset costs, how many drafts came to something, and what is not in the table."""
    finished, notes = sums.finished, []
    if finished.assets:
        average = divide_half_up(finished.spent_nusd, finished.assets)
        told = f"{number_of(finished.assets, 'finished asset')} for {readable(finished.spent_nusd)}"
        rest = f"; the {shown} dearest are listed (--all lists every one)" if shown < finished.assets else ""
        notes.append(f"{told}, {readable(average)} each{rest}")
    if sums.drafted:
        notes.append(
            f"finished: {sums.promoted:,} of {sums.drafted:,} assets with drafts"
            f" ({readable_share(sums.promoted, sums.drafted)})"
        )
    if sums.made_again:
        notes.append(
            f"{number_of(sums.made_again, 'request')} made again at another importance;"
            f" {sums.drafts:,} below the highest brought pictures"
        )
    if sums.unfinished.assets:
        images = number_of(sums.unfinished.images, "image")
        rest = f"{images}, {readable(sums.unfinished.spent_nusd)}"
        notes.append(f"not finished: {number_of(sums.unfinished.assets, 'asset')}, {rest}")
    if sums.unnamed.assets:
        images = number_of(sums.unnamed.images, "image")
        notes.append(f"for no asset: {images}, {readable(sums.unnamed.spent_nusd)}")
    return notes


def assets_json(assets: Assets, sums: AssetSums) -> dict[str, object]:
    """Plain values of every asset; amounts are exact decimal strings in USD."""
    return {
        "assets": [asset_json(asset) for asset in assets.named],
        "unnamed": asset_json(assets.unnamed) if assets.unnamed else None,
        "finished": sums.finished.assets,
        "finished_usd": usd_text(sums.finished.spent_nusd),
        "unfinished": sums.unfinished.assets,
        "unfinished_usd": usd_text(sums.unfinished.spent_nusd),
        "drafted": sums.drafted,
        "drafted_and_finished": sums.promoted,
        "drafts": sums.drafts,
        "drafts_promoted": sums.made_again,
    }


def asset_json(asset: Asset) -> dict[str, object]:
    """Plain values of one asset."""
    return {
        "asset": asset.name,
        "finished": asset.finished,
        "images": asset.images,
        "spent_usd": usd_text(asset.spent_nusd),
        "steps": [
            {
                "importance": step.importance,
                "requests": step.requests,
                "images": step.images,
                "spent_usd": usd_text(step.spent_nusd),
            }
            for step in asset.steps
        ],
    }


def _step(asset: Asset, importance: str) -> str:
    step = next((step for step in asset.steps if step.importance == importance), None)
    return f"{step.images:,} for {readable(step.spent_nusd)}" if step else "-"
