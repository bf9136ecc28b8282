"""From drafts to the finished picture: what each asset took, by importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.spend import SpendQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.spend import SpendRow

BY_ASSET = SpendQuery(by=("asset", "importance"))
"""All that was ever bought for each asset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one importance took: pictures delivered, those from the cache too, and nano-USD charged."""

    importance: str
    images: int
    requests: int
    spent_nusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """An asset with its steps, least important first; ``finished``: it has a picture of the highest importance."""

    name: str
    steps: tuple[Step, ...]
    finished: bool

    @property
    def spent_nusd(self) -> int:
        """What it cost in all: drafts that were thrown away are part of it."""
        return sum(step.spent_nusd for step in self.steps)

    @property
    def images(self) -> int:
        """Pictures delivered for it."""
        return sum(step.images for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSum:
    """How many assets there are of a kind, with all pictures and nano-USD that they took."""

    assets: int = 0
    images: int = 0
    spent_nusd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSums:
    """What all assets of a ledger came to; ``unnamed`` is what was bought for none.

    ``drafted`` counts the assets that have a picture below the highest importance, ``promoted`` those of them that are
    finished. ``drafts`` are requests below it that brought pictures, whatever they were for; ``made_again`` are those
    that others were made from, or 0 where some of the ledger was archived.
    """

    finished: AssetSum = AssetSum()
    unfinished: AssetSum = AssetSum()
    unnamed: AssetSum = AssetSum()
    drafted: int = 0
    promoted: int = 0
    drafts: int = 0
    made_again: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Some or all assets of a ledger, dearest first. ``unnamed`` is what was bought for none."""

    importances: tuple[str, ...]
    named: tuple[Asset, ...]
    unnamed: Asset | None

    @property
    def finished(self) -> tuple[Asset, ...]:
        """Those that are finished."""
        return tuple(asset for asset in self.named if asset.finished)


def ranks_with(ranks: Sequence[str], found: Iterable[str]) -> tuple[str, ...]:
    """Order importances, least first; those that the policy no longer declares stand before all others."""
    return (*sorted({*found} - {*ranks}), *ranks)


def assets_of(rows: Iterable[SpendRow], ranks: Sequence[str]) -> Assets:
    """Take spending apart that is grouped by asset and importance; ``ranks`` are the importances, least first."""
    rows = list(rows)
    order = ranks_with(ranks, (row.key[1] for row in rows))
    steps: dict[str, list[Step]] = {}
    for row in rows:
        name, importance = row.key
        steps.setdefault(name, []).append(
            Step(importance=importance, images=row.images, requests=row.requests, spent_nusd=int(row.spent))
        )
    found = [_asset(name, taken, order, highest(ranks)) for name, taken in steps.items()]
    return Assets(
        importances=order,
        named=tuple(sorted((asset for asset in found if asset.name), key=lambda each: (-each.spent_nusd, each.name))),
        unnamed=next((asset for asset in found if not asset.name), None),
    )


def highest(ranks: Sequence[str]) -> str:
    """Name the importance that finishes an asset; without any there is none."""
    return ranks[-1] if ranks else ""


def _asset(name: str, taken: list[Step], order: Sequence[str], last: str) -> Asset:
    ordered = tuple(sorted(taken, key=lambda step: order.index(step.importance)))
    finished = any(step.importance == last and step.images for step in ordered)
    return Asset(name=name, steps=ordered, finished=finished)
