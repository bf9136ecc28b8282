"""What a deployment can do for a request: why it may not serve it, and at which size and quality it would."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.features import MEGAPIXEL

if TYPE_CHECKING:
    from routing.core.deployment import Deployment
    from routing.core.features import Features
    from routing.core.picture import Size
    from routing.core.policy import Route


class Reason(StrEnum):
    """Why a deployment was left out."""

    KEY_MISSING = "key_missing"
    SHUT_DOWN = "shut_down"
    OPERATION = "operation"
    PROMPT_LENGTH = "prompt_length"
    REFERENCES = "references"
    SIZE = "size"
    QUALITY = "quality"
    PARAMETER = "parameter"
    PRICE_UNKNOWN = "price_unknown"
    PRICE_CAP = "price_cap"
    NOT_ASKED = "not_asked"


class Unfit(Exception):
    """A signal to whoever decides: this deployment cannot serve this request."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Say why, and the detail in words."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def check_abilities(features: Features, deployment: Deployment) -> None:
    """Look at everything but size, quality and the prompt's length.

    Raises:
        Unfit: for the first thing that the model cannot do or does not know.

    """
    model = deployment.model
    if features.operation not in model.operations:
        raise Unfit(Reason.OPERATION, f"{model.name} cannot {features.operation.value}")
    if len(features.references) > model.references_at_most:
        count = f"{model.references_at_most} reference image{'s' if model.references_at_most != 1 else ''}"
        raise Unfit(
            Reason.REFERENCES, f"{model.name} takes at most {count}, the call brings {len(features.references)}"
        )
    if features.mask and not model.mask:
        raise Unfit(Reason.PARAMETER, f"{model.name} takes no mask")
    for name, value, known in (
        ("background", features.background, model.backgrounds),
        ("output_format", features.output_format, model.output_formats),
    ):
        if value and value not in known:
            raise Unfit(Reason.PARAMETER, f"{model.name} has no {name} {value}" + _has(known))
    for name, value in features.extras.items():
        if name not in model.extras:
            raise Unfit(Reason.PARAMETER, f"{model.name} does not know {name}")
        if model.extras[name] and value not in model.extras[name]:
            raise Unfit(Reason.PARAMETER, f"{model.name} has no {name} {value}" + _has(model.extras[name]))


def size_for(features: Features, route: Route, deployment: Deployment) -> Size:
    """Find the size to ask for: what the route asks, else the call, else the deployment, within the route's bound.

    Raises:
        Unfit: where the model cannot make it.

    """
    model, cap = deployment.model, route.ask.pixels_at_most
    size = route.ask.size or features.size or deployment.size or model.default_size
    if cap is not None and size.pixels > cap:
        smaller = model.sizes.within(size, cap)
        if smaller is None:
            raise Unfit(Reason.SIZE, f"{model.name} makes nothing of at most {cap / MEGAPIXEL:g}MP ({model.sizes})")
        return smaller
    if not model.sizes.allows(size):
        raise Unfit(
            Reason.SIZE, f"{model.name} cannot make {size}: nearest is {model.sizes.nearest(size)} ({model.sizes})"
        )
    return size


def quality_for(features: Features, route: Route, deployment: Deployment) -> str | None:
    """Find the quality to ask for, in the same order; ``None`` where the model has no such choice.

    Raises:
        Unfit: where the model does not have it.

    """
    known = deployment.model.qualities
    if not known:
        return None
    quality = route.ask.quality or features.quality or deployment.quality or deployment.model.default_quality
    if quality not in known:
        raise Unfit(Reason.QUALITY, f"{deployment.model.name} has no quality {quality}" + _has(known))
    return quality


def _has(known: tuple[str, ...]) -> str:
    return f" (it has {', '.join(known)})" if known else ""
