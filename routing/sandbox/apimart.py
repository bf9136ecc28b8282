"""APIMart's task dialect: an order is answered with a task, and the task is asked until it has a picture.

Shapes and sizes are those of docs.apimart.ai, "GPT-Image-2" and "Get task status", as of 2026-11. Two choices are the
sandbox's: n is 1, as the English page says (the Chinese one says 1 to 10); a task is unfinished `settings.polls` times.
"""

from __future__ import annotations

import json
import math
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from routing.sandbox import prices
from routing.sandbox.pictures import Sketch
from routing.sandbox.vendor import MEGABYTE, Answer, Json, Purchase, Refused, is_count, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from routing.sandbox.desk import Desk
    from routing.sandbox.faults import Fault
    from routing.sandbox.vendor import Delivery

__all__ = ["routes"]

MOST_BODY = 100 * MEGABYTE
MOST_PROMPT = 32_000
MOST_TASKS = 10_000
MOST_REFERENCES = 16
EXPIRES_AFTER_S = 24 * 3600
NAMES = ("gpt-image-2", "gpt-image-2-ext")

# size -> pixels at 1k, 2k, 4k; where the page gives two, the first.
PIXELS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    ratio: {"1k": one, "2k": two, "4k": four}
    for ratio, one, two, four in (
        ("1:1", (1024, 1024), (2048, 2048), (2880, 2880)),
        ("3:2", (1536, 1024), (2048, 1360), (3520, 2336)),
        ("2:3", (1024, 1536), (1360, 2048), (2336, 3520)),
        ("4:3", (1024, 768), (2048, 1536), (3312, 2480)),
        ("3:4", (768, 1024), (1536, 2048), (2480, 3312)),
        ("5:4", (1280, 1024), (2560, 2048), (3216, 2576)),
        ("4:5", (1024, 1280), (2048, 2560), (2576, 3216)),
        ("16:9", (1536, 864), (2048, 1152), (3840, 2160)),
        ("9:16", (864, 1536), (1152, 2048), (2160, 3840)),
        ("2:1", (2048, 1024), (2688, 1344), (3840, 1920)),
        ("1:2", (1024, 2048), (1344, 2688), (1920, 3840)),
        ("3:1", (1881, 836), (3072, 1024), (3840, 1280)),
        ("1:3", (887, 1774), (1024, 3072), (1280, 3840)),
        ("21:9", (2016, 864), (2688, 1152), (3840, 1648)),
        ("9:21", (864, 2016), (1152, 2688), (1648, 3840)),
    )
}

_ERRORS: Mapping[str, tuple[int, str, str]] = {
    "401": (401, "authentication_error", "Authentication failed, please check your API key"),
    "404": (404, "not_found_error", "The model is not available"),
    "429": (429, "rate_limit_error", "Too many requests, please try again later"),
    "quota": (402, "payment_required", "Insufficient account balance, please top up and try again"),
    "billing": (402, "payment_required", "Insufficient account balance, please top up and try again"),
    "500": (500, "server_error", "Server error"),
    "502": (502, "bad_gateway", "Bad gateway"),
    "503": (503, "service_unavailable", "The upstream is temporarily unavailable, please try again later"),
    "moderation": (400, "invalid_request_error", "The prompt violates the content policy"),
    "moderation-late": (400, "invalid_request_error", "The picture violates the content policy"),
}


def routes(desk: Desk) -> list[Route]:
    """Orders and tasks."""
    tasks: OrderedDict[str, Task] = OrderedDict()

    async def order(request: Request) -> Response:
        return await desk.sell(request, partial(_read, tasks=tasks, polls=desk.settings.polls))

    async def ask(request: Request) -> Response:
        try:
            _authorize(request)
        except Refused as refused:
            return refused.answer.response()
        task = tasks.get(request.path_params["task_id"])
        if task is None:
            return _refusal(404, "not_found_error", "Task not found").answer.response()
        return JSONResponse({"code": 200, "data": task.look(int(time.time()))})

    return [
        Route("/apimart/v1/images/generations", order, methods=["POST"]),
        Route("/apimart/v1/tasks/{task_id}", ask, methods=["GET"]),
    ]


@dataclass(slots=True)
class Task:
    """A picture in the making."""

    task_id: str
    created: int
    polls_left: int
    looks: int
    result: Json
    cost_nusd: int | None

    def look(self, now: int) -> Json:
        """What the task says about itself this time."""
        self.looks += 1
        data: Json = {"id": self.task_id, "created": self.created, "estimated_time": 100}
        if self.polls_left > 0:
            self.polls_left -= 1
            # The first look finds it queued, the others at work.
            return {
                **data,
                "status": "pending" if self.looks == 1 else "processing",
                "progress": min(90, 30 * (self.looks - 1)),
            }
        data |= {"status": "completed", "progress": 100, "completed": now, "actual_time": now - self.created}
        if self.cost_nusd is not None:
            dollars = prices.dollars(self.cost_nusd)
            data |= {"cost": json.loads(dollars), "credits_cost": json.loads(prices.dollars(10 * self.cost_nusd))}
        return {**data, "result": self.result}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApimartPurchase(Purchase):
    """A picture from APIMart: charged when the task is accepted, told when it is done."""

    tasks: OrderedDict[str, Task]
    polls: int

    def reply(self, delivery: Delivery) -> Json:
        """The answer to an order: a task. What became of the order is told when the task is asked."""
        now = int(time.time())
        urls = [[delivery.link(picture)] if picture else None for picture in delivery.pictures or ()]
        images = [{"url": url, "expires_at": now + EXPIRES_AFTER_S} for url in urls]
        task = Task(
            task_id=f"task_{secrets.token_hex(13).upper()}",
            created=now,
            polls_left=self.polls,
            looks=0,
            result={"images": None if delivery.pictures is None else images},
            cost_nusd=prices.amount_nusd(self.lines) if delivery.usage else None,
        )
        self.tasks[task.task_id] = task
        if len(self.tasks) > MOST_TASKS:
            self.tasks.popitem(last=False)
        return {"code": 200, "data": [{"status": "submitted", "task_id": task.task_id}]}

    def refuse(self, fault: Fault) -> Refused:
        """APIMart's words; a failed order is refunded, so it costs nothing."""
        refused = _refusal(*_ERRORS[fault.name])
        if fault.name != "429":
            return refused
        wait = {"retry-after": str(math.ceil(fault.seconds(1.0)))}
        return Refused(Answer(status=429, body=refused.answer.body, headers=wait))


def _refusal(status: int, kind: str, message: str) -> Refused:
    return Refused(Answer(status=status, body={"error": {"code": status, "message": message, "type": kind}}))


def _invalid(message: str) -> Refused:
    return _refusal(400, "invalid_request_error", message)


def _authorize(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip() or "invalid" in key:
        raise _refusal(*_ERRORS["401"])


async def _read(request: Request, *, tasks: OrderedDict[str, Task], polls: int) -> ApimartPurchase:
    _authorize(request)
    try:
        body = json.loads(await read_body(request, MOST_BODY))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _invalid("Invalid JSON body")
    prompt = _prompt(body)
    width, height = _size(body)
    # Other parameters of OpenAI's (quality, response_format, style, ...) are ignored, as the page says.
    resolution = body.get("resolution", "1k")
    sketch = Sketch(prompt=prompt, model="gpt-image-2", quality=resolution, width=width, height=height)
    return ApimartPurchase(
        model="apimart/gpt-image-2",
        prompt=prompt,
        sketches=(sketch,),
        lines=(prices.each("images", 1, prices.APIMART_PER_IMAGE[resolution]),),
        usage=None,
        tasks=tasks,
        polls=polls,
    )


def _prompt(body: Mapping[str, Any]) -> str:
    if body.get("model") not in NAMES:
        raise _refusal(*_ERRORS["404"])
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= MOST_PROMPT:
        raise _invalid("prompt is required")
    if "[unsafe]" in prompt:
        raise _refusal(*_ERRORS["moderation"])
    n = body.get("n", 1)
    if not is_count(n) or n != 1:
        raise _invalid("n must be 1")
    urls = body.get("image_urls") or []
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise _invalid("image_urls must be a list of strings")
    if len(urls) > MOST_REFERENCES:
        raise _invalid(f"image_urls exceeds max {MOST_REFERENCES}")
    return prompt


def _size(body: Mapping[str, Any]) -> tuple[int, int]:
    resolution = body.get("resolution", "1k")
    if resolution not in prices.APIMART_PER_IMAGE:
        raise _invalid(f"resolution must be 1k, 2k or 4k, got {resolution}")
    size = body.get("size", "1:1")
    ratio = "1:1" if size == "auto" else size
    if not isinstance(ratio, str) or ratio not in PIXELS:
        raise _invalid(f"size must be one of auto, {', '.join(PIXELS)}; got {size}")
    return PIXELS[ratio][resolution]
