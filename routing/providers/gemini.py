"""Google's picture models by LiteLLM's chat route: what is asked, and how the raw reply is read.

The chat route is the one that sends a single request, passes references and seed, and reports usage on a block. Its
reply is read as Google sent it, because LiteLLM's form of it drops which pictures are thoughts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.errors import Charged, ContentRejected
from routing.providers.delivery import Parcel
from routing.providers.dialects import data_url
from routing.providers.sizes import NANO_BANANA
from routing.providers.usage import gemini_usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from routing.providers.base import ImageCall
    from routing.providers.translate import Caller

BASE_URL = "https://generativelanguage.googleapis.com/v1beta"

_BLOCKED = frozenset(
    {
        "SAFETY",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "RECITATION",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
    }
)
"""https://ai.google.dev/api/generate-content#FinishReason: the reasons that are content rules."""


def completion_arguments(call: ImageCall, caller: Caller) -> dict[str, object]:
    """Word a call as arguments of ``litellm.completion``; what has no word is refused."""
    shape = NANO_BANANA.get(call.size)
    if shape is None:
        raise caller.refuse(
            f"size {call.size} is none of the model's: it makes fixed sizes, such as 1024x1024 or 1344x768"
        )
    if call.n != 1:
        raise caller.refuse(f"the model makes one picture per call, not {call.n}")
    given = {
        "quality": call.quality,
        "mask": call.mask,
        "background": call.background,
        "output_format": call.output_format,
    }
    for name, value in (*given.items(), *((name, value) for name, value in call.extras.items() if name != "seed")):
        if value is not None:
            raise caller.refuse(f"parameter {name} has no word at Google; it was not sent")
    ratio, resolution = shape
    image_config = {"aspectRatio": ratio}
    if resolution != "1K":
        # 1K is what every model makes by itself, and the older one refuses to be told.
        image_config["imageSize"] = resolution
    content: list[dict[str, object]] = [{"type": "text", "text": call.prompt}]
    content += [{"type": "image_url", "image_url": {"url": data_url(picture)}} for picture in call.images]
    arguments: dict[str, object] = {
        "messages": [{"role": "user", "content": content}],
        "modalities": ["image"],
        "imageConfig": image_config,
    }
    if "seed" in call.extras:
        arguments["seed"] = int(call.extras["seed"])
    return arguments


def unpack(reply: Mapping[str, object], call: ImageCall, caller: Caller) -> Parcel:
    """Take the pictures that are results out of a generateContent reply.

    Raises:
        ContentRejected: where Google's rules blocked; charged by the usage it reports, unknown where it reports none.

    """
    entries = [entry for part in _parts(reply) if (entry := _picture(part)) is not None]
    reason = _block_reason(reply)
    usage = gemini_usage(reply.get("usageMetadata"), with_images=bool(call.images), images=len(entries))
    if reason and not any(entries):
        reported = isinstance(reply.get("usageMetadata"), dict)
        charged = Charged.YES if usage else Charged.NO if reported else Charged.UNKNOWN
        raise ContentRejected(
            f"{caller.deployment}: Google's content rules refused ({reason}): change the wording or the images",
            deployment=caller.deployment,
            status_code=200,
            charged=charged,
            usage=usage,
        )
    response_id = reply.get("responseId")
    return Parcel(entries=entries, usage=usage, vendor_request_id=response_id if isinstance(response_id, str) else None)


def _candidates(reply: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    candidates = reply.get("candidates")
    yield from (one for one in candidates if isinstance(one, dict)) if isinstance(candidates, list) else ()


def _parts(reply: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for candidate in _candidates(reply):
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        yield from (part for part in parts if isinstance(part, dict)) if isinstance(parts, list) else ()


def _picture(part: Mapping[str, object]) -> object:
    """Find the base64 of a picture; ``None`` for words and for thoughts, which are drafts of the model's own."""
    inline = part.get("inlineData", part.get("inline_data"))
    if part.get("thought") is True or not isinstance(inline, dict):
        return None
    return inline.get("data") or ""


def _block_reason(reply: Mapping[str, object]) -> str:
    feedback = reply.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        return str(feedback["blockReason"])
    reasons = [str(candidate.get("finishReason", "")) for candidate in _candidates(reply)]
    return next((reason for reason in reasons if reason in _BLOCKED), "")
