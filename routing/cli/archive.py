"""``routing ledger archive``: old entries to a file, their sums to stay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click

from routing.cli.books import open_books, wrong_files
from routing.cli.opening import find_config
from routing.cli.options import PATH, config_option, echo_json, examples, json_option
from routing.cli.seal_key import read_seal_key
from routing.core.money import usd_text

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import Archive, Store


def read_day(ctx: click.Context, param: click.Parameter, value: str) -> datetime:
    """Read a day like ``2026-01-01``: its beginning in UTC, which is over."""
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no day: write it like 2026-01-01", ctx, param) from None
    if day > datetime.now(UTC):
        raise click.BadParameter(f"{value} is yet to come: only what is over is archived", ctx, param)
    return day


@click.command(
    epilog=examples(
        "routing ledger archive --before 2026-01-01",
        "routing ledger archive --before 2026-01-01 --to archive/spend-2025.csv.gz",
    )
)
@click.option(
    "--before", required=True, metavar="DATE", callback=read_day, help="Requests made before this day, in UTC."
)
@click.option(
    "--to",
    type=PATH,
    metavar="FILE",
    help="A new file: .parquet, .csv or .csv.gz. Without it, spend-before-DATE.parquet beside the ledger.",
)
@config_option
@json_option
def archive(before: datetime, to: Path | None, config: Path, as_json: bool) -> None:
    """Move old entries to a file; their sums stay in the ledger.

    Moved are whole requests of which everything is over: no call under way, no charge in doubt. Budgets and reports
    keep their totals, and the ids of the requests stay refused. An archive that was interrupted goes on where it
    stopped.
    """
    from routing.config.ledger import read_ledger
    from routing.ledger.base import ArchiveError

    path = find_config(config)
    place = read_ledger(path)
    file = to or _folder(place.url, path.parent) / f"spend-before-{before:%Y-%m-%d}.parquet"
    key = read_seal_key(place)
    with open_books(config, place.url) as store:
        if store is not None and _differs(store, key):
            raise ArchiveError("nothing was archived: first see what `routing ledger verify` finds")
        with wrong_files():
            done = store.archive(before, file, datetime.now(UTC), key=key) if store else None
    if as_json:
        echo_json(archive_json(done, file))
    elif done is None:
        click.echo(f"nothing to archive: nothing that is over was made before {before:%Y-%m-%d}")
    else:
        click.echo("\n".join(archive_lines(done, file)))


def _folder(url: str, root: Path) -> Path:
    """Name the folder of a ledger's file; of one that is no file, that of ``router.yaml``."""
    parts = urlsplit(url)
    return (root / unquote(parts.path).removeprefix("/")).parent if parts.scheme == "sqlite" else root


def _differs(store: Store, key: bytes) -> bool:
    """Tell whether the ledger is not what it should be; where it is, seal what is to be moved."""
    if store.verify().differences or (key and store.check_seals(key).differences):
        return True
    if key:
        store.seal(key, datetime.now(UTC))
    return False


def archive_json(done: Archive | None, file: Path) -> dict[str, object]:
    """Plain values: amounts as exact decimal strings in USD."""
    if done is None:
        return {"file": None, "requests": 0, "entries": 0, "spent_usd": "0"}
    return {
        "file": str(file),
        "before": f"{done.until:%Y-%m-%d}",
        "requests": done.requests,
        "entries": done.entries,
        "spent_usd": usd_text(done.spent_nusd),
        "sha256": done.sha256,
    }


def archive_lines(done: Archive, file: Path) -> list[str]:
    """Say what was moved, and what that means."""
    moved = f"{done.entries:,} entries of {done.requests:,} requests made before {done.until:%Y-%m-%d}"
    return [
        f"archived {moved}, ${usd_text(done.spent_nusd)} in all, to {file}",
        f"sha256 {done.sha256}",
        "budgets and reports keep the sums; what is archived is no longer corrected, nor listed by request",
    ]
