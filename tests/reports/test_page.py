"""The report page: what it says and how large it is. tests/ui looks at it in a browser."""

from __future__ import annotations

import io
import random
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from routing.core.money import usd
from routing.reports.page import colours
from routing.reports.page.data import Baseline, Compared, FinalPicture, Ranking, RankingRow, Shutdown
from routing.reports.page.rankings import ranking_view
from routing.reports.page.render import page_html
from routing.reports.page.text import amount, amounts, cleaned, isolated, period_text, share
from routing.reports.page.thumbnails import BYTES_AT_MOST, SIDE, THUMBNAILS_AT_MOST, thumbnails
from tests.reports import pages, strange_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.reports.page.data import PageData

ROOT = Path(__file__).parents[2]
KILOBYTES = 1000


def said(page: str) -> str:
    """The words of a page, as one line; what stands in boxes of its own is a word of its own."""
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    apart = re.sub(r"</(?:b|dt|li|p|span|td|th|title)>", " ", body)
    return re.sub(r" (?=[.,;:)])", "", " ".join(unescape(re.sub(r"<[^>]*>", "", apart)).split()))


# --- The whole page ---------------------------------------------------------------------------------------------------


def test_a_page_of_a_year_stays_below_300_kilobytes_however_much_there_is_to_tell() -> None:
    assert len(page_html(pages.a_year()).encode()) < 300 * KILOBYTES


def test_a_page_needs_nothing_from_anywhere() -> None:
    page = page_html(pages.a_month())
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page
    assert not re.search(r"<script|<iframe|<object|<a |http:|https:|url\(|@import|\son\w+=", page)
    assert {address[:5] for address in re.findall(r"(?:src|href)=\"([^\"]*)\"", page)} == {"data:"}


@pytest.mark.parametrize(
    "make", [pages.a_day, pages.a_month, pages.a_year, pages.nothing, strange_pages.odd, strange_pages.hostile]
)
def test_a_page_says_its_period_its_zone_when_it_was_made_and_by_what(make: Callable[[], PageData]) -> None:
    data = cleaned(make())
    footer = said(page_html(data))[-500:]
    assert period_text(data.first_day, data.last_day) in footer
    assert f"days and moments are those of {data.zone}" in footer
    assert re.search(r"Made on \d+ \w+ \d{4}, \d\d:\d\d by image-routing ", footer)
    assert footer.endswith(f"{data.version}.")


def test_the_headline_tells_every_figure_rounded_and_exactly() -> None:
    data = pages.a_month()
    page = page_html(data)
    told = said(page)
    for words in (
        f"Spent {amount(data.spent).text} for 4,302 pictures in 2,596 requests",
        "Average price $0.0365 a picture",
        "83 % less than gpt-image-2 at high for everything",
        "Saved by the cache $11.21 187 requests answered from it",
        "Unconfirmed $0.4412 of the spending, outcome unknown",
        "Held now $4.12 for calls under way",
    ):
        assert words in told
    assert f'title="exactly {amount(data.spent).exact}"' in page
    for assumption in data.baseline.assumptions if data.baseline else ():
        assert assumption in told


def test_a_page_without_anything_says_so() -> None:
    told = said(page_html(pages.nothing()))
    assert "Spent $0.00" in told
    assert "Nothing was spent in this period." in told
    assert "No budget is set." in told
    assert "Average price $" not in told
    assert "Finals" not in told


def test_a_saving_that_is_none_is_called_a_loss() -> None:
    told = said(page_html(strange_pages.odd()))
    assert "Lost by routing $1.25" in told
    assert "42 % more than drafts only" in told
    assert "no substitute is named" in told
    assert "1 picture not shown." in told


def test_figures_that_are_money_of_the_ledger_or_plain_numbers_give_the_same_page() -> None:
    assert page_html(cleaned(pages.a_month())) == page_html(pages.a_month())


def test_the_template_travels_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        inside = {name for name in packed.namelist() if "reports/page/templates/" in name}
    here = ROOT / "routing" / "reports" / "page" / "templates"
    assert inside == {f"routing/reports/page/templates/{path.name}" for path in here.iterdir()}


# --- Where the money went ---------------------------------------------------------------------------------------------


def test_the_dearest_ten_are_shown_and_the_rest_is_summed_up() -> None:
    rows = tuple(RankingRow(name=f"poster-{n}", spent=n * 10**9, pictures=n) for n in range(1, 38))
    view = ranking_view(Ranking(by="asset", rows=rows), (), sum(row.spent for row in rows))
    assert [row.name for row in view.rows[:10]] == [f"poster-{n}" for n in range(37, 27, -1)]
    rest = view.rows[-1]
    assert (rest.others, rest.pictures, rest.amount.exact) == (27, sum(range(1, 28)), f"${sum(range(1, 28))}")


def test_a_finished_asset_costs_all_that_was_spent_on_its_way() -> None:
    rows = (
        RankingRow(name="spring", spent=usd("12"), pictures=40, finished=5),
        RankingRow(name="none finished", spent=usd("2"), pictures=4, finished=0),
        RankingRow(name="autumn", spent=usd("1.2345"), pictures=4, finished=2),
    )
    view = ranking_view(Ranking(by="campaign", rows=rows), (), usd("15"))
    assert [row.per_finished and row.per_finished.text for row in view.rows] == ["$2.40", None, "$0.62"]
    assert view.asks_finished


def test_a_row_tells_how_its_money_went_by_importance() -> None:
    told = said(page_html(pages.a_month()))
    assert "spring-launch 1,768 drafts $31.56 287 reviews $20.36 155 finals $49.88 $101.80" in told
    assert "no campaign" in told
    assert "27 others" in told


def test_savings_are_told_by_importance_with_what_went_wrong() -> None:
    told = said(page_html(pages.a_month()))
    assert "Importance Pictures Would have cost Spent Saved final 212 $44.68 $45.10 -$0.42 review 504 $106.22" in told
    assert "$0.4412 of what was spent is unconfirmed: the vendor may not have charged it." in told


def test_an_importance_that_only_the_savings_know_has_a_rank_and_a_colour() -> None:
    old = Compared(importance="gallery", pictures=1, would_cost=2, did_cost=1)
    baseline = Baseline(name="all as final", would_cost=2, did_cost=1, assumptions=(), importances=(old,))
    page = page_html(replace(pages.nothing(), baseline=baseline))
    assert '<span class="key i3"></span><bdi>gallery</bdi>' in page
    assert ".i3 {" in page


def test_budgets_of_today_are_not_taken_for_those_of_a_period_that_is_over() -> None:
    past = replace(pages.a_month(), first_day=date(2026, 11, 1), last_day=date(2026, 11, 20), days=())
    told = "As they stand on 21 November 2026, 16:20, not in the period above: what is left of each limit"
    assert told in said(page_html(past))
    assert "As they stand" not in said(page_html(pages.a_month()))


@pytest.mark.parametrize(("days", "first"), [(90, True), (91, False)])
def test_a_model_that_is_shut_down_soon_is_told_of_before_all_else(days: int, first: bool) -> None:  # noqa: FBT001 - the columns of a table
    ends = Shutdown(deployment="flux", model="flux/1", on=pages.NOW.date() + timedelta(days=days))
    told = said(page_html(replace(pages.a_month(), shutdowns=(ends,))))
    assert told.count("Models that will be shut down") == 1
    assert (told.index("Models that will be shut down") < told.index("Spend per day")) is first


def test_what_is_held_is_told_only_where_there_is_something() -> None:
    month = pages.a_month()
    assert "Held now" in said(page_html(replace(month, budgets=())))
    nothing = replace(month, budgets=(), figures=replace(month.figures, held=0))
    assert "Held" not in said(page_html(nothing))


# --- Thumbnails -------------------------------------------------------------------------------------------------------


def noise(side: int) -> bytes:
    target = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(1).randbytes(3 * side * side)).save(target, "PNG")
    return target.getvalue()


def test_finals_are_bounded_in_number_and_size_even_if_they_are_noise() -> None:
    data = noise(400)
    made, left_out = thumbnails(FinalPicture(asset=str(number), data=data) for number in range(30))
    assert (len(made), left_out) == (THUMBNAILS_AT_MOST, 6)
    assert all(len(small.address) <= BYTES_AT_MOST * 4 / 3 + 30 for small in made)
    page = page_html(replace(pages.nothing(), finals=tuple(FinalPicture(asset="a", data=data) for _ in range(30))))
    assert len(page.encode()) < 620 * KILOBYTES


@pytest.mark.parametrize(("kind", "size"), [("PNG", (1600, 900)), ("JPEG", (900, 1600)), ("WEBP", (64, 64))])
def test_a_final_of_any_kind_becomes_small_and_keeps_its_shape(kind: str, size: tuple[int, int]) -> None:
    (small,), left_out = thumbnails([FinalPicture(asset="a", data=pages.picture(*size, seed=1, kind=kind))])
    assert left_out == 0
    assert max(small.width, small.height) == min(SIDE, max(size))
    assert abs(small.width / small.height - size[0] / size[1]) < 0.02
    assert small.address.startswith("data:image/jpeg;base64,")


def test_pictures_that_are_none_are_counted_and_do_no_harm() -> None:
    whole = pages.picture(50, 50, seed=2)
    broken = [b"", b"<svg onload=alert(1)>", whole[:100], b"\x89PNG\r\n\x1a\n" + b"\0" * 40]
    made, left_out = thumbnails(FinalPicture(asset="a", data=data) for data in [*broken, whole])
    assert (len(made), left_out) == (1, 4)


# --- Texts and colours ------------------------------------------------------------------------------------------------


def test_texts_are_cut_and_lose_what_no_page_can_hold() -> None:
    assert cleaned("a\x00b\ud800c\u202ed") == "a\ufffdb\ufffdc\ufffdd"
    assert cleaned("two\r\n lines\tin one") == "two lines in one"
    assert len(cleaned("x" * 5000)) == 200
    assert cleaned({"a\x00": 1, "a\x01": 2}) == {"a\ufffd": 3}
    assert isolated("شهر") == "\u2068شهر\u2069"
    assert page_html(strange_pages.hostile()).encode()


@pytest.mark.parametrize(
    ("nusd", "text"),
    [(0, "$0.00"), (usd("0.036544"), "$0.0365"), (usd("1.005"), "$1.01"), (usd("-3.999"), "-$4.00"), (1, "<$0.0001")],
)
def test_an_amount_reads_in_cents_from_a_dollar_on(nusd: int, text: str) -> None:
    assert amount(nusd).text == text


def test_amounts_below_each_other_have_equally_many_decimals() -> None:
    assert [told.text for told in amounts([usd("12"), usd("0.0387"), 1])] == ["$12.00", "$0.04", "<$0.01"]
    assert [told.text for told in amounts([usd("0.5"), usd("0.0387")])] == ["$0.5000", "$0.0387"]


def test_a_share_is_whole_and_never_nothing_for_something() -> None:
    assert [share(*pair) for pair in [(1, 3), (1, 1000), (0, 5), (5, 0), (-1, 5)]] == [
        "33\xa0%",
        "<1\xa0%",
        "0\xa0%",
        "–",
        "–",
    ]


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 11, 1), date(2026, 11, 30), "1–30 November 2026"),
        (date(2026, 11, 1), date(2026, 11, 1), "1 November 2026"),
        (date(2026, 9, 28), date(2026, 10, 4), "28 September – 4 October 2026"),
        (date(2026, 12, 1), date(2027, 1, 31), "1 December 2026 – 31 January 2027"),
    ],
)
def test_a_period_is_as_short_as_it_stays_clear(first: date, last: date, text: str) -> None:
    assert period_text(first, last) == text


def luminance(colour: str) -> float:
    """How bright a colour is, by https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("count", range(1, 13))
def test_importances_stand_out_from_the_paper_and_in_order_even_without_hues(count: int) -> None:
    light = [luminance(colour) for colour in colours.ramp(count, colours.LIGHT)]
    dark = [luminance(colour) for colour in colours.ramp(count, colours.DARK)]
    assert min(1.05 / (shade + 0.05) for shade in light) >= 3
    assert min((shade + 0.05) / (luminance("#15171b") + 0.05) for shade in dark) >= 3
    assert light == sorted(light, reverse=True)
    assert dark == sorted(dark)
    if 2 <= count <= 4:
        for ramp in (light[::-1], dark):
            assert min((b + 0.05) / (a + 0.05) for a, b in pairwise(ramp)) > 1.3
