"""Files of archived lines, written and read as a stream: Parquet, or CSV whose cells are JSON.

A cell of the CSV is what JSON writes for its value: a number, a text in double quotes with its control characters
escaped, or ``null``. So nothing is lost, every line of the file is a row, and no spreadsheet takes a cell for a
formula: none begins with ``=``, ``+``, ``@`` or a tab, and one that begins with ``-`` is a number.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from routing.core.extras import how_to_install
from routing.ledger.base import ArchiveError, WrongFile
from routing.ledger.lines import COLUMNS, WHOLE, Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    Write: TypeAlias = Callable[[BinaryIO, Iterable[Line]], None]
    Read: TypeAlias = Callable[[BinaryIO], Iterator[Line]]

CELL_CHARS_AT_MOST = 1 << 24
CHUNK = 1 << 20


def format_of(path: Path) -> tuple[Write, Read]:
    """Choose by the file's name how it is written and read.

    Raises:
        WrongFile: for a name of no known kind.
        ArchiveError: where the library for it is not installed.

    """
    name = path.name.lower()
    if name.endswith(".csv"):
        return _write_csv, _read_csv
    if name.endswith(".csv.gz"):
        return _write_zipped, _read_zipped
    if name.endswith(".parquet"):
        try:
            from routing.ledger.archive_parquet import read_parquet, write_parquet  # noqa: PLC0415 - an extra
        except ImportError:
            told = f"Parquet needs pyarrow: {how_to_install('parquet')}; or name a file that ends in .csv.gz"
            raise ArchiveError(told) from None
        return write_parquet, read_parquet
    raise WrongFile(f"{path.name} is no kind of archive: name it .parquet, .csv or .csv.gz")


def write_file(path: Path, lines: Iterable[Line]) -> None:
    """Write a new file and see that it is on the disk.

    Raises:
        WrongFile: as ``format_of``.
        OSError: where it cannot be written.

    """
    write, _ = format_of(path)
    with path.open("xb") as stream:
        write(stream, lines)
        stream.flush()
        os.fsync(stream.fileno())


def read_file(path: Path) -> Iterator[Line]:
    """Read the lines of a file.

    Raises:
        WrongFile: where it cannot be read, or holds something else.

    """
    _, read = format_of(path)
    with _reading(path), path.open("rb") as stream:
        yield from read(stream)


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file's bytes; ``WrongFile`` where it cannot be read."""
    digest = hashlib.sha256()
    with _reading(path), path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except OSError as error:  # a gzip file that is none is one too
        raise WrongFile(f"{path.name} cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error, EOFError) as error:
        raise WrongFile(f"{path.name} is not an archive that this router wrote: {error}") from error


# --- CSV --------------------------------------------------------------------------------------------------------------


def _write_csv(stream: BinaryIO, lines: Iterable[Line]) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    try:
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows([json.dumps(cell, ensure_ascii=False) for cell in line.values()] for line in lines)
    finally:
        text.detach()


def _read_csv(stream: BinaryIO) -> Iterator[Line]:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        rows = csv.reader(text, strict=True)
        if tuple(next(rows, ())) != COLUMNS:
            raise WrongFile("its first line does not name the columns of an archive")
        while (row := _next(rows)) is not None:
            yield _line(json.loads(f"[{','.join(row)}]"))
    finally:
        text.detach()


def _next(rows: Iterator[list[str]]) -> list[str] | None:
    usual = csv.field_size_limit(CELL_CHARS_AT_MOST)  # it is one for the whole process
    try:
        return next(rows, None)
    finally:
        csv.field_size_limit(usual)


def _write_zipped(stream: BinaryIO, lines: Iterable[Line]) -> None:
    # Without the time and the name of the file in it, the same lines are the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as zipped:
        _write_csv(zipped, lines)  # type: ignore[arg-type]  # it is written like any file


def _read_zipped(stream: BinaryIO) -> Iterator[Line]:
    with gzip.GzipFile(fileobj=stream, mode="rb") as zipped:
        yield from _read_csv(zipped)  # type: ignore[arg-type]  # it is read like any file


def _line(cells: list[object]) -> Line:
    line: Line = {}
    for name, cell in zip(COLUMNS, cells, strict=True):
        if cell is not None and type(cell) is not (int if name in WHOLE else str):
            raise WrongFile(f"{cell!r} is nothing that {name} holds")
        line[name] = cell
    return line
