"""What every store promises about cached answers and entries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Balance, EntryKind, fold
from routing.core.spend import SpendQuery
from routing.errors import BudgetExceeded, LedgerUnavailable, RequestIdReused
from tests.ledger.purchases import (
    NOVEMBER,
    adjustment,
    buy,
    cache_hit,
    claim,
    record,
    reservation,
)

if TYPE_CHECKING:
    from routing.ledger.base import Store
    from tests.ledger.shelves import Shelf


# --- Cached answers ---------------------------------------------------------------------------------------------------


def test_a_cached_answer_is_written_and_charges_nothing(ledger: Store) -> None:
    ledger.record_cached(record(), cache_hit(saved=40))
    history = ledger.history("poster")
    assert history is not None
    assert history.attempts == ()
    (entry,) = history.cached
    assert (entry.kind, entry.amount_nusd, entry.picture_key) == (EntryKind.CACHED, 40, "picture")
    assert ledger.verify().spent_nusd == 0


def test_a_cached_answer_may_not_take_the_id_of_another_request(ledger: Store) -> None:
    buy(ledger, "poster", 1)
    with pytest.raises(RequestIdReused):
        ledger.record_cached(record(fingerprint="another"), cache_hit())
    ledger.record_cached(record(), cache_hit())


def test_an_answer_from_the_cache_is_booked_once(ledger: Store) -> None:
    for saved in (40, 41):
        ledger.record_cached(record(), cache_hit(saved=saved))
    ledger.record_cached(record(), cache_hit(picture_key="another"))
    ledger.record_cached(record("banner"), cache_hit("banner"))
    assert [(entry.request_id, entry.picture_key, entry.amount_nusd) for entry in ledger.entries()] == [
        ("poster", "picture", 40),
        ("poster", "another", 40),
        ("banner", "picture", 40),
    ]
    (row,) = ledger.spend(SpendQuery(by=()))
    assert (row.requests, row.cached, row.images, row.saved) == (2, 3, 3, 120)
    assert ledger.verify().differences == ()


def test_an_answer_that_a_hundred_book_at_once_is_booked_once(ledger: Store) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: ledger.record_cached(record(), cache_hit()), range(100)))
    assert [entry.seq for entry in ledger.entries()] == [1]


def test_the_database_itself_refuses_a_second_answer(shelf: Shelf) -> None:
    ledger = shelf.open()
    ledger.record_cached(record(), cache_hit())
    columns = "request, kind, at, amount_nusd, deployment, model, size, unconfirmed, overrun, images, reason"
    columns += ", picture_key, vendor_request_id"
    again = f"INSERT INTO entries (seq, {columns}) SELECT 2, {columns} FROM entries"  # noqa: S608 - columns of ours
    with pytest.raises(LedgerUnavailable, match="an answer from the cache is written once"):
        shelf.attempt(again)
    assert len(list(ledger.entries())) == 1


# --- Entries ----------------------------------------------------------------------------------------------------------


def test_entries_fold_to_the_balances(ledger: Store) -> None:
    month, campaign = claim("month", 1000), claim("campaign", 1000, scope="spring")
    buy(ledger, "a", 30, month, campaign)
    ledger.reserve(record("b"), [reservation(20, month, request_id="b")])
    ledger.record_cached(record("c"), cache_hit("c"))
    buy(ledger, "poster", 7, campaign)
    ledger.adjust(adjustment(10))
    folded = fold(ledger.entries())
    assert folded == {**ledger.balances("month", [NOVEMBER]), **ledger.balances("campaign", [NOVEMBER])}
    assert folded == {month.key: Balance(held_nusd=20, spent_nusd=30), campaign.key: Balance(spent_nusd=40)}


def test_entries_are_numbered_without_gaps_and_can_be_read_on(ledger: Store) -> None:
    for number in range(600):
        buy(ledger, str(number), 1)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(record("refused"), [reservation(2, claim("month", 1), request_id="refused")])
    buy(ledger, "after", 1)
    assert [entry.seq for entry in ledger.entries()] == list(range(1, 1203))
    assert [entry.seq for entry in ledger.entries(1199)] == [1200, 1201, 1202]
