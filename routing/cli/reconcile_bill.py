"""The ledger against a bill that was downloaded, line by line: what was found, and what is booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.opening import find_config
from routing.cli.options import echo_json
from routing.core.money import usd_text
from routing.errors import RequestError
from routing.reports.amounts import number_of

if TYPE_CHECKING:
    from pathlib import Path

    from routing.bills.files import BillFile
    from routing.cli.attempts import Seller
    from routing.core.bill import BillLine
    from routing.core.entries import Adjustment
    from routing.core.matching import BookedAttempt
    from routing.core.reconciliation import Finding, Period
    from routing.ledger.base import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BillAsked:
    """What was asked of a bill."""

    bill: Path
    choices: dict[str, str]
    provider: str | None
    bounds: tuple[datetime | None, datetime | None]
    complete: bool
    slack: timedelta
    apply: bool
    config: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it. ``booked`` were written, or would be with ``--apply``.

    ``changed`` are attempts that somebody else booked while the bill was compared: nothing was written for them.
    """

    file: BillFile
    seller: Seller
    period: Period
    outside: int
    findings: tuple[Finding, ...]
    booked: tuple[Adjustment, ...]
    changed: tuple[str, ...]
    applied: bool

    @property
    def agree(self) -> bool:
        """Tell whether nothing is left to do."""
        from routing.core.reconciliation import SETTLED

        return not self.changed and all(
            each.kind in SETTLED or (self.applied and each.bookable) for each in self.findings
        )


def reconcile_bill(asked: BillAsked, *, as_json: bool) -> bool:
    """Compare a file with the ledger, book what may be booked where that was asked, and tell all of it."""
    from routing.bills.files import read_bill
    from routing.cli.attempts import booked_attempts, read_sellers, whose_bill
    from routing.core.bill import model_key
    from routing.core.reconciliation import adjustments_for
    from routing.core.reconciliation import reconcile as compare

    file = read_bill(asked.bill, asked.choices)
    models = frozenset(model_key(line.model) for line in file.lines if line.model)
    seller = whose_bill(read_sellers(find_config(asked.config)), asked.provider, models)
    if asked.complete and not seller.name:
        raise RequestError(
            "no provider of router.yaml sells what this bill lists, so nobody can tell what it lacks: omit --complete"
        )
    period = bill_period(file, asked)
    lines = [line for line in file.lines if _inside(line, period)]
    with open_books(asked.config) as store:
        near = period.since - asked.slack, period.until + asked.slack
        attempts = list(booked_attempts(store, *near, seller)) if store else []
        findings = compare(lines, attempts, period, asked.slack)
        booked = adjustments_for(findings, file.name, datetime.now(UTC))
        changed: dict[str, None] = {}
        if asked.apply and store:
            known = {attempt.id: attempt for attempt in attempts}
            missed = [each for each in booked if not _book(store, each, known[each.reservation_id])]
            changed = dict.fromkeys(each.reservation_id for each in missed)
    outcome = Outcome(
        file=file,
        seller=seller,
        period=period,
        outside=len(file.lines) - len(lines),
        findings=findings,
        booked=tuple(each for each in booked if each.reservation_id not in changed),
        changed=tuple(changed),
        applied=asked.apply,
    )
    if as_json:
        echo_json(outcome_json(outcome))
    else:
        tell_outcome(outcome)
    return outcome.agree


def _book(store: Store, adjustment: Adjustment, compared: BookedAttempt) -> bool:
    """Book a correction, unless its attempt is no longer what was compared: its answer may have come since."""
    from routing.cli.attempts import as_booked

    history = store.history(adjustment.reservation_id.rpartition("/")[0])
    attempts = [as_booked(each, compared.vendor_model) for each in history.attempts] if history else []
    now = next((each for each in attempts if each.id == compared.id), None)
    if now != compared:
        return False
    store.adjust(adjustment)
    return True


def bill_period(file: BillFile, asked: BillAsked) -> Period:
    """Take the time a bill covers: as it was said, else from its first line to its last.

    Raises:
        RequestError: where neither tells.

    """
    from routing.core.reconciliation import Period

    since, until = asked.bounds
    first = since or min((line.start for line in file.lines if line.start), default=None)
    last = until or max((line.end + timedelta(microseconds=1) for line in file.lines if line.end), default=None)
    if first is None or last is None:
        raise RequestError(
            f"{file.name} does not say when: name its time with --since and --until, or a column with --column time=..."
        )
    if first >= last:
        raise RequestError(f"no line of {file.name} lies between {first:%Y-%m-%d %H:%M} and {last:%Y-%m-%d %H:%M}, UTC")
    return Period(since=first, until=last, complete=asked.complete)


def _inside(line: BillLine, period: Period) -> bool:
    return line.start is None or line.end is None or (line.start < period.until and line.end >= period.since)


def outcome_json(outcome: Outcome) -> dict[str, object]:
    """Plain values of all that was found and booked; what matched is counted only."""
    from routing.reports.bill import findings_json, totals_json

    return {
        "agree": outcome.agree,
        "bill": outcome.file.name,
        "provider": outcome.seller.name or None,
        "since": outcome.period.since.isoformat(),
        "until": outcome.period.until.isoformat(),
        "complete": outcome.period.complete,
        "columns": dict(outcome.file.columns.of),
        "lines": len(outcome.file.lines),
        "lines_outside": outcome.outside,
        "amounts_rounded": outcome.file.rounded,
        "totals": totals_json(outcome.findings),
        "applied": outcome.applied,
        "adjustments": [
            {"attempt": each.reservation_id, "cost_usd": usd_text(each.cost_nusd), "reason": each.reason}
            for each in outcome.booked
        ],
        "changed_meanwhile": list(outcome.changed),
        "findings": findings_json(outcome.findings),
    }


def tell_outcome(outcome: Outcome) -> None:
    """Say what was read, both sides, what needs a look, and what was or would be booked."""
    from routing.cli.screen import show
    from routing.reports.bill import details, findings_table

    file, period = outcome.file, outcome.period
    whose = outcome.seller.name or "no provider of router.yaml"
    click.echo(
        f"{file.name}: {number_of(len(file.lines), 'line')},"
        f" {period.since:%Y-%m-%d %H:%M} to {period.until:%Y-%m-%d %H:%M}, UTC;"
        f" compared with what was bought from {whose}"
    )
    click.echo(f"read as: {file.columns}")
    for remark in _remarks(outcome):
        click.echo(remark)
    click.echo("")
    show(findings_table(outcome.findings))
    for kind, sheet, more in details(outcome.findings):
        click.echo(f"\n{kind}")
        show(sheet)
        if more:
            click.echo(f"and {more:,} more: --json lists all")
    click.echo("\n" + _verdict(outcome))


def _remarks(outcome: Outcome) -> list[str]:
    from routing.reports.bill import credits_of

    told = []
    if outcome.outside:
        told.append(f"left out, since they lie outside this time: {number_of(outcome.outside, 'line')}")
    if outcome.file.rounded:
        told.append(f"rounded to the nano-dollar, each once: {number_of(outcome.file.rounded, 'amount')}")
    if credited := credits_of(outcome.findings):
        told.append(f"credits that belong to no call, and are not compared: ${usd_text(-credited)}")
    named = [each for each in outcome.findings if each.charge and each.charge.identified]
    if named and not any(each.by_id for each in named):
        told.append(
            "none of the bill's request ids is in the ledger: if they are of another kind, leave them out with"
            ' --column request_id=""'
        )
    return told


def _verdict(outcome: Outcome) -> str:
    from routing.core.reconciliation import SETTLED

    ids = {each.reservation_id for each in outcome.booked}
    changes = sum(
        each.difference_nusd for each in outcome.findings if each.bookable and each.attempt and each.attempt.id in ids
    )
    left = sum(1 for each in outcome.findings if each.kind not in SETTLED and not each.bookable)
    told = []
    if outcome.booked:
        entries = number_of(len(outcome.booked), "correction")
        sign = "-" if changes < 0 else "+"
        amount = f"{sign}${usd_text(abs(changes))} in all"
        told.append(f"booked {entries}, {amount}" if outcome.applied else f"--apply would book {entries}, {amount}")
    if outcome.changed:
        told.append(
            f"not booked, since they changed meanwhile: {number_of(len(outcome.changed), 'call')}; run it again"
        )
    if left:
        told.append(f"{left:,} {'needs' if left == 1 else 'need'} a look: nothing is booked for them")
    return "\n".join(told) or "the ledger agrees with the bill"
