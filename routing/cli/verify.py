"""``routing ledger verify``: the entries against the counters, and the seals against the entries."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books, wrong_files
from routing.cli.errors import FAILED
from routing.cli.opening import find_config
from routing.cli.options import PATH, config_option, echo_json, examples, json_option
from routing.cli.seal_key import SealKeyMissing, read_seal_key
from routing.core.money import usd_text

if TYPE_CHECKING:
    from pathlib import Path

    from routing.config.ledger import LedgerPlace
    from routing.ledger.base import Archive, Seal, SealCheck, Store, Verification

NUSD = "_nusd"
DIGEST = re.compile("[0-9a-f]{8,64}")
SHORT_DIGEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Everything that was found. ``trouble`` says why seals were not checked; ``newly`` counts rows sealed now."""

    found: Verification
    archives: tuple[Archive, ...] = ()
    read: tuple[Archive, ...] = ()
    seals: SealCheck | None = None
    newest: Seal | None = None
    newly: int = 0
    trouble: str = ""

    @property
    def differences(self) -> tuple[str, ...]:
        """All of them, and what could not be checked."""
        trouble = (f"the seals were not checked: {self.trouble}",) if self.trouble else ()
        return (*self.found.differences, *(self.seals.differences if self.seals else ()), *trouble)


def read_digest(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    """Read the digest of a seal as it was printed, or all of it."""
    if value is None:
        return ""
    if not DIGEST.fullmatch(value.strip().lower()):
        told = f"{value!r} is no digest of a seal: `routing ledger verify` prints the newest one's"
        raise click.BadParameter(told, ctx, param)
    return value.strip().lower()


@click.command(
    epilog=examples(
        "routing ledger verify",
        "routing ledger verify --expect 3f9a2c41d07b5e88",
        "routing ledger verify --archive spend-before-2026-01-01.parquet",
    )
)
@click.option("--expect", metavar="DIGEST", callback=read_digest, help="A seal you noted: it must still be there.")
@click.option(
    "--archive", "files", type=PATH, multiple=True, help="A file that entries were moved to; repeat for more."
)
@config_option
@json_option
@click.pass_context
def verify(ctx: click.Context, expect: str, files: tuple[Path, ...], config: Path, as_json: bool) -> None:
    """Add up every entry and compare with the counters of the budgets.

    Where router.yaml names a key (ledger.seal_key_env), also check that no entry was edited or deleted since it was
    sealed, and seal what is new. Exit code 1 where anything differs.
    """
    from routing.config.ledger import read_ledger

    place = read_ledger(find_config(config))
    if expect and not place.seal_key_env:
        raise click.UsageError("--expect needs the key of the seals: name its variable as `ledger.seal_key_env`")
    with open_books(config, place.url) as store, wrong_files():
        checked = _check(store, place, expect, files) if store else _nothing(expect, files)
    if as_json:
        echo_json(checked_json(checked))
    elif store is None and not checked.differences:
        click.echo("no ledger yet: it is made with the first purchase")
    else:
        click.echo("\n".join(checked_lines(checked)))
    if checked.differences:
        ctx.exit(FAILED)


def _nothing(expect: str, files: tuple[Path, ...]) -> Checked:
    from routing.ledger.base import Verification

    noted = ("there is no ledger, though something of one was noted",) if expect or files else ()
    found = Verification(
        entries=0, counters=0, open_holds=0, spent_nusd=0, held_nusd=0, unconfirmed_nusd=0, differences=noted
    )
    return Checked(found=found)


def _check(store: Store, place: LedgerPlace, expect: str, files: tuple[Path, ...]) -> Checked:
    """Fold, check the seals, and seal what is new where nothing differs."""
    found, read, archives = store.verify(), store.check_archives(files), store.archives()
    try:
        key = read_seal_key(place)
    except SealKeyMissing as missing:
        return Checked(found=found, archives=archives, read=read, trouble=str(missing))
    if not key:
        return Checked(found=found, archives=archives, read=read)
    seals = store.check_seals(key, expect=expect, files=files)
    newly, newest = 0, seals.newest
    if not found.differences and not seals.differences:
        newly, newest = store.seal(key, datetime.now(UTC))
    return Checked(found=found, archives=archives, read=read, seals=seals, newest=newest, newly=newly)


def checked_json(checked: Checked) -> dict[str, object]:
    """Plain values: amounts as exact decimal strings in USD."""
    plain = {
        f"{name.removesuffix(NUSD)}_usd" if name.endswith(NUSD) else name: usd_text(value)
        if name.endswith(NUSD)
        else value
        for name, value in asdict(checked.found).items()
    }
    seals, newest = checked.seals, checked.newest
    return {
        "ok": not checked.differences,
        **plain,
        "differences": checked.differences,
        "seals": seals
        and {
            "seals": seals.seals,
            "entries": seals.entries,
            "raises": seals.raises,
            "unchecked": seals.unchecked,
            "unread": seals.unread,
            "sealed_now": checked.newly,
            "newest": newest and {"id": newest.id, "digest": newest.digest, "last_seq": newest.last_seq},
        },
    }


def checked_lines(checked: Checked) -> list[str]:
    """Say what was compared, and every difference."""
    found = checked.found
    lines = [f"difference: {difference}" for difference in checked.differences]
    archived = f" and {found.archived:,} archived ones" if found.archived else ""
    counted = f"{found.entries:,} entries{archived}"
    if found.differences:
        lines.append(f"{len(found.differences)} differences between {counted} and {found.counters:,} counters")
    else:
        ok = "" if checked.differences else "ok: "
        lines.append(f"{ok}{counted} agree with {found.counters:,} counters")
    lines.append(
        f"spent ${usd_text(found.spent_nusd)}, of it unconfirmed ${usd_text(found.unconfirmed_nusd)};"
        f" held ${usd_text(found.held_nusd)} by {found.open_holds:,} calls under way"
    )
    if found.hold_ratio_median is not None and found.hold_ratio_worst is not None:
        lines.append(
            f"holds were {found.hold_ratio_median:.2f} times what was charged (median),"
            f" {found.hold_ratio_worst:.2f} times at most"
        )
    lines += [f"{each.file}: unchanged, {each.entries:,} entries" for each in checked.read]
    lines += _seal_lines(checked)
    lines += [
        f"{each.file} is unfinished: `routing ledger archive --before {each.until:%Y-%m-%d}` goes on with it"
        for each in checked.archives
        if not each.finished
    ]
    return lines


def _seal_lines(checked: Checked) -> list[str]:
    seals, newest = checked.seals, checked.newest
    if seals is None:
        return []
    if seals.differences:
        return ["seals: they do not fit, so nothing was sealed"]
    fine = f"{seals.entries - seals.unchecked:,} entries and {seals.raises:,} raises"
    lines = [f"seals: {fine} are as they were sealed"] if seals.seals else []
    if seals.unchecked:
        files = " --archive ".join(seals.unread)
        lines.append(f"not checked: {seals.unchecked:,} entries, some of them archived: --archive {files}")
    if checked.found.differences:
        lines.append("nothing new was sealed: first the differences")
    elif checked.newly:
        lines.append(f"sealed now: {checked.newly:,}")
    if newest:
        short = newest.digest[:SHORT_DIGEST]
        lines.append(
            f"newest seal: {short}, number {newest.id:,}, up to {newest.covers} {newest.last_seq:,}; note it elsewhere:"
            f" `routing ledger verify --expect {short}` finds a ledger that was cut"
        )
    return lines
