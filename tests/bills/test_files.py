"""Bills as vendors and accountants save them: read to the nano-dollar, and every defect told with its place."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.bills import files
from routing.bills.columns import read_choices
from routing.bills.files import BillError, BillFile, read_bill
from routing.core.bill import BillLine
from tests.cli.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GOLDEN = Path(__file__).parents[1] / "golden" / "bill"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC) - timedelta(microseconds=1)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., BillFile]:
    def write_and_read(text: str | bytes, name: str = "bill.csv", choices: Mapping[str, str] | None = None) -> BillFile:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_bill(path, choices)

    return write_and_read


def problems(read: Callable[..., BillFile], text: str | bytes, name: str = "bill.csv") -> list[str]:
    with pytest.raises(BillError) as told:
        read(text, name)
    return [str(problem) for problem in told.value.problems]


def test_a_plain_bill_is_read_line_by_line(read: Callable[..., BillFile]) -> None:
    bill = read("request_id,created_at,model,cost_usd\nreq_1,2026-11-21T12:00:00Z,gpt-image-2,0.2107\n")
    assert bill.lines == (
        BillLine(
            place="bill.csv:2",
            amount_nusd=210_700_000,
            model="gpt-image-2",
            vendor_request_id="req_1",
            start=NOON,
            end=NOON,
        ),
    )
    assert str(bill.columns) == "request_id, model, amount from 'cost_usd', time from 'created_at'"


@pytest.mark.parametrize(
    "text",
    [
        '"Request ID","Date","Model Name","Total (USD)"\r\n"req_1","2026-11-21 12:00:00 UTC","gpt","$0.21"\r\n',
        "id;timestamp;model;amount\nreq_1;1795262400;gpt;0.21\n",
        "\ufeffx-request-id\ttime\tmodel\tcost\nreq_1\t1795262400000\tgpt\tUSD 0.21\n",
        'id,created,model,price,note\n\nreq_1,2026-11-21T13:00:00+01:00,gpt,0.210000000,"a, b\nc"\n , , , ,\n',
        "id,start_time,model,amount.value,amount.currency\nreq_1,1795262400.0,gpt,2.1e-1,usd\n",
    ],
)
def test_the_same_bill_has_many_faces(read: Callable[..., BillFile], text: str) -> None:
    choices = {"amount": "Total (USD)"} if "Total" in text else {}
    [line] = read(text, choices=choices).lines
    assert (line.vendor_request_id, line.model, line.amount_nusd) == ("req_1", "gpt", 210_000_000)
    assert (line.start, line.end) == (NOON, NOON)


def test_json_lines_may_nest_leave_out_and_call_things_differently(read: Callable[..., BillFile]) -> None:
    rows = [
        {"model": "gpt", "amount": {"value": 0.1, "currency": "usd"}, "created": 1795262400},
        {"model": "gpt", "amount": {"value": "0.2", "currency": "USD"}, "created": 1795262400, "id": "req_2"},
        {"request_id": "req_3", "cost": 3, "created_at": None},
    ]
    bill = read("\n".join(map(json.dumps, rows)), "bill.jsonl")
    assert [(line.place, line.vendor_request_id, line.amount_nusd, line.start) for line in bill.lines] == [
        ("bill.jsonl:1", "", 100_000_000, NOON),
        ("bill.jsonl:2", "req_2", 200_000_000, NOON),
        ("bill.jsonl:3", "req_3", 3_000_000_000, None),
    ]


def test_what_kind_of_file_it_is_can_be_seen_where_its_name_does_not_say(read: Callable[..., BillFile]) -> None:
    assert read('\n {"id": "r", "cost": 1}\n', "bill").lines[0].place == "bill:2"
    assert read("id,cost\nr,1\n", "bill.txt").lines[0].place == "bill.txt:2"


def test_a_day_is_a_day_and_not_its_midnight(read: Callable[..., BillFile]) -> None:
    [line] = read("date,model,cost\n2026-11-21,gpt,1\n").lines
    assert (line.start, line.end) == DAY


def test_no_amount_ever_passes_through_a_float(read: Callable[..., BillFile]) -> None:
    exact = read('{"id": "r", "cost": 123456789.123456789}\n', "bill.jsonl")
    assert (exact.lines[0].amount_nusd, exact.rounded) == (123_456_789_123_456_789, 0)
    noisy = read('{"id": "r", "cost": 0.30000000000000004}\n{"id": "s", "cost": 1e-10}\n', "bill.jsonl")
    assert ([line.amount_nusd for line in noisy.lines], noisy.rounded) == ([300_000_000, 0], 2)


def test_credits_are_lines_with_a_minus(read: Callable[..., BillFile]) -> None:
    assert [line.amount_nusd for line in read("id,cost\nr,-0.5\ns,-$2\n").lines] == [-500_000_000, -2_000_000_000]


def test_a_column_can_be_named_or_left_out(read: Callable[..., BillFile]) -> None:
    text = "id,kind,cost,gross\nreq_1,gpt,1,2\n"
    [line] = read(text, choices=read_choices(["request_id=", "model=Kind", "amount = gross"])).lines
    assert (line.vendor_request_id, line.model, line.amount_nusd) == ("", "gpt", 2_000_000_000)


def test_every_defect_of_a_bill_is_told_at_once_with_its_place(read: Callable[..., BillFile]) -> None:
    text = "\n".join(
        (
            "request_id,created_at,model,amount,currency",
            "req_1,2026-11-21,gpt,0.21,usd",
            'req_2,2026-11-21,gpt,"1,234.56",usd',
            'req_3,2026-11-21,gpt,"0,21",usd',
            "req_4,2026-11-21,gpt,0.21,EUR",
            "req_5,2026-11-21,gpt,€0.21,",
            "req_6,11/21/2026,gpt,0.21,",
            "req_7,2026-02-30,gpt,free,",
            "req_8,2026-11-21,gpt,,",
            ",2026-11-21,,0.21,",
            "req_10,2026-11-21,gpt,0.21",
            f"{'r' * 201},2026-11-21,gpt,0.21,",
            "req_12,2026-11-21,gpt,99999999999,",
        )
    )
    check_golden(GOLDEN / "defects.txt", "\n".join(problems(read, text)))


def test_many_defects_are_counted_and_not_listed_for_ever(read: Callable[..., BillFile]) -> None:
    told = problems(read, "id,cost\n" + "r,x\n" * 1000)
    assert len(told) == files.PROBLEMS_AT_MOST + 1
    assert told[-1].endswith("and 980 more like these")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("bill.csv", "", "no column is known as the amount"),
        ("bill.csv", "id,cost\n", "bill.csv:1:1: there are no lines; is this the file you downloaded?"),
        ("bill.csv", "when,what\n1,2\n", "the columns are 'when', 'what'"),
        ("bill.csv", "cost,day\n1,2026-11-21\n", "no column is known as the model; name it with --column model="),
        ("bill.csv", "id,cost,cost\nr,1,2\n", "two columns are called 'cost'"),
        ("bill.csv", 'id,cost\n"r,1\n', "is a quotation mark not closed?"),
        ("bill.csv", b"id,cost\n\xff\xfe,1\n", "this is not UTF-8 text"),
        ("bill.csv", "id,cost\n" + "r" * 70_000 + ",1\n", "longer than 65,536 characters"),
        ("bill.json", '[\n  {"id": "r", "cost": 1}\n]\n', "one JSON document, not an object a line; `jq -c '.[]'"),
        ("bill.json", '[{"id": "r", "cost": 1}]', "one JSON document"),
        ("bill.json", '{\n  "data": []\n}\n', "one JSON document"),
        ("bill.jsonl", '{"id": "r", "cost": 1}\nnothing\n', "bill.jsonl:2:1: 'nothing' is no JSON object"),
        ("bill.jsonl", '{"id": "r", "cost": true}\n', "'True' is not an amount"),
        ("bill.jsonl", '{"id": "r", "cost": NaN}\n', "'NaN' is not an amount"),
        ("bill.jsonl", '{"id": "r", "cost": [1]}\n', "is not an amount"),
        ("bill.jsonl", '{"id": "r\\u0000", "cost": 1}\n', "is no request id"),
        ("bill.jsonl", '{"id": "r", "cost": ' + "[" * 30_000 + "\n", "is no JSON object"),
        ("bill.jsonl", '{"id": "r", "cost": ' + "9" * 5_000 + "}\n", "is no JSON object"),
    ],
)
def test_a_file_that_is_no_bill_is_told_with_the_way_out(
    read: Callable[..., BillFile], name: str, text: str | bytes, told: str
) -> None:
    assert told in "\n".join(problems(read, text, name))


def test_a_bill_larger_than_any_is_not_read(read: Callable[..., BillFile], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LINES_AT_MOST", 2)
    assert (
        "these are more than 2 lines; download a shorter time at once" in problems(read, "id,cost\n" + "r,1\n" * 3)[0]
    )
    monkeypatch.setattr(files, "BYTES_AT_MOST", 10)
    assert "this is more than 0 MB" in problems(read, "id,cost\nr,1\n")[0]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BillError, match="cannot be read: No such file or directory"):
        read_bill(tmp_path / "bill.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["bill.csv", "bill.jsonl", "bill"]))
def test_whatever_is_in_a_file_it_is_a_bill_or_a_problem(
    read: Callable[..., BillFile], content: bytes, name: str
) -> None:
    for beginning in (b"", b"id,cost,date\n", b'{"id": "r", "cost": 1}\n'):
        try:
            assert read(beginning + content, name).lines
        except BillError as error:
            assert error.problems  # noqa: PT017 - either is right


@given(
    st.lists(
        st.tuples(st.integers(-(10**18), 10**18), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))),  # noqa: DTZ001 - in UTC by definition
        min_size=1,
        max_size=5,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_exactly_is_read_exactly(
    read: Callable[..., BillFile], rows: list[tuple[int, datetime]]
) -> None:
    texts = [f"{'-' if nusd < 0 else ''}{abs(nusd) // 10**9}.{abs(nusd) % 10**9:09d}" for nusd, _ in rows]
    wanted = [(nusd, at.replace(tzinfo=UTC)) for nusd, at in rows]
    as_csv = "id,cost,time\n" + "".join(
        f"r,{text},{at.isoformat()}\n" for text, (_, at) in zip(texts, rows, strict=True)
    )
    as_json = "".join(
        f'{{"id":"r","cost":{text},"time":"{at.isoformat()}"}}\n' for text, (_, at) in zip(texts, rows, strict=True)
    )
    for text, name in ((as_csv, "bill.csv"), (as_json, "bill.jsonl")):
        assert [(line.amount_nusd, line.start) for line in read(text, name).lines] == wanted
