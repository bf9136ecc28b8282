"""The report page: one HTML file without script, network or fonts of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from routing.reports.page import colours
from routing.reports.page.budgets import budget_views
from routing.reports.page.compared import compared_lines
from routing.reports.page.days import bars, legend, months, ranks_of
from routing.reports.page.rankings import ranking_view
from routing.reports.page.text import amount, amounts, cleaned, day_text, moment_text, period_text, share
from routing.reports.page.thumbnails import thumbnails

if TYPE_CHECKING:
    from jinja2 import Template

    from routing.reports.page.data import PageData

UNCONFIRMED_AT_MOST = 20
URGENT = timedelta(days=90)
"""A model that is turned off within this is told of first, as `routing check` warns of it; others at the end."""
INDENTED = re.compile(r"\n\s+")
"""The template's own layout, which nobody reads in the page; cleaned texts hold no line break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """The colour of a rank of importance, on white and on black."""

    rank: int
    light: str
    dark: str


def page_html(data: PageData) -> str:
    """Write the page. Whatever texts hold is shown and never obeyed.

    It stays below 300 KB for a year, even with twelve importances and any number of budgets; up to 24 finals add at
    most 576 KB.

    Raises:
        ValueError: for spending on a day outside the period.

    """
    data = cleaned(data)
    ranks = ranks_of(data)
    finals, finals_left_out = thumbnails(data.finals)
    unconfirmed = data.unconfirmed[:UNCONFIRMED_AT_MOST]
    page = _template().render(
        data=data,
        period=period_text(data.first_day, data.last_day),
        made=f"{day_text(data.made_at)}, {data.made_at:%H:%M}",
        colours=_colours(len(ranks)),
        spent=amount(data.spent),
        average=amount(data.spent // data.figures.pictures) if data.figures.pictures else None,
        amount=amount,
        share=share,
        day_text=day_text,
        legend=legend(data, ranks),
        bars=bars(data, ranks),
        months=months(data, ranks),
        budgets=budget_views(data.budgets, data.made_at),
        compared=compared_lines(data.baseline, ranks) if data.baseline else (),
        rankings=[ranking_view(ranking, ranks, data.spent) for ranking in data.rankings if ranking.rows],
        unconfirmed=[
            (call, moment_text(call.at.astimezone(data.made_at.tzinfo)), written)
            for call, written in zip(unconfirmed, amounts(call.amount for call in unconfirmed), strict=True)
        ],
        unconfirmed_left_out=len(data.unconfirmed) - len(unconfirmed),
        shutdowns=sorted(data.shutdowns, key=lambda shutdown: shutdown.on),
        urgent=any(shutdown.on - data.made_at.date() <= URGENT for shutdown in data.shutdowns),
        past=data.last_day < data.made_at.date(),
        finals=finals,
        finals_left_out=finals_left_out,
    )
    return INDENTED.sub("\n", page)


def _colours(count: int) -> list[Colour]:
    pairs = zip(colours.ramp(count, colours.LIGHT), colours.ramp(count, colours.DARK), strict=True)
    return [Colour(rank=rank, light=light, dark=dark) for rank, (light, dark) in enumerate(pairs)]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("routing.reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
