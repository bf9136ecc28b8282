"""The files that ``routing spend`` writes: whole or not at all, row by row however long they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, TypeVar

import click

from routing.cli.books import declared_providers, open_books
from routing.cli.errors import NotInstalled
from routing.cli.options import echo_json
from routing.cli.whole_file import whole_file
from routing.core.extras import how_to_install
from routing.core.money import usd_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from routing.cli.spend_asked import Asked
    from routing.core.charge import Charge
    from routing.reports.exports import Column

T = TypeVar("T")

PARQUET = ".parquet"

ENDINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "--parquet": ((PARQUET,), "`--csv --charges > FILE` writes every charge as CSV, --focus FILE.csv in FOCUS columns"),
    "--focus": ((".csv", PARQUET), "the ending chooses which of the two is written"),
    "--html": ((".html", ".htm"), "--parquet FILE and --focus FILE write the charges, --csv prints the groups"),
}
"""What a file of each option may be called, and what to do who meant another."""


def print_charges(asked: Asked) -> None:
    """Print every charge as CSV."""
    from routing.reading.spending import read_charges
    from routing.reports.charges import CHARGES
    from routing.reports.exports import csv_text

    with open_books(asked.config) as store:
        charges = read_charges(store, asked.query.since, asked.query.until) if store else ()
        for piece in csv_text(CHARGES, charges):
            click.echo(piece, nl=False)


def check_names(files: Mapping[str, Path | None]) -> None:
    """Refuse a name that says something else than would be written, before anything is.

    Raises:
        UsageError: with the endings that fit.

    """
    seen: dict[Path, str] = {}
    for option, target in files.items():
        if target is None:
            continue
        endings, hint = ENDINGS[option]
        if target.suffix.lower() not in endings and not target.is_dir():
            told = f"{target} does not end in {' or '.join(endings)}; {hint}"
            raise click.BadParameter(told, param_hint=f"'{option}'")
        other = seen.setdefault(target, option)
        if other != option:
            raise click.UsageError(f"{other} and {option} name the same file: name two")


def write_files(asked: Asked, files: Mapping[str, Path | None], page: Mapping[str, Any]) -> None:
    """Write the files that were asked for, and say what is in each; ``page`` are the wishes for the HTML one."""
    check_names(files)
    written = []
    if target := files["--parquet"]:
        written.append(_write_charges(asked, target))
    if target := files["--focus"]:
        written.append(_write_focus(asked, target))
    if target := files["--html"]:
        from routing.cli.spend_page import write_page

        written.append(write_page(asked, target, **page))
    if asked.as_json:
        echo_json({"files": written})
        return
    for each in written:
        rows = f"{each['charges']:,} charges, " if "charges" in each else ""
        click.echo(f"wrote {each['file']}: {rows}${each['spent_usd']} spent, {asked.period}")


def _write_charges(asked: Asked, target: Path) -> dict[str, Any]:
    from routing.reports.charges import CHARGES

    return _write(asked, target, parquet=True, columns=CHARGES, row=lambda charge: charge)


def _write_focus(asked: Asked, target: Path) -> dict[str, Any]:
    from routing.reports.focus import FOCUS, focus_row

    providers = declared_providers(asked.config)
    parquet = target.suffix.lower() == PARQUET
    return _write(asked, target, parquet=parquet, columns=FOCUS, row=lambda charge: focus_row(charge, providers))


def _write(
    asked: Asked, target: Path, *, parquet: bool, columns: Sequence[Column[T]], row: Callable[[Charge], T | None]
) -> dict[str, Any]:
    """Write charges as rows; those that make no row are left out."""
    from routing.reading.spending import read_charges

    told = _Tally()
    with whole_file(target) as file, open_books(asked.config) as store:
        charges = read_charges(store, asked.query.since, asked.query.until) if store else ()
        rows = (made for charge in charges if (made := row(charge)) is not None and told.count(charge))
        if parquet:
            _parquet_writer()(columns, rows, file)
        else:
            from routing.reports.exports import csv_text

            for piece in csv_text(columns, rows):
                file.write(piece.encode())
    return {"file": str(target), "charges": told.charges, "spent_usd": usd_text(told.spent_nusd)}


class _Tally:
    """Counts what goes by."""

    charges = 0
    spent_nusd = 0

    def count(self, charge: Charge) -> bool:
        """Count one; always true."""
        self.charges += 1
        self.spent_nusd += charge.charged_nusd
        return True


def _parquet_writer() -> Callable[[Sequence[Column[T]], Iterable[T], BinaryIO], None]:
    try:
        from routing.reports.parquet import write_parquet
    except ImportError as error:
        told = f"a Parquet file needs pyarrow: {how_to_install('parquet')} ({error})"
        raise NotInstalled(told) from error
    return write_parquet
