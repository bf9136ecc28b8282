"""What the policy saved: the same pictures at a declared baseline, minus all that was really spent.

Pure arithmetic over requests of the past; nothing is bought. Prices are those of the day a request was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.core.money import divide_half_up
from routing.core.prices import PER_MILLION
from routing.errors import Refusal, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, tzinfo

    from routing.core.baseline import Baseline
    from routing.core.past import Paid


@dataclass(slots=True, kw_only=True)
class Sums:
    """Sums over requests, in nano-USD; ``images`` are those bought."""

    requests: int = 0
    images: int = 0
    would_nusd: int = 0
    spent_nusd: int = 0
    failed_nusd: int = 0
    unconfirmed_nusd: int = 0

    @property
    def saved_nusd(self) -> int:
        """The difference; below zero where the baseline would have been cheaper."""
        return self.would_nusd - self.spent_nusd

    def add(self, paid: Paid) -> None:
        """Count requests."""
        self.requests += paid.requests
        self.images += paid.requests * paid.images
        self.spent_nusd += paid.spent_nusd
        self.failed_nusd += paid.failed_nusd
        self.unconfirmed_nusd += paid.unconfirmed_nusd

    def __add__(self, other: Sums) -> Sums:
        """Add up two groups."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in Sums.__slots__})


@dataclass(slots=True, kw_only=True)
class Savings:
    """The comparison, by first day of the month and importance.

    ``partial`` and ``unpriced`` are left out of it on both sides: what an older version wrote too little of, and what
    the baseline could not have made (``why`` is the first reason). ``from_cache`` counts pictures that were not bought,
    ``saved_by_cache_nusd`` what they would have cost; they are on neither side either. ``archived`` names files that
    older requests were moved to.
    """

    baseline: Baseline
    groups: dict[tuple[date, str], Sums] = field(default_factory=dict)
    partial: Sums = field(default_factory=Sums)
    unpriced: Sums = field(default_factory=Sums)
    why: str = ""
    from_cache: int = 0
    saved_by_cache_nusd: int = 0
    archived: tuple[str, ...] = ()

    @property
    def total(self) -> Sums:
        """All that is compared."""
        return sum(self.groups.values(), Sums())

    @property
    def spent_nusd(self) -> int:
        """All that was spent on these requests, compared or not."""
        return self.total.spent_nusd + self.partial.spent_nusd + self.unpriced.spent_nusd


def compare_with(baseline: Baseline, paid: Iterable[Paid], zone: tzinfo) -> Savings:
    """Set every request beside the baseline; months are those of ``zone``.

    What was charged without bringing a picture stands on the side of what was spent, and has nothing on the other.
    What the baseline would have cost is added up exactly, and rounded once for each group, half up.
    """
    found = Savings(baseline=baseline)
    would_micro: dict[tuple[date, str], int] = {}
    for each in paid:
        found.from_cache += each.from_cache
        found.saved_by_cache_nusd += each.saved_nusd
        if not each.requests:
            continue
        if each.partial:
            found.partial.add(each)
            continue
        try:
            micro = baseline.cost_micro(each) if each.images else 0
        except (RequestError, Refusal) as error:
            found.why = found.why or str(error)
            found.unpriced.add(each)
            continue
        group = (each.at.astimezone(zone).date().replace(day=1), each.importance)
        found.groups.setdefault(group, Sums()).add(each)
        would_micro[group] = would_micro.get(group, 0) + micro
    for group, micro in would_micro.items():
        found.groups[group].would_nusd = divide_half_up(micro, PER_MILLION)
    return found
