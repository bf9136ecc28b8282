"""The ledger against a vendor's bill, and what is unconfirmed: as tables and as data."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

from routing.core.money import NUSD_PER_USD, usd_text
from routing.core.reconciliation import SETTLED, Kind
from routing.reports.amounts import DECIMALS_AT_LEAST, NUSD_EXPONENT, exact_usd
from routing.reports.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from routing.core.matching import BookedAttempt
    from routing.core.reconciliation import DayRow, Finding

DETAILS_AT_MOST = 20
"""How many findings of a kind a table lists; the data have all."""

PLACES_AT_MOST = 3
HINTS = {
    Kind.PRICED: "the vendor charged another price; is ours out of date? `prices:` in router.yaml corrects it",
    Kind.KNOWN: "what they did cost is on the bill",
    Kind.NOT_CHARGED: "they were free, if the bill lists every charge of its time: --complete says that it does",
    Kind.UNLOGGED: "bought with this account, but not through this ledger",
    Kind.MISSING: "is this the whole bill, and of the right account?",
    Kind.OPEN: "they have not ended here: ask again later",
}
"""What a kind of finding asks of its reader."""

_BILLED, _BOOKED, _DIFFERENCE = map(attrgetter, ("billed_nusd", "booked_nusd", "difference_nusd"))
_UNCONFIRMED = attrgetter("unconfirmed_nusd")
"""Amounts of a finding or of a day's row."""

_TOLD_APART = {True: "by request id", False: "by time"}
ONLY_BY_TIME = "by time alone: not booked"


# --- A bill -----------------------------------------------------------------------------------------------------------


def findings_table(findings: Sequence[Finding]) -> Sheet:
    """Lay out what was found: how many of each kind, and both sides of it, to the nano-dollar; credits stand apart."""
    findings = [each for each in findings if each.kind is not Kind.CREDIT]
    kinds = [kind for kind in Kind if any(each.kind is kind for each in findings)]
    groups = [[each for each in findings if each.kind is kind] for kind in kinds]
    columns = [
        exact_column([*(sum(amount(each) for each in group) for group in groups), sum(map(amount, findings))])
        for amount in (_BILLED, _BOOKED, _DIFFERENCE)
    ]
    rows = [
        (kind.value, f"{len(group):,}", *amounts)
        for kind, group, *amounts in zip(kinds, groups, *(column[:-1] for column in columns), strict=True)
    ]
    return Sheet(
        columns=("found", "calls", "billed", "booked", "difference"),
        rows=tuple(rows),
        total=("total", f"{len(findings):,}", *(column[-1] for column in columns)),
    )


def details(findings: Sequence[Finding]) -> list[tuple[str, Sheet, int]]:
    """List the findings that need a look: each kind and what it asks, its first ones, and how many more there are."""
    told = []
    for kind in Kind:
        group = [each for each in findings if each.kind is kind]
        if kind in SETTLED or not group:
            continue
        shown = group[:DETAILS_AT_MOST]
        amounts = zip(*(exact_column(map(amount, shown)) for amount in (_BILLED, _BOOKED, _DIFFERENCE)), strict=True)
        rows = tuple((*_named(each), *row, _where(each)) for each, row in zip(shown, amounts, strict=True))
        columns = ("attempt", "at", "model", "billed", "booked", "difference", "on the bill")
        told.append((f"{kind.value}: {HINTS[kind]}", Sheet(columns=columns, rows=rows), len(group) - len(shown)))
    return told


def findings_json(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """Plain values of every finding that is not simply right."""
    return [
        {
            "kind": each.kind.value,
            "attempt": each.attempt.id if each.attempt else None,
            "deployment": each.attempt.deployment if each.attempt else None,
            "model": each.attempt.model if each.attempt else each.charge.model if each.charge else None,
            "at": _json_moment(each.attempt.start if each.attempt else each.charge.start if each.charge else None),
            "billed_usd": usd_text(each.billed_nusd) if each.charge else None,
            "booked_usd": usd_text(each.booked_nusd) if each.attempt else None,
            "difference_usd": usd_text(each.difference_nusd),
            "on_the_bill": list(each.charge.places) if each.charge else [],
            "by": ("request_id" if each.by_id else "time") if each.charge and each.attempt else None,
            "bookable": each.bookable,
        }
        for each in findings
        if each.kind is not Kind.MATCHED
    ]


def totals_json(findings: Sequence[Finding]) -> dict[str, object]:
    """Plain values of both sides, of credits apart, and how many findings there are of each kind."""
    counted = Counter(each.kind for each in findings)
    credited = credits_of(findings)
    findings = [each for each in findings if each.kind is not Kind.CREDIT]
    return {
        "billed_usd": usd_text(sum(map(_BILLED, findings))),
        "booked_usd": usd_text(sum(map(_BOOKED, findings))),
        "difference_usd": usd_text(sum(map(_DIFFERENCE, findings))),
        "credits_usd": usd_text(credited),
        "calls": {kind.value: counted[kind] for kind in Kind},
    }


def credits_of(findings: Iterable[Finding]) -> int:
    """Add up the credits that belong to no call, as a negative amount."""
    return sum(each.billed_nusd for each in findings if each.kind is Kind.CREDIT)


def _named(finding: Finding) -> tuple[str, str, str]:
    if finding.attempt:
        return finding.attempt.id, _moment(finding.attempt.start), finding.attempt.model
    charge = finding.charge
    return "-", _moment(charge.start if charge else None), charge.model or "-" if charge else "-"


def _where(finding: Finding) -> str:
    if finding.charge is None:
        return "-"
    places = finding.charge.places
    more = f" and {len(places) - PLACES_AT_MOST} more" if len(places) > PLACES_AT_MOST else ""
    told = f"{', '.join(places[:PLACES_AT_MOST])}{more}"
    if finding.attempt is None:
        return told
    weak = finding.kind in {Kind.KNOWN, Kind.PRICED} and not finding.bookable
    return f"{told}, {ONLY_BY_TIME if weak else _TOLD_APART[finding.by_id]}"


# --- Sums of days -----------------------------------------------------------------------------------------------------


def days_table(rows: Sequence[DayRow]) -> Sheet:
    """Lay out the vendor's sums beside the ledger's, a row for each day and model."""
    columns = [
        exact_column([*(amount(row) for row in rows), sum(amount(row) for row in rows)])
        for amount in (_BILLED, _BOOKED, _UNCONFIRMED, _DIFFERENCE)
    ]
    return Sheet(
        columns=("day", "model", "billed", "booked", "unconfirmed", "difference"),
        rows=tuple(
            (row.day.isoformat(), row.model, *amounts)
            for row, *amounts in zip(rows, *(column[:-1] for column in columns), strict=True)
        ),
        total=("total", "", *(column[-1] for column in columns)),
    )


def days_json(rows: Iterable[DayRow]) -> list[dict[str, object]]:
    """Plain values of every day and model."""
    return [
        {
            "day": row.day.isoformat(),
            "model": row.model,
            "billed_usd": usd_text(row.billed_nusd),
            "booked_usd": usd_text(row.booked_nusd),
            "unconfirmed_usd": usd_text(row.unconfirmed_nusd),
            "difference_usd": usd_text(row.difference_nusd),
        }
        for row in rows
    ]


# --- What is unconfirmed ----------------------------------------------------------------------------------------------


def unconfirmed_table(attempts: Sequence[BookedAttempt]) -> Sheet:
    """Lay out charges that nobody knows yet to be true, oldest first."""
    charged = exact_column([*(each.charged_nusd for each in attempts), sum(each.charged_nusd for each in attempts)])
    return Sheet(
        columns=("attempt", "at", "deployment", "model", "charged", "why"),
        rows=tuple(
            (each.id, _moment(each.start), each.deployment, each.model, amount, each.reason or "-")
            for each, amount in zip(attempts, charged[:-1], strict=True)
        ),
        total=("total", "", "", "", charged[-1], ""),
    )


def unconfirmed_json(attempts: Sequence[BookedAttempt]) -> dict[str, object]:
    """Plain values of them, and their sum."""
    rows = [
        {
            "attempt": each.id,
            "at": _json_moment(each.start),
            "deployment": each.deployment,
            "model": each.model,
            "charged_usd": usd_text(each.charged_nusd),
            "reason": each.reason,
        }
        for each in attempts
    ]
    return {"rows": rows, "total_usd": usd_text(sum(each.charged_nusd for each in attempts))}


def exact_column(amounts: Iterable[int]) -> list[str]:
    """Write amounts exactly, with as many decimals as the finest of them needs, so that their points align."""
    amounts = list(amounts)
    decimals = max((_decimals(nusd) for nusd in amounts), default=DECIMALS_AT_LEAST)
    return [_exact(nusd, decimals) for nusd in amounts]


def _decimals(nusd: int) -> int:
    digits = f"{abs(nusd) % NUSD_PER_USD:0{NUSD_EXPONENT}d}".rstrip("0")
    return max(DECIMALS_AT_LEAST, len(digits))


def _exact(nusd: int, decimals: int) -> str:
    whole, rest = divmod(abs(nusd), NUSD_PER_USD)
    return f"{'-' if nusd < 0 else ''}${whole:,}.{f'{rest:0{NUSD_EXPONENT}d}'[:decimals]}"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "-"


def _json_moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def corrected(before_nusd: int, after_nusd: int) -> str:
    """Say a correction in a few words: ``$0.22 -> $0.2107``."""
    return f"{exact_usd(before_nusd)} -> {exact_usd(after_nusd)}"
