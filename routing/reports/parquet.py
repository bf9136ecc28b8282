"""Exports as Parquet; the one home of pyarrow."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, TypeVar

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
from pyarrow import parquet as pq

from routing.reports.amounts import NUSD_EXPONENT
from routing.reports.exports import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.reports.exports import Column

T = TypeVar("T")

ROWS_A_GROUP = 20_000
"""Read and written at once: what is held in memory stays small however long the export is."""
USD = pa.decimal128(38, NUSD_EXPONENT)
TYPES = {
    Kind.TEXT: pa.string(),
    Kind.USD: USD,
    Kind.COUNT: pa.int64(),
    Kind.FLAG: pa.bool_(),
    Kind.MOMENT: pa.timestamp("ms", tz="UTC"),
    Kind.SECOND: pa.timestamp("s", tz="UTC"),
}


def write_parquet(columns: Sequence[Column[T]], rows: Iterable[T], target: BinaryIO) -> None:
    """Write rows in groups of 20,000; amounts are decimals of nine places, times are in UTC."""
    schema = pa.schema([(column.name, TYPES[column.kind]) for column in columns])
    left = iter(rows)
    with pq.ParquetWriter(target, schema) as writer:
        while group := list(islice(left, ROWS_A_GROUP)):
            table = {column.name: [_value(column, row) for row in group] for column in columns}
            writer.write_table(pa.table(table, schema=schema))


def _value(column: Column[T], row: T) -> object:
    value = column.read(row)
    if isinstance(value, int) and column.kind is Kind.USD:
        return Decimal(int(value)).scaleb(-NUSD_EXPONENT)
    return value
