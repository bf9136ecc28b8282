"""What is read from a ledger for reports, also where old entries were archived."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from routing.core.spend import Period, SpendQuery, total_of
from routing.errors import RequestError
from routing.reading.paid import read_paid
from routing.reading.spending import (
    charges_of,
    files_missed,
    last_pictures,
    read_charges,
    read_spend,
)
from tests.ledger.shelves import fold
from tests.reports.ledgers import CENT, Happened, ledger

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import Store

OCTOBER, NOVEMBER = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = NOVEMBER + 20 * DAY


@pytest.fixture
def archived(tmp_path: Path) -> Store:
    """Six requests of October, a day each, of which five were moved to a file; the newest stays."""
    store = ledger(
        *(Happened(request_id=f"old{n}", at=OCTOBER + n * DAY, nusd=CENT, asset="poster") for n in range(5)),
        Happened(request_id="new", at=NOVEMBER + DAY, nusd=3 * CENT, asset="poster", parent="old1"),
    )
    fold(store)
    assert store.archive(NOVEMBER, tmp_path / "october.csv", NOW) is not None
    return store


def test_reports_by_time_still_have_what_was_archived_on_its_own_days(archived: Store) -> None:
    assert archived.first_at() == OCTOBER
    rows = read_spend(archived, SpendQuery(by=(), per=Period.DAY), NOW)
    assert [(row.period, row.spent) for row in rows] == [
        *((date(2026, 10, 1 + n), CENT) for n in range(5)), (date(2026, 11, 2), 3 * CENT),
    ]  # fmt: skip
    assert not files_missed(archived, SpendQuery(by=(), per=Period.DAY), NOW)


def test_it_is_known_which_reports_would_need_the_archive(archived: Store) -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")  # its days do not begin at whole hours in UTC
    for query in (SpendQuery(by=("request_id",)), SpendQuery(by=(), per=Period.DAY, zone=kathmandu)):
        assert files_missed(archived, query, NOW) == ("october.csv",)
    assert files_missed(archived, SpendQuery(by=("request_id",), since=NOVEMBER), NOW) == ()


def test_an_export_that_would_be_incomplete_is_refused_with_the_day_to_begin_with(archived: Store) -> None:
    with pytest.raises(RequestError, match=r"moved to october\.csv, .*: begin with 2026-11-01, or read the file"):
        list(read_charges(archived, None, None))
    with pytest.raises(RequestError, match="begin with 2026-11-01"):
        list(read_charges(archived, OCTOBER + timedelta(minutes=1), OCTOBER + timedelta(minutes=2)))
    (charge,) = read_charges(archived, NOVEMBER, None)
    assert charge.record.request_id == "new"


def test_an_empty_ledger_has_neither_a_beginning_nor_an_end() -> None:
    store = ledger()
    assert store.first_at() is None
    assert read_spend(store, SpendQuery(per=Period.DAY), NOW) == []
    assert list(read_charges(store, None, None)) == []


def test_a_charge_is_no_longer_unconfirmed_once_a_correction_has_said_so() -> None:
    store = ledger(
        Happened(request_id="said", at=NOVEMBER, end="unconfirmed", corrected_after=DAY, corrected_nusd=CENT),
        Happened(request_id="silent", at=NOVEMBER, end="unconfirmed"),
    )
    found = {charge.record.request_id: charge.unconfirmed for charge in read_charges(store, None, NOVEMBER + DAY)}
    assert found == {"said": False, "silent": True}


def test_a_correction_is_told_in_the_order_it_was_written_with_the_time_of_its_charge() -> None:
    store = ledger(Happened(request_id="r", at=NOVEMBER, corrected_after=DAY, corrected_nusd=CENT))
    history = store.history("r")
    assert history is not None
    charged, corrected = charges_of(history)
    assert charged.entry.seq < corrected.entry.seq
    assert charged.resolved_at == corrected.resolved_at == charged.entry.at
    assert (charged.charged_nusd, corrected.charged_nusd) == (5 * CENT, -4 * CENT)


def test_one_request_is_summed_up_with_its_failures() -> None:
    store = ledger(
        Happened(request_id="good", at=NOVEMBER, images=2),
        Happened(request_id="lost", at=NOVEMBER, end="unconfirmed"),
        Happened(request_id="again", at=NOVEMBER, end="cached"),
    )
    good, lost, again = read_paid(store, NOVEMBER, NOW)
    assert (good.images, good.spent_nusd, good.failed_nusd, str(good.size)) == (2, 5 * CENT, 0, "1024x1024")
    assert (lost.images, lost.failed_nusd, lost.unconfirmed_nusd, lost.size) == (0, 5 * CENT, 5 * CENT, None)
    assert (again.images, again.from_cache, again.spent_nusd, again.saved_nusd) == (0, 1, 0, 5 * CENT)


def test_what_was_made_from_a_request_is_found() -> None:
    store = ledger(
        Happened(request_id="draft", at=NOVEMBER),
        Happened(request_id="b", at=NOVEMBER + DAY, parent="draft"),
        Happened(request_id="a", at=NOVEMBER + DAY, parent="draft"),
        Happened(request_id="other", at=NOVEMBER + DAY, parent="b"),
    )
    assert store.children("draft") == ("a", "b")


def test_the_newest_picture_of_each_finished_asset_is_found() -> None:
    store = ledger(
        Happened(request_id="1", at=NOVEMBER, importance="final", asset="poster"),
        Happened(request_id="2", at=NOVEMBER + DAY, importance="final", asset="tin"),
        Happened(request_id="3", at=NOVEMBER + 2 * DAY, importance="final", asset="poster"),
        Happened(request_id="4", at=NOVEMBER + 3 * DAY, importance="draft", asset="cup"),
        Happened(request_id="5", at=NOVEMBER + 3 * DAY, importance="final", asset="sign", end="unconfirmed"),
        Happened(request_id="6", at=NOVEMBER + 3 * DAY, importance="final"),
    )
    assert [asset for asset, _ in last_pictures(store, NOVEMBER, NOW, "final", 9)] == ["tin", "poster"]
    assert [asset for asset, _ in last_pictures(store, NOVEMBER, NOW, "final", 1)] == ["poster"]


def test_a_total_is_the_same_however_it_is_cut(archived: Store) -> None:
    whole = total_of(archived.spend(SpendQuery(by=())))
    for per in Period:
        assert total_of(read_spend(archived, SpendQuery(by=("deployment",), per=per), NOW)).spent == whole.spent
