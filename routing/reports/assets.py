"""What finished assets cost, from the first draft on, as a table and as data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.core.money import divide_half_up, usd_text
from routing.reports.amounts import number_of, readable, readable_column, readable_share
from routing.reports.sheet import Sheet, harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.core.lineage import Asset, Assets

ASSETS_AT_MOST = 10
"""How many are listed, the dearest first; the data have all."""


def lineage(asset: Asset) -> str:
    """Say how an asset came about: ``poster-7: 14 drafts $0.47, 1 review $0.05, 1 final $0.21``."""
    steps = ", ".join(f"{counted(step.images, step.importance)} {readable(step.spent_nusd)}" for step in asset.steps)
    return harmless(f"{asset.name}: {steps}")


def counted(images: int, importance: str) -> str:
    """Count pictures of an importance: ``14 drafts``, ``1 final``; what is no plain word stays as it is."""
    plural = re.fullmatch("[a-z]*[a-rt-xz]", importance)
    return f"{images:,} {importance}{'s' if plural and images != 1 else ''}"


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


def assets_notes(assets: Assets, shown: int) -> list[str]:
    """Say what a finished asset costs, how many drafts came to something, and what is not in the table."""
    finished, spent = assets.finished, sum(asset.spent_nusd for asset in assets.finished)
    notes = []
    if finished:
        average = divide_half_up(spent, len(finished))
        told = f"{number_of(len(finished), 'finished asset')} for {readable(spent)}, {readable(average)} each"
        notes.append(
            f"{told}{f'; the {shown} dearest are listed (--all lists every one)' if shown < len(finished) else ''}"
        )
    if assets.drafted:
        notes.append(
            f"finished: {assets.promoted:,} of {assets.drafted:,} assets with drafts"
            f" ({readable_share(assets.promoted, assets.drafted)})"
        )
    if assets.drafts_promoted:
        notes.append(
            f"{number_of(assets.drafts_promoted, 'request')} made again at another importance;"
            f" {assets.drafts:,} below the highest brought pictures"
        )
    if assets.unfinished:
        rest = readable(sum(asset.spent_nusd for asset in assets.unfinished))
        images = number_of(sum(asset.images for asset in assets.unfinished), "image")
        notes.append(f"not finished: {number_of(len(assets.unfinished), 'asset')}, {images}, {rest}")
    if assets.unnamed:
        notes.append(
            f"for no asset: {number_of(assets.unnamed.images, 'image')}, {readable(assets.unnamed.spent_nusd)}"
        )
    return notes


def assets_json(assets: Assets) -> dict[str, object]:
    """Plain values of every asset; amounts are exact decimal strings in USD."""
    return {
        "assets": [asset_json(asset) for asset in assets.all],
        "unnamed": asset_json(assets.unnamed) if assets.unnamed else None,
        "finished": len(assets.finished),
        "finished_usd": usd_text(sum(asset.spent_nusd for asset in assets.finished)),
        "unfinished": len(assets.unfinished),
        "unfinished_usd": usd_text(sum(asset.spent_nusd for asset in assets.unfinished)),
        "drafted": assets.drafted,
        "drafted_and_finished": assets.promoted,
        "drafts": assets.drafts,
        "drafts_promoted": assets.drafts_promoted,
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
