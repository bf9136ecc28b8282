"""Ledgers that version 1 wrote are opened by this one with everything that is in them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from routing.core.alerts import threshold_alert
from routing.core.entries import Balance, EntryKind
from routing.core.features import Features
from routing.core.picture import Size
from routing.core.request import Operation
from routing.errors import BudgetExceeded
from routing.ledger.queries import scripts
from tests.ledger.purchases import DECEMBER, NOON, NOVEMBER, buy, claim, settle
from tests.ledger.shelves import FileShelf, PostgresShelf, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = """
INSERT INTO requests VALUES
  (1, 'poster', 'same', 1795262400000, 'draft', 'final', 'drafts', 'default', 'edit', 'poster-7', NULL,
   '{"kind":"poster"}', 'hash', 40, 6, 2, 1, '1536x1024'),
  (2, 'open', 'same', 1795262400001, 'draft', NULL, 'drafts', 'default', 'generate', NULL, NULL, '{}',
   'hash', 10, 0, 1, 0, NULL);
INSERT INTO entries VALUES
  (1, 1, 1, 'reserve', 1795262400000, 70, 'flux', 'flux-1', '1024x1024', NULL, NULL, 0, 0, 2, NULL, '', 'key', '[1,2]'),
  (2, 1, 1, 'settle', 1795262400000, 60, 'flux', 'flux-1', '1024x1024', NULL, 'quoted', 1, 0, 2, '{"images":2}', 'late',
   '', NULL),
  (3, 2, 1, 'reserve', 1795262400001, 30, 'flux', 'flux-1', '1024x1024', NULL, NULL, 0, 0, 1, NULL, '', 'key', '[1]');
INSERT INTO holds VALUES ('open/1', 3, 1795263300000);
INSERT INTO counters VALUES
  (1, 'month', 1793491200000, '', '', 30, 60, 100, '[50,80]'),
  (2, 'campaign', 1793491200000, 'spring/весна', '', 0, 60, 100, '[50]');
"""

ALERTS = """
INSERT INTO alerts (counter, threshold_nusd, limit_nusd, spent_nusd, at, acknowledged) VALUES
  (1, 50, 100, 60, 1795262400000, 1), (2, 50, 100, 60, 1795262400000, 0);
"""


def version_one(shelf: FileShelf | PostgresShelf) -> None:
    (number, script), *_ = scripts("sqlite" if isinstance(shelf, FileShelf) else "postgres")
    assert number == 1
    if isinstance(shelf, FileShelf):
        connection = sqlite3.connect(shelf.path)
        connection.executescript(f"{script}{ROWS}{ALERTS}PRAGMA user_version = 1; PRAGMA application_id = 0x52544C47;")
        connection.close()
        return
    signed = "INSERT INTO ledger VALUES ('image-routing', 1)"
    shelf.tamper(f"CREATE SCHEMA {shelf.schema}", script, ROWS, ALERTS, signed, unlocked=False)


@pytest.fixture(params=[FileShelf, PostgresShelf])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    shelf = request.param(tmp_path)
    version_one(shelf)
    yield shelf
    shelf.close()


def test_an_old_ledger_keeps_its_money_and_goes_on(shelf: Shelf) -> None:
    store = shelf.open()
    assert store.verify().differences == ()
    (month,) = store.balances("month", [NOVEMBER]).values()
    assert (month, month.first_at) == (Balance(held_nusd=30, spent_nusd=60), NOON)
    store.resolve(settle("open/1", 25))
    buy(store, "new", 15, claim())
    with pytest.raises(BudgetExceeded):
        buy(store, "too much", 1, claim())
    assert [entry.kind for entry in store.entries()][:3] == [EntryKind.RESERVE, EntryKind.SETTLE, EntryKind.RESERVE]
    assert [attempt.cost_nusd for attempt in store.unconfirmed()] == [60]
    assert store.verify().differences == ()


def test_an_old_request_has_the_features_that_were_written_and_the_most_for_the_others(shelf: Shelf) -> None:
    store = shelf.open()
    poster, opened = (history.record.features for history in store.histories(NOVEMBER, DECEMBER))
    assert poster == Features(
        prompt_chars=40,
        prompt_bytes=160,
        text_chars=6,
        importance="final",
        operation=Operation.EDIT,
        tags={"kind": "poster"},
        size=Size(width=1536, height=1024),
        n=2,
        references=(Size(width=1024, height=1024),),
    )
    assert opened == Features(prompt_chars=10, prompt_bytes=40)
    buy(store, "new", 1)
    assert [past.partial for past in store.pasts(NOVEMBER, DECEMBER)] == [True, False, True]


def test_an_old_alert_is_told_unless_it_was_acknowledged_and_none_is_written_twice(shelf: Shelf) -> None:
    store = shelf.open()
    campaign = claim("campaign", scope="spring/весна").key
    expected = (threshold_alert(claim().key, 50, 100, 60, NOON), threshold_alert(campaign, 50, 100, 60, NOON))
    standings = store.alerts(NOVEMBER)
    assert tuple(standing.alert for standing in standings) == expected
    assert [standing.delivered for standing in standings] == [("log",), ()]
    assert [delivery.alert for delivery in store.claim_deliveries(["log"], NOON, DECEMBER)] == [expected[1]]
    store.resolve(settle("open/1", 30))
    assert [standing.alert.threshold_nusd for standing in store.alerts(NOVEMBER)] == [50, 50, 80]
