"""Spend by time, savings, assets and one request, to the letter."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from routing.core.baseline import baseline_of
from routing.core.lineage import BY_ASSET, assets_of
from routing.core.money import usd
from routing.core.policy import Ask, Policy, Route, Settings, SortRule
from routing.core.prices import Line, PriceBook, Rate, Unit, Usage
from routing.core.savings import compare_with
from routing.core.spend import Period, SpendQuery, SpendRow
from routing.reading.paid import read_paid
from routing.reading.spending import charges_of, read_spend
from routing.reports.assets import assets_json, assets_notes, assets_table, counted, lineage
from routing.reports.savings import savings_headline, savings_json, savings_notes, savings_table
from routing.reports.sheet import harmless
from routing.reports.show import Shown, show_json, show_report
from routing.reports.spend import spark_lines, spend_remarks, spend_table
from tests.cli.golden import check_golden
from tests.core.making import deployment, per_image, piece_model
from tests.ledger.purchases import record, reservation, settle
from tests.reports.ledgers import CENT, HOSTILE, NOVEMBER_21, Happened, a_story, ledger

if TYPE_CHECKING:
    from routing.ledger.base import Store

GOLDEN = Path(__file__).parents[1] / "golden" / "tables"
WIDTHS = pytest.mark.parametrize("width", [120, 80, 60])
RANKS = ("draft", "review", "final")
BERLIN = ZoneInfo("Europe/Berlin")
NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def settings() -> Settings:
    """Drafts from a cheap model, everything else from a dear one."""
    return Settings(
        policy=Policy(
            name="p.yaml",
            importance=RANKS,
            sort=(SortRule(importance="draft"),),
            routes={name: (Route(use=("dear",), ask=Ask()),) for name in RANKS},
        ),
        deployments={"dear": deployment("dear", piece_model())},
        prices=PriceBook({"dear": [per_image(0.21)]}),
    )


@pytest.fixture(scope="module")
def store() -> Store:
    return ledger(*a_story())


def show(store: Store, request_id: str, **more: Any) -> Shown:
    history = store.history(request_id)
    assert history is not None
    entries = [*history.cached]
    for attempt in history.attempts:
        entries += [attempt.reserve, *([attempt.resolution] if attempt.resolution else []), *attempt.adjustments]
    return Shown(record=history.record, entries=tuple(entries), charges=tuple(charges_of(history)), **more)


@WIDTHS
@pytest.mark.parametrize("per", [Period.DAY, Period.WEEK])
def test_spend_by_time_reads_as_agreed(store: Store, per: Period, width: int) -> None:
    by = ("campaign", "importance") if per is Period.WEEK else ()
    rows = read_spend(store, SpendQuery(by=by, since=NOVEMBER, per=per, zone=BERLIN), NOVEMBER_21)
    lines = [
        *spend_table(rows, by, width, per).lines(width),
        "",
        *spark_lines(rows, per, width),
        "",
        *spend_remarks(rows),
    ]
    check_golden(GOLDEN / f"spend-{per}-{width}.txt", "\n".join(lines))


def test_columns_without_room_are_left_out_and_their_sums_are_told_below(store: Store) -> None:
    rows = store.spend(SpendQuery())
    wide, narrow = spend_table(rows, ("importance", "deployment")), spend_table(rows, ("importance", "deployment"), 80)
    assert wide.columns[-4:] == ("cached", "not spent", "unconfirmed", "held")
    assert narrow.columns == wide.columns[: len(narrow.columns)]
    assert max(map(len, narrow.lines(80))) <= 80
    told = "\n".join(spend_remarks(rows))
    assert all(words in told for words in ("unconfirmed", "held now", "saved by the cache", "on average"))


def test_four_figures_are_shown_however_narrow_it_is(store: Store) -> None:
    sheet = spend_table(store.spend(SpendQuery()), ("importance", "deployment"), 20)
    assert sheet.columns == ("importance", "deployment", "spent", "share", "requests", "images")


@WIDTHS
def test_savings_read_as_agreed(store: Store, width: int) -> None:
    found = compare_with(baseline_of(settings()), read_paid(store, NOVEMBER, DECEMBER), UTC)
    lines = [savings_headline(found), "", *savings_table(found, RANKS).lines(width), "", *savings_notes(found, "UTC")]
    check_golden(GOLDEN / f"savings-{width}.txt", "\n".join(lines))


def test_what_savings_leave_out_is_told() -> None:
    found = compare_with(baseline_of(settings()), (), UTC)
    found.partial.requests, found.unpriced.requests, found.why = 2, 3, "the model cannot make 4096x4096"
    found.archived = ("2025.parquet",)
    told = "\n".join(savings_notes(found, "UTC"))
    assert "Left out: 2 requests ($0.00) of which an older version wrote too little down." in told
    assert "Left out: 3 requests ($0.00) without a price at the baseline: the model cannot make 4096x4096." in told
    assert "Left out: older requests that were moved to 2025.parquet." in told


def test_savings_for_programs_are_exact(store: Store) -> None:
    found = savings_json(compare_with(baseline_of(settings()), read_paid(store, NOVEMBER, DECEMBER), UTC), RANKS, "UTC")
    assert found["spent_usd"] == "0.97249991"
    assert isinstance(found["rows"], list)
    assert [row["importance"] for row in found["rows"]] == ["draft", "review", "final"]
    assert len(found["assumptions"]) == 4  # type: ignore[arg-type]  # a list of sentences


@WIDTHS
def test_assets_read_as_agreed(store: Store, width: int) -> None:
    sums, rows = store.asset_sums("final", 10)
    found = assets_of(rows, RANKS)
    table = assets_table(found.finished, found.importances).lines(width)
    check_golden(GOLDEN / f"assets-{width}.txt", "\n".join([*table, "", *assets_notes(sums, 1)]))


def test_the_way_of_an_asset_is_one_line(store: Store) -> None:
    sums, rows = store.asset_sums("final", None)
    found = assets_of(rows, RANKS)
    assert lineage(found.finished[0]) == "poster-7: 14 drafts $0.3525, 1 review $0.05, 1 final $0.21"
    told = assets_json(found, sums)
    assert (told["finished"], told["finished_usd"], told["unfinished_usd"]) == (1, "0.61249991", "0.05")


def test_an_importance_that_is_no_plain_word_is_not_bent() -> None:
    assert [counted(2, name) for name in ("draft", "very important", "focus", "v2", "день")] == [
        "2 drafts", "2 very important", "2 focus", "2 v2", "2 день",
    ]  # fmt: skip


@WIDTHS
@pytest.mark.parametrize("request_id", ["wrong", "lost", "poster-7/review-1", "tin/draft-2"])
def test_a_request_reads_as_agreed(store: Store, request_id: str, width: int) -> None:
    history = store.history(request_id)
    assert history is not None
    found = assets_of(store.spend(BY_ASSET), RANKS)
    asset = next((each for each in found.named if each.name == history.record.asset), None)
    shown = show(store, request_id, children=store.children(request_id), asset=asset, zone=BERLIN)
    check_golden(GOLDEN / f"show-{request_id.replace('/', '-')}-{width}.txt", "\n".join(show_report(shown, width)))


def test_what_a_charge_is_made_of_is_shown_where_it_adds_up() -> None:
    store, usage = ledger(), Usage(text_in=10, image_out=196)
    store.reserve(record("r"), [reservation(7_000_000, request_id="r")])
    store.resolve(settle("r/1", 5_930_000, usage=usage))
    rates = {Unit.TEXT_IN: 5, Unit.IMAGE_OUT: 30}
    lines = tuple(
        Line(unit=unit, quantity=getattr(usage, unit.value), rate=Rate(
            unit=unit, per_million_nusd=price * 10**9, since=date(2026, 1, 1), source="the price list"))
        for unit, price in rates.items()
    )  # fmt: skip
    told = "\n".join(show_report(show(store, "r", lines={"r/1": lines}), 80))
    assert "prompt text, tokens" in told
    assert "0.00588" in told
    other = "\n".join(show_report(show(store, "r", lines={"r/1": lines[:1]}), 80))
    assert "$0.00005 by the price book of today, charged was $0.00593" in other
    assert "10 text_in, 196 image_out" in "\n".join(show_report(show(store, "r"), 80))


def test_a_prompt_is_shown_only_where_it_was_kept() -> None:
    secret = "the next product"
    store = ledger()
    for request_id, prompt in (("kept", secret), ("not-kept", None)):
        store.reserve(record(request_id, prompt=prompt), [reservation(5, request_id=request_id)])
    assert secret in "\n".join(show_report(show(store, "kept")))
    assert show_json(show(store, "kept"))["prompt"] == secret
    assert "prompt" not in show_json(show(store, "not-kept"))


@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_steers_a_terminal_or_leaves_its_line(label: str) -> None:
    store = ledger(
        Happened(
            request_id="r", at=NOVEMBER_21, nusd=CENT, asset=label, importance="final", tags=(("campaign", label),)
        ),
        Happened(request_id="s", at=NOVEMBER_21, nusd=CENT, asset=label, parent=label),
    )
    by = ("campaign", "asset")
    rows = read_spend(store, SpendQuery(by=by, per=Period.DAY), NOVEMBER_21)
    found = assets_of(store.spend(BY_ASSET), RANKS)
    lines = [
        *spend_table(rows, by, 80, Period.DAY).lines(80),
        *spark_lines(
            [*rows, *(SpendRow(by=by, key=row.key, period=date(2026, 11, 22)) for row in rows)], Period.DAY, 80
        ),
        *(lineage(asset) for asset in found.named),
        *assets_table(found.named, RANKS).lines(80),
        *show_report(show(store, "s"), 80),
    ]
    assert not [line for line in lines if line != harmless(line)]
    assert usd("0.02") == sum(row.spent for row in rows)
