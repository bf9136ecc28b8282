"""The input schemas of fal's models: what each takes, and how it says what it does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.sandbox.vendor import Reference, is_count

__all__ = ["MODELS", "Look", "Ordered", "Violation"]

Look = Callable[[str], Reference | None]
"""Finds the picture behind an address; fal would download it."""

MOST_PROMPT = 32_000
MOST_IMAGES = 4
MOST_REFERENCES = 16
MOST_SIDE = 4096
SEED = 20_261_121

_NAMED_SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_RATIOS = {
    "21:9": (1536, 672),
    "16:9": (1344, 768),
    "3:2": (1248, 832),
    "4:3": (1184, 864),
    "5:4": (1152, 896),
    "1:1": (1024, 1024),
    "4:5": (896, 1152),
    "3:4": (864, 1184),
    "2:3": (832, 1248),
    "9:16": (768, 1344),
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with the input."""

    where: tuple[str, ...]
    message: str
    kind: str
    given: object = None


@dataclass(slots=True)
class Ordered:
    """What an input comes to, and all that is wrong with it."""

    prompt: str = ""
    n: int = 1
    width: int = 1024
    height: int = 768
    quality: str = ""
    picture_format: str = "png"
    seed: int = SEED
    inline: bool = False
    violations: list[Violation] = field(default_factory=list)


class _Reader:
    """Reads the fields of one input and collects what is wrong."""

    def __init__(self, body: Mapping[str, Any], known: str) -> None:
        self.body = body
        self.ordered = Ordered()
        for name in body:
            if name not in known.split():
                self.wrong(name, "Extra inputs are not permitted", "extra_forbidden")
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not 1 <= len(prompt) <= MOST_PROMPT:
            self.wrong("prompt", "Field required" if prompt is None else "Input should be a valid string", "missing")
        else:
            self.ordered.prompt = prompt
        self.ordered.n = self.integer("num_images", 1, MOST_IMAGES, 1)
        self.ordered.seed = self.integer("seed", 0, 2**63 - 1, SEED)
        self.ordered.inline = self.flag("sync_mode")

    def wrong(self, name: str, message: str, kind: str) -> None:
        self.ordered.violations.append(Violation((name,), message, kind, self.body.get(name)))

    def integer(self, name: str, least: int, most: int, default: int) -> int:
        value = self.body.get(name, default)
        if not is_count(value):
            self.wrong(name, "Input should be a valid integer", "int_type")
        elif value < least:
            self.wrong(name, f"Input should be greater than or equal to {least}", "greater_than_equal")
        elif value > most:
            self.wrong(name, f"Input should be less than or equal to {most}", "less_than_equal")
        else:
            return int(value)
        return default

    def flag(self, name: str) -> bool:
        value = self.body.get(name, False)
        if not isinstance(value, bool):
            self.wrong(name, "Input should be a valid boolean", "bool_type")
        return value is True

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.body.get(name, default)
        if value in allowed:
            return str(value)
        quoted = ", ".join(f"'{word}'" for word in allowed)
        self.wrong(name, f"Input should be {quoted}", "literal_error")
        return default

    def size(self, default: tuple[int, int]) -> tuple[int, int]:
        """A named size, or an object with width and height."""
        value = self.body.get("image_size")
        if value is None:
            return default
        if isinstance(value, str) and value in _NAMED_SIZES:
            return _NAMED_SIZES[value]
        if isinstance(value, dict) and set(value) == {"width", "height"}:
            width, height = value["width"], value["height"]
            if all(is_count(side) and 1 <= side <= MOST_SIDE for side in (width, height)):
                return width, height
        quoted = ", ".join(f"'{word}'" for word in _NAMED_SIZES)
        self.wrong("image_size", f"Input should be {quoted} or an object with width and height", "literal_error")
        return default

    def references(self, look: Look) -> list[Reference]:
        """The pictures behind `image_urls`, at least one."""
        urls = self.body.get("image_urls")
        if not isinstance(urls, list) or not urls:
            self.wrong("image_urls", "Field required" if urls is None else "Input should be a valid list", "missing")
            return []
        if len(urls) > MOST_REFERENCES:
            self.wrong("image_urls", f"List should have at most {MOST_REFERENCES} items", "too_long")
            return []
        return [found for url in urls if (found := self.download("image_urls", url, look))]

    def download(self, name: str, url: object, look: Look) -> Reference | None:
        found = look(url) if isinstance(url, str) else None
        if found is None:
            message = "Failed to download the file. Please check if the URL is accessible and try again."
            # The address may be a whole picture: it is not repeated.
            self.ordered.violations.append(Violation((name,), message, "file_download_error"))
        return found


def _flux_schnell(body: Mapping[str, Any], _: Look) -> Ordered:
    reader = _Reader(
        body,
        "prompt image_size num_inference_steps seed guidance_scale sync_mode num_images enable_safety_checker"
        " output_format acceleration",
    )
    reader.integer("num_inference_steps", 1, 12, 4)
    reader.ordered.picture_format = reader.choice("output_format", ("jpeg", "png"), "jpeg")
    reader.ordered.width, reader.ordered.height = reader.size(_NAMED_SIZES["landscape_4_3"])
    return reader.ordered


def _gpt_image_2(body: Mapping[str, Any], _: Look) -> Ordered:
    reader = _Reader(body, "prompt image_size quality num_images output_format sync_mode")
    _token_priced(reader)
    reader.ordered.width, reader.ordered.height = reader.size(_NAMED_SIZES["landscape_4_3"])
    return reader.ordered


def _gpt_image_2_edit(body: Mapping[str, Any], look: Look) -> Ordered:
    reader = _Reader(
        body, "prompt image_urls mask_url image_size quality num_images output_format sync_mode background"
    )
    _token_priced(reader)
    references = reader.references(look)
    like = (references[0].width, references[0].height) if references else (1024, 1024)
    if body.get("mask_url") is not None:
        mask = reader.download("mask_url", body["mask_url"], look)
        if mask and (mask.width, mask.height) != like:
            reader.wrong("mask_url", "The mask must have the size of the first image", "value_error")
    reader.choice("background", ("auto", "opaque"), "auto")
    automatic = body.get("image_size", "auto") == "auto"
    reader.ordered.width, reader.ordered.height = like if automatic else reader.size(like)
    return reader.ordered


def _token_priced(reader: _Reader) -> None:
    """What generation and edit share; fal charges `auto` as high."""
    quality = reader.choice("quality", ("auto", "low", "medium", "high"), "high")
    reader.ordered.quality = "high" if quality == "auto" else quality
    reader.ordered.picture_format = reader.choice("output_format", ("jpeg", "png", "webp"), "png")


def _nano_banana(body: Mapping[str, Any], _: Look) -> Ordered:
    reader = _Reader(body, "prompt num_images seed aspect_ratio output_format sync_mode limit_generations")
    ratio = reader.choice("aspect_ratio", tuple(_RATIOS), "1:1")
    reader.ordered.width, reader.ordered.height = _RATIOS[ratio]
    reader.ordered.picture_format = reader.choice("output_format", ("jpeg", "png", "webp"), "png")
    return reader.ordered


MODELS: Mapping[str, Callable[[Mapping[str, Any], Look], Ordered]] = {
    "fal-ai/flux/schnell": _flux_schnell,
    "fal-ai/nano-banana": _nano_banana,
    "openai/gpt-image-2": _gpt_image_2,
    "openai/gpt-image-2/edit": _gpt_image_2_edit,
}
