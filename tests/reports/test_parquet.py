"""Parquet as others read it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from routing.reading.spending import read_charges
from routing.reports.charges import CHARGES
from routing.reports.focus import FOCUS, focus_row
from tests.reports.ledgers import CENT, HOSTILE, Happened, ledger

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
write_parquet = pytest.importorskip("routing.reports.parquet", reason="pyarrow is not installed").write_parquet

NOON = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)


def test_amounts_are_decimals_times_are_times_and_texts_are_left_as_they_are() -> None:
    store = ledger(
        *(Happened(request_id=f"r{n}", at=NOON, nusd=CENT + n, asset=label, tags=(("campaign", label),))
          for n, label in enumerate(HOSTILE))
    )  # fmt: skip
    target = io.BytesIO()
    write_parquet(CHARGES, read_charges(store, None, None), target)
    table = parquet.read_table(target)
    assert str(table.schema.field("charged_usd").type) == "decimal128(38, 9)"
    assert str(table.schema.field("at").type) == "timestamp[ms, tz=UTC]"
    found = table.to_pylist()
    assert [row["asset"] or "" for row in found] == [*HOSTILE]
    assert [json.loads(row["tags"])["campaign"] for row in found] == [*HOSTILE]
    assert found[1]["charged_usd"] == Decimal("0.010000001")
    assert found[0]["at"] == NOON.replace(second=20)
    assert (found[0]["unconfirmed"], found[0]["images"], found[0]["parent"]) == (False, 1, None)


def test_an_export_without_a_row_has_its_columns_all_the_same() -> None:
    target = io.BytesIO()
    write_parquet(FOCUS, [], target)
    assert parquet.read_table(target).column_names == [column.name for column in FOCUS]


def test_a_long_export_is_written_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.reports.parquet.ROWS_A_GROUP", 2)
    store = ledger(*(Happened(request_id=f"r{n}", at=NOON) for n in range(5)))
    target = io.BytesIO()
    rows = (focus_row(charge, {}) for charge in read_charges(store, None, None))
    write_parquet(FOCUS, rows, target)
    assert [parquet.ParquetFile(target).metadata.row_group(n).num_rows for n in range(3)] == [2, 2, 1]
