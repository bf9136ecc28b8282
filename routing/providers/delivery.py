"""From what a vendor sent to checked pictures, the same way for every vendor."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.core.prices import Usage
from routing.errors import RequestError
from routing.pictures import inspect
from routing.providers.base import Delivery
from routing.providers.deadline import DeadlinePassed
from routing.providers.download import DownloadFailed, download

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.core.picture import Picture
    from routing.providers.base import ImageCall
    from routing.providers.deadline import Deadline
    from routing.providers.translate import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What arrived: one entry per picture, each base64 text, an address, or whatever else the vendor put there."""

    entries: Sequence[object]
    usage: Usage | None
    revised_prompt: str | None = None
    seed: int | None = None
    vendor_request_id: str | None = None
    notices: tuple[str, ...] = field(default=())


class _Unusable(Exception):
    """One picture cannot be used; the message says why, as what follows its number."""


def deliver(parcel: Parcel, call: ImageCall, caller: Caller, deadline: Deadline, *, base_url: str) -> Delivery:
    """Decode or download every picture, check it, and note what differs from what was asked.

    Raises:
        ProviderUnavailable: where not one is usable; charged where the vendor reported usage, else unknown.
        DeadlinePassed: where the time is over before one is fetched.

    """
    pictures: list[Picture] = []
    problems: list[str] = []
    for number, entry in enumerate(parcel.entries, start=1):
        try:
            pictures.append(_open(entry, deadline, base_url))
        except _Unusable as problem:
            problems.append(f"picture {number} {caller.clean(str(problem))}")
        except DeadlinePassed:
            if not pictures:
                raise
            problems.append(f"picture {number} could not be fetched in time")
    usage = parcel.usage or counted_pictures(call, len(parcel.entries))
    if not pictures:
        why = "; ".join(problems[:3]) or "the answer has no picture"
        raise caller.unreadable(f"no usable picture arrived: {why}", parcel.usage)
    return Delivery(
        pictures=tuple(pictures),
        usage=usage,
        revised_prompt=parcel.revised_prompt,
        seed=parcel.seed,
        vendor_request_id=parcel.vendor_request_id,
        notices=(*parcel.notices, *_differences(call, pictures), *problems),
    )


def counted_pictures(call: ImageCall, arrived: int) -> Usage | None:
    """Count pictures as usage where the model is not billed by tokens: their number is all a vendor need report.

    Fewer than asked are counted as asked: nobody says that they are cheaper.
    """
    return Usage(images=max(call.n, arrived)) if call.deployment.model.tokens is None else None


def _open(entry: object, deadline: Deadline, base_url: str) -> Picture:
    if not isinstance(entry, str) or not entry:
        raise _Unusable("is missing")
    head, comma, encoded = entry.partition(",") if entry.startswith("data:") else ("", "", entry)
    try:
        if head and not (comma and head.endswith(";base64")):
            raise _Unusable("is a data URL, but not in base64")
        if not head and entry.startswith(("http://", "https://")):
            return inspect(download(entry, deadline, base_url=base_url))
        return inspect(base64.b64decode(encoded, validate=True))
    except DownloadFailed as failure:
        raise _Unusable(f"could not be fetched: {failure}") from None
    except (binascii.Error, ValueError):
        raise _Unusable("is not base64") from None
    except RequestError as problem:
        raise _Unusable(str(problem).removeprefix("the picture ")) from None


def _differences(call: ImageCall, pictures: list[Picture]) -> list[str]:
    arrived = len(pictures)
    asked = f"{call.n} pictures were" if call.n != 1 else "1 picture was"
    sizes = dict.fromkeys(picture.size for picture in pictures if picture.size != call.size)
    wanted = call.output_format
    formats = dict.fromkeys(picture.format for picture in pictures if wanted and picture.format != wanted)
    return [
        *([f"{asked} asked for, {arrived} arrived"] if arrived != call.n else []),
        *(f"size {call.size} was asked for, {size} arrived" for size in sizes),
        *(f"format {wanted} was asked for, {kind} arrived" for kind in formats),
    ]
