"""What a request to the Images API must look like: ``images_api.schema.json``, and what no schema can say."""

from __future__ import annotations

import io
import json
import re
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # it brings no types
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA = Path(__file__).with_name("images_api.schema.json")
KINDS = {"/v1/images/generations": "generation", "/v1/images/edits": "edit", "/v1/moderations": "look"}
"""Path of a request, and what the schema calls its body."""


def is_size(value: object) -> bool:
    """Both sides in steps of 16, at most 3840, at most 3 : 1, between 655,360 and 8,294,400 pixels; or ``auto``."""
    if not isinstance(value, str) or value == "auto":
        return True
    found = re.fullmatch(r"([1-9]\d{1,3})x([1-9]\d{1,3})", value)
    if found is None:
        return False
    short, long = sorted(int(side) for side in found.groups())
    in_steps = short % 16 == 0 and long % 16 == 0
    return in_steps and long <= 3840 and long <= 3 * short and 655_360 <= short * long <= 8_294_400


FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("image-size")(is_size)


@cache
def validator(kind: str) -> Any:  # noqa: ANN401 - jsonschema brings no types
    """Make what checks one kind of body."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"}, format_checker=FORMATS)


def problems_of_body(kind: str, body: object) -> list[str]:
    """Tell everything in a body that the vendor would not take."""
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(body)]


def read_body(path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Read a body as the schema describes it: JSON as it is, a form with its files described.

    Raises:
        ValueError: where it is neither; a name given twice is no form either.

    """
    content_type = headers.get("content-type", "")
    if KINDS.get(path) == "edit":
        if not content_type.startswith("multipart/form-data; boundary="):
            raise ValueError(f"an edit is a form, not {content_type}")
        return _form(content_type, body)
    if content_type != "application/json":
        raise ValueError(f"this is sent as JSON, not {content_type}")
    read = json.loads(body, object_pairs_hook=_once)
    if not isinstance(read, dict):
        raise TypeError("the body is no JSON object")
    return read


def problems_of_headers(headers: Mapping[str, str], key: str) -> Iterator[str]:
    """Tell what is wrong with the headers; their names are in lower case. The key is never part of what is told."""
    if headers.get("authorization") != f"Bearer {key}":
        yield "authorization is not the key"
    # The SDK counts what it sends again by itself; whoever sends again must have reserved again.
    if headers.get("x-stainless-retry-count", "0") != "0":
        yield "the SDK sent it again by itself"
    if headers.get("content-length", "") in ("", "0"):
        yield "the body has no length"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(names) != len({*names}):
        raise ValueError(f"a name is given twice: {names}")
    return dict(pairs)


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields: list[tuple[str, Any]] = []
    images: list[dict[str, Any]] = []
    for part in message.iter_parts():
        disposition = part["content-disposition"].params
        name, filename = disposition["name"], disposition.get("filename")
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            raise TypeError(f"{name} has no content")
        if filename is None:
            fields.append((name, content.decode()))
            continue
        described = _described(filename, part.get_content_type(), content)
        if name == "image[]":
            images.append(described)
        else:
            fields.append((name, [described] if name == "image" else described))
    return _once([*fields, *([("image", images)] if images else [])])


def _described(filename: str, content_type: str, content: bytes) -> dict[str, Any]:
    with Image.open(io.BytesIO(content)) as picture:
        kind = picture.format
    return {"filename": filename, "content_type": content_type, "kind": kind, "bytes": len(content)}
