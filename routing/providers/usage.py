"""What a vendor reports as used, read so that no doubt makes it cheaper.

A split that is missing or contradicts the totals is read the dearer way: tokens of unknown kind count as image tokens,
cached ones as text (whose discount is smaller), and where parts and sum differ the larger goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.core.prices import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Token counts as reported, ``None`` where nothing was said; cached tokens are among those of their kind."""

    total: int | None = None
    total_in: int | None = None
    text_in: int | None = None
    image_in: int | None = None
    cached: int | None = None
    cached_text: int | None = None
    cached_image: int | None = None
    total_out: int | None = None
    text_out: int | None = None
    image_out: int | None = None


def openai_usage(reported: object, *, with_images: bool, images: int) -> Usage | None:
    """Read the ``usage`` of an images reply; ``None`` where there is none.

    ``with_images`` tells whether the call sent any: without, all of an input is text. ``images`` is how many pictures
    were made. Reference: https://developers.openai.com/api/reference/resources/images, with the cached tokens in the
    form of the realtime API (``cached_tokens``, ``cached_tokens_details``).
    """
    if not isinstance(reported, dict):
        return None
    given = _mapping(reported.get("input_tokens_details"))
    made = _mapping(reported.get("output_tokens_details"))
    cached = _mapping(given.get("cached_tokens_details"))
    counts = Counts(
        total=_count(reported, "total_tokens"),
        total_in=_count(reported, "input_tokens"),
        text_in=_count(given, "text_tokens"),
        image_in=_count(given, "image_tokens"),
        cached=_count(given, "cached_tokens"),
        cached_text=_count(cached, "text_tokens"),
        cached_image=_count(cached, "image_tokens"),
        total_out=_count(reported, "output_tokens"),
        text_out=_count(made, "text_tokens"),
        image_out=_count(made, "image_tokens"),
    )
    return _usage(counts, with_images=with_images, images=images)


def gemini_usage(reported: object, *, with_images: bool, images: int) -> Usage | None:
    """Read the ``usageMetadata`` of a generateContent reply; ``None`` where there is none.

    Thoughts are among the total only, or told beside it; either way they are priced as text.
    Reference: https://ai.google.dev/api/generate-content#UsageMetadata.
    """
    if not isinstance(reported, dict):
        return None
    given = _by_modality(reported.get("promptTokensDetails"))
    made = _by_modality(reported.get("candidatesTokensDetails"))
    cached = _by_modality(reported.get("cacheTokensDetails"))
    counts = Counts(
        total=_count(reported, "totalTokenCount"),
        total_in=_count(reported, "promptTokenCount"),
        text_in=given.get("TEXT"),
        image_in=given.get("IMAGE"),
        cached=_count(reported, "cachedContentTokenCount"),
        cached_text=cached.get("TEXT"),
        cached_image=cached.get("IMAGE"),
        total_out=_count(reported, "candidatesTokenCount"),
        text_out=made.get("TEXT"),
        image_out=made.get("IMAGE"),
    )
    thoughts = _thoughts(counts, _count(reported, "thoughtsTokenCount") or 0)
    usage = _usage(replace(counts, total=None), with_images=with_images, images=images) or Usage(images=images)
    usage = replace(usage, text_out=usage.text_out + thoughts)
    return usage if usage != Usage(images=images) else None


def _thoughts(counts: Counts, told: int) -> int:
    if counts.total is None:
        return told
    rest = counts.total - (counts.total_in or 0) - (counts.total_out or 0)
    # No rest: the thoughts are among the candidates' tokens, where what is neither text nor image counts as image.
    return max(rest, told) if rest else 0


def _usage(counts: Counts, *, with_images: bool, images: int) -> Usage | None:
    text_in, image_in = _split(counts.total_in, counts.text_in, counts.image_in, rest_is_image=with_images)
    text_out, image_out = _split(counts.total_out, counts.text_out, counts.image_out, rest_is_image=True)
    if counts.total is not None:
        # What the total has beyond its parts was used for something; the dearest it can be is a picture.
        image_out += max(0, counts.total - text_in - image_in - text_out - image_out)
    if not text_in + image_in + text_out + image_out:
        return None
    cached_text, cached_image = _cached(counts, text_in, image_in)
    return Usage(
        text_in=text_in - cached_text,
        text_cached_in=cached_text,
        image_in=image_in - cached_image,
        image_cached_in=cached_image,
        text_out=text_out,
        image_out=image_out,
        images=images,
    )


def _split(total: int | None, text: int | None, image: int | None, *, rest_is_image: bool) -> tuple[int, int]:
    rest = max(0, (total or 0) - (text or 0) - (image or 0))
    return (text or 0, (image or 0) + rest) if rest_is_image else ((text or 0) + rest, image or 0)


def _cached(counts: Counts, text_in: int, image_in: int) -> tuple[int, int]:
    """Split the discount so that it is never larger than any reading of what was reported."""
    text, image = counts.cached_text, counts.cached_image
    if text is None and image is None:
        text = min(counts.cached or 0, text_in)
        return text, min((counts.cached or 0) - text, image_in)
    text, image = min(text or 0, text_in), min(image or 0, image_in)
    if counts.cached is None:
        return text, image
    text = min(text, counts.cached)
    return text, min(image, counts.cached - text)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _count(reported: Mapping[str, object], key: str) -> int | None:
    value = reported.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _by_modality(details: object) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in details if isinstance(details, list) else ():
        given = _mapping(detail)
        modality = str(given.get("modality", "")).upper()
        # A document is read as text; other kinds have no price of their own and stay in the unknown rest.
        modality = "TEXT" if modality == "DOCUMENT" else modality
        counts[modality] = counts.get(modality, 0) + (_count(given, "tokenCount") or 0)
    return counts
