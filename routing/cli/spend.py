"""``routing spend``: what was spent, grouped, by time, against a baseline, as a file for others, as a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

import click

from routing.cli.books import declared_tags, open_books, warn_of_archives
from routing.cli.options import PATH, config_option, echo_json, examples, json_option, stack
from routing.cli.periods import period_options, usual_start, zone_name
from routing.cli.spend_asked import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo
    from pathlib import Path
    from typing import Any

    from routing.core.spend import Period, SpendQuery, SpendRow
    from routing.ledger.base import LedgerReader

DEFAULT_BY = "importance,deployment"
TITLE = "Pictures and what they cost"
COLUMNS = 80
"""How wide courses are drawn where nobody watches."""
DRAWN_BY_DAY, DRAWN_BY_MONTH = timedelta(days=92), timedelta(days=30 * 365)
"""Up to which time the course of a report without periods is drawn so; beyond there is none."""
PERIODS = {"--daily": "day", "--weekly": "week", "--monthly": "month"}
UNCUT = {
    "--savings": "which is told by month and importance",
    "--charges": "which has a row for every charge",
    "--parquet": "which has a row for every charge",
    "--focus": "which has a row for every charge",
    "--html": "which tells days, campaigns, assets and deployments",
}
"""What is not grouped as ``--by`` and the periods say, and how it is told instead."""

cut_options: Callable[[Any], Any] = stack(
    click.option("--daily", "per", flag_value="day", help="A row a day: this month, unless it is told otherwise."),
    click.option("--weekly", "per", flag_value="week", help="A row a week, from Monday on: the last 12."),
    click.option("--monthly", "per", flag_value="month", help="A row a month: the last 12."),
    click.option(
        "--by",
        help="Names to group by, with commas: importance, deployment, model, operation, rule, policy, asset, parent,"
        " request_id, size, quality, or any tag (campaign, project, ...). Empty for the total alone. Else importance,"
        "deployment; a row a day, week or month is not grouped unless it is asked for.",
    ),
)

file_options: Callable[[Any], Any] = stack(
    click.option("--csv", "as_csv", is_flag=True, help="Print CSV: all groups, amounts exact, no total."),
    click.option("--charges", is_flag=True, help="With --csv: every single charge instead of groups."),
    click.option("--parquet", metavar="FILE", type=PATH, help="Write every charge as Parquet (needs pyarrow)."),
    click.option(
        "--focus", metavar="FILE", type=PATH, help="Write every charge in FOCUS 1.2 columns: .csv or .parquet."
    ),
)

savings_options: Callable[[Any], Any] = stack(
    click.option("--savings", is_flag=True, help="Compare with a baseline, by month and importance."),
    click.option(
        "--baseline",
        metavar="NAME",
        help="An importance or deployment that everything would have been bought as. Else the highest importance.",
    ),
)

page_options: Callable[[Any], Any] = stack(
    click.option("--html", metavar="FILE", type=PATH, help="Write one page to read, print and mail."),
    click.option("--title", default=TITLE, show_default=True, help="Title of the page."),
    click.option("--note", default="", help="A line below the title."),
    click.option("--thumbnails", is_flag=True, help="Show finished assets on the page, from the cache."),
)


@click.command(
    epilog=examples(
        "routing spend --by campaign --since 2026-11-01",
        "routing spend --daily --by importance --zone Europe/Berlin",
        "routing spend --savings --baseline gpt-image-2",
        "routing spend --monthly --by project --csv > months.csv",
        "routing spend --all --focus focus.csv",
        "routing spend --html report.html --thumbnails",
    )
)
@cut_options
@period_options
@savings_options
@file_options
@page_options
@config_option
@json_option
def spend(
    *,
    per: str | None,
    by: str | None,
    since: str | None,
    until: str | None,
    everything: bool,
    zone: tzinfo,
    savings: bool,
    baseline: str | None,
    as_csv: bool,
    charges: bool,
    parquet: Path | None,
    focus: Path | None,
    html: Path | None,
    title: str,
    note: str,
    thumbnails: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Show what was spent, grouped as you like.

    Without --since it is about this month. What is held is set aside for calls under way and not yet spent; what is
    unconfirmed was charged although the vendor's answer is unknown, and is part of what was spent.
    """
    ways = {"--json": as_json, "--csv": as_csv, "--savings": savings, "--charges": charges}
    files = {"--parquet": parquet, "--focus": focus, "--html": html}
    wishes = {"--title": title != TITLE, "--note": note, "--thumbnails": thumbnails}
    cuts = {"--by": by is not None, **{option: per == name for option, name in PERIODS.items()}}
    period = {"--all": everything, "--since": since}
    given = {**ways, **files, **wishes, **cuts, **period, "--baseline": baseline}
    said = [name for name, value in given.items() if value]
    _refuse_contradictions(said)
    _refuse_vain_words(said)
    now = datetime.now(UTC)
    query = _query(by, per, since, until, zone, config)
    if query.since is None and query.until is None and not everything:
        query = replace(query, since=usual_start(query.per, zone, now))
    asked = Asked(query=query, config=config, now=now, as_json=as_json, as_csv=as_csv)
    if savings:
        from routing.cli.spend_savings import show_savings

        show_savings(asked, baseline)
    elif any(files.values()):
        from routing.cli.spend_files import write_files

        write_files(asked, files, {"title": title, "note": note, "baseline": baseline, "thumbnails": thumbnails})
    elif charges:
        from routing.cli.spend_files import print_charges

        print_charges(asked)
    else:
        _show(asked)


def _refuse_contradictions(said: Sequence[str]) -> None:
    """Refuse options that cannot both be meant."""
    files = [name for name in said if name in {"--parquet", "--focus", "--html"}]
    for one, other in (("--json", "--csv"), ("--all", "--since"), ("--savings", "--charges")):
        if one in said and other in said:
            raise click.UsageError(f"{one} and {other} cannot be meant at once: keep one")
    for alone in ("--csv", "--savings", "--charges"):
        if files and alone in said:
            raise click.UsageError(f"{alone} prints and {files[0]} writes a file: run the command twice")
    if "--charges" in said and "--csv" not in said:
        raise click.UsageError("--charges goes with --csv; --parquet FILE and --focus FILE hold every charge anyway")


def _refuse_vain_words(said: Sequence[str]) -> None:
    """Refuse options that would be taken and change nothing: whoever wrote them expects something of them."""
    if "--baseline" in said and "--savings" not in said and "--html" not in said:
        raise click.UsageError("--baseline goes with --savings or --html")
    for wish in ("--title", "--note", "--thumbnails"):
        if wish in said and "--html" not in said:
            raise click.UsageError(f"{wish} goes with --html FILE")
    for cut, way in product(("--by", *PERIODS), UNCUT):
        if cut in said and way in said:
            raise click.UsageError(f"{cut} has no say in {way}, {UNCUT[way]}: leave it out")


def _query(  # noqa: PLR0917 - words of the command line, in its order
    by: str | None, per: str | None, since: str | None, until: str | None, zone: tzinfo, config: Path
) -> SpendQuery:
    from routing.core.spend import DIMENSIONS, spend_query

    words = by if by is not None else "" if per else DEFAULT_BY
    names = [name.strip() for name in words.split(",") if name.strip()]
    # Only a tag needs the policy to be read.
    tags = None if {*names} <= {*DIMENSIONS} else declared_tags(config)
    return spend_query(names, since, until, tags, per=per, zone=zone)


def _show(asked: Asked) -> None:
    """Print the groups."""
    from routing.reading.spending import files_missed, read_spend

    with open_books(asked.config) as store:
        rows = read_spend(store, asked.query, asked.now) if store else []
        missed = files_missed(store, asked.query, asked.now) if store else ()
        prints = bool(rows) and not (asked.as_json or asked.as_csv)
        per, course = _course(asked, store, rows) if store and prints else (None, [])
    warn_of_archives(missed)
    if asked.as_json:
        echo_json(_report_json(asked, rows))
    elif asked.as_csv:
        from routing.reports.charges import groups
        from routing.reports.exports import csv_text

        for piece in csv_text(groups(asked.query.by, periods=asked.query.per is not None), rows):
            click.echo(piece, nl=False)
    elif not rows:
        hint = "" if asked.query.since is None else "; --all looks at everything"
        click.echo(f"nothing was spent {asked.period}{hint}")
    else:
        _print_table(asked, rows, per, course)


def _course(asked: Asked, store: LedgerReader, rows: list[SpendRow]) -> tuple[Period | None, list[SpendRow]]:
    """Give what is drawn: the rows themselves where they are told by time, else how all of it came about."""
    from routing.cli.screen import can_show
    from routing.core.spend import Period
    from routing.reading.spending import read_spend
    from routing.reports.sparkline import BLOCKS

    query = asked.query
    if not can_show(BLOCKS):
        return None, []
    if query.per is not None:
        return query.per, rows
    span = (query.until or asked.now) - asked.begins(store)
    if span > DRAWN_BY_MONTH:
        return None, []
    per = Period.DAY if span <= DRAWN_BY_DAY else Period.MONTH
    return per, read_spend(store, replace(query, by=(), per=per), asked.now)


def _print_table(asked: Asked, rows: list[SpendRow], per: Period | None, course: list[SpendRow]) -> None:
    from routing.cli.screen import screen_width, show
    from routing.reports.sheet import UNLIMITED
    from routing.reports.spend import spark_lines, spend_remarks, spend_table

    width = screen_width()
    click.echo(f"{asked.period}\n")
    show(spend_table(rows, asked.query.by, width, asked.query.per))
    remarks = spend_remarks(rows)
    drawn = spark_lines(course, per, COLUMNS if width == UNLIMITED else width) if per else []
    remarks = [*drawn, *([""] if drawn and remarks else []), *remarks]
    if remarks:
        click.echo("\n" + "\n".join(remarks))


def _report_json(asked: Asked, rows: list[SpendRow]) -> dict[str, object]:
    from routing.reports.spend import spend_json

    query = asked.query
    return {
        "since": query.since.isoformat() if query.since else None,
        "until": query.until.isoformat() if query.until else None,
        "zone": zone_name(query.zone),
        "per": query.per,
        "by": list(query.by),
        **spend_json(rows),
    }
