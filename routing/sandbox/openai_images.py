"""OpenAI's Images API, and Azure's form of it: generations and edits."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.routing import Route

from routing.sandbox import prices
from routing.sandbox.multipart import Part, boundary_of, parse
from routing.sandbox.openai_checks import EDITS, GENERATIONS, Fields, Picked
from routing.sandbox.openai_errors import azure_key, error, fault_refusal, invalid, moderation_blocked, unauthorized
from routing.sandbox.pictures import Sketch
from routing.sandbox.vendor import MEGABYTE, Answer, Purchase, Reference, Refused, decode_image, encode, read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from routing.sandbox.desk import Desk
    from routing.sandbox.faults import Fault
    from routing.sandbox.settings import Settings
    from routing.sandbox.vendor import Delivery, Json

__all__ = ["authorize", "read_json", "routes"]

MOST_JSON = MEGABYTE
MOST_FORM = 256 * MEGABYTE
MOST_REFERENCES = 16
MOST_REFERENCE_BYTES = 50 * MEGABYTE
MOST_MASK_BYTES = 4 * MEGABYTE
FORMATS = {"image/jpeg": "jpeg", "image/png": "png", "image/webp": "webp"}


def routes(desk: Desk) -> list[Route]:
    """OpenAI's own addresses, Azure's deployments, and Azure's v1 base."""

    def route(path: str, *, edit: bool, azure: bool) -> Route:
        read = partial(_read, settings=desk.settings, edit=edit, azure=azure)

        async def answer(request: Request) -> Response:
            return await desk.sell(request, read)

        return Route(path, answer, methods=["POST"])

    return [
        route(f"{base}/images/{'edits' if edit else 'generations'}", edit=edit, azure=azure)
        for base, azure in (("/v1", False), ("/openai/v1", True), ("/openai/deployments/{deployment}", True))
        for edit in (False, True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIPurchase(Purchase):
    """Pictures from OpenAI: base64 in the reply, tokens on the bill."""

    picked: Picked
    verb: str

    def reply(self, delivery: Delivery) -> Json:
        """An images reply."""
        data = delivery.pictures
        body: Json = {
            "created": int(time.time()),
            "background": self.picked.background,
            "data": None if data is None else [{"b64_json": picture.b64 if picture else None} for picture in data],
            "output_format": self.picked.picture_format,
            "quality": self.picked.quality,
            "size": f"{self.picked.width}x{self.picked.height}",
        }
        if delivery.usage:
            body["usage"] = self.usage
        return body

    def events(self, delivery: Delivery) -> list[bytes] | None:
        """Partial images, then the picture with its usage; a picture that is missing is never completed."""
        if not self.picked.stream:
            return None
        whole = self.reply(delivery)
        shape = {name: whole[name] for name in ("background", "output_format", "quality", "size")}
        pictures = [entry["b64_json"] for entry in whole["data"] or ()]
        told = [
            {"type": f"{self.verb}.partial_image", "partial_image_index": index, "b64_json": b64, **shape}
            for b64 in pictures
            for index in range(self.picked.partial_images)
        ]
        usage = {"usage": whole["usage"]} if "usage" in whole else {}
        told += [{"type": f"{self.verb}.completed", "b64_json": b64, **shape, **usage} for b64 in pictures]
        return [_event({**event, "created_at": whole["created"]}) for event in told]

    def refuse(self, fault: Fault) -> Refused:
        """OpenAI's words; what was worked for is charged like a picture."""
        return Refused(fault_refusal(self.model, fault).answer, self)


def _event(data: Json) -> bytes:
    return b"event: " + str(data["type"]).encode() + b"\ndata: " + encode(data) + b"\n\n"


def authorize(request: Request, *, azure: bool = False) -> None:
    """A key is there and is not one that says it is invalid."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else ""
    if azure:
        key = request.headers.get("api-key", "") or key
    if not key or "invalid" in key:
        raise azure_key() if azure else unauthorized(key)


async def read_json(request: Request) -> Json:
    """A JSON object, or OpenAI's refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _unsupported(kind, "application/json")
    try:
        values = json.loads(await read_body(request, MOST_JSON))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        message = "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload."
        raise invalid(message, None, None)
    return values


def _unsupported(kind: str, wanted: str) -> Refused:
    message = (
        f"Unsupported content type: '{kind}'. This API method only accepts '{wanted}' requests, but you specified the"
        f" header 'Content-Type: {kind}'. Please try again with a supported content type."
    )
    return invalid(message, None, "unsupported_content_type")


async def _read(request: Request, *, settings: Settings, edit: bool, azure: bool) -> OpenAIPurchase:
    authorize(request, azure=azure)
    if "deployment" in request.path_params and not request.query_params.get("api-version"):
        raise Refused(Answer(status=404, body={"error": {"code": "404", "message": "Resource not found"}}))
    references: list[Reference] = []
    if edit:
        fields, references = await _read_form(request)
    else:
        fields = Fields(await read_json(request))
    like = (references[0].width, references[0].height) if references else None
    model = _deployed(request, fields) if azure else None
    picked = fields.pick(EDITS if edit else GENERATIONS, model, like)
    if "[unsafe]" in picked.prompt:
        raise moderation_blocked()
    return _purchase(picked, references, settings, "image_edit" if edit else "image_generation")


def _deployed(request: Request, fields: Fields) -> str:
    """The model behind an Azure deployment: its name is the model's, with or without something after a dash."""
    name = request.path_params.get("deployment") or fields.values.get("model")
    for model in sorted(prices.OPENAI, key=len, reverse=True):
        if isinstance(name, str) and (name == model or name.startswith(f"{model}-")):
            return model
    message = "The API deployment for this resource does not exist. If you created it within the last 5 minutes, wait."
    raise Refused(Answer(status=404, body={"error": {"code": "DeploymentNotFound", "message": message}}))


def _purchase(picked: Picked, references: Sequence[Reference], settings: Settings, verb: str) -> OpenAIPurchase:
    rates = prices.OPENAI[picked.model]
    factor = prices.OPENAI_FACTORS[picked.model][picked.quality]
    # n pictures cost n times one: the prompt and the references are paid for each time too.
    text = prices.text_tokens(picked.prompt) * picked.n
    image = sum(prices.reference_tokens(reference.width, reference.height) for reference in references) * picked.n
    out = prices.openai_image_tokens(factor, picked.width, picked.height) * picked.n
    out += prices.PARTIAL_IMAGE_TOKENS * picked.partial_images
    cached = settings.cached(text)
    lines = (
        prices.Line("text in", text - cached, rates.text_in),
        prices.Line("cached text in", cached, rates.text_in_cached),
        prices.Line("image in", image, rates.image_in),
        prices.Line("image out", out, rates.image_out),
    )
    details: Json = {"text_tokens": text, "image_tokens": image}
    if settings.cached_share:
        # Cached tokens are among the text tokens, not beside them.
        details["cached_tokens"] = cached
        details["cached_tokens_details"] = {"text_tokens": cached, "image_tokens": 0}
    usage: Json = {
        "input_tokens": text + image,
        "input_tokens_details": details,
        "output_tokens": out,
        "total_tokens": text + image + out,
    }
    if settings.output_details:
        usage["output_tokens_details"] = {"image_tokens": out, "text_tokens": 0}
    sketches = tuple(
        Sketch(
            prompt=picked.prompt,
            model=picked.model,
            quality=picked.quality,
            width=picked.width,
            height=picked.height,
            picture_format=picked.picture_format,
            compression=picked.compression,
            transparent=picked.background == "transparent",
            ordinal=ordinal,
            of=picked.n,
        )
        for ordinal in range(1, picked.n + 1)
    )
    return OpenAIPurchase(
        model=picked.model, prompt=picked.prompt, sketches=sketches, lines=lines, usage=usage, picked=picked, verb=verb
    )


# --- Forms of edits ---------------------------------------------------------------------------------------------------


async def _read_form(request: Request) -> tuple[Fields, list[Reference]]:
    content_type = request.headers.get("content-type", "")
    boundary = boundary_of(content_type)
    if boundary is None:
        raise _unsupported(content_type.partition(";")[0].strip(), "multipart/form-data")
    try:
        parts = parse(await read_body(request, MOST_FORM), boundary)
    except ValueError as problem:
        raise invalid(f"Could not parse multipart form: {problem}.", None, None) from None
    values: dict[str, object] = {}
    for part in parts:
        if part.name in values and not part.name.endswith("[]"):
            message = (
                f"Duplicate parameter: '{part.name}'. You provided multiple values for this parameter, whereas only one"
                " is allowed. If you are trying to provide a list of values, use the array syntax instead e.g."
                f" '{part.name}[]=<value>'."
            )
            raise invalid(message, part.name, "duplicate_parameter")
        values[part.name] = part.text if part.name not in {"image", "image[]", "mask"} else part.filename
    references = _references([part for part in parts if part.name in {"image", "image[]"}])
    for part in parts:
        if part.name == "mask":
            _check_mask(part, references[0])
    return Fields(values, form=True), references


def _references(parts: Sequence[Part]) -> list[Reference]:
    if not parts:
        raise invalid("Missing required parameter: 'image'.", "image", "missing_required_parameter")
    if len(parts) > MOST_REFERENCES:
        message = f"Invalid 'image': too many images. Expected at most {MOST_REFERENCES}, but got {len(parts)} instead."
        raise invalid(message, "image", "array_above_max_length")
    names = ["image"] if len(parts) == 1 and parts[0].name == "image" else [f"image[{i}]" for i in range(len(parts))]
    return [_file(part, name, MOST_REFERENCE_BYTES) for part, name in zip(parts, names, strict=True)]


def _file(part: Part, name: str, most: int) -> Reference:
    if part.content_type not in FORMATS:
        message = (
            f"Invalid file '{name}': unsupported mimetype ('{part.content_type}'). Supported file formats are"
            " 'image/jpeg', 'image/png', and 'image/webp'."
        )
        raise invalid(message, name, "unsupported_file_mimetype")
    if len(part.data) >= most:
        message = f"Invalid file '{name}': the file is {len(part.data)} bytes, it must be less than {most}."
        raise error(400, message, param=name, code="file_too_large")
    reference = decode_image(part.data)
    if reference is None or reference.picture_format != FORMATS[part.content_type]:
        message = f"Invalid image file or mode for '{name}', please check your image file."
        raise invalid(message, name, "invalid_image_file")
    return reference


def _check_mask(part: Part, first: Reference) -> None:
    mask = _file(part, "mask", MOST_MASK_BYTES)
    if mask.picture_format != "png":
        raise invalid("Invalid mask image format - the mask must be a PNG.", "mask", "invalid_mask_image_format")
    if (mask.width, mask.height) != (first.width, first.height):
        message = (
            f"Invalid input image - mask size does not match image size: {mask.width}x{mask.height} and"
            f" {first.width}x{first.height}."
        )
        raise invalid(message, "mask", "invalid_mask_image_size")
