"""Report pages as they come in life: a busy month, a long year, a day, and a time in which nothing happened."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw

from routing.core.money import usd
from routing.reports.page.data import (
    Baseline,
    BudgetWindow,
    Compared,
    DaySpend,
    Figures,
    FinalPicture,
    Forecast,
    PageData,
    Raise,
    Ranking,
    RankingRow,
    Shutdown,
    SpentBy,
    Step,
    UnconfirmedCall,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 16, 20, tzinfo=BERLIN)
FIRST = date(2026, 11, 1)
IMPORTANCES = ("draft", "review", "final")


def spending(first: date, days: int, importances: tuple[str, ...] = IMPORTANCES, seed: int = 7) -> tuple[DaySpend, ...]:
    """Working days with ups and downs, quiet weekends."""
    chance = random.Random(seed)
    found = []
    for number in range(days):
        day = first + timedelta(days=number)
        busy = chance.uniform(0.4, 1.6) * (0.12 if day.weekday() > 4 else 1)
        amounts = {
            name: int(busy * chance.uniform(0.5, 1.5) * 1_900_000_000 * (1 + rank))
            for rank, name in enumerate(importances)
            if chance.random() < (0.97 if day.weekday() < 5 else 0.5)
        }
        found.append(DaySpend(day=day, spent=amounts))
    return tuple(found)


def course(start: datetime, total: int, hours: int, points: int) -> tuple[SpentBy, ...]:
    """Spending that rises unevenly to ``total``."""
    chance = random.Random(points)
    weights = [chance.random() ** 2 for _ in range(points)]
    return tuple(
        SpentBy(
            at=start + timedelta(hours=hours * (place + 1) / points),
            spent=int(total * sum(weights[: place + 1]) / sum(weights)),
        )
        for place in range(points)
    )


def month_budget(**changes: Any) -> BudgetWindow:
    """A month that is on course, but for what is said otherwise."""
    start = datetime(2026, 11, 1, tzinfo=BERLIN)
    month = BudgetWindow(
        name="month",
        limit=usd("500"),
        spent=usd("262.4471"),
        held=usd("4.12"),
        starts_at=start,
        ends_at=datetime(2026, 12, 1, tzinfo=BERLIN),
        points=course(start, usd("262.4471"), 20 * 24, 20),
        thresholds=(usd("250"), usd("400"), usd("500")),
        forecast=Forecast(expected=usd("385.92")),
    )
    return replace(month, **changes)


def budgets() -> tuple[BudgetWindow, ...]:
    """One of each kind: on course, about to be reached, raised, without an end, over, closed."""
    start = datetime(2026, 11, 1, tzinfo=BERLIN)
    week = datetime(2026, 11, 16, tzinfo=BERLIN)
    return (
        month_budget(),
        month_budget(
            name="campaign spring-launch",
            limit=usd("120"),
            spent=usd("101.8"),
            held=0,
            points=course(start, usd("101.8"), 20 * 24, 20),
            thresholds=(usd("96"), usd("108"), usd("114"), usd("120")),
            forecast=Forecast(expected=usd("149.7"), reached_at=datetime(2026, 11, 25, 11, tzinfo=BERLIN)),
        ),
        BudgetWindow(
            name="week, below final",
            limit=usd("40"),
            spent=usd("47.13"),
            starts_at=week,
            ends_at=week + timedelta(days=7),
            points=course(week, usd("47.13"), 5 * 24, 5),
            thresholds=(usd("20"), usd("40")),
            forecast=Forecast(expected=usd("61"), reached_at=datetime(2026, 11, 19, 9, tzinfo=BERLIN)),
            raises=(
                Raise(
                    by=usd("10"),
                    at=week + timedelta(days=2, hours=14),
                    until=week + timedelta(days=7),
                    reason="the client asked for a second round",
                ),
            ),
        ),
        BudgetWindow(
            name="campaign autumn-lookbook",
            limit=usd("80"),
            spent=usd("31.0275"),
            starts_at=datetime(2026, 9, 3, 10, tzinfo=BERLIN),
            ends_at=None,
            points=course(datetime(2026, 9, 3, 10, tzinfo=BERLIN), usd("31.0275"), 70 * 24, 70),
            thresholds=(usd("72"),),
        ),
    )


def rankings() -> tuple[Ranking, ...]:
    chance = random.Random(3)

    def steps(spent: int, pictures: int) -> tuple[Step, ...]:
        cuts = (int(spent) * 31 // 100, int(spent) // 5)
        drafts, reviews = int(pictures * 0.8), int(pictures * 0.13)
        return (
            Step(importance="draft", pictures=drafts, spent=cuts[0]),
            Step(importance="review", pictures=reviews, spent=cuts[1]),
            Step(importance="final", pictures=pictures - drafts - reviews, spent=spent - sum(cuts)),
        )

    campaigns = {
        "spring-launch": ("101.80", 2210, 11),
        "autumn-lookbook": ("31.0275", 1206, 3),
        "newsletter": ("11.42", 512, 0),
        "": ("6.1134", 190, None),
        "حملة الربيع ٢٠٢٦": ("4.0871", 121, 1),
        "trade fair: hall 4, stand B12": ("2.7712", 63, 2),
    }
    campaign_rows = tuple(
        RankingRow(name=name, spent=usd(spent), pictures=pictures, finished=finished, steps=steps(usd(spent), pictures))
        for name, (spent, pictures, finished) in campaigns.items()
    )
    asset_rows = tuple(
        RankingRow(name=f"poster-{number}", spent=(spent := int(chance.uniform(0.2, 3) * 10**9)),
                   pictures=(pictures := chance.randint(6, 40)), steps=steps(spent, pictures))
        for number in range(1, 38)
    )  # fmt: skip
    return (
        Ranking(by="campaign", rows=campaign_rows),
        Ranking(by="asset", rows=asset_rows),
        Ranking(
            by="deployment",
            rows=(
                RankingRow(name="gpt-image-2", spent=usd("121.9933"), pictures=1310),
                RankingRow(name="nano-banana", spent=usd("35.2261"), pictures=2992),
            ),
        ),
    )


def picture(width: int, height: int, seed: int, kind: str = "PNG") -> bytes:
    """A picture that looks like one: hills below a sky, drawn from chance."""
    chance = random.Random(seed)
    top, low = (tuple(chance.randint(60, 250) for _ in "rgb") for _ in "12")
    drawn = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(drawn)
    for line in range(height):
        part = line / height
        draw.line([(0, line), (width, line)], tuple(int(a + (b - a) * part) for a, b in zip(top, low, strict=True)))
    for hill in range(4):
        shade = tuple(int(level * (0.8 - 0.17 * hill)) for level in low)
        base = height * (0.5 + 0.12 * hill)
        draw.ellipse((chance.uniform(-0.5, 0.6) * width, base, chance.uniform(0.7, 1.6) * width, base + height), shade)
    target = io.BytesIO()
    drawn.save(target, kind)
    return target.getvalue()


def a_month() -> PageData:
    """Three weeks into November, everything there is to tell."""
    days = spending(FIRST, 21)
    return PageData(
        title="Spring launch: pictures",
        note="Prepared for Meridian Coffee. Amounts are US dollars at the vendors' prices, before tax.",
        first_day=FIRST,
        last_day=date(2026, 11, 21),
        made_at=NOW,
        zone="Europe/Berlin",
        version="0.1.0",
        importances=IMPORTANCES,
        figures=Figures(
            requests=2596,
            pictures=4302,
            cached=187,
            saved_by_cache=usd("11.2074"),
            unconfirmed=usd("0.4412"),
            held=usd("4.12"),
        ),
        days=days,
        baseline=Baseline(
            name="gpt-image-2 at high for everything",
            would_cost=usd("938.92"),
            did_cost=sum(sum(day.spent.values()) for day in days),
            assumptions=(
                "Every picture would have been made by gpt-image-2 at quality high, at the size that was asked for.",
                "Prices are those in force on the day of each request.",
                "Pictures from the cache are counted on neither side.",
            ),
            importances=(
                Compared(importance="final", pictures=212, would_cost=usd("44.68"), did_cost=usd("45.1017")),
                Compared(importance="review", pictures=504, would_cost=usd("106.22"), did_cost=usd("26.5602")),
                Compared(importance="draft", pictures=3399, would_cost=usd("788.02"), did_cost=usd("90.7852")),
            ),
            remarks=("$0.4412 of what was spent is unconfirmed: the vendor may not have charged it.",),
        ),
        budgets=budgets(),
        rankings=rankings(),
        unconfirmed=(
            UnconfirmedCall(
                request_id="poster-7/final-2",
                at=datetime(2026, 11, 12, 9, 41, tzinfo=BERLIN),
                deployment="gpt-image-2",
                amount=usd("0.2206"),
                reason="no answer within 120 s",
            ),
            UnconfirmedCall(
                request_id="lookbook-03/final-1",
                at=datetime(2026, 11, 17, 18, 2, tzinfo=BERLIN),
                deployment="gpt-image-2",
                amount=usd("0.2206"),
                reason="the connection was lost after sending",
            ),
        ),
        shutdowns=(
            Shutdown(
                deployment="nano-banana",
                model="gemini-2.5-flash-image",
                on=date(2027, 1, 15),
                substitute="gemini-3.1-flash-image",
            ),
        ),
        finals=tuple(
            FinalPicture(asset=f"poster-{number}", data=picture(*size, seed=number))
            for number, size in enumerate([(640, 640), (480, 720), (720, 480)] * 3, 1)
        ),
    )


def a_year() -> PageData:
    """The heaviest page there is: every day of a leap year, twelve importances, sixty budgets, long tables."""
    importances = tuple(f"level {number:02}" for number in range(1, 13))
    first, start = date(2027, 3, 10), datetime(2027, 3, 10, tzinfo=BERLIN)
    end = start + timedelta(days=366)
    days = spending(first, 366, importances, seed=11)
    return replace(
        a_month(),
        title="A year of pictures",
        first_day=first,
        last_day=first + timedelta(days=365),
        made_at=end - timedelta(days=30),
        importances=importances,
        days=days,
        budgets=tuple(
            month_budget(
                name=f"campaign with a rather long name, number {number}",
                limit=usd("12000"),
                spent=usd("7000.123456789"),
                starts_at=start,
                ends_at=end,
                points=course(start, usd("7000.123456789"), 336 * 24, 336 - number),
                thresholds=tuple(usd(str(1200 * share)) for share in (5, 8, 9, 10)),
                forecast=Forecast(expected=usd("7650.5")),
            )
            for number in range(60)
        ),
        rankings=tuple(
            Ranking(
                by=by,
                rows=tuple(
                    RankingRow(
                        name=f"{by} {number} {'with many words ' * 12}",
                        spent=usd(str(900 - number)),
                        pictures=12_345,
                        finished=17,
                        steps=tuple(Step(importance=name, pictures=999, spent=usd("75.1")) for name in importances),
                    )
                    for number in range(60)
                ),
            )
            for by in ("campaign", "asset", "deployment")
        ),
        finals=(),
    )


def a_day() -> PageData:
    """One day, one importance, one budget that has just begun, amounts of fractions of a cent."""
    return PageData(
        title="One day",
        first_day=FIRST,
        last_day=FIRST,
        made_at=datetime(2026, 11, 1, 9, tzinfo=BERLIN),
        zone="Europe/Berlin",
        version="0.1.0",
        importances=("draft",),
        figures=Figures(requests=1, pictures=1),
        days=(DaySpend(day=FIRST, spent={"draft": 3_870_001}),),
        budgets=(month_budget(limit=usd("0.01"), spent=3_870_001, held=0, points=(), thresholds=(), forecast=None),),
    )


def nothing() -> PageData:
    """A period in which nothing happened, and nothing is set up."""
    return PageData(
        title="Nothing yet",
        first_day=FIRST,
        last_day=date(2026, 11, 30),
        made_at=NOW,
        zone="UTC",
        version="0.1.0",
        importances=IMPORTANCES,
        figures=Figures(requests=0, pictures=0),
        days=(),
    )
