"""From drafts to the finished picture: what each asset took, by importance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.spend import SpendRow


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
class Assets:
    """All assets of a ledger, dearest first. ``unnamed`` is what was bought for none.

    ``drafted`` counts the assets that have a picture below the highest importance, ``promoted`` those of them that are
    finished. ``drafts`` are requests below it that brought pictures, ``drafts_promoted`` those that were made again.
    """

    importances: tuple[str, ...]
    finished: tuple[Asset, ...]
    unfinished: tuple[Asset, ...]
    unnamed: Asset | None
    drafted: int
    promoted: int
    drafts: int
    drafts_promoted: int

    @property
    def all(self) -> tuple[Asset, ...]:
        """The finished ones and the others, dearest first."""
        return tuple(sorted((*self.finished, *self.unfinished), key=_dearest))


def ranks_with(ranks: Sequence[str], found: Iterable[str]) -> tuple[str, ...]:
    """Order importances, least first; those that the policy no longer declares stand before all others."""
    return (*sorted({*found} - {*ranks}), *ranks)


def assets_of(rows: Iterable[SpendRow], parents: Iterable[str], ranks: Sequence[str]) -> Assets:
    """Sum up spending that is grouped by asset and importance; ``ranks`` are the policy's importances, least first.

    ``parents`` are the requests that others were made from.
    """
    rows = list(rows)
    order = ranks_with(ranks, (row.key[1] for row in rows))
    highest = ranks[-1] if ranks else ""
    steps: dict[str, list[Step]] = {}
    drafts = 0
    for row in rows:
        name, importance = row.key
        steps.setdefault(name, []).append(
            Step(importance=importance, images=row.images, requests=row.requests, spent_nusd=int(row.spent))
        )
        drafts += row.requests if importance != highest and row.images else 0
    found = [_asset(name, taken, order, highest) for name, taken in steps.items()]
    named = sorted((asset for asset in found if asset.name), key=_dearest)
    drafted = [asset for asset in named if any(s.images for s in asset.steps if s.importance != highest)]
    return Assets(
        importances=order,
        finished=tuple(asset for asset in named if asset.finished),
        unfinished=tuple(asset for asset in named if not asset.finished),
        unnamed=next((asset for asset in found if not asset.name), None),
        drafted=len(drafted),
        promoted=sum(asset.finished for asset in drafted),
        drafts=drafts,
        drafts_promoted=len({*parents} - {""}),
    )


def _asset(name: str, taken: list[Step], order: Sequence[str], highest: str) -> Asset:
    ordered = tuple(sorted(taken, key=lambda step: order.index(step.importance)))
    finished = any(step.importance == highest and step.images for step in ordered)
    return Asset(name=name, steps=ordered, finished=finished)


def _dearest(asset: Asset) -> tuple[int, str]:
    return -asset.spent_nusd, asset.name
