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
SEES_PICTURES = frozenset(
    ["self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "violence", "violence/graphic"]
)
UNSAFE = "violence"
"""What `[unsafe]` is flagged for; any category is flagged where its name stands in square brackets: `[sexual]`."""
FLAGGED, CLEAN = 0.98, 0.001
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
    if given is None:
        raise invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    inputs = _inputs(given)
    visit_of(request.scope).note(model=MODERATION, prompt=given if isinstance(given, str) else json.dumps(given))
    return {"id": f"modr-{secrets.token_hex(12)}", "model": MODERATION, "results": [_verdict(*each) for each in inputs]}


def _inputs(given: object) -> list[tuple[str, bool]]:
    """What is to be looked at: each its text, and whether a picture comes with it."""
    if isinstance(given, str) and given:
        return [(given, False)]
    if isinstance(given, list) and given:
        # A list of strings is several inputs, a list of typed parts is one.
        if all(isinstance(each, str) and each for each in given):
            return [(each, False) for each in given]
        parts = [_part(each, at) for at, each in enumerate(given)]
        return [("\n".join(text for text in parts if text), "" in parts)]
    raise invalid("Invalid value for 'input': expected a string or an array that is not empty.", "input")


def _part(part: object, at: int) -> str:
    """The text of a typed part; empty for a picture."""
    match part:
        case {"type": "text", "text": str(text), **rest} if text and not rest:
            return text
        case {"type": "image_url", "image_url": {"url": str(url), **more}, **rest} if url and not rest and not more:
            return ""
    raise invalid(f"Invalid value for 'input[{at}]': expected a part of type 'text' or 'image_url'.", f"input[{at}]")


def _verdict(text: str, pictured: bool) -> Json:  # noqa: FBT001 - a pair of `_inputs`
    found = {name for name in CATEGORIES if f"[{name}]" in text} | ({UNSAFE} if "[unsafe]" in text else set())
    return {
        "flagged": bool(found),
        "categories": {name: name in found for name in CATEGORIES},
        "category_scores": {name: FLAGGED if name in found else CLEAN for name in CATEGORIES},
        "category_applied_input_types": {
            name: (["text"] if text else []) + (["image"] if pictured and name in SEES_PICTURES else [])
            for name in CATEGORIES
        },
    }
