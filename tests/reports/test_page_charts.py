"""The drawings of the report page are true: bars as high as what was spent, budgets that burn down to what is left."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from routing.core.money import usd
from routing.reports.page.budgets import budget_views
from routing.reports.page.burndown import burndown, limit_at
from routing.reports.page.data import BudgetWindow, DaySpend, Forecast, Raise
from routing.reports.page.days import bars, legend, months, ranks_of
from routing.reports.page.render import page_html
from routing.reports.page.scale import scale, scale_to
from routing.reports.page.text import cleaned
from tests.reports import pages, strange_pages

# --- Days -------------------------------------------------------------------------------------------------------------


def heights(path: str) -> dict[int, int]:
    """The height of each bar, by its slot; each is a closed shape, as wide at the top as at the bottom."""
    shapes = re.findall(r"M(\d+)(?:\.12)? (\d+)h(1|\.76)V(\d+)h-(1|\.76)z", path)
    assert len(shapes) == path.count("M")
    assert all(there == back for _, _, there, _, back in shapes)
    return {int(slot): int(bottom) - int(top) for slot, bottom, _, top, _ in shapes}


@pytest.mark.parametrize("days", [1, 30, 62, 63, 366])
def test_a_bar_is_as_high_as_what_was_spent(days: int) -> None:
    spending = pages.spending(pages.FIRST, days)
    last = pages.FIRST + timedelta(days=days - 1)
    data = cleaned(replace(pages.a_month(), days=spending, last_day=last))
    drawn = bars(data, pages.IMPORTANCES)
    assert drawn is not None
    assert drawn.slots == days
    unit = (drawn.scale.high - drawn.scale.low) / 1000
    for series in drawn.series:
        measured = heights(series.path)
        for slot, day in enumerate(spending):
            told = day.spent.get(pages.IMPORTANCES[series.rank], 0)
            assert abs(measured.get(slot, 0) * unit - told) <= 7 * unit, "rounding, and the line between two parts"
    assert len(drawn.hints) == days


def test_more_than_a_year_is_drawn_by_month_and_loses_nothing() -> None:
    spending = pages.spending(date(2024, 1, 1), 800)
    data = cleaned(replace(pages.a_month(), days=spending, first_day=date(2024, 1, 1), last_day=date(2026, 3, 10)))
    drawn = bars(data, pages.IMPORTANCES)
    assert drawn is not None
    assert (drawn.unit, drawn.slots) == ("month", 27)
    assert drawn.hints[0].startswith("January 2024: $")
    assert [f"{tick.text} {tick.below}" for tick in drawn.days[3:6]] == ["Oct 2024", "Jan 2025", "Apr 2025"]
    assert "Spend per month" in page_html(data)


def test_the_legend_and_the_months_add_up_to_what_was_spent() -> None:
    data = pages.a_year()
    ranks = ranks_of(data)
    exact = [
        sum(usd(line.amount.exact.strip("$")) for line in lines) for lines in (legend(data, ranks), months(data, ranks))
    ]
    assert exact == [data.spent, data.spent]
    assert [line.name for line in legend(data, ranks)] == sorted(data.importances, reverse=True)


def test_an_importance_that_the_policy_no_longer_has_is_still_drawn() -> None:
    data = strange_pages.odd()
    assert ranks_of(data) == ("draft", "review", "final", "banner")
    assert [line.name for line in legend(data, ranks_of(data))] == ["banner", "final", "draft"]


def test_a_credit_hangs_below_the_line() -> None:
    drawn = bars(cleaned(strange_pages.odd()), ranks_of(strange_pages.odd()))
    assert drawn is not None
    assert (drawn.scale.low, drawn.scale.high) == (-usd("4"), usd("6"))
    (final,) = (series for series in drawn.series if series.rank == 2)
    assert heights(final.path)[0] < 0


@pytest.mark.parametrize(
    ("first", "labels"),
    [
        (date(2026, 6, 3), ["Jun 2026", "Jul", "Aug"]),
        (date(2026, 6, 13), ["Jul 2026", "Aug"]),
        (date(2026, 12, 1), ["Dec 2026", "Jan 2027", "Feb"]),
    ],
)
def test_a_part_of_a_month_that_a_long_period_begins_with_is_labelled_where_there_is_room(
    first: date, labels: list[str]
) -> None:
    days = pages.spending(first, 80)
    drawn = bars(cleaned(replace(pages.a_month(), days=days, first_day=first, last_day=days[-1].day)), ())
    assert drawn is not None
    assert [f"{tick.text} {tick.below}".strip() for tick in drawn.days] == labels


def test_a_day_outside_the_period_is_a_mistake_of_the_caller() -> None:
    data = replace(pages.a_month(), days=(DaySpend(day=date(2026, 10, 31), spent={"draft": 1}),))
    with pytest.raises(ValueError, match="2026-10-31 is not one of the days from 2026-11-01 to 2026-11-21"):
        page_html(data)


@pytest.mark.parametrize(
    ("low", "high", "lines"),
    [
        (0, "23.4", ["$0", "$5", "$10", "$15", "$20", "$25"]),
        (0, "0.0039", ["$0.000", "$0.001", "$0.002", "$0.003", "$0.004"]),
        (0, "0.9", ["$0.00", "$0.20", "$0.40", "$0.60", "$0.80", "$1.00"]),
        ("-2.25", "5", ["-$4", "-$2", "$0", "$2", "$4", "$6"]),
        (0, "1234567", ["$0", "$500,000", "$1,000,000", "$1,500,000"]),
        (0, 0, ["$0.000000000", "$0.000000001"]),
        ("-1", 0, ["-$1.00", "-$0.80", "-$0.60", "-$0.40", "-$0.20", "$0.00"]),
    ],
)
def test_an_axis_has_round_amounts(low: str | int, high: str | int, lines: list[str]) -> None:
    drawn = scale(int(usd(low)), int(usd(high)))
    assert [tick.text for tick in drawn.ticks()] == lines
    assert drawn.low <= usd(low) <= usd(high) <= drawn.high


@pytest.mark.parametrize(
    ("limit", "lines"),
    [
        ("500", ["$0", "$100", "$200", "$300", "$400", "$500"]),
        ("120", ["$0", "$50", "$100", "$120"]),
        ("266.5671", ["$0", "$100", "$200", "$266.57"]),
        ("0.05", ["$0.00", "$0.01", "$0.02", "$0.03", "$0.04", "$0.05"]),
    ],
)
def test_the_axis_of_a_budget_ends_at_its_limit(limit: str, lines: list[str]) -> None:
    assert [tick.text for tick in scale_to(0, int(usd(limit))).ticks()] == lines


# --- Budgets ----------------------------------------------------------------------------------------------------------

START = datetime(2026, 11, 1, tzinfo=pages.BERLIN)
MIDDLE = datetime(2026, 11, 16, tzinfo=pages.BERLIN)
HUNDRED = usd("100")


def places(path: str) -> list[tuple[int, int]]:
    """The corners of a path."""
    return [(int(x), int(y)) for x, y in re.findall(r"(\d+) (-?\d+)", path)]


def test_a_budget_burns_down_from_its_limit_to_what_is_left() -> None:
    budget = pages.month_budget(limit=HUNDRED, spent=usd("40"), held=usd("10"), points=(), forecast=None)
    drawn = burndown(cleaned(budget), MIDDLE)
    assert drawn is not None
    assert places(drawn.left) == [(0, 0), (500, 400)]
    assert places(drawn.held) == [(500, 400), (500, 500)]
    assert drawn.area.endswith("V1000H0Z")


def test_a_forecast_leads_to_the_end_or_to_the_moment_that_nothing_is_left() -> None:
    budget = pages.month_budget(limit=HUNDRED, spent=usd("40"), held=0, points=())
    calm = burndown(cleaned(replace(budget, forecast=Forecast(expected=usd("80")))), MIDDLE)
    reached = Forecast(expected=usd("140"), reached_at=MIDDLE + timedelta(days=3))
    tight = burndown(cleaned(replace(budget, forecast=reached)), MIDDLE)
    passed = Forecast(expected=usd("140"), reached_at=MIDDLE - timedelta(days=3))
    past = burndown(cleaned(replace(budget, forecast=passed)), MIDDLE)
    assert calm is not None
    assert places(calm.forecast) == [(500, 400), (1000, 800)]
    assert tight is not None
    assert places(tight.forecast) == [(500, 400), (600, 1000)]
    assert past is not None
    assert past.forecast == ""


def test_a_raise_lifts_what_is_left_while_it_lasts() -> None:
    budget = pages.month_budget(
        limit=HUNDRED,
        spent=usd("40"),
        held=0,
        points=(),
        thresholds=(HUNDRED,),
        raises=(Raise(by=HUNDRED, at=START + timedelta(days=3), until=START + timedelta(days=9), reason="more"),),
    )
    drawn = burndown(cleaned(budget), MIDDLE)
    assert drawn is not None
    assert (drawn.scale.low, drawn.scale.high) == (0, 2 * HUNDRED)
    levels = [round(drawn.scale.high * (1000 - y) / 1000 / 10**9) for _, y in places(drawn.left)]
    assert levels == [100, 92, 192, 176, 76, 60]
    limits = [limit_at(budget, START + timedelta(days=day)) for day in (2, 3, 8, 9)]
    assert limits == [HUNDRED, 2 * HUNDRED, 2 * HUNDRED, HUNDRED]


def test_a_threshold_beyond_the_limit_is_told_and_not_drawn() -> None:
    budget = pages.month_budget(limit=HUNDRED, spent=usd("40"), thresholds=(usd("90"), usd("250")))
    drawn = burndown(cleaned(budget), MIDDLE)
    assert drawn is not None
    assert [line.hint for line in drawn.thresholds] == ["Alert at $90.00 spent (90\xa0%)"]
    (view,) = budget_views([cleaned(budget)], MIDDLE).drawn
    assert "90\xa0%, 250\xa0%" in [fact.text for fact in view.facts]


def test_labels_of_thresholds_that_would_touch_are_left_out_but_not_their_lines() -> None:
    budget = pages.month_budget(thresholds=tuple(usd(str(5 * percent)) for percent in (50, 90, 95, 99, 100)))
    drawn = burndown(cleaned(budget), MIDDLE)
    assert drawn is not None
    assert [line.label.text for line in drawn.thresholds if line.label] == ["50\xa0%", "90\xa0%"]
    assert len(drawn.thresholds) == 5


@pytest.mark.parametrize(
    ("changes", "level", "standing"),
    [
        ({"spent": usd("10")}, "calm", "within its limit"),
        ({"spent": usd("260")}, "calm", "past its alert at $250.00"),
        ({"spent": usd("410"), "held": 0}, "near", "past its alert at $400.00"),
        (
            {"forecast": Forecast(expected=usd("600"), reached_at=START + timedelta(days=24))},
            "near",
            "reaches its limit about 25 Nov at this rate",
        ),
        ({"spent": usd("496"), "held": usd("4")}, "over", "its limit is reached"),
        ({"spent": usd("501")}, "over", "over its limit"),
        ({"ends_at": MIDDLE}, "past", "closed within its limit"),
        ({"ends_at": MIDDLE, "spent": usd("501")}, "over", "closed above its limit"),
        ({"starts_at": pages.NOW + timedelta(days=1)}, "past", "has not begun"),
    ],
)
def test_a_budget_says_where_it_stands(changes: dict[str, object], level: str, standing: str) -> None:
    (view,) = budget_views([cleaned(pages.month_budget(**changes))], pages.NOW).drawn
    assert (view.level, view.standing) == (level, standing)


def lifetime(name: str, spent: str, reached_at: datetime | None = None) -> BudgetWindow:
    forecast = Forecast(expected=usd(spent), reached_at=reached_at) if reached_at else None
    return cleaned(pages.month_budget(name=name, spent=usd(spent), held=0, ends_at=None, points=(), forecast=forecast))


def test_a_limit_that_is_reached_in_years_says_which_and_is_no_worry_of_today() -> None:
    near = lifetime("near", "300", pages.NOW + timedelta(days=60))
    far = lifetime("far", "20", datetime(2034, 5, 1, tzinfo=pages.BERLIN))
    views = {view.name: view for view in budget_views([far, near], pages.NOW).drawn}
    assert (views["near"].level, views["near"].standing) == ("near", "reaches its limit about 20 Jan 2027 at this rate")
    assert (views["far"].level, views["far"].standing) == ("calm", "within its limit")
    assert "limit reached about 1 May 2034" in [fact.text for fact in views["far"].facts]


def test_what_was_takes_half_of_the_drawing_of_a_budget_without_an_end() -> None:
    far = lifetime("far", "250", START + 4 * (MIDDLE - START))
    drawn = burndown(far, MIDDLE)
    assert drawn is not None
    assert places(drawn.forecast) == [(500, 500), (1000, 667)]
    (view,) = budget_views([far], MIDDLE).drawn
    assert (view.starts, view.ends) == ("1 Nov", "1 Dec")
    (quiet,) = budget_views([lifetime("quiet", "250")], MIDDLE).drawn
    assert (quiet.starts, quiet.ends) == ("1 Nov", "no end")


def test_of_many_budgets_those_that_need_a_look_are_drawn_first_and_the_others_listed() -> None:
    calm = [pages.month_budget(name=f"calm {number}", held=0, spent=usd("1"), forecast=None) for number in range(50)]
    near = pages.month_budget(name="near", held=0, spent=usd("480"), forecast=None)
    over = pages.month_budget(name="over", held=0, spent=usd("501"), forecast=None)
    views = budget_views(cleaned((*calm, near, over)), pages.NOW)
    assert [view.name for view in views.drawn] == ["over", "near", "calm 0", "calm 1", "calm 2", "calm 3"]
    assert [line.name for line in views.listed] == [f"calm {number}" for number in range(4, 44)]
    assert {(line.spent.text, line.limit.text, line.used, line.width) for line in views.listed} == {
        ("$1.00", "$500.00", "<1\xa0%", "0.2%")
    }
    assert views.left_out == 6
    told = page_html(replace(pages.a_month(), budgets=(*calm, near, over)))
    assert "6 more budgets not shown: none of them is near its limit." in told
    worse = page_html(replace(pages.a_month(), budgets=(near,) * 50))
    assert "4 more budgets not shown." in worse


def test_a_course_of_many_points_is_drawn_with_few_and_ends_where_it_is() -> None:
    spent = usd("400")
    budget = pages.month_budget(spent=spent, held=0, points=pages.course(START, spent, 15 * 24, 5000))
    drawn = burndown(cleaned(budget), MIDDLE)
    assert drawn is not None
    assert len(places(drawn.left)) <= 82
    assert places(drawn.left)[-1] == (500, 800)
