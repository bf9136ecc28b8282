"""What each model takes through LiteLLM's image routes: what is not in the table is refused, never forwarded.

LiteLLM forwards, renames or drops what it does not know: an unknown fal model is posted to the bare base address, an
unlisted size becomes another one. So a row is written only after its route was watched over loopback with LiteLLM
1.106.2: one POST per call, also when it fails, to the base it was given. Left out are

- ``black_forest_labs/*``: key and base come from the environment only, whatever is passed;
- ``xai/*``, and every other route on LiteLLM's OpenAI client: a failed call is sent three times. They speak the Images
  API: buy them through ``kind: openai`` with their ``base_url``;
- the other ``stability/sd3*``: the model's name is not sent, so every one of them buys ``sd3.5-large``;
- ``openrouter/*`` and ``vertex_ai/imagen*``: an unknown size silently becomes a square.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.picture import Size
from routing.core.request import Operation
from routing.providers.sizes import NANO_BANANA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.providers.base import ImageCall
    from routing.providers.translate import Caller

BASE_URLS: Mapping[str, str] = {
    "fal_ai": "https://fal.run",
    "recraft": "https://external.api.recraft.ai",
    "stability": "https://api.stability.ai",
}
"""Where each vendor is; passed with every call, so that no variable of the environment sends it elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What one model takes beside a prompt, and how it is told the size.

    ``sizes`` gives the arguments for each size; where it is ``None`` the size is sent as it is, and the vendor judges.
    """

    takes: frozenset[str]
    sizes: Mapping[Size, Mapping[str, object]] | None = None
    size_as_object: bool = False
    always: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


def _takes(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _square(edge: int) -> Mapping[Size, Mapping[str, object]]:
    """Only the square of a vendor of ratios: what the others come to in pixels is not published."""
    return {Size(width=edge, height=edge): {"aspect_ratio": "1:1"}}


_GENERATE, _EDIT = Operation.GENERATE, Operation.EDIT
_GPT_IMAGE = Route(takes=_takes("n quality output_format"))
_GPT_IMAGE_EDIT = Route(takes=_takes("n quality output_format background mask"))
# Sent as an object: LiteLLM would turn 1792x1024 into fal's "landscape_16_9", which is 1024x576.
_FLUX = Route(takes=_takes("n seed output_format"), size_as_object=True)
_NANO_BANANA = Route(
    takes=_takes("n seed output_format"),
    sizes={size: {"aspect_ratio": ratio} for size, (ratio, step) in NANO_BANANA.items() if step == "1K"},
)
_RECRAFT = Route(takes=_takes("n"), always=MappingProxyType({"response_format": "b64_json"}))
_STABILITY = Route(takes=_takes("seed output_format"), sizes=_square(1024))
_STABILITY_CORE = Route(takes=_takes("seed output_format"), sizes=_square(1536))

ROUTES: Mapping[tuple[str, Operation], Route] = {
    ("fal_ai/fal-ai/flux/schnell", _GENERATE): _FLUX,
    ("fal_ai/fal-ai/nano-banana", _GENERATE): _NANO_BANANA,
    ("fal_ai/openai/gpt-image-2", _GENERATE): _GPT_IMAGE,
    ("fal_ai/openai/gpt-image-2", _EDIT): _GPT_IMAGE_EDIT,  # LiteLLM appends "/edit"
    ("fal_ai/openai/gpt-image-2/edit", _EDIT): _GPT_IMAGE_EDIT,
    ("fal_ai/openai/gpt-image-2.5/flare/text-to-image", _GENERATE): _GPT_IMAGE,
    ("fal_ai/openai/gpt-image-2.5/flare/edit", _EDIT): _GPT_IMAGE_EDIT,
    ("fal_ai/openai/gpt-image-2.5/sunburst/text-to-image", _GENERATE): _GPT_IMAGE,
    ("fal_ai/openai/gpt-image-2.5/sunburst/edit", _EDIT): _GPT_IMAGE_EDIT,
    ("recraft/recraftv2", _GENERATE): _RECRAFT,
    ("recraft/recraftv3", _GENERATE): _RECRAFT,
    ("stability/sd3.5-large", _GENERATE): _STABILITY,
    ("stability/stable-image-core", _GENERATE): _STABILITY_CORE,
    ("stability/stable-image-ultra", _GENERATE): _STABILITY,
}
"""LiteLLM's name of a model, and what is done with it."""


def route_arguments(call: ImageCall, caller: Caller) -> dict[str, object]:
    """Word a call as arguments of ``litellm.image_generation`` or ``image_edit``; what has no word is refused."""
    model = call.deployment.wire_model
    route = ROUTES.get((model, call.operation))
    if route is None:
        known = ", ".join(sorted(name for name, operation in ROUTES if operation is call.operation))
        raise caller.refuse(f"{model} cannot {call.operation.value} through LiteLLM here; known are gemini/*, {known}")
    arguments: dict[str, object] = {"prompt": call.prompt, **_size(call, caller, route), **route.always}
    wishes: dict[str, object] = {
        "n": call.n if "n" in route.takes or call.n > 1 else None,
        "quality": call.quality,
        "background": call.background,
        "output_format": call.output_format,
        "mask": _file(call, "mask"),
        **{name: int(value) if value.isdigit() else value for name, value in call.extras.items()},
    }
    for name, value in wishes.items():
        if value is None:
            continue
        if name not in route.takes:
            raise caller.refuse(f"parameter {name} has no word for {model}; it was not sent")
        arguments[name] = value
    if call.operation is _EDIT:
        arguments["image"] = [(f"image.{one.format}", one.data, one.media_type) for one in call.images]
    return arguments


def _size(call: ImageCall, caller: Caller, route: Route) -> Mapping[str, object]:
    if route.sizes is None:
        size = call.size
        return {"size": {"width": size.width, "height": size.height} if route.size_as_object else str(size)}
    if call.size not in route.sizes:
        listed = ", ".join(str(size) for size in sorted(route.sizes, key=lambda size: (size.pixels, size.width)))
        raise caller.refuse(f"size {call.size} has no word for {call.deployment.wire_model}; it takes {listed}")
    return route.sizes[call.size]


def _file(call: ImageCall, stem: str) -> tuple[str, bytes, str] | None:
    mask = call.mask
    return (f"{stem}.{mask.format}", mask.data, mask.media_type) if mask else None
