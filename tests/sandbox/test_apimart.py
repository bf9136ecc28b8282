"""APIMart's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from routing.sandbox import Sandbox
from tests.sandbox.samples import data_url, look

if TYPE_CHECKING:
    import httpx

PATH = "/apimart/v1/images/generations"


def order(http: httpx.Client, **body: object) -> httpx.Response:
    return http.post(PATH, json={"model": "gpt-image-2", "prompt": "A kitten", **body})


def ask(http: httpx.Client, task_id: str) -> dict[str, Any]:
    data: dict[str, Any] = http.get(f"/apimart/v1/tasks/{task_id}").json()["data"]
    return data


def finish(http: httpx.Client, **body: object) -> dict[str, Any]:
    task_id = order(http, **body).json()["data"][0]["task_id"]
    return [ask(http, task_id) for _ in range(3)][-1]


def test_an_order_is_answered_with_a_task_that_takes_its_time(http: httpx.Client) -> None:
    answer = order(http, size="16:9", resolution="2k").json()
    assert (answer["code"], answer["data"][0]["status"]) == (200, "submitted")
    task_id = answer["data"][0]["task_id"]
    looks = [ask(http, task_id) for _ in range(4)]
    assert [task["status"] for task in looks] == ["pending", "processing", "completed", "completed"]
    assert "result" not in looks[1]
    [image] = looks[2]["result"]["images"]
    assert look(http.get(image["url"][0]).content) == ("PNG", (2048, 1152))


@pytest.mark.parametrize(("resolution", "cost"), [("1k", 0.006), ("2k", 0.012), ("4k", 0.018)])
def test_the_task_tells_its_cost_and_the_bill_agrees(
    http: httpx.Client, sandbox: Sandbox, resolution: str, cost: float
) -> None:
    task = finish(http, resolution=resolution)
    assert (task["cost"], task["credits_cost"]) == (cost, cost * 10)
    assert sandbox.bill()["total_usd"] == str(cost)


def test_how_often_a_task_is_asked_is_a_setting() -> None:
    with (
        Sandbox.start(pictures="flat", polls=0) as sandbox,
        OpenAI(base_url=sandbox.apimart_base_url, api_key="sk", max_retries=0) as client,
    ):
        reply = client.images.generate(model="gpt-image-2", prompt="A kitten", size="1:1")
        [item] = reply.data or []
        # To the SDK a task is a picture without one.
        assert (item.b64_json, item.url) == (None, None)
        task = client.get(f"/tasks/{item.model_dump()['task_id']}", cast_to=dict[str, Any])
        assert task["data"]["status"] == "completed"


def test_openais_other_parameters_are_ignored_as_documented(http: httpx.Client, sandbox: Sandbox) -> None:
    assert order(http, quality="low", response_format="b64_json", style="vivid").status_code == 200
    assert sandbox.bill()["total_usd"] == "0.006"


@pytest.mark.parametrize(
    "body",
    [
        {"size": "1024x1024"},
        {"size": "7:5"},
        {"resolution": "2K"},
        {"n": 2},
        {"n": "1"},
        {"prompt": ""},
        {"prompt": "something [unsafe]"},
        {"image_urls": [data_url()] * 17},
        {"image_urls": data_url()},
    ],
)
def test_what_apimart_refuses_costs_nothing(http: httpx.Client, sandbox: Sandbox, body: dict[str, object]) -> None:
    answer = order(http, **body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["type"]) == (400, 400, "invalid_request_error")
    assert sandbox.bill()["total_nusd"] == 0


def test_unknown_models_tasks_and_keys_are_refused(http: httpx.Client) -> None:
    assert order(http, model="dall-e-3").status_code == 404
    assert http.get("/apimart/v1/tasks/task_unknown").status_code == 404
    assert http.post(PATH, json={}, headers={"authorization": "Bearer invalid"}).status_code == 401
    assert http.get("/apimart/v1/tasks/x", headers={"authorization": ""}).status_code == 401


def test_what_goes_wrong_with_the_picture_shows_when_the_task_is_asked(http: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.inject(["empty", "null", "null:data", "garbage", "no-usage"])
    tasks = [finish(http) for _ in range(5)]
    assert [task["result"]["images"] and len(task["result"]["images"]) for task in tasks] == [[], 1, None, 1, 1]
    assert tasks[1]["result"]["images"][0]["url"] is None
    assert http.get(tasks[3]["result"]["images"][0]["url"][0]).content.startswith(b"this is not an image")
    assert "cost" not in tasks[4]
    assert sandbox.bill()["total_usd"] == "0.03"
