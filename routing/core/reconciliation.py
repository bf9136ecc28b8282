"""The ledger against a vendor's bill: what agrees, what does not, and the corrections that set it right."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING

from routing.core.bill import charges_of, model_key
from routing.core.entries import Adjustment
from routing.core.matching import pair_by_id, pair_by_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.bill import BillLine, Charge, DayCost
    from routing.core.matching import BookedAttempt, Pair


_NEVER = datetime.max.replace(tzinfo=UTC)


class Kind(StrEnum):
    """What was found out of a charge, an attempt, or both."""

    MATCHED = "matched"
    PRICED = "priced differently"
    KNOWN = "unconfirmed, now known"
    NOT_CHARGED = "unconfirmed, not on the bill"
    UNLOGGED = "on the bill, not in the ledger"
    MISSING = "in the ledger, not on the bill"
    OPEN = "on the bill, still open here"
    CREDIT = "credit"


SETTLED = frozenset({Kind.MATCHED, Kind.CREDIT})
"""Where nothing is left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One charge of the bill, one attempt of the ledger, or both together.

    ``by_id``: the vendor's request id says that they belong together, not only model, time and amount. ``bookable``:
    an adjustment would set it right.
    """

    kind: Kind
    charge: Charge | None = None
    attempt: BookedAttempt | None = None
    by_id: bool = False
    bookable: bool = False

    @property
    def billed_nusd(self) -> int:
        """What the bill charges."""
        return self.charge.amount_nusd if self.charge else 0

    @property
    def booked_nusd(self) -> int:
        """What the ledger charges."""
        return self.attempt.charged_nusd if self.attempt else 0

    @property
    def difference_nusd(self) -> int:
        """How much more the bill charges than the ledger."""
        return self.billed_nusd - self.booked_nusd


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time a bill covers, ``[since, until)``. ``complete``: it lists every charge of that time."""

    since: datetime
    until: datetime
    complete: bool = False

    def holds(self, attempt: BookedAttempt, spare: timedelta = timedelta(0)) -> bool:
        """Tell whether an attempt began and ended inside, this far from both ends."""
        return self.since <= attempt.start - spare and (attempt.end or attempt.start) + spare < self.until


def reconcile(
    lines: Iterable[BillLine], attempts: Sequence[BookedAttempt], period: Period, slack: timedelta
) -> tuple[Finding, ...]:
    """Compare a bill's lines with attempts of the same vendor; findings come in order of time.

    ``attempts`` may reach beyond the period: a charge near its ends may be theirs. Every charge and every attempt is in
    one finding at most; attempts that cost nothing, or lie outside the period without a charge, are in none.
    ``slack`` is how far the vendor's clock may be from ours.
    """
    charges = charges_of(lines)
    refunds = [charge for charge in charges if charge.amount_nusd < 0]
    by_id, charges, rest = pair_by_id([charge for charge in charges if charge.amount_nusd >= 0], attempts)
    by_time = pair_by_time(charges, rest, slack)
    paired = {attempt.id for _, attempt in by_time}
    taken = {charge.name for charge, _ in by_time}
    findings = [
        *(_pair_finding(pair, by_id=True) for pair in by_id),
        *(_pair_finding(pair, by_id=False) for pair in by_time),
        *(
            Finding(kind=Kind.UNLOGGED, charge=charge)
            for charge in charges
            if charge.name not in taken and charge.amount_nusd
        ),
    ]
    doubtful = _Doubtful([each.charge for each in findings if each.charge and _in_doubt(each)], slack)
    findings += [
        *(Finding(kind=Kind.CREDIT, charge=charge) for charge in refunds),
        *(
            _left_over(attempt, period, slack, doubtful)
            for attempt in rest
            if attempt.id not in paired and _charged(attempt) and period.holds(attempt)
        ),
    ]
    return tuple(sorted(findings, key=_when))


def adjustments_for(findings: Iterable[Finding], bill: str, at: datetime) -> list[Adjustment]:
    """Word the entries that set right what can be set right; ``bill`` names the file, ``at`` is now."""
    made = []
    for finding in findings:
        if not finding.bookable or finding.attempt is None:
            continue
        charge = finding.charge
        places = ", ".join(charge.places) if charge else ""
        made.append(
            Adjustment(
                reservation_id=finding.attempt.id,
                at=at,
                cost_nusd=finding.billed_nusd,
                reason=f"the vendor's bill, {places}" if charge else f"not on the vendor's bill {bill}",
                # A line without the vendor's id is remembered by its own name: read again, it is this attempt's again.
                vendor_request_id=charge.name if charge else "",
            )
        )
    return made


def _charged(attempt: BookedAttempt) -> bool:
    return bool(attempt.charged_nusd) or attempt.unconfirmed


def _when(finding: Finding) -> tuple[datetime, str]:
    if finding.attempt:
        return finding.attempt.start, finding.attempt.id
    assert finding.charge is not None  # noqa: S101 - a finding is about something
    return finding.charge.start or _NEVER, finding.charge.name


def _pair_finding(pair: Pair, *, by_id: bool) -> Finding:
    charge, attempt = pair
    if attempt.end is None:
        return Finding(kind=Kind.OPEN, charge=charge, attempt=attempt, by_id=by_id)
    same = charge.amount_nusd == attempt.charged_nusd
    if same and not attempt.unconfirmed:
        return Finding(kind=Kind.MATCHED, charge=charge, attempt=attempt, by_id=by_id)
    kind = Kind.KNOWN if attempt.unconfirmed else Kind.PRICED
    # What is only near in time may be somebody else's. It is taken for what nobody knows yet, and up to the quote, the
    # most a call can cost; what is known already gives way to the vendor's id alone.
    bookable = by_id or (attempt.unconfirmed and charge.amount_nusd <= attempt.held_nusd)
    return Finding(kind=kind, charge=charge, attempt=attempt, by_id=by_id, bookable=bookable)


def _in_doubt(finding: Finding) -> bool:
    """Tell whether nobody can be sure whose charge this is."""
    return finding.kind is Kind.UNLOGGED or (
        finding.kind in {Kind.PRICED, Kind.KNOWN} and not finding.by_id and not finding.bookable
    )


def _left_over(attempt: BookedAttempt, period: Period, slack: timedelta, doubtful: _Doubtful) -> Finding:
    if not attempt.unconfirmed:
        return Finding(kind=Kind.MISSING, attempt=attempt)
    # Near the ends its charge may stand on the bill before, or on the next one.
    bookable = period.complete and period.holds(attempt, slack) and not doubtful.may_hold(attempt)
    return Finding(kind=Kind.NOT_CHARGED, attempt=attempt, bookable=bookable)


class _Doubtful:
    """When, and for which models, the bill charges what nobody can be sure of: a sum of several calls, perhaps."""

    def __init__(self, charges: Sequence[Charge], slack: timedelta) -> None:
        self._always = frozenset(charge.model for charge in charges if charge.start is None)
        spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        for charge in sorted(charges, key=lambda charge: charge.start or _NEVER):
            if charge.start is None or charge.end is None:
                continue
            start, end = charge.start - slack, charge.end + slack
            same = spans[charge.model]
            if same and start <= same[-1][1]:
                start, end = same[-1][0], max(end, same.pop()[1])
            same.append((start, end))
        self._spans = spans

    def may_hold(self, attempt: BookedAttempt) -> bool:
        """Tell whether one of them may be, or hold, this attempt's charge."""
        models = attempt.model_key, ""
        if any(model in self._always for model in models):
            return True
        for model in models:
            spans = self._spans.get(model, [])
            place = bisect_right(spans, attempt.end or attempt.start, key=itemgetter(0)) - 1
            if place >= 0 and spans[place][1] >= attempt.start:
                return True
        return False


# --- Sums of days -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One day and model: what the vendor charged and what the ledger did, of it ``unconfirmed_nusd``."""

    day: date
    model: str
    billed_nusd: int = 0
    booked_nusd: int = 0
    unconfirmed_nusd: int = 0

    @property
    def difference_nusd(self) -> int:
        """How much more the vendor charged than the ledger."""
        return self.billed_nusd - self.booked_nusd


def compare_days(costs: Iterable[DayCost], attempts: Iterable[BookedAttempt]) -> tuple[DayRow, ...]:
    """Set a vendor's sums beside the ledger's, by UTC day and model; an attempt counts on the day it was sent."""
    billed: dict[tuple[date, str], int] = defaultdict(int)
    booked: dict[tuple[date, str], int] = defaultdict(int)
    unconfirmed: dict[tuple[date, str], int] = defaultdict(int)
    for cost in costs:
        billed[cost.day, model_key(cost.model)] += cost.amount_nusd
    for attempt in attempts:
        key = attempt.start.astimezone(UTC).date(), attempt.model_key
        booked[key] += attempt.charged_nusd
        unconfirmed[key] += attempt.charged_nusd if attempt.unconfirmed else 0
    rows = (
        DayRow(
            day=day,
            model=model,
            billed_nusd=billed.get((day, model), 0),
            booked_nusd=booked.get((day, model), 0),
            unconfirmed_nusd=unconfirmed.get((day, model), 0),
        )
        for day, model in sorted(billed.keys() | booked.keys())
    )
    return tuple(row for row in rows if row.billed_nusd or row.booked_nusd)
