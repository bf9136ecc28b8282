"""What Google's generateContent refuses for picture models, and what a good request comes to."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from routing.sandbox.prices import GEMINI
from routing.sandbox.vendor import Answer, Json, Reference, Refused, decode_image, is_count

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asked", "check", "error", "invalid"]

MOST_PROMPT = 131_072  # 32,768 tokens
MOST_REFERENCES = 14
MOST_SEED = 2**31

_TOP = frozenset(
    [
        "contents",
        "generationConfig",
        "safetySettings",
        "systemInstruction",
        "tools",
        "toolConfig",
        "cachedContent",
        "model",
    ]
)
_CONFIG = frozenset(
    [
        "candidateCount",
        "seed",
        "temperature",
        "topP",
        "topK",
        "maxOutputTokens",
        "stopSequences",
        "responseModalities",
        "imageConfig",
        "thinkingConfig",
        "presencePenalty",
        "frequencyPenalty",
        "mediaResolution",
        "responseMimeType",
    ]
)
_LEVELS = ("minimal", "medium", "high")

# Pixels at 1K by aspect ratio: https://ai.google.dev/gemini-api/docs/image-generation; 2K and 4K are 2 and 4 times.
_PIXELS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "gemini-2.5-flash-image": {
        "1:1": (1024, 1024),
        "2:3": (832, 1248),
        "3:2": (1248, 832),
        "3:4": (864, 1184),
        "4:3": (1184, 864),
        "4:5": (896, 1152),
        "5:4": (1152, 896),
        "9:16": (768, 1344),
        "16:9": (1344, 768),
        "21:9": (1536, 672),
    },
    "gemini-nano-banana-2.1": {
        "1:1": (1024, 1024),
        "2:3": (848, 1264),
        "3:2": (1264, 848),
        "3:4": (896, 1200),
        "4:3": (1200, 896),
        "4:5": (928, 1152),
        "5:4": (1152, 928),
        "9:16": (768, 1376),
        "16:9": (1376, 768),
        "21:9": (1584, 672),
    },
}
_SCALE = {"1K": 1, "2K": 2, "4K": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a good request asks for."""

    prompt: str
    references: tuple[Reference, ...]
    width: int
    height: int
    image_size: str
    with_text: bool


def error(status: int, name: str, message: str, details: list[Json] | None = None) -> Refused:
    """A refusal in Google's form."""
    body: Json = {"error": {"code": status, "message": message, "status": name}}
    if details:
        body["error"]["details"] = details
    return Refused(Answer(status=status, body=body))


def invalid(message: str, details: list[Json] | None = None) -> Refused:
    """A 400 INVALID_ARGUMENT."""
    return error(400, "INVALID_ARGUMENT", message, details)


def check(model: str, body: Mapping[str, Any]) -> Asked:
    """Check a whole request."""
    top = _known(body, _TOP, "")
    if top.get("tools"):
        raise invalid("Tools are not available in this sandbox.")
    prompt, references = _contents(top.get("contents"))
    config = _known(_object(top.get("generationConfig"), "generation_config"), _CONFIG, "generation_config")
    _numbers(config)
    modalities = _modalities(config.get("responseModalities"))
    if "thinkingConfig" in config:
        _thinking(model, config["thinkingConfig"])
    image = _object(config.get("imageConfig"), "generation_config.image_config")
    image = _known(image, frozenset({"aspectRatio", "imageSize"}), "generation_config.image_config")
    ratio, image_size = _image_config(model, image)
    width, height = _PIXELS[model][ratio]
    scale = _SCALE[image_size]
    return Asked(
        prompt=prompt,
        references=references,
        width=width * scale,
        height=height * scale,
        image_size=image_size,
        with_text="TEXT" in modalities,
    )


def _camel(name: str) -> str:
    """Protocol buffers read both spellings of a field."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _known(values: Mapping[str, Any], allowed: frozenset[str], where: str) -> dict[str, Any]:
    known = {}
    for name, value in values.items():
        if _camel(name) not in allowed:
            place = f" at '{where}'" if where else ""
            message = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
            violation = {"field": where, "description": message}
            kind = "type.googleapis.com/google.rpc.BadRequest"
            raise invalid(message, [{"@type": kind, "fieldViolations": [violation]}])
        known[_camel(name)] = value
    return known


def _object(value: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"Invalid value at '{where}'")
    return value


def _numbers(config: Mapping[str, Any]) -> None:
    if config.get("candidateCount", 1) != 1:
        raise invalid("Multiple candidates is not enabled for this model")
    seed = config.get("seed", 0)
    if not is_count(seed) or not -MOST_SEED <= seed < MOST_SEED:
        raise invalid(f"Invalid value at 'generation_config.seed' (TYPE_INT32), {seed!r}")
    for name in ("temperature", "topP", "topK", "maxOutputTokens", "presencePenalty", "frequencyPenalty"):
        if isinstance(config.get(name, 0), bool) or not isinstance(config.get(name, 0), int | float):
            raise invalid(f"Invalid value at 'generation_config.{name}' (TYPE_FLOAT), {config[name]!r}")
    if config.get("responseMimeType", "text/plain") != "text/plain":
        raise invalid("JSON mode is not enabled for this model")


def _modalities(value: object) -> frozenset[str]:
    if value is None:
        return frozenset({"TEXT", "IMAGE"})
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise invalid("Invalid value at 'generation_config.response_modalities'")
    modalities = frozenset(word.upper() for word in value)
    if "IMAGE" not in modalities or not modalities <= {"TEXT", "IMAGE"}:
        listed = ", ".join(sorted(modalities))
        raise invalid(f"The requested combination of response modalities ({listed}) is not supported by the model.")
    return modalities


def _thinking(model: str, value: object) -> None:
    where = "generation_config.thinking_config"
    thinking = _known(_object(value, where), frozenset({"thinkingLevel", "includeThoughts"}), where)
    if model == "gemini-2.5-flash-image":
        raise invalid("Thinking is not enabled for this model")
    if str(thinking.get("thinkingLevel", "medium")).lower() not in _LEVELS:
        raise invalid(f"Invalid value at '{where}.thinking_level'")


def _image_config(model: str, image: Mapping[str, Any]) -> tuple[str, str]:
    ratio = image.get("aspectRatio", "1:1")
    if ratio not in _PIXELS[model]:
        raise invalid(f"aspect_ratio must be one of {', '.join(_PIXELS[model])}; got {ratio}")
    sizes = GEMINI[model].image_tokens
    if "imageSize" in image and len(sizes) == 1:
        raise invalid("Image size is not supported for this model.")
    image_size = image.get("imageSize", "1K")
    if image_size not in sizes:
        raise invalid(f"image_size must be one of {', '.join(sizes)}; got {image_size}")
    return ratio, image_size


def _contents(contents: object) -> tuple[str, tuple[Reference, ...]]:
    if not isinstance(contents, list) or not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified\n")
    texts: list[str] = []
    references: list[Reference] = []
    for number, content in enumerate(contents):
        where = f"contents[{number}]"
        known = _known(_object(content, where), frozenset({"role", "parts"}), where)
        if known.get("role", "user") not in {"user", "model"}:
            raise invalid("Please use a valid role: user, model.")
        parts = known.get("parts")
        if not isinstance(parts, list) or not parts:
            raise invalid(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.\n")
        for part_number, part in enumerate(parts):
            _part(_object(part, where), f"{where}.parts[{part_number}]", texts, references)
    prompt = "\n".join(texts)
    if not prompt.strip():
        raise invalid("* GenerateContentRequest.contents: contents must hold a text.\n")
    if len(prompt) > MOST_PROMPT:
        raise invalid("The input token count exceeds the maximum number of tokens allowed (32768).")
    if len(references) > MOST_REFERENCES:
        raise invalid(f"The request holds {len(references)} images; at most {MOST_REFERENCES} are supported.")
    return prompt, tuple(references)


def _part(part: Mapping[str, Any], where: str, texts: list[str], references: list[Reference]) -> None:
    known = _known(part, frozenset({"text", "inlineData", "thoughtSignature", "mediaResolution"}), where)
    if "text" in known:
        if not isinstance(known["text"], str):
            raise invalid(f"Invalid value at '{where}.text' (TYPE_STRING), {known['text']!r}")
        texts.append(known["text"])
    if "inlineData" in known:
        inline = _known(_object(known["inlineData"], where), frozenset({"mimeType", "data"}), f"{where}.inline_data")
        if not re.fullmatch(r"image/(png|jpeg|webp)", str(inline.get("mimeType"))):
            raise invalid(f"Unsupported MIME type: {inline.get('mimeType')}")
        try:
            data = base64.b64decode(str(inline.get("data")), validate=True)
        except binascii.Error:
            raise invalid(f"Invalid value at '{where}.inline_data.data' (TYPE_BYTES), Base64 decoding failed") from None
        reference = decode_image(data)
        if reference is None:
            raise invalid("Unable to process input image. Please retry or report in https://ai.google.dev/support")
        references.append(reference)
