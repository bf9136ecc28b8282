"""Every fault does what its name says, and bills what a vendor would."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from routing.sandbox.faults import FAULTS, Fault, Faults
from tests.sandbox.samples import colours, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai import OpenAI

    from routing.sandbox import Sandbox

PRICE = 5_890_000
BODY: dict[str, Any] = {"model": "gpt-image-2", "prompt": "A kitten", "size": "1024x1024", "quality": "low"}


@pytest.fixture
def buy(http: httpx.Client) -> Callable[..., httpx.Response]:
    def call(fault: str, **changes: object) -> httpx.Response:
        headers = {"x-sandbox-fault": fault}
        return http.post("/v1/images/generations", json={**BODY, **changes}, headers=headers)

    return call


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("429", openai.RateLimitError, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("billing", openai.BadRequestError, "billing_hard_limit_reached"),
        ("moderation", openai.BadRequestError, "moderation_blocked"),
        ("500", openai.InternalServerError, "server_error"),
        ("502", openai.InternalServerError, None),
        ("503", openai.InternalServerError, "engine_overloaded"),
        ("401", openai.AuthenticationError, "invalid_api_key"),
        ("404", openai.NotFoundError, "model_not_found"),
    ],
)
def test_a_refusal_has_the_vendors_words_and_costs_nothing(
    client: OpenAI, sandbox: Sandbox, fault: str, error: type[openai.APIStatusError], code: str | None
) -> None:
    with pytest.raises(error) as caught:
        client.images.generate(**BODY, extra_headers={"x-sandbox-fault": fault})
    assert caught.value.code == code
    assert str(caught.value.status_code) == fault or fault in {"quota", "billing", "moderation"}
    assert sandbox.bill()["total_nusd"] == 0
    [row] = sandbox.log()
    assert (row["fault"], row["status"], row["charged_nusd"]) == (fault, caught.value.status_code, 0)


def test_429_says_when_to_come_back(buy: Callable[..., httpx.Response]) -> None:
    headers = buy("429:2").headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "2000")
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"] == "2s"
    assert "x-ratelimit-limit-requests" not in headers  # there is none


@pytest.mark.parametrize("fault", ["500:after", "502:after", "503:after", "moderation-late:0.1"])
def test_a_refusal_after_the_work_is_billed_and_takes_its_time(
    buy: Callable[..., httpx.Response], sandbox: Sandbox, fault: str
) -> None:
    started = time.monotonic()
    answer = buy(fault)
    assert time.monotonic() - started >= 0.09
    assert answer.is_error
    assert sandbox.bill()["total_nusd"] == PRICE


def test_reset_early_breaks_the_connection_before_the_work(
    buy: Callable[..., httpx.Response], sandbox: Sandbox
) -> None:
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        buy("reset-early")
    assert sandbox.bill()["total_nusd"] == 0
    assert sandbox.log()[0]["status"] == 0


def test_reset_breaks_the_connection_after_the_work(client: OpenAI, sandbox: Sandbox) -> None:
    with pytest.raises(openai.APIConnectionError):
        client.images.generate(**BODY, extra_headers={"x-sandbox-fault": "reset"})
    assert sandbox.bill()["total_nusd"] == PRICE
    assert sandbox.log()[0]["status"] == 0


def test_hang_does_the_work_and_says_nothing(client: OpenAI, sandbox: Sandbox) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.images.generate(**BODY, timeout=0.1, extra_headers={"x-sandbox-fault": "hang"})
    assert sandbox.bill()["total_nusd"] == PRICE


def test_hang_answers_whoever_waited_long_enough(buy: Callable[..., httpx.Response]) -> None:
    started = time.monotonic()
    assert buy("hang:0.2").status_code == 200
    assert time.monotonic() - started >= 0.19


def test_truncated_stops_before_the_length_it_announced(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        buy("truncated")
    assert sandbox.bill()["total_nusd"] == PRICE


def test_html_is_a_web_page_with_status_200(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    answer = buy("html")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert sandbox.bill()["total_nusd"] == PRICE


def test_badjson_stops_in_the_middle(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    answer = buy("badjson")
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert sandbox.bill()["total_nusd"] == PRICE


def test_empty_and_null_bring_no_picture(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    assert buy("empty").json()["data"] == []
    assert buy("null").json()["data"] == [{"b64_json": None}]
    assert buy("null:data").json()["data"] is None
    assert sandbox.bill()["total_nusd"] == 3 * PRICE


def test_error200_is_a_failure_that_looks_like_success(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    answer = buy("error200")
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, "server_error")
    assert sandbox.bill()["total_nusd"] == 0


def test_garbage_is_no_image(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    data = base64.b64decode(buy("garbage").json()["data"][0]["b64_json"], validate=True)
    with pytest.raises(OSError, match="cannot identify image file"):
        look(data)
    with pytest.raises(ValueError, match=re.compile("base64|alphabet")):
        base64.b64decode(buy("garbage:b64").json()["data"][0]["b64_json"], validate=True)
    assert sandbox.bill()["total_nusd"] == 2 * PRICE


def test_no_usage_is_a_good_answer_without_usage(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    reply = buy("no-usage").json()
    assert "usage" not in reply
    assert look(reply["data"][0]["b64_json"])[0] == "PNG"
    assert sandbox.bill()["total_nusd"] == PRICE


def test_fewer_brings_one_less_at_the_full_price(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    assert len(buy("fewer", n=3).json()["data"]) == 2
    assert sandbox.bill()["total_nusd"] == 3 * PRICE


@pytest.mark.parametrize("size", ["1024x1024", "1536x1024"])
def test_wrong_size_brings_another_size_and_keeps_quiet(buy: Callable[..., httpx.Response], size: str) -> None:
    reply = buy("wrong-size", size=size).json()
    assert reply["size"] == size
    assert "x".join(map(str, look(reply["data"][0]["b64_json"])[1])) != size


@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
def test_blank_brings_one_colour_and_charges_as_usual(
    buy: Callable[..., httpx.Response], sandbox: Sandbox, picture_format: str
) -> None:
    picture = buy("blank", output_format=picture_format).json()["data"][0]["b64_json"]
    assert look(picture) == (picture_format.upper(), (1024, 1024))
    assert len(colours(picture)) == 1 < len(colours(buy("").json()["data"][0]["b64_json"]))
    assert sandbox.bill()["total_nusd"] == 2 * PRICE


def test_small_brings_half_of_both_edges_and_keeps_quiet(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    reply = buy("small", size="1536x1024").json()
    assert reply["size"] == "1536x1024"
    assert look(reply["data"][0]["b64_json"])[1] == (768, 512)
    assert sandbox.bill()["images"] == 1


def test_a_header_goes_before_the_prompt_and_the_prompt_before_the_schedule(
    buy: Callable[..., httpx.Response], sandbox: Sandbox
) -> None:
    sandbox.inject(["503"])
    prompt = "A kitten [fault:502]"
    assert [buy("500", prompt=prompt).status_code, buy("", prompt=prompt).status_code] == [500, 502]
    assert [buy("").status_code, buy("").status_code] == [503, 200]


def test_a_schedule_is_used_up_one_purchase_at_a_time(
    http: httpx.Client, buy: Callable[..., httpx.Response], sandbox: Sandbox
) -> None:
    sandbox.inject(["429:2", None, "500"])
    assert buy("").status_code == 429
    http.get("/v1/models")
    assert buy("", quality="hd").status_code == 400
    assert [buy("").status_code for _ in range(3)] == [200, 500, 200]


def test_rates_strike_the_same_purchases_every_time() -> None:
    def struck() -> list[str]:
        faults = Faults()
        faults.set(rates={"429": 0.2, "500": 0.1}, seed=1)
        return [str(faults.pick(None, "A kitten") or "") for _ in range(1000)]

    first = struck()
    assert first == struck()
    assert 150 < first.count("429") < 250
    assert 60 < first.count("500") < 140


@pytest.mark.parametrize(
    "wanted",
    [
        {"faults": ["earthquake"]},
        {"rates": {"429": 1.5}},
        {"rates": {"429": -0.5}},
        {"rates": {"429": "often"}},
        {"faults": [7]},
        {"when": "now"},
        [],
    ],
)
def test_faults_that_do_not_exist_are_refused(http: httpx.Client, wanted: object) -> None:
    assert http.post("/_faults", json=wanted).status_code == 400


def test_an_unknown_fault_is_never_mistaken_for_none(buy: Callable[..., httpx.Response], sandbox: Sandbox) -> None:
    assert buy("earthquake").json()["error"]["code"] == "unknown_fault"
    assert buy("", prompt="A kitten [fault:earthquake]").status_code == 400
    with pytest.raises(ValueError, match="there is no fault 'earthquake'"):
        sandbox.inject(["earthquake"])


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_reads_as_it_is_written(name: str) -> None:
    assert str(Fault.parse(name)) == name
    assert str(Fault.parse(f"{name}:2")) == f"{name}:2"


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-2.5-flash-image:generateContent", "/fal/fal-ai/nano-banana"])
@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"hang", "reset", "reset-early", "truncated"}))
def test_every_vendor_knows_every_fault(http: httpx.Client, path: str, name: str) -> None:
    google = "gemini" in path
    body: dict[str, object] = {"contents": [{"parts": [{"text": "A kitten"}]}]} if google else {"prompt": "A kitten"}
    headers = {"x-goog-api-key": "k", "authorization": "Key k", "x-sandbox-fault": f"{name}:0"}
    answer = http.post(path, json=body, headers=headers)
    assert answer.status_code != 400 or name in {"401", "billing"}
    assert answer.headers["x-request-id"].startswith("req_")
