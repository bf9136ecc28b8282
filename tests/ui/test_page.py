"""The report page in a real Chromium: on a desk, on a phone, in the dark, on paper, and written by an enemy."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, cast

import pytest

from routing.reports.page.render import page_html
from routing.reports.page.text import cleaned
from tests.reports import pages, strange_pages
from tests.ui.looking import CENSUS, CUT, FAINT, OUTSIDE, OVERLAPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from routing.reports.page.data import PageData

Scheme = Literal["dark", "light"]

DESK, PHONE = 1280, 390
PAPER = (680, 1001)
"""The printable part of A4 inside the page's margins: 180 mm by 265 mm at 96 dots an inch."""

ALL = pytest.mark.parametrize(
    "make", [pages.a_day, pages.a_month, pages.a_year, strange_pages.hostile, pages.nothing, strange_pages.odd]
)
WIDTHS = pytest.mark.parametrize("width", [DESK, PHONE])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


class Reader:
    """Opens pages from a file, as someone does who got one by mail, and notes all that goes wrong."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._file = folder / "report.html"
        self.troubles: list[str] = []

    def open(self, data: PageData, width: int = DESK, scheme: Scheme = "light") -> Page:
        self._file.write_text(page_html(data), encoding="utf-8")
        page = self._browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: self.troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.troubles.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self._note(request.url))
        page.goto(self._file.as_uri())
        return page

    def _note(self, address: str) -> None:
        if address != self._file.as_uri() and not address.startswith("data:image/jpeg;base64,"):
            self.troubles.append(f"request: {address}")


@pytest.fixture
def reader(browser: Browser, tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(browser, tmp_path)
    yield reader
    for context in browser.contexts:
        context.close()
    assert reader.troubles == []


@ALL
@WIDTHS
def test_no_text_lies_on_another_and_nothing_is_wider_than_the_screen(
    make: Callable[[], PageData], width: int, reader: Reader
) -> None:
    page = reader.open(make(), width)
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPS) == []


@WIDTHS
@pytest.mark.parametrize("days", [1, 2, 7, 11, 12, 31, 62, 63, 92, 180, 330, 366, 800, 4000])
def test_the_axes_are_readable_whatever_the_period(days: int, width: int, reader: Reader) -> None:
    first = date(2025, 1, 25)
    data = replace(
        pages.nothing(), first_day=first, last_day=first + timedelta(days=days - 1), days=pages.spending(first, days)
    )
    page = reader.open(data, width)
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(OUTSIDE) == []
    labels = page.locator(".ticks span:visible").count()
    assert 1 <= labels <= 13 if width == DESK else 1 <= labels <= 5


@WIDTHS
def test_a_fortune_fits_on_the_screen(width: int, reader: Reader) -> None:
    month = pages.a_month()
    rich = tuple(
        replace(day, spent={name: 10_000_000 * nusd for name, nusd in day.spent.items()}) for day in month.days
    )
    page = reader.open(replace(month, days=rich, figures=replace(month.figures, saved_by_cache=10**16)), width)
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPS) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_any_number_of_importances_has_a_colour_each(count: int, reader: Reader) -> None:
    names = tuple(f"level {number}" for number in range(count))
    data = replace(pages.nothing(), importances=names, days=pages.spending(pages.FIRST, 30, names))
    page = reader.open(data, scheme="dark")
    used = page.evaluate(
        "[...document.querySelectorAll('.legend .key')].map((key) => getComputedStyle(key).backgroundColor)"
    )
    drawn = page.evaluate("[...document.querySelectorAll('.stack')].map((path) => getComputedStyle(path).fill)")
    assert len({*used}) == count
    assert used == drawn[::-1]


@ALL
@SCHEMES
def test_every_word_and_mark_stands_out_from_its_paper(
    make: Callable[[], PageData], scheme: Scheme, reader: Reader
) -> None:
    seen = reader.open(make(), scheme=scheme).evaluate(FAINT)
    assert seen["looked"] > 20
    assert seen["faint"] == []


def test_the_dark_page_is_dark_and_its_print_is_not(reader: Reader) -> None:
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    page = reader.open(pages.a_month(), scheme="dark")
    assert page.evaluate(paper) == "rgb(21, 23, 27)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    assert page.evaluate(FAINT)["faint"] == []


@ALL
def test_paper_cuts_no_chart_and_no_row(make: Callable[[], PageData], reader: Reader) -> None:
    width, height = PAPER
    page = reader.open(make(), width)
    page.emulate_media(media="print")
    assert page.evaluate(CUT, height) == []
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPS) == []


def test_a_month_is_printed_on_a_few_sheets(reader: Reader) -> None:
    printed = reader.open(pages.a_month()).pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF-")
    assert 4 <= printed.count(b"/Type /Page\n") <= 7


def harmless(data: PageData) -> PageData:
    """The same page with a plain word in the place of each attack."""
    return cast("PageData", _harmless(data))


def _harmless(value: object) -> object:
    if isinstance(value, str):
        words = {cleaned(text): f"name {number}" for number, text in enumerate(strange_pages.HOSTILE)}
        return words.get(cleaned(value), value)
    if isinstance(value, tuple):
        return tuple(map(_harmless, value))
    if isinstance(value, dict):
        return {_harmless(key): amount for key, amount in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{field.name: _harmless(getattr(value, field.name)) for field in fields(value)})
    return value


def test_texts_of_an_enemy_are_shown_and_make_no_element_and_no_attribute(reader: Reader) -> None:
    page = reader.open(strange_pages.hostile())
    attacked = page.evaluate(CENSUS)
    words = page.evaluate("document.body.textContent")
    page.hover(".hints rect:nth-child(3)")
    assert page.title() == f"{strange_pages.HOSTILE[0]}, 1–21 November 2026"
    plain = reader.open(harmless(strange_pages.hostile()))
    assert attacked == plain.evaluate(CENSUS)
    assert len(attacked) > 1000
    assert Counter(attacked)["H1 dir"] == 1
    assert not any(kind.split()[0] == "SCRIPT" for kind in attacked)
    for text in strange_pages.HOSTILE:
        assert cleaned(text) in words


def test_a_tooltip_tells_the_day_and_each_importance(reader: Reader) -> None:
    page = reader.open(pages.a_month())
    hint = page.locator(".hints rect title").nth(10).text_content()
    assert hint is not None
    day, *parts = hint.split("\n")
    assert day.startswith("Wed 11 November 2026: $")
    assert [part.split(" ")[0] for part in parts] == ["final", "review", "draft"]


def test_finals_are_shown_as_pictures(reader: Reader) -> None:
    page = reader.open(pages.a_month())
    widths = page.evaluate("[...document.images].map((image) => [image.complete, image.naturalWidth, image.alt])")
    assert widths == [[True, made, f"poster-{number}"] for number, made in enumerate([320, 213, 320] * 3, 1)]


def test_a_screen_reader_is_told_what_the_charts_show(reader: Reader) -> None:
    page = reader.open(pages.a_month())
    told = page.evaluate("[...document.querySelectorAll('svg')].map((svg) => svg.getAttribute('aria-label'))")
    assert told[0].startswith("Spend over time: On average $7.49 a day; most on Wed 11 November 2026")
    assert "month: $233.43 left of $500.00, past its alert at $250.00" in told[1:]
    assert len(told) == 5
