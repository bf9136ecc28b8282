"""What every vendor's counter shares: an answer, a refusal, a purchase, and how JSON bodies are read."""

from __future__ import annotations

import base64
import binascii
import io
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image, UnidentifiedImageError
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from routing.sandbox.faults import Fault
    from routing.sandbox.pictures import Picture, Sketch
    from routing.sandbox.prices import Line

__all__ = [
    "Answer",
    "BodyTooLarge",
    "Delivery",
    "Json",
    "Purchase",
    "Reference",
    "Refused",
    "decode_image",
    "encode",
    "is_count",
    "read_body",
    "read_data_url",
]

Json = dict[str, Any]

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a JSON body, and headers."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The answer as starlette sends it."""
        return Response(encode(self.body), self.status, dict(self.headers), "application/json")


def encode(body: object) -> bytes:
    """A body as JSON bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class Refused(Exception):
    """The vendor says no: with which answer, and what it charges if it had worked for it."""

    def __init__(self, answer: Answer, charged: Purchase | None = None) -> None:
        """Refuse with an answer; if it comes after the work, `charged` is what the vendor puts on its bill."""
        super().__init__(answer.status, answer.body)
        self.answer = answer
        self.charged = charged


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What leaves the house: a missing picture is None, a missing list is None."""

    pictures: tuple[Picture | None, ...] | None
    usage: bool
    link: Callable[[Picture], str]
    """Puts a picture on the shelf and returns the address to fetch it from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase(ABC):
    """An order that passed the vendor's checks, and the dialect to answer it in."""

    model: str
    prompt: str
    sketches: tuple[Sketch, ...]
    lines: tuple[Line, ...]
    usage: Json | None

    @abstractmethod
    def reply(self, delivery: Delivery) -> Json:
        """The body of a 200."""

    def events(self, delivery: Delivery) -> list[bytes] | None:  # noqa: ARG002 - for those who stream
        """The body of a 200 in pieces, as server-sent events; None where it comes whole."""
        return None

    @abstractmethod
    def refuse(self, fault: Fault) -> Refused:
        """The vendor's words, status and charge for one of `faults.REFUSALS`."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture the customer sent along."""

    data: bytes = field(repr=False)
    width: int
    height: int
    picture_format: str


class BodyTooLarge(Exception):
    """More bytes than the vendor reads."""


async def read_body(request: Request, most: int) -> bytes:
    """The whole body, or `BodyTooLarge` without reading the rest of it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge
    return bytes(body)


def decode_image(data: bytes) -> Reference | None:
    """The picture's format and dimensions, or None for what is no picture; pixels are not decoded."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            return Reference(data, opened.width, opened.height, str(opened.format).lower())
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def read_data_url(text: str) -> Reference | None:
    """The picture in a `data:` URL, or None."""
    head, comma, encoded = text.partition(",")
    if not comma or not head.startswith("data:image/") or not head.endswith(";base64"):
        return None
    try:
        return decode_image(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        return None


def is_count(value: object) -> bool:
    """Whether a JSON value is an integer; `true` is none."""
    return isinstance(value, int) and not isinstance(value, bool)
