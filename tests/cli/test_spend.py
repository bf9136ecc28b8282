"""``routing spend`` by time, against a baseline, as files and as a page; ``routing assets`` and ``routing show``."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from routing.ledger.sqlite import SqliteStore
from tests.reports.ledgers import CENT, HOSTILE, Happened, a_story, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import CommandLine

TODAY = datetime.now(UTC)
SINCE = ("--since", f"{TODAY - timedelta(days=20):%Y-%m-%d}")
SPENT = "0.97249991"


def fill(folder: CommandLine, *happened: Happened) -> CommandLine:
    store = SqliteStore.open(folder.folder / "spend.db")
    write(store, happened)
    store.close()
    return folder


@pytest.fixture
def story(keyless: CommandLine) -> CommandLine:
    """Two weeks that end now."""
    return fill(keyless, *a_story(TODAY - timedelta(minutes=5)))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def total(rows: list[dict[str, str]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


# --- By time ----------------------------------------------------------------------------------------------------------


def test_a_row_a_day_comes_with_a_course_and_adds_up(story: CommandLine) -> None:
    told = json.loads(story("spend", "--daily", *SINCE, "--json").out)
    assert (told["per"], told["by"], told["total"]["spent_usd"]) == ("day", [], SPENT)
    days = [row["period"] for row in told["rows"]]
    assert days == sorted(set(days))
    text = story("spend", "--daily", *SINCE).out
    assert text.startswith(f"since {SINCE[1]}, UTC\n\nday ")
    assert "█" in text


def test_days_are_cut_where_the_zone_says(keyless: CommandLine) -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    fill(keyless, Happened(request_id="r", at=late))
    words = ("spend", "--daily", "--since", "2026-10-31", "--until", "2026-11-02", "--json")
    days = {
        zone: json.loads(keyless(*words, "--zone", zone).out)["rows"][0]["period"] for zone in ("UTC", "Asia/Tokyo")
    }
    assert days == {"UTC": "2026-10-31", "Asia/Tokyo": "2026-11-01"}
    assert "2026-10-31 to 2026-11-01, Asia/Tokyo" in keyless(*words[:-1], "--zone", "Asia/Tokyo").out


def test_groups_are_drawn_one_by_one_and_months_are_named(story: CommandLine) -> None:
    text = story("spend", "--monthly", "--by", "campaign,importance").out
    assert f"{TODAY:%Y-%m}" in text or f"{TODAY - timedelta(days=14):%Y-%m}" in text
    assert json.loads(story("spend", "--weekly", "--by", "campaign", "--json").out)["total"]["spent_usd"] == SPENT


def test_how_the_whole_came_about_is_drawn_by_day_or_month(keyless: CommandLine) -> None:
    fill(keyless, Happened(request_id="now", at=TODAY))
    assert "█" not in keyless("spend", "--all").out  # one day is no course
    yesterday = TODAY - timedelta(days=1)
    for at, drawn in (
        (yesterday, f"\n{yesterday:%Y-%m-%d} to {TODAY:%Y-%m-%d}:\ntotal  "),
        (TODAY - timedelta(days=200), f" to {TODAY:%Y-%m}:\ntotal  "),
        (TODAY - timedelta(days=20_000), ""),
    ):
        fill(keyless, Happened(request_id=f"{at}", at=at))
        ran = keyless("spend", "--all")
        assert ran.code == 0
        assert drawn in ran.out
        assert ("█" in ran.out) is bool(drawn)


def test_a_terminal_that_has_no_blocks_is_shown_none(story: CommandLine) -> None:
    ran = story.process("spend", "--daily", *SINCE, PYTHONIOENCODING="latin-1:replace")
    assert ran.code == 0
    assert "█" not in ran.out
    assert "$0.9725" in ran.out


def test_a_time_zone_that_is_none_is_asked_after(keyless: CommandLine) -> None:
    ran = keyless("spend", "--zone", "Europe/Berlni")
    assert ran.code == 2
    assert "'Europe/Berlni' is no time zone (did you mean 'Europe/Berlin'?)" in ran.err


def test_a_machine_without_time_zones_is_told_what_to_install(
    keyless: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zoneinfo  # noqa: PLC0415 - to take its list away

    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()  # another test may have read this zone
    try:
        ran = keyless("spend", "--zone", "Pacific/Chatham")
    finally:
        zoneinfo.reset_tzpath()
    assert ran.code == 2
    assert "this machine has no list of time zones" in ran.err
    assert "install tzdata, or use UTC" in ran.err


def test_more_days_than_anybody_reads_are_refused(keyless: CommandLine) -> None:
    fill(keyless, Happened(request_id="r", at=TODAY - timedelta(days=500)))
    ran = keyless("spend", "--daily", "--all")
    assert ran.code == 2
    assert "more than 400 days" in ran.err
    assert keyless("spend", "--monthly", "--all").code == 0


def test_without_spending_it_says_where_to_look(keyless: CommandLine) -> None:
    fill(keyless, Happened(request_id="r", at=TODAY - timedelta(days=100)))
    assert keyless("spend").out == f"nothing was spent since {TODAY:%Y-%m-01}, UTC; --all looks at everything\n"
    assert "since the first purchase, UTC" in keyless("spend", "--all").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--json", "--csv"), "--json and --csv cannot be meant at once"),
        (("--all", "--since", "2026-11-01"), "--all and --since cannot be meant at once"),
        (("--charges",), "--charges goes with --csv"),
        (("--baseline", "final"), "--baseline goes with --savings or --html"),
        (("--savings", "--focus", "x.csv"), "--savings prints and --focus writes a file"),
        (("--title", "March"), "--title goes with --html FILE"),
        (("--note", "for you"), "--note goes with --html FILE"),
        (("--thumbnails", "--focus", "x.csv"), "--thumbnails goes with --html FILE"),
        (("--by", "campaign", "--html", "x.html"), "--by has no say in --html, which tells days, campaigns, assets"),
        (("--by", "", "--focus", "x.csv"), "--by has no say in --focus, which has a row for every charge"),
        (("--weekly", "--csv", "--charges"), "--weekly has no say in --charges, which has a row for every charge"),
        (("--daily", "--savings"), "--daily has no say in --savings, which is told by month and importance"),
        (("--focus", "."), ". is a folder: name a file in it"),
        (("--parquet", "nowhere/x.parquet"), "the folder nowhere does not exist; create it first"),
    ],
)
def test_what_cannot_be_meant_is_told(story: CommandLine, words: tuple[str, ...], told: str) -> None:
    ran = story("spend", *words)
    assert ran.code == 2
    assert told in ran.err


# --- Files ------------------------------------------------------------------------------------------------------------


def test_csv_has_all_groups_exactly_and_no_total(story: CommandLine) -> None:
    rows = rows_of(story("spend", "--csv", "--by", "campaign", *SINCE).out)
    assert {row["campaign"] for row in rows} == {"spring", "autumn", ""}
    assert total(rows, "spent_usd") == Decimal(SPENT)
    daily = rows_of(story("spend", "--csv", "--daily", "--by", "campaign", *SINCE).out)
    assert total(daily, "spent_usd") == Decimal(SPENT)
    assert [row["period"] for row in daily] == sorted(row["period"] for row in daily)


def test_every_charge_can_be_had_one_by_one(story: CommandLine) -> None:
    rows = rows_of(story("spend", "--csv", "--charges", *SINCE).out)
    assert total(rows, "charged_usd") == Decimal(SPENT)
    assert total(rows, "saved_usd") == Decimal("0.05")
    assert {row["kind"] for row in rows} == {"settle", "expire", "adjust", "cached"}
    assert {row["request_id"] for row in rows if row["unconfirmed"] == "true"} == {"lost", "dead"}


def test_files_say_what_is_in_them_and_hold_the_same_money(story: CommandLine) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    words = ("spend", *SINCE, "--focus", "focus.csv", "--parquet", "spend.parquet", "--html", "page.html")
    ran = story(*words)
    assert ran.out.splitlines() == [
        f"wrote spend.parquet: 22 charges, ${SPENT} spent, since {SINCE[1]}, UTC",
        f"wrote focus.csv: 21 charges, ${SPENT} spent, since {SINCE[1]}, UTC",
        f"wrote page.html: ${SPENT} spent, since {SINCE[1]}, UTC",
    ]
    focus = rows_of((story.folder / "focus.csv").read_text(encoding="utf-8"))
    assert total(focus, "BilledCost") == Decimal(SPENT)
    assert {row["ProviderName"] for row in focus} == {"openai", "google"}
    table = parquet.read_table(story.folder / "spend.parquet").to_pylist()
    assert sum(row["charged_usd"] for row in table) == Decimal(SPENT)
    assert story("spend", *SINCE, "--focus", "focus.parquet").code == 0
    assert parquet.read_table(story.folder / "focus.parquet").num_rows == 21
    told = json.loads(story(*words, "--json").out)["files"]
    assert [(each["file"], each["spent_usd"]) for each in told] == [
        ("spend.parquet", SPENT), ("focus.csv", SPENT), ("page.html", SPENT),
    ]  # fmt: skip


def test_parquet_without_its_library_says_what_to_install_and_leaves_no_file(
    story: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "routing.reports.parquet", raising=False)
    ran = story("spend", "--parquet", "spend.parquet")
    assert ran.code == 1
    assert "a Parquet file needs pyarrow: pip install 'pyarrow>=22', or, in the folder of image-routing," in ran.err
    assert not list(story.folder.glob("*.parquet*"))


def test_a_file_that_cannot_be_finished_leaves_the_old_one_alone(
    story: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    page = story.folder / "page.html"
    page.write_text("the last one", encoding="utf-8")
    edit_config("limit: 500", "limit: lots")
    assert story("spend", "--html", "page.html").code == 2
    assert page.read_text(encoding="utf-8") == "the last one"
    assert not list(story.folder.glob(".*part"))


def test_exports_come_even_where_the_rest_of_the_yaml_is_wrong(
    story: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("limit: 500", "limit: lots")
    for words in (("--focus", "f.csv"), ("--csv",), ("--daily",)):
        assert story("spend", *SINCE, *words).code == 0
    assert story("assets").code == 0
    assert story("show", "wrong").code == 0


def test_no_label_does_harm_in_any_format(keyless: CommandLine) -> None:
    happened = [
        Happened(request_id=f"r{number}", at=TODAY - timedelta(hours=1), nusd=CENT, asset=label or None,
                 importance="final", tags=(("campaign", label),))
        for number, label in enumerate(HOSTILE)
    ]  # fmt: skip
    fill(keyless, *happened)
    since = ("--since", f"{TODAY - timedelta(days=2):%Y-%m-%d}")
    grouped = ("spend", "--by", "campaign,asset", *since)
    formula = re.compile(r"\s*[=+\-@\t\r]")
    for words in (("--csv",), ("--csv", "--charges"), ("--csv", "--daily")):
        ran = keyless(*(grouped if "--charges" not in words else ("spend", *since)), *words)
        texts = [value for row in rows_of(ran.out) for value in row.values() if not re.fullmatch(r"-?[\d.]+", value)]
        assert texts
        assert not [text for text in texts if formula.match(text)]
    for ran in (keyless(*grouped), keyless("assets", "--all"), keyless("show", "r15"), keyless(*grouped, "--daily")):
        assert ran.code == 0
        assert not [char for char in ran.out if not char.isprintable() and char != "\n"]
    keys = {row["campaign"] for row in json.loads(keyless(*grouped, "--json").out)["rows"]}
    assert keys == {*HOSTILE}
    assert keyless("spend", *since, "--html", "page.html").code == 0
    assert Elements.of((keyless.folder / "page.html").read_text(encoding="utf-8")).isdisjoint({"script", "img", "a"})


class Elements(HTMLParser):
    """Which elements a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.found.add(tag)

    @classmethod
    def of(cls, page: str) -> set[str]:
        reader = cls()
        reader.feed(page)
        return reader.found


# --- Savings ----------------------------------------------------------------------------------------------------------


def test_savings_are_told_with_what_went_wrong_and_what_they_rest_on(story: CommandLine) -> None:
    told = json.loads(story("spend", "--savings", *SINCE, "--json").out)
    assert told["spent_usd"] == told["total"]["spent_usd"] == SPENT
    assert told["baseline"] == "everything as final"
    assert Decimal(told["total"]["saved_usd"]) == Decimal(told["total"]["would_cost_usd"]) - Decimal(SPENT)
    text = " ".join(story("spend", "--savings", *SINCE).out.split())
    assert "less than everything as final" in text
    assert "was charged for attempts that brought no picture" in text
    assert "This assumes: - Every picture would have been bought as final" in text
    rows = rows_of(story("spend", "--savings", *SINCE, "--csv").out)
    assert total(rows, "spent_usd") == Decimal(SPENT)


def test_a_baseline_may_be_named_and_one_that_is_none_is_asked_after(story: CommandLine) -> None:
    cheap = json.loads(story("spend", "--savings", "--baseline", "draft", *SINCE, "--json").out)
    dear = json.loads(story("spend", "--savings", *SINCE, "--json").out)
    assert Decimal(cheap["total"]["would_cost_usd"]) < Decimal(dear["total"]["would_cost_usd"])
    ran = story("spend", "--savings", "--baseline", "finla")
    assert ran.code == 2
    assert "did you mean 'final'?" in ran.err


def test_savings_of_nothing_are_nothing(keyless: CommandLine) -> None:
    assert keyless("spend", "--savings", "--all").out.startswith("nothing was bought")


# --- Assets and requests ----------------------------------------------------------------------------------------------


def test_assets_tell_what_a_finished_one_costs(story: CommandLine) -> None:
    text = story("assets").out
    assert "poster-7" in text
    assert "1 finished asset for $0.6125, $0.6125 each" in text
    assert "finished: 1 of 2 assets with drafts (50.0 %)" in text
    assert "2 requests made again at another importance" in text
    told = json.loads(story("assets", "--json").out)
    assert [(each["asset"], each["finished"]) for each in told["assets"]] == [("poster-7", True), ("tin", False)]


def test_an_asset_can_be_asked_for_by_name(story: CommandLine) -> None:
    told = story("assets", "poster-7", "tin").out
    assert told == "poster-7: 14 drafts $0.3525, 1 review $0.05, 1 final $0.21\ntin: 2 drafts $0.05\n"
    ran = story("assets", "poster-8")
    assert ran.code == 2
    assert "asset 'poster-8' (did you mean 'poster-7'?): `routing spend --by asset --all` lists them" in ran.err


def test_before_anything_is_finished_it_says_so(keyless: CommandLine) -> None:
    assert keyless("assets").out == "no asset is finished yet\n"
    assert "nothing was bought for asset 'tin': there are none yet" in keyless("assets", "tin").err
    fill(keyless, Happened(request_id="r", at=TODAY, asset="tin"))
    assert keyless("assets").out.splitlines() == [
        "no asset is finished yet",
        "finished: 0 of 1 assets with drafts (0.0 %)",
        "not finished: 1 asset, 1 image, $0.05",
    ]


def test_a_request_is_shown_with_all_that_was_written_of_it(routing: CommandLine) -> None:
    routing("generate", "a fox", "--request-id", "fox", "--asset", "poster", "-t", "campaign=spring", "-o", "1.png")
    routing("promote", "fox", "-i", "final", "-o", "2.png")
    text = routing("show", "fox").out
    assert "request     fox, " in text

    assert "asset       poster: 1 draft $0.0059, 1 final $0.2107" in text
    assert "the picture, tokens" in text
    assert "campaign spring" in text
    assert "a fox" not in text
    told = json.loads(routing("show", "fox", "--json").out)
    assert [entry["kind"] for entry in told["entries"]] == ["reserve", "settle"]
    assert (told["cost_usd"], len(told["children"])) == ("0.00589", 1)
    assert Decimal(0) < sum(Decimal(line["amount_usd"]) for line in told["entries"][1]["lines"])
    assert routing("show", told["children"][0]).out.count("made from   fox") == 1


def test_a_call_under_way_costs_nothing_yet_and_says_what_is_held_for_it(story: CommandLine) -> None:
    assert "cost        $0, $0.21 held for a call under way" in story("show", "under-way").out
    told = json.loads(story("show", "under-way", "--json").out)
    assert (told["cost_usd"], told["held_usd"]) == ("0", "0.21")
    assert "held" not in story("show", "poster-7/final-1").out
    assert json.loads(story("show", "refused", "--json").out)["held_usd"] == "0"


def test_a_request_that_is_none_is_asked_after(story: CommandLine) -> None:
    ran = story("show", "nope")
    assert ran.code == 2
    assert "the ledger knows no request 'nope': `routing spend --by request_id` lists them" in ran.err
    (story.folder / "spend.db").unlink()
    assert "nothing was ever bought here" in story("show", "nope").err
