"""Two policies compared: the table, the Markdown and the data, to the letter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from routing.core.budgets import CounterKey
from routing.core.difference import Difference, Group, Move, Side, Unserved
from routing.core.money import usd
from routing.core.picture import Size
from routing.core.replay import Choice, Passed
from routing.reports.diff import Compared, diff_json, diff_markdown, diff_report
from routing.reports.sheet import cell_width
from tests.cli.golden import check_golden

GOLDEN = Path(__file__).parents[1] / "golden" / "tables"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
SQUARE, WIDE = Size(width=1024, height=1024), Size(width=1536, height=1024)
BANANA = Choice("draft", "nano-banana", None, SQUARE)
LOW, HIGH = Choice("draft", "gpt-image-2", "low", SQUARE), Choice("final", "gpt-image-2", "high", WIDE)
UGLY = "@team | `#12` <b>*x*</b> $5 \\ ~a_b~"
"""A tag's value that would call people, make a table fall apart, and be read as Markdown."""

KEY = CounterKey(budget="campaign", scope="spring", below="", start=datetime(1970, 1, 1, tzinfo=UTC))
BEFORE = Side(
    policy="policies/default.yaml",
    served=2_596,
    cached=416,
    expected_nusd=usd("193.2564433"),
    price_nusd=usd("202.0116"),
    saved_nusd=usd("26.1633414"),
    within_nusd=usd("150"),
    passed=(
        Passed(
            key=KEY, limit_nusd=usd(150), at=NOON - timedelta(days=3), request_id="a1", downgraded=12, refused=1_024
        ),
    ),
    unserved=(),
)
AFTER = Side(
    policy="policies/edited.yaml",
    served=2_590,
    cached=410,
    expected_nusd=usd("100.24351"),
    price_nusd=usd("108.839455"),
    saved_nusd=usd("5.583208"),
    within_nusd=usd("100.24351"),
    passed=(),
    unread=40,
    unread_by=("policies/edited.yaml:9", "policies/edited.yaml:10"),
    unserved=(
        Unserved(
            error="PriceCapExceeded",
            words="nothing fits under max_price: gpt-image-2: may cost $0.01, over the route's max_price $0.005",
            request_id="a00305/draft-0",
            requests=6,
        ),
    ),
)
FOUND = Difference(
    before=BEFORE,
    after=AFTER,
    requests=2_596,
    images=4_302,
    first_at=NOON - timedelta(days=30),
    last_at=NOON,
    failed=7,
    partial=3,
    charged_nusd=usd("190.5"),
    moves=(
        Move(
            before=BANANA,
            after=LOW,
            requests=2_119,
            before_nusd=usd("122.4737"),
            after_nusd=usd("29.4608"),
            request_id="a1",
        ),
        Move(before=HIGH, after=None, requests=6, before_nusd=usd("1.5"), after_nusd=0, request_id="a00305/draft-0"),
    ),
    groups={
        "importance": (
            Group(
                value="draft",
                before_requests=2_119,
                after_requests=2_119,
                before_nusd=usd("122.4737"),
                after_nusd=usd("29.4608"),
                charged_nusd=usd(120),
            ),
            Group(
                value="final",
                before_requests=477,
                after_requests=471,
                before_nusd=usd("70.7827433"),
                after_nusd=usd("70.78271"),
                charged_nusd=usd("70.5"),
            ),
        ),
        "campaign": (
            Group(
                value="",
                before_requests=2_119,
                after_requests=2_119,
                before_nusd=usd("122.4737"),
                after_nusd=usd("29.4608"),
                charged_nusd=usd(120),
            ),
            Group(
                value=UGLY,
                before_requests=477,
                after_requests=471,
                before_nusd=usd("70.7827433"),
                after_nusd=usd("70.78271"),
                charged_nusd=usd("70.5"),
            ),
        ),
        "asset": (),
    },
)
LEDGER = Compared(difference=FOUND, source="the ledger", charged=True, per={"campaign": "campaign"})
WORKLOAD = Compared(difference=FOUND, source="workload month.jsonl", charged=False)


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_says_what_it_said_before_and_fits(width: int) -> None:
    lines = diff_report(LEDGER, width)
    check_golden(GOLDEN / f"diff-{width}.txt", "\n".join(lines))
    assert max(map(cell_width, lines)) <= width or width < 100


def test_the_markdown_says_what_it_said_before() -> None:
    check_golden(GOLDEN / "diff.md", diff_markdown(LEDGER))


def test_the_data_say_what_they_said_before() -> None:
    check_golden(GOLDEN / "diff.json", json.dumps(diff_json(LEDGER), indent=2, ensure_ascii=False))


def test_what_was_charged_is_told_only_where_that_is_known() -> None:
    assert "charged" not in "\n".join(diff_report(WORKLOAD, 100))
    data = diff_json(WORKLOAD)
    assert data["charged_usd"] is None
    assert "charged_usd" not in json.dumps(data["by"])


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head() -> None:
    tables = [block.splitlines() for block in diff_markdown(LEDGER).split("\n\n") if block.startswith("|")]
    assert len(tables) == 6
    for head, *rows in tables:
        assert {row.count("|") for row in rows} == {head.count("|")}


def test_a_markdown_cell_calls_nobody_and_marks_nothing_up() -> None:
    text = diff_markdown(LEDGER)
    assert UGLY not in text
    for called in ("@team", "`#", "<b>", "*x*"):
        assert called not in text


def test_a_long_list_says_how_much_it_leaves_out_and_the_data_have_all() -> None:
    many = tuple(replace(FOUND.moves[0], requests=at) for at in range(1, 31))
    compared = replace(LEDGER, difference=replace(FOUND, moves=many))
    assert "10 more: --json lists all" in diff_report(compared, 100)
    assert "10 more: --json lists all" in diff_markdown(compared)
    moves = diff_json(compared)["moves"]
    assert isinstance(moves, list)
    assert len(moves) == 30
