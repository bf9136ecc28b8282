"""``routing show``: everything about one request."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from routing.cli.books import declared_importances, open_books, warn_of_archives
from routing.cli.opening import find_config
from routing.cli.options import config_option, echo_json, examples, json_option
from routing.cli.periods import zone_option
from routing.errors import ConfigError, PriceUnknown, RequestError

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from routing.core.lineage import Asset
    from routing.core.policy import Settings
    from routing.core.prices import Line
    from routing.ledger.base import RequestHistory, Store
    from routing.reports.show import Shown


@click.command(epilog=examples("routing show poster-7/draft-1", "routing show poster-7/draft-1 --json"))
@click.argument("request_id", metavar="REQUEST_ID")
@zone_option
@config_option
@json_option
def show(request_id: str, *, zone: tzinfo, config: Path, as_json: bool) -> None:
    """Show everything about one request.

    What was asked, by which rule, every attempt with its reservation, its end and its corrections, what each charge is
    made of, and what the request was made from. The prompt only where the ledger keeps prompts.
    """
    from routing.cli.screen import screen_width
    from routing.reports.show import show_json, show_report

    with open_books(config) as store:
        history = store.history(request_id) if store else None
        if store is None or history is None:
            hint = "`routing spend --by request_id` lists them" if store else "nothing was ever bought here"
            raise RequestError(f"the ledger knows no request {request_id!r}: {hint}")
        shown = _shown(store, history, config, zone)
    if as_json:
        echo_json(show_json(shown))
    else:
        click.echo("\n".join(show_report(shown, screen_width())))


def _shown(store: Store, history: RequestHistory, config: Path, zone: tzinfo) -> Shown:
    from routing.reading.spending import charges_of
    from routing.reports.show import Shown

    settings = _settings(config)
    entries = [*history.cached]
    for attempt in history.attempts:
        entries += [attempt.reserve, *([attempt.resolution] if attempt.resolution else []), *attempt.adjustments]
    return Shown(
        record=history.record,
        entries=tuple(sorted(entries, key=lambda entry: entry.seq)),
        charges=tuple(charges_of(history)),
        children=store.children(history.record.request_id),
        asset=_asset(store, history, config),
        lines=_lines(history, settings) if settings else {},
        per=settings.per if settings else {},
        zone=zone,
        archived_to=history.archived_to,
    )


def _settings(config: Path) -> Settings | None:
    """Read what prices and budgets need; a request is told of even where the files are wrong today."""
    from routing.assembly import load_config

    try:
        return load_config(find_config(config), os.environ, datetime.now(UTC).date()).settings
    except ConfigError:
        return None


def _asset(store: Store, history: RequestHistory, config: Path) -> Asset | None:
    """Sum up all that was bought for the request's asset."""
    from routing.core.lineage import BY_ASSET, assets_of

    name = history.record.asset
    if not name:
        return None
    query = replace(BY_ASSET, assets=(name,))
    warn_of_archives([each.file for each in store.archives_behind(query)])
    return next(iter(assets_of(store.spend(query), declared_importances(config)).named), None)


def _lines(history: RequestHistory, settings: Settings) -> dict[str, tuple[Line, ...]]:
    """Take every charge apart by the price book of its day, as far as it still knows the deployment."""
    from routing.core.picture import Size
    from routing.core.quote import variant_of

    found = {}
    for attempt in history.attempts:
        reserve, deployment = attempt.reserve, settings.deployments.get(attempt.reserve.deployment)
        size = Size.parse(reserve.size)
        if attempt.resolution is None or attempt.resolution.usage is None or deployment is None or size is None:
            continue
        operation = history.record.features.operation.value
        variant = variant_of(operation, reserve.quality, size) if deployment.model.priced_by_variant else ""
        try:
            card = settings.prices.card(deployment.name, history.record.at.date())
            found[reserve.reservation_id] = card.lines(attempt.resolution.usage, variant)
        except PriceUnknown:
            continue
    return found
