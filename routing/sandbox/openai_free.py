"""What OpenAI gives away: the list of models, and moderation."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from routing.sandbox.openai_errors import error, invalid, model_not_found
from routing.sandbox.openai_images import authorize, read_json
from routing.sandbox.prices import OPENAI
from routing.sandbox.vendor import Json, Refused
from routing.sandbox.visits import visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["routes"]

MODERATION = "omni-moderation-latest"
CREATED = 1_776_729_600  # 2026-04-21
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def routes() -> list[Route]:
    """The free addresses."""
    return [
        Route("/v1/models", _free(_models), methods=["GET"]),
        Route("/v1/models/{model}", _free(_model), methods=["GET"]),
        Route("/v1/moderations", _free(_moderate), methods=["POST"]),
    ]


def _free(answer: Callable[[Request], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    async def guarded(request: Request) -> Response:
        try:
            authorize(request)
            return JSONResponse(await answer(request))
        except Refused as refused:
            return refused.answer.response()

    return guarded


def _entry(model: str) -> Json:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "system"}


async def _models(_: Request) -> Json:
    return {"object": "list", "data": [_entry(model) for model in (*OPENAI, MODERATION)]}


async def _model(request: Request) -> Json:
    model = request.path_params["model"]
    if model not in (*OPENAI, MODERATION):
        raise model_not_found(model)
    return _entry(model)


async def _moderate(request: Request) -> Json:
    body = await read_json(request)
    for name in body:
        if name not in {"input", "model"}:
            raise invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    model = body.get("model", MODERATION)
    if model != MODERATION:
        raise error(400, f"Invalid value for 'model' = {model}.", param="model", code="invalid_model")
    given = body.get("input")
    if not given or not isinstance(given, str | list):
        raise invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    visit_of(request.scope).note(model=MODERATION, prompt=given if isinstance(given, str) else json.dumps(given))
    # A list of typed parts (text and pictures) is one input; a list of strings is several.
    texts = [given] if isinstance(given, str) or isinstance(given[0], dict) else given
    return {"id": f"modr-{secrets.token_hex(12)}", "model": MODERATION, "results": [_verdict(text) for text in texts]}


def _verdict(text: object) -> Json:
    flagged = "[unsafe]" in str(text)
    return {
        "flagged": flagged,
        "categories": {category: flagged and category == "violence" for category in CATEGORIES},
        "category_scores": {category: 0.98 if flagged and category == "violence" else 0.001 for category in CATEGORIES},
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
