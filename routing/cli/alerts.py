"""``routing alerts``: what was worth knowing, who was told, and telling it now."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from routing.cli.books import open_books
from routing.cli.errors import FAILED
from routing.cli.opening import choose_log, find_config
from routing.cli.options import config_option, echo_json, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from routing.alerts.base import Subscription
    from routing.config.load import RouterConfig
    from routing.core.alerts import AlertStanding
    from routing.reports.sheet import Sheet
    from routing.telling import Told

SHOWN_DAYS = 30
NO_CHANNELS = "router.yaml names no channels: add them under `alerts:`"


class _Listing(click.Group):
    """A group that lists where no command of it is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Listing)
def alerts() -> None:
    """Show what was worth knowing and who was told.

    Without a command it lists.
    """


@alerts.command("list")
@click.option("--since", metavar="DAY", help=f"A day like 2026-11-01 (UTC); else {SHOWN_DAYS} days ago.")
@config_option
@json_option
def list_alerts(since: str | None, config: Path, as_json: bool) -> None:
    """List alerts, the channels that took them, and why others did not.

    What a channel did not take is sent again, after half a minute at first and after an hour at last, by every router
    that runs and by `routing alerts deliver`.
    """
    from datetime import timedelta

    from routing.assembly import SystemClock
    from routing.core.spend import moment

    now = SystemClock().now()
    read, channels = _open_channels(config, now)
    with open_books(config, read.ledger_url) as store:
        found = store.alerts(moment("since", since) or now - timedelta(days=SHOWN_DAYS)) if store else ()
    if as_json:
        echo_json({"alerts": [_standing_json(each, channels) for each in found]})
    elif not found:
        click.echo(f"no alerts since {since}" if since else f"no alerts in the last {SHOWN_DAYS} days")
    else:
        from routing.cli.screen import show

        show(standings_table(found, channels))
    if not channels and not as_json:
        click.echo(NO_CHANNELS)


@alerts.command("test")
@click.option("--channel", metavar="NAME", help="Only this one.")
@config_option
@json_option
@click.pass_context
def test_channels(ctx: click.Context, channel: str | None, config: Path, as_json: bool) -> None:
    """Send a test alert to every channel now.

    It is marked as a test and not written down. Exit code 1 where a channel did not take it.
    """
    from routing.alerts.words import title_of
    from routing.assembly import SystemClock
    from routing.core.alerts import trial_alert
    from routing.core.suggest import did_you_mean
    from routing.telling import try_channels

    now = SystemClock().now()
    _, channels = _open_channels(config, now)
    names = [each.name for each in channels]
    if channel is not None and channel not in names:
        known = f"there are {', '.join(names)}" if names else NO_CHANNELS
        raise click.UsageError(f"no channel is named {channel!r}{did_you_mean(channel, names)}: {known}", ctx)
    alert = trial_alert(now)
    told = try_channels([each for each in channels if channel in (None, each.name)], alert)
    if as_json:
        echo_json({"channels": [_told_json(each) for each in told]})
    elif not told:
        click.echo(NO_CHANNELS)
    else:
        click.echo(f'sent "{title_of(alert)}"')
        click.echo("\n".join(_told_line(each, "") for each in told))
    _fail_where_not_taken(ctx, told)


@alerts.command("deliver")
@config_option
@json_option
@click.pass_context
def deliver_alerts(ctx: click.Context, config: Path, as_json: bool) -> None:
    """Tell every channel now what it has not taken yet.

    A running router does this by itself; this is for cron, where none runs for long. It looks at the budgets and ends
    the holds of processes that died, like a router. Exit code 1 where a channel did not take an alert: it is kept and
    sent again.
    """
    from routing.alerts.words import title_of
    from routing.assembly import SystemClock
    from routing.upkeep import Upkeep

    clock = SystemClock()
    read, channels = _open_channels(config, clock.now())
    told: tuple[Told, ...] = ()
    with open_books(config, read.ledger_url) as store:
        if store:
            upkeep = Upkeep(
                settings=read.settings,
                store=store,
                subscriptions=channels,
                clock=clock,
                log=choose_log(verbose=False),
                background=True,
            )
            upkeep.sweep(clock.now())
            upkeep.watch(clock.now())
            told = upkeep.deliver(clock.now())
    if as_json:
        echo_json({"deliveries": [_told_json(each) for each in told]})
    else:
        nothing = "nothing is due: `routing alerts` lists what was told" if channels else NO_CHANNELS
        click.echo("\n".join(_told_line(each, f"{title_of(each.alert)}: ") for each in told) or nothing)
    _fail_where_not_taken(ctx, told)


def standings_table(found: Sequence[AlertStanding], channels: Sequence[Subscription]) -> Sheet:
    """Lay out what happened when, who was told, and who was not yet."""
    from routing.alerts.words import title_of
    from routing.core.alerts import AlertKind
    from routing.reports.sheet import Sheet

    told_by_title = {AlertKind.ACTION, AlertKind.THRESHOLD}
    rows = []
    for each in found:
        alert = each.alert
        detail = f": {alert.detail}" if alert.detail and alert.kind not in told_by_title else ""
        told, waiting = _told_and_waiting(each, channels)
        missing = [f"{name} ({error})" if error else name for name, error in waiting.items()]
        what = f"{title_of(alert)}{detail}"
        rows.append((f"{alert.at:%Y-%m-%d %H:%M}", what, ", ".join(told) or "nobody", ", ".join(missing)))
    return Sheet(columns=("when (UTC)", "what", "told", "waiting"), rows=tuple(rows))


def _told_and_waiting(each: AlertStanding, channels: Sequence[Subscription]) -> tuple[list[str], dict[str, str]]:
    """Say which channels were told, and which wait and why; those that do not want it are left out."""
    unwilling = {channel.name for channel in channels if not channel.wants(each.alert)}
    told = [name for name in each.delivered if name not in unwilling]
    return told, {name: error for name, error in each.failing if name not in unwilling}


def _standing_json(each: AlertStanding, channels: Sequence[Subscription]) -> dict[str, object]:
    from routing.alerts.words import values_of

    told, waiting = _told_and_waiting(each, channels)
    return {**values_of(each.alert), "told": told, "waiting": waiting}


def _told_json(told: Told) -> dict[str, object]:
    return {"channel": told.channel, "alert": told.alert.name, "taken": not told.error, "error": told.error}


def _told_line(told: Told, what: str) -> str:
    return f"{told.channel}: {what}{f'not taken: {told.error}' if told.error else 'taken'}"


def _fail_where_not_taken(ctx: click.Context, told: Sequence[Told]) -> None:
    if any(each.error for each in told):
        ctx.exit(FAILED)


def _open_channels(config: Path, now: datetime) -> tuple[RouterConfig, tuple[Subscription, ...]]:
    from routing.assembly import SystemClock, load_config, open_channels

    read = load_config(find_config(config), os.environ, now.date())
    return read, open_channels(read.alerts, os.environ, SystemClock(), choose_log(verbose=False))
