"""OpenAI's costs over real HTTP: from the sandbox, and from servers that answer what no vendor should."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest

from routing.bills.openai_costs import CostsUnavailable, read_day_costs
from routing.core.bill import DayCost
from routing.sandbox import Sandbox
from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-admin-secret"
FIRST, LAST = date(2026, 11, 1), date(2026, 12, 1)
START = 1_793_491_200  # 2026-11-01


@contextmanager
def answering(*answers: tuple[int, object]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn (the last for ever), and the requests it got."""
    asked: list[str] = []

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.0"  # the connection ends with the answer, also with half of one

        def respond(self) -> None:
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data) + (7 if status == 299 else 0)))
            self.end_headers()
            self.wfile.write(data)

    server = LoopbackServer(Handler)
    try:
        yield f"{server.url}/v1", asked
    finally:
        server.stop()


def page(*results: object, start: object = START, more: object = False, cursor: object = None) -> dict[str, object]:
    bucket = {"object": "bucket", "start_time": start, "results": [*results]}
    return {"object": "page", "data": [bucket], "has_more": more, "next_page": cursor}


def cost(value: object, line_item: str | None = "gpt-image-2, image output", currency: str = "usd") -> dict[str, Any]:
    return {"amount": {"value": value, "currency": currency}, "line_item": line_item}


def ask(base_url: str, key: str = KEY) -> list[DayCost]:
    return read_day_costs(FIRST, LAST, api_key=key, key_env="OPENAI_ADMIN_KEY", base_url=base_url)


def refusal(*answers: tuple[int, object]) -> str:
    with answering(*answers) as (url, _), pytest.raises(CostsUnavailable) as told:
        ask(url)
    return str(told.value)


def test_the_sandboxes_costs_are_its_bill_to_the_nano_dollar() -> None:
    body = json.dumps({"model": "gpt-image-2", "prompt": "fox", "size": "1024x1024", "quality": "low"}).encode()
    headers = {"authorization": "Bearer sk-test", "content-type": "application/json"}
    with Sandbox.start(pictures="flat") as sandbox:
        for _ in range(3):
            with urlopen(Request(f"{sandbox.openai_base_url}/images/generations", body, headers)):  # noqa: S310 - the sandbox, on loopback
                pass
        today = datetime.now(UTC).date()
        costs = read_day_costs(
            today - timedelta(days=40),
            today + timedelta(days=2),
            api_key=KEY,
            key_env="OPENAI_ADMIN_KEY",
            base_url=sandbox.openai_base_url,
        )
        assert sum(each.amount_nusd for each in costs) == sandbox.bill()["total_nusd"]
        assert {each.model for each in costs} == {"gpt-image-2, text in", "gpt-image-2, image out"}
        # 42 days at 31 a page; the key that buys was never shown.
        assert [row["path"] for row in sandbox.log()[3:]] == ["/v1/organization/costs"] * 2


def test_amounts_are_read_from_their_text() -> None:
    body = b'{"data": [{"start_time": %d, "results": [%s]}], "has_more": false}' % (
        START,
        b",".join(
            b'{"line_item": "m", "amount": {"value": %s, "currency": "usd"}}' % value
            for value in (b"0.06000000000000005", b'"1850.00"', b"1.29e-05", b"123456789.123456789")
        ),
    )
    with answering((200, body)) as (url, asked):
        assert [each.amount_nusd for each in ask(url)] == [
            60_000_000,
            1_850_000_000_000,
            12_900,
            123_456_789_123_456_789,
        ]
    assert parse_qs(urlsplit(asked[0]).query) == {
        "start_time": [str(START)],
        "end_time": [str(START + 30 * 86_400)],
        "bucket_width": ["1d"],
        "group_by[]": ["line_item"],
        "limit": ["31"],
    }


def test_pages_are_followed_to_the_end() -> None:
    pages = [page(cost(1), more=True, cursor="b"), page(cost(2, None), start=START + 86_400)]
    with answering(*((200, each) for each in pages)) as (url, asked):
        assert ask(url) == [
            DayCost(day=date(2026, 11, 1), model="gpt-image-2, image output", amount_nusd=1_000_000_000),
            DayCost(day=date(2026, 11, 2), model="", amount_nusd=2_000_000_000),
        ]
    assert ["page=b" in path for path in asked] == [False, True]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "it is no JSON object"),
        ([], "it is no JSON object"),
        ({"data": None}, "there is no list of data"),
        ({"data": ["x"]}, "there is no list of data"),
        ({"data": [{"start_time": START}]}, "there is no list of results"),
        (page(cost(1), start="today"), "'today' is no start of a day"),
        (page(cost(1), start=10**15), "is no start of a day"),
        (page(cost("much")), "2026-11-01: 'much' is not an amount in USD"),
        (page(cost(None)), "there is no amount"),
        (page(cost(1, currency="eur")), "'eur' is not in USD"),
        (page({"amount": 3}), "there is no amount"),
        (page(more=True), "it has more pages, and does not say where"),
    ],
)
def test_an_answer_that_makes_no_sense_is_never_a_cost_of_nothing(body: object, told: str) -> None:
    assert told in refusal((200, body))


def test_pages_without_end_are_given_up() -> None:
    assert "does not say where" in refusal((200, page(more=True, cursor="same")))


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "the key in OPENAI_ADMIN_KEY is refused"),
        (403, "that needs an admin key"),
        (404, "has no costs endpoint: only OpenAI itself has one"),
        (429, "ask again in a minute"),
        (500, "answered 500: all is lost, says ..."),
    ],
)
def test_a_refusal_is_told_once_and_without_the_key(status: int, told: str) -> None:
    body = {"error": {"message": f"all is lost,\nsays {KEY}"}}
    with answering((status, body)) as (url, asked), pytest.raises(CostsUnavailable) as error:
        ask(url)
    assert told in str(error.value)
    assert KEY not in str(error.value)
    assert len(asked) == 1


def test_a_vendor_that_is_not_there_is_told() -> None:
    with answering((200, {})) as (url, _):
        pass
    with pytest.raises(CostsUnavailable, match="cannot be asked"):
        ask(url)


def test_an_answer_that_breaks_off_is_told() -> None:
    assert "cannot be asked" in refusal((299, page()))
