"""An answer that comes in pieces: partial images while the picture is made, then the picture with its usage.

The events are those of OpenAI's Images API (``image_generation.*`` and ``image_edit.*``), sent as server-sent events.
Reference: https://developers.openai.com/api/docs/guides/image-generation, as of 2026-11.
"""

from __future__ import annotations

import base64
import binascii
import json
from itertools import chain
from typing import TYPE_CHECKING

from routing.errors import RequestError
from routing.pictures import inspect
from routing.providers.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from routing.core.picture import Picture
    from routing.providers.translate import Caller

EVENT_STREAM = "text/event-stream"


def read_events(
    pieces: Iterable[bytes], caller: Caller, show: Callable[[Picture], None], headers: Mapping[str, str]
) -> Answer:
    """Show each partial image; return the picture as an answer in one piece would have it, or the error that came.

    Raises:
        ProviderUnavailable: where the stream ends without either; whether it was charged is unknown.

    """
    for event in _events(pieces):
        kind = event.get("type")
        if isinstance(kind, str) and kind.endswith(".partial_image"):
            picture = _picture(event.get("b64_json"))
            if picture is not None:
                show(picture)
        elif isinstance(kind, str) and kind.endswith(".completed"):
            body = {"data": [{"b64_json": event.get("b64_json")}], "usage": event.get("usage")}
            return Answer(status=200, headers=headers, body=body)
        elif kind == "error" or event.get("error"):
            error = event.get("error")
            return Answer(status=200, headers=headers, body={"error": error if isinstance(error, dict) else event})
    raise caller.unreadable("the stream ended before the picture was done")


def _events(pieces: Iterable[bytes]) -> Iterator[Mapping[str, object]]:
    """Read the JSON objects of a stream; comments, pings and what is no JSON object are passed over.

    The last one counts without the empty line after it, too: where all of the picture came, it was paid for.
    """
    data: list[bytes] = []
    for line in chain(_lines(pieces), [b""]):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            event = _object(b"\n".join(data))
            data.clear()
            if event is not None:
                yield event


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = bytearray()
    for piece in pieces:
        # A picture is one line of megabytes: what was searched before holds no end of a line.
        *lines, last = piece.split(b"\n")
        for line in lines:
            rest += line
            yield bytes(rest).removesuffix(b"\r")
            rest.clear()
        rest += last
    yield bytes(rest)


def _object(data: bytes) -> Mapping[str, object] | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _picture(encoded: object) -> Picture | None:
    """Read a partial image; one that is none is not shown, and nothing else depends on it."""
    try:
        return inspect(base64.b64decode(encoded, validate=True)) if isinstance(encoded, str) else None
    except (binascii.Error, ValueError, RequestError):
        return None
