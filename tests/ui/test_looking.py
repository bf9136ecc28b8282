"""The measures themselves: each finds what is wrong, and leaves alone what is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui.looking import CUT, FAINT, OUTSIDE, OVERLAPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    yield page
    page.context.close()


def test_texts_on_each_other_are_found(page: Page) -> None:
    page.set_content("<p>one</p><p style='margin-top: -30px'>two</p><p>three <b>four</b></p>")
    assert page.evaluate(OVERLAPS) == [["one", "two"]]


def test_what_is_wider_than_the_screen_is_found(page: Page) -> None:
    page.set_content("<p>fits</p><div style='width: 500px'>wide</div>")
    found = page.evaluate(OUTSIDE)
    assert [told[:4] for told in found] == ["<div", "the "]


def test_faint_words_and_marks_are_found(page: Page) -> None:
    page.set_content("<p style='color: #999'>faint</p><p>clear</p><i class=key style='background: #ccc'></i>")
    seen = page.evaluate(FAINT)
    assert seen["looked"] == 3
    assert [told[0][:2] for told in seen["faint"]] == ["<p", "<i"]


def test_what_paper_would_cut_is_found(page: Page) -> None:
    kept = "break-inside: avoid"
    page.set_content(
        f"<figure style='{kept}; height: 10px'></figure><figure style='height: 11px'></figure>"
        f"<figure style='{kept}; height: 2000px'></figure>"
    )
    assert [told[15:40] for told in page.evaluate(CUT, 1000)] == [
        'height: 11px"></figure>',
        "break-inside: avoid; heig",
    ]
