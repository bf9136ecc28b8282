"""Which charge of a bill is which attempt of the ledger.

A charge and an attempt that both have the vendor's request id belong together by it, and by nothing else. The rest is
told apart by model, time and amount.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from routing.core.bill import model_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from routing.core.bill import Charge

NEAR = timedelta(seconds=2)
"""Bills cut times to the second, and clocks differ: so far apart is still the same time."""

APART_AT_MOST = 3
"""A charge and a quote that differ by a larger factor are of different calls: one quality costs four times another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedAttempt:
    """One attempt as the ledger has it now. Amounts are nano-USD; ``charged_nusd`` includes every correction.

    ``end`` is ``None`` while it is open. ``vendor_request_id`` may also name a line of a bill it was corrected by.
    ``reason`` is what the ledger notes of how it ended. ``vendor_model`` is what the vendor calls the model, and so its
    bill, where that is another name.
    """

    id: str
    deployment: str
    model: str
    start: datetime
    end: datetime | None
    held_nusd: int
    charged_nusd: int
    unconfirmed: bool = False
    vendor_request_id: str = ""
    reason: str = ""
    vendor_model: str = ""

    @property
    def model_key(self) -> str:
        """What a bill's models are compared with."""
        return model_key(self.vendor_model or self.model)


Pair: TypeAlias = "tuple[Charge, BookedAttempt]"
Present: TypeAlias = "list[tuple[int, datetime, str]]"
"""Attempts whose time includes a charge's, in order of an amount: that amount, their end, their id."""


def pair_by_id(
    charges: Sequence[Charge], attempts: Sequence[BookedAttempt]
) -> tuple[list[Pair], list[Charge], list[BookedAttempt]]:
    """Pair what shares an id; return the pairs, and what is left of both."""
    known: dict[str, list[BookedAttempt]] = defaultdict(list)
    for attempt in reversed(attempts):
        if attempt.vendor_request_id:
            known[attempt.vendor_request_id].append(attempt)
    pairs, left = [], []
    for charge in charges:
        if same := known.get(charge.name):
            pairs.append((charge, same.pop()))
        else:
            left.append(charge)
    taken = {attempt.id for _, attempt in pairs}
    return pairs, left, [attempt for attempt in attempts if attempt.id not in taken]


def _equal(present: Present, amount: int) -> int | None:
    place = bisect_left(present, amount, key=itemgetter(0))
    return place if place < len(present) and present[place][0] == amount else None


def _within(present: Present, amount: int) -> int | None:
    place = bisect_left(present, amount, key=itemgetter(0))
    return place if place < len(present) and present[place][0] <= APART_AT_MOST * amount else None


def _nearest(present: Present, amount: int) -> int | None:
    place = bisect_left(present, amount, key=itemgetter(0))
    near = [each for each in (place, place - 1) if 0 <= each < len(present) and _alike(present[each][0], amount)]
    return min(near, key=lambda each: abs(present[each][0] - amount), default=None)


def _alike(one: int, other: int) -> bool:
    return max(one, other) <= APART_AT_MOST * min(one, other)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """One way to tell charges apart: among which attempts, by which amount of theirs."""

    among: Callable[[BookedAttempt], bool]
    amount: Callable[[BookedAttempt], int]
    choose: Callable[[Present, int], int | None]


def _is_confirmed(attempt: BookedAttempt) -> bool:
    return attempt.end is not None and attempt.charged_nusd > 0 and not attempt.unconfirmed


def _is_unconfirmed(attempt: BookedAttempt) -> bool:
    return attempt.end is not None and attempt.unconfirmed


def _is_open(attempt: BookedAttempt) -> bool:
    return attempt.end is None


def _charge_of(attempt: BookedAttempt) -> int:
    return attempt.charged_nusd


def _hold_of(attempt: BookedAttempt) -> int:
    return attempt.held_nusd


# What is confirmed must be on the bill, so an equal amount is first of all its own. Another amount is first of all the
# one of an attempt whose cost nobody knows yet, and which was booked at its quote, the most it could be.
_EQUAL = (
    _Pass(among=_is_confirmed, amount=_charge_of, choose=_equal),
    _Pass(among=_is_unconfirmed, amount=_charge_of, choose=_equal),
)
_WITHIN_THE_QUOTE = (
    _Pass(among=_is_unconfirmed, amount=_hold_of, choose=_within),
    _Pass(among=_is_open, amount=_hold_of, choose=_within),
)
_ALIKE = (
    _Pass(among=_is_confirmed, amount=_charge_of, choose=_nearest),
    _Pass(among=_is_unconfirmed, amount=_hold_of, choose=_nearest),
)


def pair_by_time(charges: Sequence[Charge], attempts: Sequence[BookedAttempt], slack: timedelta) -> list[Pair]:
    """Pair what has the same model at the same time, equal amounts first, near before far.

    Every pass takes from what the ones before it left; a pair that is taken out beforehand changes no other. So a bill
    that was booked and is read again finds the same.
    """
    pairs: list[Pair] = []
    left = [charge for charge in charges if charge.start is not None]
    free = {attempt.id: attempt for attempt in attempts if not attempt.vendor_request_id}
    for passes in (_EQUAL, _WITHIN_THE_QUOTE, _ALIKE):
        for reach in (min(NEAR, slack), slack):
            for each in passes:
                candidates = [attempt for attempt in free.values() if each.among(attempt)]
                found = _pass(each, left, candidates, reach)
                taken = {charge.name for charge, _ in found}
                left = [charge for charge in left if charge.name not in taken]
                for _, attempt in found:
                    del free[attempt.id]
                pairs += found
    return pairs


def _pass(each: _Pass, charges: Sequence[Charge], attempts: Sequence[BookedAttempt], reach: timedelta) -> list[Pair]:
    """Pair model by model; moments before days, since what has a moment can be told apart better."""
    by_model: dict[str, list[BookedAttempt]] = defaultdict(list)
    for attempt in attempts:
        by_model[attempt.model_key].append(attempt)
    groups: dict[tuple[timedelta, str], list[Charge]] = defaultdict(list)
    for charge in charges:
        if charge.start is not None and charge.end is not None and charge.model in by_model:
            groups[charge.end - charge.start, charge.model].append(charge)
    pairs: list[Pair] = []
    for (_, model), same in sorted(groups.items(), key=itemgetter(0)):
        found = _sweep(each, same, by_model[model], reach)
        taken = {attempt.id for _, attempt in found}
        by_model[model] = [attempt for attempt in by_model[model] if attempt.id not in taken]
        pairs += found
    return pairs


def _sweep(each: _Pass, charges: Sequence[Charge], attempts: Sequence[BookedAttempt], reach: timedelta) -> list[Pair]:
    """Go through the charges in order of time, with the attempts that are present then.

    All charges are equally long, so who has come once is gone only when a charge begins after its end.
    """
    coming = sorted(attempts, key=lambda attempt: (attempt.start, attempt.id), reverse=True)
    known = {attempt.id: attempt for attempt in attempts}
    present: Present = []
    leaving: list[tuple[datetime, tuple[int, datetime, str]]] = []
    pairs: list[Pair] = []
    for charge in sorted(charges, key=lambda charge: (charge.start, charge.name)):
        assert charge.start is not None  # noqa: S101 - the caller keeps to charges with a time
        assert charge.end is not None  # noqa: S101
        while coming and coming[-1].start - reach <= charge.end:
            attempt = coming.pop()
            end = attempt.end or attempt.start
            row = (each.amount(attempt), end, attempt.id)
            insort(present, row)
            heapq.heappush(leaving, (end + reach, row))
        while leaving and leaving[0][0] < charge.start:
            row = heapq.heappop(leaving)[1]
            place = bisect_left(present, row)
            if place < len(present) and present[place] == row:
                del present[place]
        chosen = each.choose(present, charge.amount_nusd)
        if chosen is not None:
            pairs.append((charge, known[present.pop(chosen)[2]]))
    return pairs
