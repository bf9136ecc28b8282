"""Google's generateContent for the Nano Banana models."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from routing.sandbox import prices
from routing.sandbox.gemini_checks import check, error, invalid
from routing.sandbox.pictures import Picture, Sketch
from routing.sandbox.vendor import MEGABYTE, Answer, Json, Purchase, Refused, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from routing.sandbox.desk import Desk
    from routing.sandbox.faults import Fault
    from routing.sandbox.gemini_checks import Asked
    from routing.sandbox.vendor import Delivery

__all__ = ["routes"]

MOST_BODY = 100 * MEGABYTE
WORDS = "Here is the picture you asked for."
"""The text beside a picture, when text is among the modalities; it costs what text costs."""

_ERRORS: Mapping[str, tuple[int, str, str]] = {
    "401": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "429": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "quota": (
        429,
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "billing": (400, "FAILED_PRECONDITION", "Billing is not enabled for this project."),
    "500": (500, "INTERNAL", "An internal error has occurred. Please retry."),
    "502": (502, "UNAVAILABLE", "Bad gateway."),
    "503": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}


def routes(desk: Desk) -> list[Route]:
    """The address of generateContent, and the list of models."""

    async def generate(request: Request) -> Response:
        return await desk.sell(request, _read)

    return [
        Route("/v1beta/models", _models, methods=["GET"]),
        Route("/v1beta/models/{call}", generate, methods=["POST"]),
    ]


async def _models(request: Request) -> Response:
    try:
        _authorize(request)
    except Refused as refused:
        return refused.answer.response()
    listed = [{"name": f"models/{model}", "supportedGenerationMethods": ["generateContent"]} for model in prices.GEMINI]
    return JSONResponse({"models": listed})


@dataclass(frozen=True, slots=True, kw_only=True)
class GeminiPurchase(Purchase):
    """One picture from Google, with its thoughts; or the refusal to show it, which is billed by its usage."""

    asked: Asked
    thoughts: int
    blocked: bool

    def reply(self, delivery: Delivery) -> Json:
        """A generateContent reply."""
        if self.blocked:
            return self._body(self._blocked_candidate(), self.usage if delivery.usage else None)
        pictures = delivery.pictures
        candidate: Json = {"finishReason": "STOP", "index": 0}
        if pictures is None:
            candidate["content"] = None
        elif not pictures:
            candidate["content"] = {"role": "model"}
            candidate["finishReason"] = "NO_IMAGE"
        else:
            candidate["content"] = {"role": "model", "parts": self._parts(pictures[0])}
        return self._body(candidate, self.usage if delivery.usage else None)

    def _parts(self, picture: Picture | None) -> list[Json]:
        mime = picture.mime if picture else "image/png"
        parts: list[Json] = []
        if self.thoughts:
            # A sketch of the model's own: it looks like a result, and is none.
            parts.append({"text": "Composing the layout.", "thought": True})
            parts.append({"inlineData": {"mimeType": "image/png", "data": _THOUGHT}, "thought": True})
        if self.asked.with_text:
            parts.append({"text": WORDS})
        parts.append({"inlineData": {"mimeType": mime, "data": picture.b64 if picture else None}})
        return parts

    def _body(self, candidate: Json, usage: Json | None) -> Json:
        body: Json = {"candidates": [candidate], "modelVersion": self.model, "responseId": secrets.token_urlsafe(16)}
        if usage is not None:
            body["usageMetadata"] = usage
        return body

    def _blocked_candidate(self) -> Json:
        message = "Unable to show the generated image. The image was blocked by the safety settings."
        return {"finishReason": "IMAGE_SAFETY", "finishMessage": message, "index": 0}

    def _blocked_late(self) -> Refused:
        late = _purchase(self.model, self.asked, blocked=True)
        return Refused(Answer(status=200, body=self._body(self._blocked_candidate(), late.usage)), late)

    def refuse(self, fault: Fault) -> Refused:
        """Google's words; a block of the prompt and a block of the picture are both a 200."""
        if fault.name == "404":
            return _no_such_model(self.model)
        if fault.name == "moderation":
            blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": self.model}
            usage = {"promptTokenCount": 0, "totalTokenCount": 0}
            return Refused(Answer(status=200, body={**blocked, "usageMetadata": usage}))
        if fault.name == "moderation-late":
            return self._blocked_late()
        status, name, message = _ERRORS[fault.name]
        refused = error(status, name, message, _retry_details(fault))
        if fault.name != "429":
            return refused
        wait = str(math.ceil(fault.seconds(1.0)))
        return Refused(Answer(status=status, body=refused.answer.body, headers={"retry-after": wait}))


def _retry_details(fault: Fault) -> list[Json] | None:
    if fault.name != "429":
        return None
    return [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.seconds(1.0):g}s"}]


_THOUGHT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one pixel
)


def _authorize(request: Request) -> None:
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key", "")
    if not key:
        raise error(
            403,
            "PERMISSION_DENIED",
            "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or"
            " other form of API consumer identity to call this API.",
        )
    if "invalid" in key:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
        raise invalid("API key not valid. Please pass a valid API key.", [info])


def _no_such_model(model: str) -> Refused:
    return error(
        404,
        "NOT_FOUND",
        f"models/{model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels"
        " to see the list of available models and their supported methods.",
    )


async def _read(request: Request) -> GeminiPurchase:
    _authorize(request)
    model, _, method = request.path_params["call"].partition(":")
    if model not in prices.GEMINI or method != "generateContent":
        raise _no_such_model(model)
    try:
        body = json.loads(await read_body(request, MOST_BODY))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    asked = check(model, body)
    return _purchase(model, asked, blocked="[unsafe]" in asked.prompt)


def _purchase(model: str, asked: Asked, *, blocked: bool) -> GeminiPurchase:
    rates = prices.GEMINI[model]
    text = prices.text_tokens(asked.prompt)
    image = rates.reference_tokens * len(asked.references)
    thoughts = _thoughts(asked.prompt) if model == "gemini-nano-banana-2.1" else 0
    out = 0 if blocked else rates.image_tokens[asked.image_size]
    words = prices.text_tokens(WORDS) if asked.with_text and not blocked else 0
    lines = (
        prices.Line("text in", text, rates.text_in),
        prices.Line("image in", image, rates.image_in),
        prices.Line("text out", words, rates.text_out),
        prices.Line("thoughts", thoughts, rates.text_out),
        prices.Line("image out", out, rates.image_out),
    )
    usage: Json = {
        "promptTokenCount": text + image,
        "candidatesTokenCount": words + out,
        "totalTokenCount": text + image + words + out + thoughts,
        "promptTokensDetails": _details(TEXT=text, IMAGE=image),
        "candidatesTokensDetails": _details(TEXT=words, IMAGE=out),
    }
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    sketch = Sketch(
        prompt=asked.prompt,
        model=model,
        quality=asked.image_size,
        width=asked.width,
        height=asked.height,
        # The newer model answers with JPEG, which is one more reason to look at the type.
        picture_format="jpeg" if thoughts else "png",
    )
    return GeminiPurchase(
        model=model,
        prompt=asked.prompt,
        sketches=() if blocked else (sketch,),
        lines=lines,
        usage=usage,
        asked=asked,
        thoughts=thoughts,
        blocked=blocked,
    )


def _thoughts(prompt: str) -> int:
    """80 to 400 tokens of thinking, decided by the prompt."""
    digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
    return 80 + int.from_bytes(digest[:4], "big") % 321


def _details(**counts: int) -> list[Json]:
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items() if count]
