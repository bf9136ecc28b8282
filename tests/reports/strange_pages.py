"""Report pages of all that is rare, and of all that is meant to do harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from routing.core.money import usd
from routing.reports.page.data import (
    Baseline,
    DaySpend,
    Figures,
    FinalPicture,
    Forecast,
    PageData,
    Raise,
    Ranking,
    RankingRow,
    Shutdown,
    Step,
    UnconfirmedCall,
)
from tests.reports import pages

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=1">',
    "' onmouseover='alert(1)' x='",
    "</title></svg></style></bdi><h1>owned</h1>",
    '=HYPERLINK("http://127.0.0.1:9/","click")',
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.tcejorp\u2066\u2068",
    'حملة الربيع <b>٢٠٢٦</b> & "قصيرة"',
    "&lt;i&gt;&amp;#x27;]]>--><!--",
    "javascript:alert(1)",
    "nul\x00bell\x07lone\ud800",
    "ש" * 190,
    "x" * 5000,
)


def odd() -> PageData:
    """What is rare: credits, overruns, a limit of nothing, a window not begun, one that is over, routing that lost."""
    start = datetime(2026, 11, 1, tzinfo=pages.BERLIN)
    return replace(
        pages.a_month(),
        title="Odd ends",
        days=(
            DaySpend(day=pages.FIRST, spent={"draft": usd("1.5"), "final": usd("-2.25")}),
            DaySpend(day=date(2026, 11, 3), spent={"final": usd("4"), "banner": usd("1")}),
        ),
        figures=Figures(requests=1, pictures=1, cached=1, saved_by_cache=1),
        baseline=Baseline(name="drafts only", would_cost=usd("3"), did_cost=usd("4.25"), assumptions=()),
        budgets=(
            pages.month_budget(
                name="overrun", limit=usd("20"), spent=usd("31"), points=pages.course(start, usd("31"), 480, 20)
            ),
            pages.month_budget(name="nothing", limit=0, spent=0, held=0, points=(), thresholds=(0,), forecast=None),
            pages.month_budget(name="not begun", starts_at=pages.NOW + timedelta(days=1), spent=0, held=0, points=()),
            pages.month_budget(name="over", starts_at=start - timedelta(days=31), ends_at=start, held=0, forecast=None),
            pages.month_budget(
                name="closed above", starts_at=start - timedelta(days=31), ends_at=start, limit=usd("200")
            ),
            pages.month_budget(name="full", limit=usd("266.5671"), forecast=Forecast(expected=usd("300"))),
        ),
        rankings=(Ranking(by="campaign", rows=(RankingRow(name="credited", spent=usd("-2.25"), pictures=0),)),),
        unconfirmed=(),
        shutdowns=(Shutdown(deployment="old", model="old-model", on=date(2026, 11, 30)),),
        finals=(FinalPicture(asset="damaged", data=b"\x89PNG\r\n\x1a\nbroken"),),
    )


def hostile() -> PageData:
    """Every text of a page is an attack, or a trap."""
    first, *_ = HOSTILE
    month = pages.a_month()
    return replace(
        month,
        title=HOSTILE[0],
        note=HOSTILE[1],
        zone=HOSTILE[2],
        version=HOSTILE[5],
        importances=HOSTILE,
        days=tuple(
            DaySpend(day=pages.FIRST + timedelta(days=place), spent={name: usd("1.5"), first: usd("0.5")})
            for place, name in enumerate(HOSTILE)
        ),
        baseline=Baseline(name=HOSTILE[7], would_cost=usd("50"), did_cost=usd("26"), assumptions=HOSTILE),
        budgets=tuple(
            pages.month_budget(
                name=name,
                raises=(
                    Raise(
                        by=usd("5"), at=pages.NOW - timedelta(days=3), until=pages.NOW + timedelta(days=3), reason=name
                    ),
                ),
            )
            for name in HOSTILE
        ),
        rankings=tuple(
            Ranking(
                by=by,
                rows=tuple(
                    RankingRow(
                        name=name,
                        spent=usd("2"),
                        pictures=3,
                        steps=(Step(importance=name, pictures=3, spent=usd("2")),),
                    )
                    for name in HOSTILE
                ),
            )
            for by in (HOSTILE[3], HOSTILE[7])
        ),
        unconfirmed=tuple(
            UnconfirmedCall(request_id=name, at=pages.NOW, deployment=name, amount=1, reason=name) for name in HOSTILE
        ),
        shutdowns=tuple(
            Shutdown(deployment=name, model=name, on=date(2027, 1, 1), substitute=name) for name in HOSTILE
        ),
        finals=tuple(FinalPicture(asset=name, data=pages.picture(40, 40, seed=1)) for name in HOSTILE),
    )
