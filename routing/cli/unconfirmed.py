"""``routing ledger unconfirmed`` and ``resolve``: money in doubt, and what a person knows of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.options import config_option, echo_json, examples, json_option
from routing.core.entries import Adjustment
from routing.core.money import Money, usd, usd_text
from routing.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from routing.ledger.base import AttemptHistory, Store

REASON_CHARS_AT_MOST = 500
WHAT_NEXT = (
    "each is charged at its quote until somebody knows better:",
    "  routing ledger reconcile --bill FILE --apply      takes the true cost from the vendor's bill",
    '  routing ledger resolve ID --charged 0.21 --reason "..."   or --not-charged, where you know it yourself',
)


def read_charge(ctx: click.Context, param: click.Parameter, value: str | None) -> Money | None:
    """Read what a call did cost, like ``0.21`` or ``$0.21``."""
    if value is None:
        return None
    try:
        amount = usd(value.strip().removeprefix("$"))
    except RequestError as wrong:
        raise click.BadParameter(str(wrong), ctx, param) from None
    if amount <= 0:
        told = f"{value!r} is no charge: write it like 0.21; for one that was free there is --not-charged"
        raise click.BadParameter(told, ctx, param)
    return amount


@click.command
@config_option
@json_option
def unconfirmed(config: Path, as_json: bool) -> None:
    """List what is charged although the vendor's answer is unknown."""
    from routing.cli.attempts import as_booked
    from routing.reports.bill import unconfirmed_json, unconfirmed_table

    with open_books(config) as store:
        attempts = [as_booked(attempt) for attempt in store.unconfirmed()] if store else []
    if as_json:
        echo_json(unconfirmed_json(attempts))
    elif not attempts:
        click.echo("nothing is unconfirmed: of every charge it is known that the vendor made it")
    else:
        from routing.cli.screen import show

        show(unconfirmed_table(attempts))
        click.echo("\n" + "\n".join(WHAT_NEXT))


@click.command(
    epilog=examples(
        'routing ledger resolve poster-7/final/1 --charged 0.2107 --reason "invoice of November"',
        'routing ledger resolve poster-7/final/1 --not-charged --reason "support, ticket 118"',
    )
)
@click.argument("attempt_id", metavar="ID")
@click.option("--charged", metavar="DOLLARS", callback=read_charge, help="What it did cost, in all, like 0.21.")
@click.option("--not-charged", is_flag=True, help="The vendor did not charge for it.")
@click.option("--reason", required=True, help="How you know; it stays in the ledger.")
@click.option("--again", is_flag=True, help="Correct it even though its cost is confirmed already.")
@config_option
@json_option
def resolve(
    *,
    attempt_id: str,
    charged: Money | None,
    not_charged: bool,
    reason: str,
    again: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Book what an unconfirmed attempt did cost.

    ID is an attempt as `routing ledger unconfirmed` lists it, like poster-7/final/1.
    """
    from routing.reports.bill import corrected

    if (charged is None) is not not_charged:
        raise click.UsageError("say one of the two: --charged DOLLARS, or --not-charged")
    reason = " ".join(reason.split())
    if not reason or not reason.isprintable() or len(reason) > REASON_CHARS_AT_MOST:
        raise click.UsageError(f"the reason is a text of at most {REASON_CHARS_AT_MOST} characters: how do you know?")
    cost = charged if charged is not None else Money(0)
    with open_books(config) as store:
        attempt = find_attempt(store, attempt_id, again=again)
        assert store is not None  # noqa: S101 - an attempt was found in it
        store.adjust(Adjustment(reservation_id=attempt_id, at=datetime.now(UTC), cost_nusd=int(cost), reason=reason))
    if as_json:
        told = {
            "attempt": attempt_id,
            "charged_before_usd": usd_text(attempt.cost_nusd),
            "charged_usd": usd_text(cost),
            "reason": reason,
        }
        echo_json(told)
    else:
        was = "unconfirmed" if attempt.unconfirmed else "confirmed"
        click.echo(f"{attempt_id}: {corrected(attempt.cost_nusd, cost)}, was {was}, now confirmed: {reason}")


def find_attempt(store: Store | None, attempt_id: str, *, again: bool) -> AttemptHistory:
    """Find the attempt to correct.

    Raises:
        RequestError: where there is none, it is still open, or its cost is confirmed (and ``again`` is not said).

    """
    request_id, _, number = attempt_id.rpartition("/")
    history = store.history(request_id if number.isdigit() else attempt_id) if store else None
    attempts = {each.reserve.reservation_id: each for each in history.attempts} if history else {}
    attempt = attempts.get(attempt_id)
    if history and history.archived_to:
        raise RequestError(f"{attempt_id} was archived to {history.archived_to}: what stands there is not corrected")
    if attempt is None:
        known = f"its attempts are {', '.join(attempts)}" if attempts else "`routing ledger unconfirmed` lists them"
        raise RequestError(f"the ledger knows no attempt {attempt_id!r}: {known}")
    if attempt.resolution is None:
        raise RequestError(
            f"{attempt_id} is still open: it ends with its answer, or is charged at its quote when its hold runs out"
        )
    if not attempt.unconfirmed and not again:
        raise RequestError(
            f"{attempt_id} is confirmed at ${usd_text(attempt.cost_nusd)} already: --again corrects it all the same"
        )
    return attempt
