"""Every format adds up to the folded ledger, to the nano-dollar: any ledger, any time zone, any edges."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.cli.spend_rankings import RANKED, rankings
from routing.core.charge import CHARGING
from routing.core.entries import EntryKind
from routing.core.spend import Period, SpendQuery, in_order, total_of
from routing.reading.paid import paid_of
from routing.reading.spending import read_charges, read_spend
from routing.reports.charges import CHARGES, groups
from routing.reports.exports import csv_text
from routing.reports.focus import FOCUS, focus_row
from routing.reports.page.data import DaySpend, Figures, PageData
from routing.reports.page.render import page_html
from routing.reports.spend import spend_json, spend_table
from tests.reports.ledgers import HOSTILE, Happened, ledger

if TYPE_CHECKING:
    from routing.ledger.base import Store

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe")
HOUR = timedelta(hours=1)
# Around the end of summer time in Europe and America, and the ends of two months.
EDGES = tuple(
    datetime.fromisoformat(text).replace(tzinfo=UTC)
    for text in ("2026-10-25T00:00", "2026-10-25T01:00", "2026-10-31T23:00", "2026-11-01T00:00", "2026-11-01T05:00",
                 "2026-11-30T23:00", "2026-12-01T00:00")
)  # fmt: skip
MOMENTS = st.builds(
    lambda edge, away_ms: edge + timedelta(milliseconds=away_ms),
    st.sampled_from(EDGES),
    st.one_of(st.sampled_from([-1, 0, 1]), st.integers(-40 * 3_600_000, 40 * 3_600_000)),
)
NOW = datetime(2026, 12, 24, tzinfo=UTC)
LABEL = st.sampled_from(HOSTILE)


@st.composite
def happenings(draw: st.DrawFn) -> list[Happened]:
    """Up to a dozen requests of any kind, with labels of any kind."""
    return [
        Happened(
            request_id=f"r{number}",
            at=draw(MOMENTS),
            end=draw(st.sampled_from(["settled", "unconfirmed", "released", "expired", "cached", "held"])),
            nusd=draw(st.one_of(st.integers(0, 10**9), st.integers(0, 10**16))),
            images=draw(st.integers(0, 4)),
            ended_after=draw(st.sampled_from([timedelta(), timedelta(seconds=20), 15 * HOUR, 40 * 24 * HOUR])),
            corrected_after=draw(st.sampled_from([timedelta(), HOUR, 24 * HOUR])),
            corrected_nusd=draw(st.integers(0, 10**9)),
            importance=draw(st.sampled_from(["draft", "review", "final"])),
            asset=draw(LABEL) or None,
            tags=tuple((key, draw(LABEL)) for key in draw(st.sets(st.sampled_from(["campaign", "=kind", "project"])))),
            deployment=draw(st.sampled_from(["gpt-image-2", "nano-banana"])),
        )
        for number in range(draw(st.integers(1, 12)))
    ]


@st.composite
def questions(draw: st.DrawFn) -> SpendQuery:
    """Any grouping of any time in any zone."""
    since, until = sorted((draw(MOMENTS), draw(MOMENTS)))
    names = ["importance", "deployment", "campaign", "=kind", "asset", "size", "request_id"]
    return SpendQuery(
        by=tuple(draw(st.lists(st.sampled_from(names), max_size=3, unique=True))),
        since=draw(st.sampled_from([None, since])),
        until=draw(st.sampled_from([None, until])),
        per=draw(st.sampled_from([None, *Period])),
        zone=ZoneInfo(draw(st.sampled_from(ZONES))),
    )


def folded(store: Store, query: SpendQuery) -> tuple[int, int]:
    """What was spent and what the cache saved, by nothing but the entries themselves."""
    sums: Counter[bool] = Counter()
    for entry in store.entries():
        inside = (query.since is None or entry.at >= query.since) and (query.until is None or entry.at < query.until)
        if inside and entry.kind in CHARGING:
            sums[entry.kind is EntryKind.CACHED] += entry.amount_nusd
    return sums[False], sums[True]


def column(text: str, name: str) -> list[Decimal]:
    return [Decimal(row[name]) for row in csv.DictReader(io.StringIO(text, newline=""))]


def usd(nusd: int) -> Decimal:
    return Decimal(nusd).scaleb(-9)


@settings(max_examples=150)
@given(happenings(), questions())
def test_every_grouped_format_adds_up_to_the_folded_ledger(happened: list[Happened], query: SpendQuery) -> None:
    store = ledger(*happened)
    spent, saved = folded(store, query)
    rows = read_spend(store, query, NOW)
    total = total_of(rows)
    assert (total.spent, total.saved) == (spent, saved)
    text = "".join(csv_text(groups(query.by, periods=query.per is not None), rows))
    assert sum(column(text, "spent_usd")) == usd(spent)
    assert sum(column(text, "saved_usd")) == usd(saved)
    data = json.loads(json.dumps(spend_json(rows)))
    assert sum(Decimal(row["spent_usd"]) for row in data["rows"]) == Decimal(data["total"]["spent_usd"]) == usd(spent)
    lines = spend_table(rows, query.by, 80, query.per).lines(80)
    assert not [line for line in lines if not line.isprintable()]
    assert rows == in_order(rows)


@settings(max_examples=100)
@given(happenings(), questions())
def test_every_export_of_charges_adds_up_to_the_folded_ledger(happened: list[Happened], query: SpendQuery) -> None:
    store = ledger(*happened)
    spent, saved = folded(store, query)
    charges = list(read_charges(store, query.since, query.until))
    text = "".join(csv_text(CHARGES, charges))
    assert sum(column(text, "charged_usd")) == usd(spent)
    assert sum(column(text, "saved_usd")) == usd(saved)
    unconfirmed = total_of(store.spend(SpendQuery(by=(), since=query.since, until=query.until))).unconfirmed
    assert sum(charge.charged_nusd for charge in charges if charge.unconfirmed) == unconfirmed
    focus = "".join(csv_text(FOCUS, filter(None, (focus_row(charge, {}) for charge in charges))))
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert sum(column(focus, name)) == usd(spent)


@settings(max_examples=30)
@given(happenings(), questions())
def test_parquet_adds_up_to_the_folded_ledger(happened: list[Happened], query: SpendQuery) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    from routing.reports.parquet import write_parquet  # noqa: PLC0415 - where pyarrow is missing, others are tested

    store, target = ledger(*happened), io.BytesIO()
    write_parquet(CHARGES, read_charges(store, query.since, query.until), target)
    table = parquet.read_table(target).to_pylist()
    spent, saved = folded(store, query)
    assert sum((row["charged_usd"] for row in table), Decimal(0)) == usd(spent)
    assert sum((row["saved_usd"] for row in table), Decimal(0)) == usd(saved)


@settings(max_examples=30)
@given(happenings(), st.sampled_from(ZONES))
def test_the_days_of_a_page_add_up_to_the_folded_ledger(happened: list[Happened], zone: str) -> None:
    store = ledger(*happened)
    query = SpendQuery(by=("importance",), per=Period.DAY, zone=ZoneInfo(zone))
    rows = [row for row in read_spend(store, query, NOW) if row.period]
    days = tuple(DaySpend(day=row.period, spent={row.key[0]: int(row.spent)}) for row in rows if row.period)
    if not days:
        return
    page = PageData(
        title=HOSTILE[10], note=HOSTILE[11], first_day=days[0].day, last_day=days[-1].day,
        made_at=NOW.astimezone(ZoneInfo(zone)), zone=zone, version="1", importances=("draft", "review", "final"),
        figures=Figures(requests=1, pictures=1), days=days,
    )  # fmt: skip
    spent, _ = folded(store, query)
    assert page.spent == spent
    assert page_html(page).count("<script") == 0


@settings(max_examples=100)
@given(happenings(), questions(), st.sampled_from([1, 10_000]))
def test_the_rankings_of_a_page_are_those_of_every_entry(
    happened: list[Happened], query: SpendQuery, fold_at_least: int
) -> None:
    store = ledger(*happened)
    while store.roll_up(fold_at_least):
        pass
    asked = {each.request_id: each for each in happened}
    sums: dict[tuple[str, str, str], Counter[str]] = {}
    finished: dict[str, set[str]] = {}
    for entry in store.entries():
        inside = (query.since is None or entry.at >= query.since) and (query.until is None or entry.at < query.until)
        if not inside or entry.kind not in CHARGING:
            continue
        made = asked[entry.request_id]
        campaign = dict(made.tags).get("campaign", "")
        for by, name in (("campaign", campaign), ("asset", made.asset or ""), ("deployment", made.deployment)):
            step = sums.setdefault((by, name, made.importance), Counter())
            step["spent"] += 0 if entry.kind is EntryKind.CACHED else entry.amount_nusd
            step["pictures"] += entry.images
        if campaign and made.asset and made.importance == "final" and entry.images:
            finished.setdefault(campaign, set()).add(made.asset)
    found = {ranking.by: ranking for ranking in rankings(store, query, "final")}
    for by in RANKED:
        steps = {key[1:]: step for key, step in sums.items() if key[0] == by and any(step.values())}
        names = {name for name, _ in steps}
        if names <= {""}:
            assert by not in found
            continue
        rows, spent = found[by].rows, dict.fromkeys(names, 0)
        for (name, _), step in steps.items():
            spent[name] += step["spent"]
        ordered = sorted(names, key=lambda name: (-spent[name], name))
        assert [row.name for row in rows] == ordered[:10]
        assert found[by].others == len(ordered[10:])
        assert found[by].others_spent == sum(spent[name] for name in ordered[10:])
        pictures = sum(step["pictures"] for step in steps.values())
        assert sum(row.pictures for row in rows) + found[by].others_pictures == pictures
        for row in rows:
            assert {step.importance: (step.spent, step.pictures) for step in row.steps} == {
                importance: (step["spent"], step["pictures"])
                for (name, importance), step in steps.items()
                if name == row.name
            }
            assert row.finished == (len(finished.get(row.name, ())) if by == "campaign" and row.name else None)


@settings(max_examples=50)
@given(happenings())
def test_what_requests_cost_one_by_one_is_the_folded_ledger(happened: list[Happened]) -> None:
    store = ledger(*happened)
    paid = [paid_of(history) for history in store.histories(EDGES[0] - 100 * HOUR, NOW)]
    spent, saved = folded(store, SpendQuery())
    assert (sum(each.spent_nusd for each in paid), sum(each.saved_nusd for each in paid)) == (spent, saved)
    assert all(each.failed_nusd <= each.spent_nusd for each in paid)
