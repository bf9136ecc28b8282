"""What the report page is filled with: plain values, read from nowhere.

Amounts are nano-USD. Moments are aware and shown in the zone of ``PageData.made_at``. Texts may hold anything: they
are shown as they are, cut after 200 characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Totals of the period, beside what was spent. ``pictures`` are those delivered, from the cache too.

    ``unconfirmed`` is the part of the spending whose outcome is unknown, ``held`` is set aside now and not yet part of
    it. ``cached`` counts requests answered from the cache, ``saved_by_cache`` is what their pictures would have cost.
    """

    requests: int
    pictures: int
    cached: int = 0
    saved_by_cache: int = 0
    unconfirmed: int = 0
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One importance set beside the baseline."""

    importance: str
    pictures: int
    would_cost: int
    did_cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the same pictures would have cost otherwise. ``name`` finishes "less than", ``assumptions`` are sentences.

    ``did_cost`` is what was spent on the pictures that ``would_cost`` is about; they need not be all of the period.
    ``remarks`` say in sentences what of it went wrong.
    """

    name: str
    would_cost: int
    did_cost: int
    assumptions: tuple[str, ...]
    importances: tuple[Compared, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def saved(self) -> int:
        """The difference; below zero where the baseline would have been cheaper."""
        return self.would_cost - self.did_cost


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpend:
    """What was spent on one day of the page's zone, by importance; corrections make an amount negative."""

    day: date
    spent: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentBy:
    """How much of a window had been spent, in all, by a moment."""

    at: datetime
    spent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Where a window ends at the present rate: spent in all, and when the limit is reached, if it is."""

    expected: int
    reached_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """More room for a while: ``at <= t < until``."""

    by: int
    at: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetWindow:
    """One counter of a budget in one window. ``limit`` is without its raises.

    ``points`` run upwards in time, one at the end of each day or hour, and need not reach the present; ``thresholds``
    are amounts of spending. ``ends_at`` is ``None`` for a lifetime; ``starts_at`` is then its first spending. What is
    ``rolling`` never starts afresh: it counts what lies between the two, and they move on.
    """

    name: str
    limit: int
    spent: int
    starts_at: datetime
    ends_at: datetime | None
    held: int = 0
    points: tuple[SpentBy, ...] = ()
    thresholds: tuple[int, ...] = ()
    forecast: Forecast | None = None
    raises: tuple[Raise, ...] = ()
    rolling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one importance took of a row: "14 draft $0.47"."""

    importance: str
    pictures: int
    spent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingRow:
    """One value of what is ranked; an empty ``name`` is spending without one.

    ``finished`` counts its finished assets, where that is asked; ``steps`` tell how the money went by importance.
    """

    name: str
    spent: int
    pictures: int
    finished: int | None = None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Spending by one name (``campaign``, ``asset``, ``deployment``): the page shows the dearest rows.

    ``others`` is how many more there are, none of them dearer, with what they come to.
    """

    by: str
    rows: tuple[RankingRow, ...]
    others: int = 0
    others_spent: int = 0
    others_pictures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnconfirmedCall:
    """A call that was charged although the vendor's answer is unknown."""

    request_id: str
    at: datetime
    deployment: str
    amount: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """A model that its vendor turns off, and what to use instead (empty: nothing is named)."""

    deployment: str
    model: str
    on: date
    substitute: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalPicture:
    """The bytes of a PNG, JPEG or WebP picture, as it was bought: the page makes it small."""

    asset: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PageData:
    """All of one page. ``first_day`` and ``last_day`` both belong to the period; ``zone`` names how its days are cut.

    ``importances`` are the policy's, least first: their order is the order of the stack and of the colours. ``days``
    without spending may be left out. ``note`` stands below the title. ``finals`` are shown if there are any.
    """

    title: str
    first_day: date
    last_day: date
    made_at: datetime
    zone: str
    version: str
    importances: tuple[str, ...]
    figures: Figures
    days: tuple[DaySpend, ...]
    note: str = ""
    baseline: Baseline | None = None
    budgets: tuple[BudgetWindow, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    unconfirmed: tuple[UnconfirmedCall, ...] = ()
    shutdowns: tuple[Shutdown, ...] = ()
    finals: tuple[FinalPicture, ...] = ()

    @property
    def spent(self) -> int:
        """What was spent in the period: the sum of its days."""
        return sum(sum(day.spent.values()) for day in self.days)
