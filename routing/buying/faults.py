"""Bad pictures: what was delivered and paid for, and is not what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.errors import RequestError
from routing.pictures import is_blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from routing.cache.base import CachedCall
    from routing.core.picture import Picture, Size
    from routing.providers.base import ImageCall

AND = " and "
BLANK = "blank"
DAMAGED = "damaged"
APPROXIMATE_AT_LEAST = 0.95
"""Of each edge, where the vendor is told a shape and not pixels: generations of one model differ by up to 3 %."""


def faults_of(pictures: Sequence[Picture], call: ImageCall) -> tuple[str, ...]:
    """Say of each picture what is bad about it, as what follows "it is"; ``""`` where all is well.

    Bad is another format than the one asked for, an edge shorter than asked, pixels that cannot be decoded, and a
    picture that shows nothing. One that is larger than asked is not bad.
    """
    return tuple(AND.join(_faults(picture, call)) for picture in pictures)


def judged(call: CachedCall) -> Iterator[tuple[Picture, str]]:
    """Go through the pictures of a kept call, each with what is bad about it."""
    return zip(call.pictures, call.faults or ("",) * len(call.pictures), strict=True)


def without_surplus(found: Iterable[tuple[Picture, str]], wanted: int) -> list[tuple[Picture, str]]:
    """Leave out bad pictures that others were bought for since: the earliest first, and only what is too many."""
    found = list(found)
    surplus, kept = len(found) - wanted, []
    for picture, fault in found:
        if fault and surplus > 0:
            surplus -= 1
        else:
            kept.append((picture, fault))
    return kept


def fault_sentences(faults: Sequence[str]) -> tuple[str, ...]:
    """Make a sentence of each fault there is; of several pictures it is told which one."""
    if len(faults) == 1:
        return tuple(f"the picture is {fault}" for fault in faults if fault)
    return tuple(f"picture {number} is {fault}" for number, fault in enumerate(faults, start=1) if fault)


def fault_of(sentences: Sequence[str], number: int) -> str:
    """Find what ``fault_sentences`` say of one picture; ``""`` where all is well with it."""
    starts = ("the picture is ", f"picture {number} is ")
    return next((each.removeprefix(start) for each in sentences for start in starts if each.startswith(start)), "")


def shows_nothing(fault: str) -> bool:
    """Tell whether a picture is bad in a way that leaves nothing to see."""
    return not {BLANK, DAMAGED}.isdisjoint(fault.split(AND))


def fault_reason(faults: Sequence[str]) -> str:
    """Word the faults of one call for the ledger: ``bad picture: blank``; ``""`` where there is none."""
    if len(faults) == 1:
        return f"bad picture: {faults[0]}" if faults[0] else ""
    told = fault_sentences(faults)
    return f"bad pictures: {'; '.join(told)}" if told else ""


def _faults(picture: Picture, call: ImageCall) -> list[str]:
    found = []
    if call.output_format and picture.format != call.output_format:
        found.append(f"{picture.format} instead of {call.output_format}")
    if _too_small(picture.size, call):
        found.append(f"{picture.size} instead of {call.size}")
    try:
        if is_blank(picture):
            found.append(BLANK)
    except RequestError:
        found.append(DAMAGED)
    return found


def _too_small(size: Size, call: ImageCall) -> bool:
    share = APPROXIMATE_AT_LEAST if call.deployment.model.approximate_sizes else 1
    return size.width < share * call.size.width or size.height < share * call.size.height
