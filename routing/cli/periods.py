"""Which time a report is about, and in which time zone its days are cut."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

import click

from routing.cli.options import stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from routing.core.spend import Period

WEEKS = 12
MONTHS = 12
"""How far a report by weeks or months reaches back unless it is told."""


def read_zone(ctx: click.Context, param: click.Parameter, value: str) -> tzinfo:
    """Read an IANA name."""
    if value == "UTC":
        return UTC  # also where the machine has no list of time zones
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        known = available_timezones()
    if not known:
        told = f"this machine has no list of time zones, so {value!r} is unknown: install tzdata, or use UTC"
        raise click.BadParameter(told, ctx, param)
    from routing.core.suggest import did_you_mean

    told = f"{value!r} is no time zone{did_you_mean(value, sorted(known))}: write a name like Europe/Berlin, or UTC"
    raise click.BadParameter(told, ctx, param)


def zone_name(zone: tzinfo) -> str:
    """Name a time zone as it was asked for."""
    return str(getattr(zone, "key", "UTC"))


zone_option = click.option(
    "--zone",
    default="UTC",
    show_default=True,
    callback=read_zone,
    help="Time zone that days are cut and moments told in, like Europe/Berlin.",
)

period_options: Callable[[Any], Any] = stack(
    click.option("--since", help="First day or moment, in --zone: 2026-11-01 or 2026-11-01T09:00."),
    click.option("--until", help="The day or moment before which it ends."),
    click.option("--all", "everything", is_flag=True, help="From the first purchase on."),
    zone_option,
)


def usual_start(per: Period | None, zone: tzinfo, now: datetime) -> datetime:
    """Tell where a report begins that was not told: with this month, or 12 weeks or months ago."""
    from routing.core.spend import Period

    if per is Period.WEEK:
        this = Period.WEEK.window(zone).span(now).start.astimezone(zone)
        return this - timedelta(weeks=WEEKS - 1)
    this = Period.MONTH.window(zone).span(now).start.astimezone(zone)
    if per is Period.MONTH:
        year, month = divmod(this.year * 12 + this.month - MONTHS, 12)
        return this.replace(year=year, month=month + 1)
    return this


def period_words(since: datetime | None, until: datetime | None, zone: tzinfo) -> str:
    """Say it: ``2026-11-01 to 2026-11-30, UTC``; both days are part of it."""
    start, end = (at.astimezone(zone) if at else None for at in (since, until))
    name = zone_name(zone)
    if start and end and start.time() == end.time() == time() and end > start:
        last = end.date() - timedelta(days=1)
        return f"{start:%Y-%m-%d}{f' to {last}' if last > start.date() else ''}, {name}"
    parts = (f"since {_moment(start)}" if start else "", f"before {_moment(end)}" if end else "")
    return f"{' '.join(part for part in parts if part) or 'since the first purchase'}, {name}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if at.time() == time() else f"{at:%Y-%m-%d %H:%M}"
