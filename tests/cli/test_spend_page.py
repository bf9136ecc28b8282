"""``routing spend --html``: the page is filled with what the ledger has."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from routing.cli.spend_asked import Asked
from routing.cli.spend_page import page_data
from routing.core.money import usd
from routing.core.spend import SpendQuery
from routing.core.window import Window, WindowKind
from routing.ledger.sqlite import SqliteStore
from tests.cli.test_spend import SINCE, fill
from tests.ledger.purchases import claim, record, reservation, settle
from tests.reports.ledgers import CENT, Happened, a_story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from routing.reports.page.data import BudgetWindow
    from tests.cli.conftest import CommandLine

TODAY = datetime.now(UTC)


@pytest.fixture
def story(keyless: CommandLine) -> CommandLine:
    """Two weeks that end now."""
    return fill(keyless, *a_story(TODAY - timedelta(minutes=5)))


def budgets(folder: Path, now: datetime) -> dict[str, BudgetWindow]:
    """The budgets of a page, by their names."""
    asked = Asked(query=SpendQuery(), config=folder / "router.yaml", now=now, as_json=False, as_csv=False)
    with closing(SqliteStore.open(folder / "spend.db")) as store:
        page = page_data(asked, store, baseline=None, thumbnails=False)
    return {budget.name: budget for budget in page.budgets}


def test_the_page_tells_what_the_ledger_has(story: CommandLine) -> None:
    assert story("spend", *SINCE, "--html", "page.html", "--title", "Spring <launch>", "--note", "For us").code == 0
    page = (story.folder / "page.html").read_text(encoding="utf-8")
    for words in ("Spring &lt;launch&gt;", "For us", "$0.9725", "poster-7", "spring", "everything as final", "lost"):
        assert words in page


def test_a_page_of_years_draws_months_and_loses_nothing(keyless: CommandLine) -> None:
    ages = (900, 500, 399, 30, 0)
    fill(keyless, *(Happened(request_id=f"r{age}", at=TODAY - timedelta(days=age, minutes=5)) for age in ages))
    ran = keyless("spend", "--all", "--html", "page.html")
    assert (ran.code, ran.out) == (0, "wrote page.html: $0.25 spent, since the first purchase, UTC\n")
    page = (keyless.folder / "page.html").read_text(encoding="utf-8")
    assert "<h2>Spend per month</h2>" in page
    first = TODAY - timedelta(days=900, minutes=5)
    assert f"{first.day} {first:%B %Y} – {TODAY.day} {TODAY:%B %Y}" in page
    refused = keyless("spend", "--all", "--daily")
    assert "this is more than 400 days: ask for weeks or months, or a later since" in refused.err


def test_a_page_of_nothing_is_a_page(keyless: CommandLine) -> None:
    assert keyless("spend", "--html", "page.html").code == 0
    assert "<html" in (keyless.folder / "page.html").read_text(encoding="utf-8")


def test_the_page_shows_finished_assets_and_how_budgets_went(routing: CommandLine) -> None:
    routing("generate", "a fox", "-i", "final", "--asset", "poster", "-t", "campaign=spring", "-o", "1.png")
    routing("generate", "a badger", "-t", "campaign=spring", "-o", "2.png")
    assert routing("spend", "--html", "page.html", "--thumbnails").code == 0
    page = (routing.folder / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 1
    assert "campaign spring" in page
    assert "data:image/jpeg" not in _page_without_thumbnails(routing)


def _page_without_thumbnails(routing: CommandLine) -> str:
    routing("spend", "--html", "plain.html")
    return (routing.folder / "plain.html").read_text(encoding="utf-8")


def test_what_was_spent_before_a_budget_was_declared_is_no_part_of_its_course(keyless: CommandLine) -> None:
    """Its counter begins with nothing, whatever the month has cost by then."""
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    earlier = [Happened(request_id=f"r{day}", at=noon - timedelta(days=day)) for day in (9, 8, 7)]
    fill(keyless, *earlier)
    assert {point.spent for point in budgets(keyless.folder, noon)["month"].points} == {0}
    month = claim("month", limit=usd("500"), start=datetime(2026, 11, 1, tzinfo=UTC))
    with closing(SqliteStore.open(keyless.folder / "spend.db")) as store:
        at = noon - timedelta(days=2)
        store.reserve(record("late", at=at), [reservation(7 * CENT, month, request_id="late", at=at)])
        store.resolve(settle("late/1", 7 * CENT, at=at))
    found = budgets(keyless.folder, noon)["month"]
    assert found.spent == 7 * CENT
    assert [point.spent for point in found.points] == [0, 0, 0, 7 * CENT]


def test_a_rolling_budget_never_starts_afresh(keyless: CommandLine, edit_config: Callable[[str, str], None]) -> None:
    edit_config("window: calendar_month", "window: rolling 30d")
    fill(keyless, Happened(request_id="r", at=TODAY - timedelta(days=3)))
    assert budgets(keyless.folder, TODAY)["month"].rolling
    assert keyless("spend", "--html", "page.html").code == 0
    page = (keyless.folder / "page.html").read_text(encoding="utf-8")
    assert "<dt>Starts afresh</dt><dd>never: its window rolls on</dd>" in page


def test_of_a_budget_for_each_campaign_those_with_the_least_left_come_first(keyless: CommandLine) -> None:
    ever = Window(kind=WindowKind.LIFETIME).span(TODAY).start
    with closing(SqliteStore.open(keyless.folder / "spend.db")) as store:
        for name, cents in (("autumn", 3), ("spring", 9), ("winter", 6)):
            owed = claim("campaign", scope=name, limit=usd("150"), start=ever)
            store.reserve(
                record(name, at=TODAY, tags={"campaign": name}),
                [reservation(cents * CENT, owed, request_id=name, at=TODAY)],
            )
    names = [name for name in budgets(keyless.folder, TODAY) if name.startswith("campaign")]
    assert names == ["campaign spring", "campaign winter", "campaign autumn"]
