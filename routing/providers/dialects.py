"""Dialects of the OpenAI Images API: what one call becomes as parameters.

The catalog says who sells a model; a vendor that is not named here is taken to speak OpenAI's own dialect.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.core.request import Operation
from routing.providers.sizes import APIMART, XAI

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from routing.core.picture import Picture, Size
    from routing.providers.base import ImageCall
    from routing.providers.sizes import Shape
    from routing.providers.translate import Caller

File = tuple[str, bytes, str]
"""Name, bytes and media type: raw bytes would go out as ``application/octet-stream``, which vendors refuse."""

_KNOWN_EXTRAS = {
    "user": "safety_identifier",  # the older name of the same
    "safety_identifier": "safety_identifier",
    "moderation": "moderation",
    "output_compression": "output_compression",
    "input_fidelity": "input_fidelity",
    "complexity": "complexity",
    "partial_images": "partial_images",
}
_TEXTS = frozenset({"safety_identifier"})
"""Values that stay text even if they look like a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request to the Images API: parameters beside model and prompt, and the files of an edit."""

    parameters: Mapping[str, object]
    files: tuple[File, ...] = field(default=(), repr=False)
    mask: File | None = field(default=None, repr=False)


def openai_order(call: ImageCall, caller: Caller) -> Order:
    """Say it in OpenAI's words: only what the call says, never ``response_format``, ``auto`` or null."""
    wishes: dict[str, object] = {
        "size": str(call.size),
        "quality": call.quality,
        "n": call.n,
        "background": call.background,
        "output_format": call.output_format,
    }
    parameters = {name: value for name, value in wishes.items() if value is not None}
    for name, value in call.extras.items():
        # The catalog may know a parameter of one model that this table does not.
        word = _KNOWN_EXTRAS.get(name) or (name if name in call.deployment.model.extras else None)
        if word is None:
            raise caller.refuse(f"parameter {name} has no word in the Images API; it was not sent")
        parameters[word] = value if word in _TEXTS else _typed(value)
    if "partial_images" in parameters:
        parameters["stream"] = True
    _refuse_what_does_not_go_together(call, parameters, caller)
    if call.operation is Operation.GENERATE:
        return Order(parameters=parameters)
    files = tuple(_file(picture, f"image-{number}") for number, picture in enumerate(call.images, start=1))
    return Order(parameters=parameters, files=files, mask=_file(call.mask, "mask") if call.mask else None)


def apimart_order(call: ImageCall, caller: Caller) -> Order:
    """Say it in APIMart's words: a ratio and a resolution, one picture, references as data URLs."""
    if call.n != 1:
        raise caller.refuse(f"APIMart makes one picture per call, not {call.n}")
    _refuse_the_rest(call, caller, "APIMart")
    ratio, resolution = _shape(call, caller, APIMART, "APIMart")
    parameters: dict[str, object] = {"size": ratio, "resolution": resolution, "n": 1}
    if call.images:
        parameters["image_urls"] = [data_url(picture) for picture in call.images]
    return Order(parameters=parameters)


def xai_order(call: ImageCall, caller: Caller) -> Order:
    """Say it in xAI's words: an aspect ratio and a resolution; its address of edits takes no forms, so none are made.

    Reference: https://docs.x.ai/developers/model-capabilities/images/generation, as of 2026-11.
    """
    if call.images:
        raise caller.refuse("xAI's edits are not spoken here: use another deployment for reference images")
    _refuse_the_rest(call, caller, "xAI")
    ratio, resolution = _shape(call, caller, XAI, "xAI")
    # Without the last it answers with addresses that expire.
    fixed = {"n": call.n, "response_format": "b64_json"}
    return Order(parameters={"aspect_ratio": ratio, "resolution": resolution, **fixed})


DIALECTS: Mapping[str, Callable[[ImageCall, Caller], Order]] = {"apimart": apimart_order, "xai": xai_order}
"""Vendor in the catalog, and how it words a call."""


def order_of(call: ImageCall, caller: Caller) -> Order:
    """Word a call in the dialect of whoever sells its model.

    Raises:
        ProviderError: where a parameter has no word there; nothing was sent.

    """
    return DIALECTS.get(call.deployment.model.vendor, openai_order)(call, caller)


def _refuse_what_does_not_go_together(call: ImageCall, parameters: Mapping[str, object], caller: Caller) -> None:
    """Refuse what OpenAI answers with a 400: a word of generations in an edit, compression of what has none."""
    if call.operation is Operation.EDIT and "moderation" in parameters:
        raise caller.refuse("moderation has no place in an edit, only in a generation; it was not sent")
    compression = parameters.get("output_compression")
    if compression is None:
        return
    if call.output_format not in ("jpeg", "webp"):
        raise caller.refuse("output_compression needs output_format jpeg or webp beside it; it was not sent")
    if compression is True or not isinstance(compression, int) or not 0 <= compression <= 100:  # noqa: PLR2004 - a percentage
        raise caller.refuse(f"output_compression is a whole number from 0 to 100, not {compression}; it was not sent")


def _shape(call: ImageCall, caller: Caller, table: Mapping[Size, Shape], vendor: str) -> Shape:
    shape = table.get(call.size)
    if shape is None:
        listed = ", ".join(str(size) for size in sorted(table, key=lambda size: (size.pixels, size.width)))
        raise caller.refuse(f"size {call.size} has no word at {vendor}; it makes {listed}")
    return shape


def _refuse_the_rest(call: ImageCall, caller: Caller, vendor: str) -> None:
    """Refuse what OpenAI has a word for, and a vendor of ratios has not."""
    for name, value in (
        ("quality", call.quality),
        ("mask", call.mask),
        ("background", call.background),
        ("output_format", call.output_format),
        *call.extras.items(),
    ):
        if value is not None:
            raise caller.refuse(f"parameter {name} has no word at {vendor}; it was not sent")


def data_url(picture: Picture) -> str:
    """Put a picture into an address."""
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"


def _file(picture: Picture, stem: str) -> File:
    return f"{stem}.{picture.format}", picture.data, picture.media_type


def _typed(value: str) -> object:
    """Give a parameter from YAML or a command line the type it has in JSON."""
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.isascii() and value.isdigit() else value
