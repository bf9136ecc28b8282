"""The keywords of a call, read into a request."""

from __future__ import annotations

from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from routing.core.money import Money, usd
from routing.core.picture import Picture, Size
from routing.core.request import NO_TAGS, OLD_QUALITIES, PASSED_ON, ImageRequest, check_options, check_tags
from routing.core.suggest import did_you_mean
from routing.errors import RequestError
from routing.pictures import load_mask, load_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

PARTIAL_IMAGES_AT_MOST = 3

UNSENT = {
    "response_format": "pictures always come as bytes; use result.save(path)",
    "style": "no model of today has it; put it into the prompt",
}
"""Parameters of older guides that are taken and never sent, with what to do instead."""


class RequestOptions(TypedDict, total=False):
    """Every keyword of ``generate`` and its sisters.

    ``size`` is ``"1536x1024"``; ``max_price`` is ``usd("0.05")`` and caps the whole request; ``deadline`` is seconds;
    ``deployment`` or ``model`` narrows the route to one of its own deployments; ``fresh`` buys even what the cache has.
    ``on_partial`` is called with each of the ``partial_images``, in the thread that buys.
    """

    importance: str | None
    size: str | Size | None
    quality: str | None
    n: int
    tags: Mapping[str, str] | None
    asset: str | None
    request_id: str | None
    max_price: Money | str | None
    deadline: float | timedelta | None
    deployment: str | None
    model: str | None
    background: str | None
    output_format: str | None
    fresh: bool
    mask: str | Path | bytes | Picture | None
    seed: int | None
    complexity: str | None
    reasoning: str | None
    output_compression: int | None
    moderation: str | None
    user: str | None
    partial_images: int | None
    on_partial: Callable[[Picture], object] | None
    response_format: str | None
    style: str | None


class Asked(NamedTuple):
    """A request, and notices of what was read differently than written."""

    request: ImageRequest
    notices: tuple[str, ...]
    model: str | None


def read_options(
    prompt: str,
    options: RequestOptions,
    *,
    images: Sequence[str | Path | bytes | Picture] = (),
    parent: str | None = None,
) -> Asked:
    """Check a call's keywords and make the request of them; references are read now.

    Raises:
        RequestError: for the first keyword that cannot be, naming it and the way out.

    """
    for key in options:
        if key not in RequestOptions.__annotations__:
            raise RequestError(
                f"unknown parameter {key!r}{did_you_mean(key, RequestOptions.__annotations__)}: "
                f"known are {', '.join(RequestOptions.__annotations__)}"
            )
    notices = [f"{key} is not sent: {instead}" for key, instead in UNSENT.items() if options.get(key) is not None]
    references = _references(images)
    mask = options.get("mask")
    if mask is not None and not references:
        raise RequestError("a mask needs the image it belongs to: pass images=[...] with it")
    model, fresh, on_partial = options.get("model"), options.get("fresh", False), options.get("on_partial")
    if not isinstance(model, str | None):
        raise RequestError(f"model is text, not {model!r}")
    if not isinstance(fresh, bool):
        raise RequestError(f"fresh is True or False, not {fresh!r}")
    if on_partial is not None and not callable(on_partial):
        raise RequestError(f"on_partial is a function that takes a picture, not {on_partial!r}")
    request = ImageRequest(
        prompt=prompt,
        importance=options.get("importance"),
        size=_size(options.get("size")),
        quality=_quality(options.get("quality"), notices),
        n=options.get("n", 1),
        images=references,
        mask=load_mask(_picture("mask", mask), references[0]) if mask is not None else None,
        tags=_tags(options.get("tags")),
        asset=options.get("asset"),
        parent=parent,
        request_id=options.get("request_id"),
        max_price_nusd=_price(options.get("max_price")),
        deadline_s=_seconds(options.get("deadline")),
        deployment=options.get("deployment"),
        background=_unless_auto("background", options.get("background"), notices),
        output_format=options.get("output_format"),
        extras=_extras(options, notices),
        fresh=fresh,
        on_partial=on_partial if options.get("partial_images") != 0 else None,
    )
    check_options(request)
    return Asked(request, tuple(notices), model)


def _references(images: Sequence[str | Path | bytes | Picture]) -> tuple[Picture, ...]:
    if isinstance(images, str | bytes | PathLike | Picture) or not hasattr(images, "__iter__"):
        raise RequestError(f"images is a list, also of one: images=[...], not {type(images).__name__}")
    return tuple(load_reference(_picture("a reference", image)) for image in images)


def _picture(what: str, image: str | Path | bytes | Picture) -> str | Path | bytes | Picture:
    if isinstance(image, str | bytes | PathLike | Picture):
        return image
    raise RequestError(f"{what} is a path, bytes, or a picture of a result, not {type(image).__name__}")


def _size(size: str | Size | None) -> Size | None:
    if size is None or isinstance(size, Size) or size == "auto":
        return size if isinstance(size, Size) else None
    parsed = Size.parse(size) if isinstance(size, str) else None
    if parsed is None:
        raise RequestError(f"size {size!r} is no size: write width x height in pixels, like 1536x1024")
    return parsed


def _quality(quality: str | None, notices: list[str]) -> str | None:
    if isinstance(quality, str) and quality in OLD_QUALITIES:
        notices.append(f"quality {quality} is called {OLD_QUALITIES[quality]} today")
        return OLD_QUALITIES[quality]
    return _unless_auto("quality", quality, notices)


def _unless_auto(name: str, value: str | None, notices: list[str]) -> str | None:
    if value == "auto":
        notices.append(f"{name} auto is not sent: its price could not be told beforehand; the policy chooses")
        return None
    return value


def _tags(tags: Mapping[str, str] | None) -> Mapping[str, str]:
    if not tags:
        return NO_TAGS
    check_tags(tags)
    return dict(tags)


def _price(price: Money | str | None) -> int | None:
    if price is None or isinstance(price, Money):
        return price
    if isinstance(price, str):
        return usd(price)
    raise RequestError(f'max_price is an amount like usd("0.05"), not {price!r}: nano-dollars and dollars look alike')


def _seconds(deadline: float | timedelta | None) -> float | None:
    if deadline is None:
        return None
    seconds = deadline.total_seconds() if isinstance(deadline, timedelta) else deadline
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise RequestError(f"deadline is a number of seconds above 0, not {deadline!r}")
    return float(seconds)


def _extras(options: RequestOptions, notices: list[str]) -> Mapping[str, str]:
    given = {name: options.get(name) for name in PASSED_ON}
    if given["reasoning"] == "auto":
        notices.append("reasoning auto is not sent: it is what every model does by itself")
        given["reasoning"] = None
    partial = given["partial_images"]
    if partial is not None and (isinstance(partial, bool) or partial not in range(PARTIAL_IMAGES_AT_MOST + 1)):
        raise RequestError(f"partial_images is a whole number from 0 to {PARTIAL_IMAGES_AT_MOST}, not {partial!r}")
    if partial == 0:
        given["partial_images"] = None  # none is what comes anyway
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise RequestError(f"{name} is text or a whole number, not {value!r}")
    return {name: str(value) for name, value in given.items() if value is not None} or NO_TAGS
