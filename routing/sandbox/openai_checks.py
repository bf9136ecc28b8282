"""What OpenAI's Images API refuses: names, types, bounds, sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from routing.sandbox.openai_errors import USER_ERROR, error, invalid, model_gone, model_not_found
from routing.sandbox.prices import OPENAI_FACTORS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["EDITS", "GENERATIONS", "RETIRED", "Fields", "Picked"]

# Shut down: LiteLLM's price map of 2026-11 and OpenAI's deprecations page.
RETIRED = ("dall-e-2", "dall-e-3", "gpt-image-1")

_COMMON = frozenset(
    [
        "model",
        "prompt",
        "n",
        "size",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "user",
        "safety_identifier",
        "complexity",
        "stream",
        "partial_images",
    ]
)
GENERATIONS = _COMMON | {"moderation"}
EDITS = _COMMON | {"image", "image[]", "mask", "input_fidelity"}

MOST_PROMPT = 32_000
MOST_IMAGES = 10
MOST_PARTIAL_IMAGES = 3
STEP, MOST_EDGE, MOST_RATIO, LEAST_PIXELS, MOST_PIXELS = 16, 3840, 3, 655_360, 8_294_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What the parameters come to, with every `auto` decided."""

    model: str
    prompt: str
    n: int
    width: int
    height: int
    quality: str
    background: str
    picture_format: str
    compression: int
    stream: bool = False
    partial_images: int = 0


@dataclass(frozen=True, slots=True)
class Fields:
    """The parameters of one request; a form's are all text, a JSON body's have types."""

    values: Mapping[str, Any]
    form: bool = False

    def pick(self, known: frozenset[str], model: str | None = None, like: tuple[int, int] | None = None) -> Picked:
        """Check every parameter; `model` replaces the body's, `like` is the picture an automatic size follows."""
        for name in self.values:
            if name not in known:
                raise invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        model = model or self.model()
        prompt = self.prompt()
        n = self.integer("n", 1, MOST_IMAGES, 1)
        width, height = self.size(like)
        quality = self.choice("quality", (*OPENAI_FACTORS[model], "auto"), "auto")
        picture_format = self.choice("output_format", ("png", "jpeg", "webp"), "png")
        background = self.background(model, picture_format)
        compression = self.compression(picture_format)
        self.choice("moderation", ("auto", "low"), "auto")
        self.choice("complexity", ("low", "medium", "high"), "medium")
        self.fidelity(model)
        self.text("user")
        self.text("safety_identifier")
        stream, partial_images = self.stream(n)
        return Picked(
            model=model,
            prompt=prompt,
            n=n,
            width=width,
            height=height,
            # What `auto` comes to is OpenAI's secret; here it is the dearest of the usual three, and the reply says so.
            quality="high" if quality == "auto" else quality,
            background="opaque" if background == "auto" else background,
            picture_format=picture_format,
            compression=compression,
            stream=stream,
            partial_images=partial_images,
        )

    def model(self) -> str:
        """A model that is sold today."""
        model = self.values.get("model")
        if model is None:
            raise invalid("you must provide a model parameter", None, None)
        if not isinstance(model, str):
            raise self._type("model", "a string", model)
        if model in RETIRED:
            raise model_gone(model)
        if model not in OPENAI_FACTORS:
            raise model_not_found(model)
        return model

    def prompt(self) -> str:
        """1 to 32,000 characters."""
        prompt = self.values.get("prompt")
        if prompt is None:
            raise invalid("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")
        if not isinstance(prompt, str):
            raise self._type("prompt", "a string", prompt)
        if not prompt:
            expected = "Expected a string with minimum length 1"
            raise invalid(
                f"Invalid 'prompt': empty string. {expected}, but got an empty string instead.",
                "prompt",
                "empty_string",
            )
        if len(prompt) > MOST_PROMPT:
            message = (
                f"Invalid 'prompt': string too long. Expected a string with maximum length {MOST_PROMPT}, but got a"
                f" string with length {len(prompt)} instead."
            )
            raise invalid(message, "prompt", "string_above_max_length")
        return prompt

    def size(self, like: tuple[int, int] | None) -> tuple[int, int]:
        """A size the model can make; the wording of the first two rules was seen in public."""
        size = self.text("size", "auto")
        if size == "auto":
            wide, high = like or (1, 1)
            return (1024, 1024) if wide == high else (1536, 1024) if wide > high else (1024, 1536)
        if not re.fullmatch(r"[0-9]{1,5}x[0-9]{1,5}", size, re.ASCII):
            raise self._size(size, "Expected WIDTHxHEIGHT, for example '1824x1024'.")
        width, height = (int(side) for side in size.split("x"))
        if width % STEP or height % STEP or not width or not height:
            raise self._size(size, "Width and height must both be divisible by 16.")
        if max(width, height) > MOST_EDGE:
            raise self._size(size, f"The longest edge must be at most {MOST_EDGE} pixels.")
        if max(width, height) > MOST_RATIO * min(width, height):
            raise self._size(size, "The long edge must be at most 3 times the short edge.")
        if not LEAST_PIXELS <= width * height <= MOST_PIXELS:
            raise self._size(size, f"The number of pixels must be between {LEAST_PIXELS} and {MOST_PIXELS}.")
        return width, height

    def background(self, model: str, picture_format: str) -> str:
        """Transparent only where the model and the format can."""
        background = self.choice("background", ("transparent", "opaque", "auto"), "auto")
        if background == "transparent" and "2.5" not in model:
            raise invalid("Transparent background is not supported for this model.", "background")
        if background == "transparent" and picture_format == "jpeg":
            raise invalid("Transparent background is not supported for JPEG output format.", "background")
        return background

    def compression(self, picture_format: str) -> int:
        """0 to 100, and only for formats that compress."""
        compression = self.integer("output_compression", 0, 100, 100)
        if compression < 100 and picture_format == "png":  # noqa: PLR2004 - per cent
            raise invalid("Compression less than 100 is not supported for PNG output format.", "output_compression")
        return compression

    def fidelity(self, model: str) -> None:
        """Every picture goes in at full fidelity on gpt-image-2: the parameter is gone there."""
        if self.values.get("input_fidelity") is None:
            return
        if "2.5" not in model:
            message = f"The model '{model}' does not support the 'input_fidelity' parameter."
            raise invalid(message, "input_fidelity", "invalid_input_fidelity_model")
        self.choice("input_fidelity", ("high", "low"), "low")

    def stream(self, n: int) -> tuple[bool, int]:
        """Whether the answer comes in events, and after how many partial images.

        How several pictures are streamed was never seen: the sandbox says so instead of answering wrongly.
        """
        value = self.values.get("stream")
        if self.form and value in {"true", "false"}:
            value = value == "true"
        if value is not None and not isinstance(value, bool):
            raise self._type("stream", "a boolean", value)
        if value and n != 1:
            raise invalid("Streaming is available here for one picture only: n must be 1.", "n")
        partial_images = self.integer("partial_images", 0, MOST_PARTIAL_IMAGES, 0)
        if partial_images and not value:
            raise invalid("The 'partial_images' parameter is only supported when 'stream' is true.", "partial_images")
        return bool(value), partial_images

    def text(self, name: str, default: str = "") -> str:
        """An optional string."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self._type(name, "a string", value)
        return value

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in allowed:
            quoted = [f"'{word}'" for word in allowed]
            listed = f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
            raise invalid(f"Invalid value: '{value}'. Supported values are: {listed}.", name)
        return value

    def integer(self, name: str, least: int, most: int, default: int) -> int:
        """A whole number between two others."""
        value = self.values.get(name)
        if value is None:
            return default
        if self.form and isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value, re.ASCII):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._type(name, "an integer", value)
        if value < least:
            message = (
                f"Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {value} instead."
            )
            raise invalid(message, name, "integer_below_min_value")
        if value > most:
            message = (
                f"Invalid '{name}': integer above maximum value. Expected a value <= {most}, but got {value} instead."
            )
            raise invalid(message, name, "integer_above_max_value")
        return value

    def _type(self, name: str, wanted: str, value: object) -> Exception:
        kinds = {bool: "a boolean", int: "an integer", float: "a decimal number", str: "a string", list: "an array"}
        got = kinds.get(type(value), "an object")
        return invalid(f"Invalid type for '{name}': expected {wanted}, but got {got} instead.", name, "invalid_type")

    def _size(self, size: str, rule: str) -> Exception:
        return error(400, f"Invalid size '{size}'. {rule}", USER_ERROR, param="size", code="invalid_value")
