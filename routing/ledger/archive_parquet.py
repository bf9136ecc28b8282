"""Archives as Parquet: one column for each of a line's, whole numbers as int64 and all else as text."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]  # pyarrow ships no types
from pyarrow import parquet as pq

from routing.ledger.base import WrongFile
from routing.ledger.lines import COLUMNS, WHOLE, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

ROWS_A_GROUP = 20_000
"""Of a row group: what is held in memory at once."""

SCHEMA = pa.schema([(name, pa.int64() if name in WHOLE else pa.string()) for name in COLUMNS])


def write_parquet(stream: BinaryIO, lines: Iterable[Line]) -> None:
    """Write lines to a stream that stays open."""
    walked = iter(lines)
    with pq.ParquetWriter(stream, SCHEMA, compression="zstd") as writer:
        while group := list(islice(walked, ROWS_A_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))


def read_parquet(stream: BinaryIO) -> Iterator[Line]:
    """Read lines from a stream.

    Raises:
        WrongFile: where the file has other columns.
        ValueError, OSError: where it is no Parquet file.

    """
    with pq.ParquetFile(stream) as file:
        if not file.schema_arrow.equals(SCHEMA):
            raise WrongFile("its columns are not those of an archive")
        for batch in file.iter_batches(batch_size=ROWS_A_GROUP):
            yield from batch.to_pylist()
