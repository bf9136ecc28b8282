"""Seals of every store: what was edited or deleted is found, by whoever has the key."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from routing.core.entries import Adjustment
from routing.errors import LedgerUnavailable
from routing.ledger import seals
from tests.ledger.purchases import DECEMBER, NOON, a_raise, buy, cache_hit, claim, record, reservation, settle
from tests.ledger.shelves import SHELVES, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.ledger.base import Store

KEY = b"a key of the tests"
SEALED = "sealed on 2026-12-01 00:00"


@pytest.fixture
def few_rows_a_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "ROWS_AT_MOST", 4)


def fill(ledger: Store) -> None:
    """Entries 1 to 9 of four requests, and two raises."""
    labels = {"tags": {"kind": "poster", "campaign": "весна"}, "asset": "poster-7", "deadline_s": 1.5}
    buy(ledger, "a", 30, claim("month", 1000), claim("campaign", 1000, scope="spring"), labels=labels)
    buy(ledger, "b", 20, claim("month", 1000))
    ledger.adjust(Adjustment(reservation_id="b/1", at=NOON + timedelta(days=1), cost_nusd=25, reason="the bill"))
    ledger.record_cached(record("c"), cache_hit("c"))
    ledger.reserve(record("d"), [reservation(7, claim("month", 1000), request_id="d")])
    ledger.resolve(settle("d/1", 7))
    ledger.reserve(record("open"), [reservation(5, claim("month", 1000), request_id="open")])
    ledger.raise_budget(a_raise(50))
    ledger.raise_budget(a_raise(70))


def differences(ledger: Store, key: bytes = KEY, expect: str = "") -> tuple[str, ...]:
    return ledger.check_seals(key, expect=expect).differences


# --- Sealing ----------------------------------------------------------------------------------------------------------


def test_what_is_sealed_is_checked_and_only_what_is_new_is_sealed(ledger: Store) -> None:
    assert ledger.check_seals(KEY).newest is None
    fill(ledger)
    rows, newest = ledger.seal(KEY, DECEMBER)
    assert rows == 11
    assert ledger.seal(KEY, DECEMBER) == (0, newest)
    found = ledger.check_seals(KEY)
    assert found.newest == newest
    assert (found.seals, found.entries, found.raises, found.differences) == (2, 9, 2, ())
    buy(ledger, "later", 1)
    assert ledger.seal(KEY, DECEMBER)[0] == 2
    found = ledger.check_seals(KEY)
    assert found.newest is not None
    assert (found.seals, found.entries, found.raises, found.differences) == (3, 11, 2, ())
    assert (found.newest.id, found.newest.first_seq, found.newest.last_seq) == (3, 10, 11)


@pytest.mark.usefixtures("few_rows_a_seal")
def test_many_rows_have_a_seal_for_every_few(ledger: Store) -> None:
    for number in range(90):
        buy(ledger, f"r{number}", 1)
    ledger.raise_budget(a_raise())
    assert ledger.seal(KEY, DECEMBER)[0] == 181
    found = ledger.check_seals(KEY)
    assert (found.seals, found.entries, found.raises, found.differences) == (46, 180, 1, ())


def test_an_empty_ledger_has_nothing_to_seal(ledger: Store) -> None:
    assert ledger.seal(KEY, DECEMBER) == (0, None)
    found = ledger.check_seals(KEY)
    assert (found.seals, found.newest, found.differences) == (0, None, ())


def test_two_who_seal_at_once_make_one_chain(shelf: Shelf) -> None:
    first, second = shelf.open(), shelf.open()
    fill(first)
    entered: list[int] = []

    @contextmanager
    def seal_in_between() -> Iterator[object]:
        with second._reader.reading() as cursor:  # type: ignore[attr-defined]  # every store has one
            yield cursor
        if len(entered) == 1:  # the other has made its seal and not written it yet
            assert first.seal(KEY, DECEMBER)[0] == 11
        entered.append(1)

    run = second._run_alone  # type: ignore[attr-defined]  # the same
    assert seals.seal_what_is_new(seal_in_between, run, KEY, DECEMBER)[0] == 0  # type: ignore[arg-type]  # a cursor is lent
    found = first.check_seals(KEY)
    assert (found.seals, found.entries, found.differences) == (2, 9, ())


def test_every_store_makes_the_same_seal(tmp_path: Path) -> None:
    digests = set()
    for name, make in SHELVES.items():
        shelf = make(tmp_path)
        try:
            ledger = shelf.open()
            fill(ledger)
            _, newest = ledger.seal(KEY, DECEMBER)
            assert newest is not None, name
            digests.add(newest.digest)
        finally:
            shelf.close()
    # Written down: of another digest every older ledger would say that it was edited.
    assert digests == {"32dc4649562d38410ea01f92e716d807b785ef5b8d6a1e92fe8420d5bd7075bb"}


# --- What is found ----------------------------------------------------------------------------------------------------

EDITS = {
    "the hold of what has ended": "UPDATE entries SET amount_nusd = 31 WHERE seq = 1",
    "a charge": "UPDATE entries SET amount_nusd = 29 WHERE seq = 2",
    "a time": "UPDATE entries SET at = at - 1 WHERE seq = 2",
    "a model": "UPDATE entries SET model = 'other' WHERE seq = 2",
    "a reason": "UPDATE entries SET reason = '' WHERE seq = 5",
    "a picture": "UPDATE entries SET picture_key = 'another' WHERE seq = 1",
    "the vendor's id": "UPDATE entries SET vendor_request_id = 'x' WHERE seq = 2",
    "nothing becomes empty": "UPDATE entries SET quality = '' WHERE seq = 6",
    "which counters": "UPDATE entries SET counters = '[1]' WHERE seq = 1",
    "the name of a counter": "UPDATE counters SET scope = 'winter' WHERE budget = 'campaign'",
    "whose request": "UPDATE entries SET request = 2 WHERE seq = 6",
    "an importance": "UPDATE requests SET importance = 'final' WHERE request_id = 'a'",
    "an asset": "UPDATE requests SET asset = NULL WHERE request_id = 'a'",
    "tags": """UPDATE requests SET tags = '{"kind":"poster"}' WHERE request_id = 'a'""",
    "features": "UPDATE requests SET features = '{}' WHERE request_id = 'a'",
    "a request's id": "UPDATE requests SET request_id = 'z' WHERE request_id = 'a'",
    "broken tags": "UPDATE requests SET tags = '[]' WHERE request_id = 'a'",
}


@pytest.mark.parametrize("statement", EDITS.values(), ids=EDITS)
@pytest.mark.usefixtures("few_rows_a_seal")
def test_one_edited_row_is_told_once_with_where_it_is(shelf: Shelf, ledger: Store, statement: str) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    shelf.tamper(statement)
    (told,) = differences(ledger)
    assert told in {
        f"entries {numbers}, {SEALED}: one of them or of their requests was edited" for numbers in ("1 to 4", "5 to 8")
    }


def test_the_words_of_a_prompt_may_be_deleted(shelf: Shelf, ledger: Store) -> None:
    buy(ledger, "a", 30, labels={"prompt": "a fox"})
    buy(ledger, "b", 30, labels={"prompt": "a badger"})
    ledger.seal(KEY, DECEMBER)
    shelf.tamper("UPDATE requests SET prompt = NULL")
    assert differences(ledger) == ()


@pytest.mark.usefixtures("few_rows_a_seal")
def test_deleted_and_added_rows_are_told_by_their_numbers(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    shelf.tamper("DELETE FROM entries WHERE seq IN (2, 3)", "DELETE FROM raises WHERE by_nusd = 70")
    assert differences(ledger) == (
        f"entries 1 to 4, {SEALED}: 2 of them missing (2, 3)",
        f"raises 1 to 2, {SEALED}: 1 of them missing (2)",
    )


def test_a_row_that_was_put_where_one_was_deleted_is_found(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    shelf.tamper("UPDATE raises SET by_nusd = 500 WHERE by_nusd = 50")
    assert differences(ledger) == (f"raises 1 to 2, {SEALED}: one of them was edited",)


@pytest.mark.usefixtures("few_rows_a_seal")
def test_a_seal_that_was_edited_or_deleted_is_found(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    shelf.tamper("UPDATE seals SET rows_sealed = 3 WHERE id = 2")
    assert differences(ledger) == (f"entries 5 to 8, {SEALED}: there are 4 of them, 3 were sealed",)
    shelf.tamper("DELETE FROM seals WHERE id = 2")
    assert differences(ledger) == ("seal 2 is missing: what stood under it cannot be checked",)
    shelf.tamper("DELETE FROM seals WHERE id = 3")
    assert differences(ledger) == ("seals 2 to 3 are missing: what stood under them cannot be checked",)


def test_seals_are_kept_by_the_database(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    for statement in ("DELETE FROM seals", "UPDATE seals SET digest = ''"):
        with pytest.raises(LedgerUnavailable, match="seals are never"):
            shelf.attempt(statement)


def test_a_tail_that_was_cut_is_found_by_who_noted_a_seal(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    buy(ledger, "late", 9)
    _, newest = ledger.seal(KEY, DECEMBER)
    assert newest is not None
    noted = newest.digest[:16]
    buy(ledger, "later", 9)
    assert differences(ledger, expect=noted) == ()
    shelf.tamper("DELETE FROM entries WHERE seq > 9", "DELETE FROM requests WHERE request_id LIKE 'late%'",
                 "DELETE FROM seals WHERE id = 3")  # fmt: skip
    assert ledger.verify().differences == differences(ledger) == ()
    assert differences(ledger, expect=noted) == (
        f"no sound seal begins with {noted}: the ledger was cut, or sealed anew",
    )
    assert differences(ledger, expect=noted.upper()) != ()


def test_a_seal_that_no_longer_fits_is_not_the_one_that_was_noted(shelf: Shelf, ledger: Store) -> None:
    fill(ledger)
    _, newest = ledger.seal(KEY, DECEMBER)
    assert newest is not None
    shelf.tamper("UPDATE raises SET by_nusd = 500 WHERE by_nusd = 50")
    assert len(differences(ledger, expect=newest.digest)) == 2


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_a_key_that_fits_nothing_is_asked_about(ledger: Store) -> None:
    fill(ledger)
    ledger.seal(KEY, DECEMBER)
    told = "none of 2 seals fits this key: is it the key they were made with?"
    assert differences(ledger, b"another key of the tests") == (told,)


def test_of_a_single_seal_nobody_knows_whether_it_is_the_key_or_an_edit(ledger: Store) -> None:
    buy(ledger, "a", 30)
    ledger.seal(KEY, DECEMBER)
    (told,) = differences(ledger, b"another key of the tests")
    assert told == (
        f"entries 1 to 2, {SEALED}: one of them or of their requests was edited,"
        " or is this not the key it was sealed with?"
    )
