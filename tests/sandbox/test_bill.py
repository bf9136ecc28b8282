"""The vendor's bill: downloads as vendors give them, and OpenAI's costs endpoint, as strict as the real one."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from openai import DefaultHttpxClient, OpenAI

from routing.sandbox.bill import Bill
from routing.sandbox.prices import Line, each
from tests.sandbox.samples import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.sandbox import Sandbox

BODY: dict[str, Any] = {"model": "gpt-image-2", "prompt": "A kitten", "size": "1024x1024", "quality": "low"}
COSTS = "/v1/organization/costs"
ADMIN = {"authorization": "Bearer sk-admin-test"}


def midnight(back: int = 0) -> int:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((today - timedelta(days=back)).timestamp())


@pytest.fixture
def admin(sandbox: Sandbox) -> Iterator[OpenAI]:
    plain = DefaultHttpxClient(verify=NO_CERTIFICATES)
    with OpenAI(
        base_url=sandbox.openai_base_url, api_key="", admin_api_key="sk-admin-test", max_retries=0, http_client=plain
    ) as client:
        yield client


# --- Downloads --------------------------------------------------------------------------------------------------------


def test_every_line_names_its_request_its_time_and_its_vendor(sandbox: Sandbox, http: httpx.Client) -> None:
    answer = http.post("/v1/images/generations", json=BODY)
    [line] = sandbox.bill()["lines"]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["vendor"] == "openai"
    assert datetime.fromisoformat(line["time"]) >= datetime.fromisoformat(sandbox.log()[0]["time"])


def test_a_purchase_that_nobody_got_an_answer_to_is_on_the_bill_by_its_id(sandbox: Sandbox, http: httpx.Client) -> None:
    with pytest.raises(httpx.HTTPError):
        http.post("/v1/images/generations", json=BODY, headers={"x-sandbox-fault": "reset"})
    assert sandbox.bill()["lines"][0]["request_id"] == sandbox.log()[0]["request_id"]


def test_the_download_for_accountants_is_csv_with_decimals(sandbox: Sandbox, http: httpx.Client) -> None:
    http.post("/v1/images/generations", json={**BODY, "n": 2})
    answer = http.get("/_bill.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.text))
    [line] = sandbox.bill()["lines"]
    assert row == {
        "request_id": line["request_id"],
        "created_at": f"{line['time'][:19]}Z",
        "model": "gpt-image-2",
        "images": "2",
        "cost_usd": "0.01178",
    }


def test_the_download_for_programs_is_an_object_a_line(sandbox: Sandbox, http: httpx.Client) -> None:
    http.post("/v1/images/generations", json=BODY)
    [told] = map(json.loads, http.get("/_bill.jsonl").text.splitlines())
    [line] = sandbox.bill()["lines"]
    assert told["id"] == line["request_id"]
    assert told["created"] == int(datetime.fromisoformat(line["time"]).timestamp())
    assert told["amount"] == {"value": 0.00589, "currency": "usd"}


def test_a_vendors_bill_has_its_own_sales_only_and_google_names_no_requests(
    sandbox: Sandbox, http: httpx.Client
) -> None:
    http.post("/v1/images/generations", json=BODY)
    http.post("/openai/v1/images/generations", json=BODY)
    google = {"contents": [{"parts": [{"text": "A kitten"}]}], "generationConfig": {"responseModalities": ["IMAGE"]}}
    path = "/v1beta/models/gemini-2.5-flash-image:generateContent"
    assert http.post(path, json=google, headers={"x-goog-api-key": "k"}).status_code == 200
    lines = sandbox.bill()["lines"]
    assert [(line["vendor"], bool(line["request_id"])) for line in lines] == [
        ("openai", True),
        ("azure", True),
        ("google", False),
    ]
    for vendor in ("openai", "azure", "google"):
        assert len(http.get("/_bill.jsonl", params={"vendor": vendor}).text.splitlines()) == 1
    assert http.get("/_bill.csv", params={"vendor": "nobody"}).status_code == 400


def test_the_products_of_a_day_add_up_to_what_was_charged() -> None:
    bill = Bill()
    # Three thirds of a nano-dollar each round to nothing, and to one together.
    lines = [Line("text in", 1, 333_334), Line("image in", 1, 333_333), Line("image out", 1, 333_333)]
    for at, priced in ((date(2026, 11, 21), lines), (date(2026, 11, 22), [each("images", 2, 5)])):
        moment = datetime(at.year, at.month, at.day, 12, tzinfo=UTC)
        bill.charge(seq=1, at=moment, path="/v1/x", request_id="r", model="m", images=1, lines=priced, usage=None)
    sums = {key: item.total_nusd for key, item in bill.by_day.items()}
    assert sum(sums.values()) == bill.total.total_nusd == 11
    assert sums[date(2026, 11, 22), "openai", "m, images"] == 10


# --- OpenAI's costs endpoint ------------------------------------------------------------------------------------------


def test_the_vendors_own_sdk_reads_the_costs_of_a_day(client: OpenAI, admin: OpenAI) -> None:
    client.images.generate(**BODY)
    client.images.generate(**{**BODY, "model": "gpt-image-2.5-flare"})
    page = admin.admin.organization.usage.costs(start_time=midnight(), group_by=["line_item"])
    [bucket] = page.data
    told = {result.line_item: result.amount.value for result in bucket.results}  # type: ignore[union-attr]  # costs
    assert told == {
        "gpt-image-2, text in": 0.00001,
        "gpt-image-2, image out": 0.00588,
        "gpt-image-2.5-flare, text in": 0.00001,
        "gpt-image-2.5-flare, image out": 0.00588,
    }
    assert (page.object, bucket.object, bucket.end_time - bucket.start_time) == ("page", "bucket", 86_400)


def test_without_groups_a_day_has_one_sum(client: OpenAI, admin: OpenAI) -> None:
    client.images.generate(**BODY)
    page = admin.admin.organization.usage.costs(start_time=midnight())
    [result] = page.data[0].results
    told = result.model_dump()
    assert (told["amount"], told["line_item"], told["project_id"]) == (
        {"currency": "usd", "value": 0.00589},
        None,
        None,
    )


def test_days_come_in_pages(client: OpenAI, admin: OpenAI) -> None:
    client.images.generate(**BODY)
    costs = admin.admin.organization.usage.costs
    first = costs(start_time=midnight(8) + 3600, end_time=midnight(-1))
    assert [len(bucket.results) for bucket in first.data] == [0] * 7
    assert first.data[0].start_time == midnight(8)
    assert first.has_more
    assert first.next_page is not None
    rest = costs(start_time=midnight(8) + 3600, end_time=midnight(-1), page=first.next_page)
    assert [len(bucket.results) for bucket in rest.data] == [0, 1]
    assert (rest.has_more, rest.next_page) == (False, None)


def test_azures_sales_are_not_among_openais_costs(http: httpx.Client) -> None:
    http.post("/openai/v1/images/generations", json=BODY)
    body = http.get(COSTS, params={"start_time": midnight()}, headers=ADMIN).json()
    assert body["data"][0]["results"] == []


def test_looking_at_costs_costs_nothing(sandbox: Sandbox, http: httpx.Client) -> None:
    http.get(COSTS, params={"start_time": midnight()}, headers=ADMIN)
    assert sandbox.bill()["total_nusd"] == 0


@pytest.mark.parametrize(
    ("key", "status", "told"),
    [("", 401, "didn't provide"), ("sk-test", 403, "api.usage.read"), ("sk-admin-invalid", 401, "Incorrect API key")],
)
def test_only_an_admin_key_may_look(http: httpx.Client, key: str, status: int, told: str) -> None:
    headers = {"authorization": f"Bearer {key}" if key else ""}
    answer = http.get(COSTS, params={"start_time": midnight()}, headers=headers)
    assert (answer.status_code, told in answer.json()["error"]["message"]) == (status, True)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({}, "start_time"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"start_time": "-1"}, "start_time"),
        ({"start_time": "9" * 30}, "start_time"),
        ({"start_time": "100", "end_time": "100"}, "end_time"),
        ({"start_time": "100", "bucket_width": "1h"}, "bucket_width"),
        ({"start_time": "100", "group_by": "model"}, "group_by"),
        ({"start_time": "100", "group_by[]": ["line_item", "user_id"]}, "group_by"),
        ({"start_time": "100", "limit": "0"}, "limit"),
        ({"start_time": "100", "limit": "181"}, "limit"),
        ({"start_time": "100", "page": "2"}, "page"),
        ({"start_time": "100", "model": "gpt-image-2"}, "model"),
        ({"start_time": ["100", "200"]}, "start_time"),
    ],
)
def test_a_question_the_vendor_would_refuse_is_refused(http: httpx.Client, asked: dict[str, Any], param: str) -> None:
    answer = http.get(COSTS, params=asked, headers=ADMIN)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
