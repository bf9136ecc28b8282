"""fal's synchronous picture models: JSON in, addresses out, billed on success only."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.routing import Route

from routing.sandbox import prices
from routing.sandbox.fal_models import MODELS, Ordered, Violation
from routing.sandbox.pictures import Sketch
from routing.sandbox.vendor import MEGABYTE, Answer, Json, Purchase, Refused, decode_image, read_body, read_data_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from routing.sandbox.desk import Desk
    from routing.sandbox.fal_models import Look
    from routing.sandbox.faults import Fault
    from routing.sandbox.pictures import Picture
    from routing.sandbox.vendor import Delivery, Reference

__all__ = ["routes"]

MOST_BODY = 100 * MEGABYTE

_ERRORS: Mapping[str, tuple[int, str]] = {
    "401": (401, "Authentication is required to access this application."),
    "404": (404, "Application not found"),
    "429": (429, "Too many requests, please slow down."),
    "quota": (403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."),
    "billing": (403, "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."),
    "500": (500, "Internal server error"),
    "502": (502, "Bad gateway"),
    "503": (503, "No runner is available, please retry."),
}


def routes(desk: Desk) -> list[Route]:
    """Every address below `/fal`: the ones that are no model's are refused too."""

    async def run(request: Request) -> Response:
        return await desk.sell(request, lambda asked: _read(asked, desk))

    return [Route("/fal", run, methods=["POST"]), Route("/fal/{model:path}", run, methods=["POST"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class FalPurchase(Purchase):
    """Pictures from fal, by address."""

    ordered: Ordered

    def reply(self, delivery: Delivery) -> Json:
        """A model's output."""
        pictures = delivery.pictures
        images = None if pictures is None else [picture and self._image(picture, delivery) for picture in pictures]
        body: Json = {"images": images}
        if self.model == "fal-ai/flux/schnell":
            body |= {
                "timings": {"inference": 0.31},
                "seed": self.ordered.seed,
                "has_nsfw_concepts": [False] * len(images or ()),
                "prompt": self.prompt,
            }
        if self.model == "fal-ai/nano-banana":
            body["description"] = ""
        return body

    def _image(self, picture: Picture, delivery: Delivery) -> Json:
        url = f"data:{picture.mime};base64,{picture.b64}" if self.ordered.inline else delivery.link(picture)
        image: Json = {"url": url, "content_type": picture.mime, "file_size": len(picture.data)}
        if picture.width:
            image |= {"width": picture.width, "height": picture.height}
        return image

    def refuse(self, fault: Fault) -> Refused:
        """What fal says, and never a charge."""
        if fault.name in {"moderation", "moderation-late"}:
            return _violations([_blocked()])
        status, message = _ERRORS[fault.name]
        headers = {"x-fal-error-type": "internal_error" if status >= 500 else "request_error"}  # noqa: PLR2004 - a class
        if fault.name == "429":
            headers["retry-after"] = str(math.ceil(fault.seconds(1.0)))
        return Refused(Answer(status=status, body={"detail": message}, headers=headers))


def _blocked() -> Violation:
    message = "The content could not be processed because it contained material flagged by a content checker."
    return Violation(("prompt",), message, "content_policy_violation")


def _violations(violations: list[Violation]) -> Refused:
    detail = [
        {"loc": ["body", *violation.where], "msg": violation.message, "type": violation.kind, "input": violation.given}
        for violation in violations
    ]
    return Refused(Answer(status=422, body={"detail": detail}, headers={"x-fal-retryable": "false"}))


async def _read(request: Request, desk: Desk) -> FalPurchase:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "key" or not key.strip():
        raise Refused(Answer(status=401, body={"detail": _ERRORS["401"][1]}))
    if "invalid" in key:
        raise Refused(Answer(status=401, body={"detail": "No user found for Key ID and Secret"}))
    model = request.path_params.get("model", "").strip("/")
    if model not in MODELS:
        raise Refused(Answer(status=404, body={"detail": f"Application '{model}' not found" if model else "Not Found"}))
    try:
        body = json.loads(await read_body(request, MOST_BODY))
    except ValueError:
        raise _violations([Violation((), "JSON decode error", "json_invalid")]) from None
    if not isinstance(body, dict):
        raise _violations([Violation((), "Input should be a valid dictionary", "dict_type", body)])
    ordered = MODELS[model](body, _look(request, desk))
    if ordered.violations:
        raise _violations(ordered.violations)
    if "[unsafe]" in ordered.prompt:
        raise _violations([_blocked()])
    return _purchase(model, ordered)


def _look(request: Request, desk: Desk) -> Look:
    """Finds pictures in data URLs and among the files served here; nothing is fetched from anywhere else."""
    shelf = str(request.url_for("files", name="-")).removesuffix("-")

    def look(url: str) -> Reference | None:
        if not url.startswith(shelf):
            return read_data_url(url)
        picture = desk.shelf.get(url.removeprefix(shelf))
        return decode_image(picture.data) if picture else None

    return look


def _purchase(model: str, ordered: Ordered) -> FalPurchase:
    if model in prices.FAL_PER_IMAGE:
        price = prices.FAL_PER_IMAGE[model]
    else:
        price = prices.fal_gpt_image_2(model, ordered.quality, ordered.width, ordered.height)
    sketches = tuple(
        Sketch(
            prompt=ordered.prompt,
            model=model,
            quality=ordered.quality,
            width=ordered.width,
            height=ordered.height,
            picture_format=ordered.picture_format,
            ordinal=ordinal,
            of=ordered.n,
        )
        for ordinal in range(1, ordered.n + 1)
    )
    return FalPurchase(
        model=model,
        prompt=ordered.prompt,
        sketches=sketches,
        lines=(prices.each("images", ordered.n, price),),
        usage=None,
        ordered=ordered,
    )
