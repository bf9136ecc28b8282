"""A ledger with requests of long ago, some of which may be moved to a file, and how tests move them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from routing.core.spend import DIMENSIONS, SpendQuery
from routing.ledger.spend import IN_NO_SUM
from tests.ledger.purchases import DECEMBER, adjustment, buy, cache_hit, claim, record, release, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from routing.core.spend import SpendRow
    from routing.ledger.base import Archive, Store

OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
BY = (*sorted({*DIMENSIONS} - IN_NO_SUM | {"asset"}), "campaign")
STEPS = ("beginning", "claiming", "writing", "checking", "naming", "describing", "removing", "removed some", "done")


class Interrupted(Exception):
    """Somebody pulled the plug."""


def fill(ledger: Store) -> None:
    """Six requests of October of which everything is over, four that must stay, and one of November."""
    month, spring = claim("month", 10_000, start=OCTOBER), claim("campaign", 10_000, scope="spring", start=OCTOBER)
    labels = {"tags": {"campaign": "spring", "kind": '=1+1,"\n'}, "asset": "-poster"}
    for number in range(3):
        at = OCTOBER + timedelta(days=9 * number, hours=7)
        buy(ledger, f"old{number}", 30 + number, month, spring, at=at, labels={**labels, "prompt": "a fox"})
    ledger.record_cached(record("hit", at=LONG_AGO), cache_hit("hit", at=LONG_AGO, quality="low"))
    buy(ledger, "corrected", 50, month, at=OCTOBER)
    ledger.adjust(adjustment(20, "corrected/1", at=LONG_AGO))
    ledger.reserve(record("released", at=OCTOBER), [reservation(9, month, request_id="released", at=OCTOBER)])
    ledger.resolve(release("released/1", at=OCTOBER))
    # A hold that is open, a charge in doubt, an end that came later, a correction that came later.
    ledger.reserve(record("open", at=OCTOBER), [reservation(5, month, request_id="open", at=OCTOBER)])
    ledger.reserve(record("doubt", at=OCTOBER), [reservation(6, month, request_id="doubt", at=OCTOBER)])
    ledger.resolve(settle("doubt/1", 6, at=OCTOBER, unconfirmed=True))
    ledger.reserve(record("slow", at=LONG_AGO), [reservation(7, spring, request_id="slow", at=LONG_AGO)])
    ledger.resolve(settle("slow/1", 7, at=NOVEMBER))
    buy(ledger, "late bill", 8, month, at=LONG_AGO)
    ledger.adjust(adjustment(9, "late bill/1", at=NOVEMBER))
    buy(ledger, "new", 70, claim("month", 10_000), at=NOVEMBER)


ARCHIVED = {"old0", "old1", "old2", "hit", "corrected", "released"}
KEPT = {"open", "doubt", "slow", "late bill", "new"}


def spends(ledger: Store, since: datetime | None = None, until: datetime | None = None) -> dict[str, list[SpendRow]]:
    return {name: ledger.spend(SpendQuery(by=(name,), since=since, until=until)) for name in BY}


def move(ledger: Store, file: Path, **different: Any) -> Archive:
    done = ledger.archive(NOVEMBER, file, DECEMBER, **different)
    assert done is not None
    return done


def stopping_at(stop: str) -> Callable[[str], None]:
    def watch(step: str) -> None:
        if step == stop:
            raise Interrupted

    return watch
