"""What a deployment can do for a request: why it may not serve it, and at which size and quality it would."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.features import MEGAPIXEL
from routing.core.policy import Unsupported
from routing.core.request import NO_TAGS, OPTION_WORDS, PARTIAL_IMAGES, SHAPING, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from routing.core.deployment import Deployment, Model
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a deployment is asked for besides size and quality; ``notices`` say what of the call it is not asked for."""

    background: str | None = None
    output_format: str | None = None
    extras: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    notices: tuple[str, ...] = ()

    @property
    def sent(self) -> dict[str, object]:
        """Plain values of what shapes the picture."""
        return {"background": self.background, "output_format": self.output_format, "extras": dict(self.extras)}


NO_OPTIONS = Options()

UNKNOWN = {PARTIAL_IMAGES: "is not streamed, so it sends no partial_images; leave them out"}
"""What is said of an option that nobody knows, where there is more to say than that."""

NOT_IN_EDITS = frozenset({"moderation"})
"""Options of a generation that have no place in an edit."""

FORCED = ("complexity", "high")
"""What ``reasoning: force`` of older guides comes closest to, where a model knows that instead."""


def check_abilities(features: Features, deployment: Deployment) -> None:
    """Look at what can never be left out: operation, references, mask.

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


def options_for(features: Features, route: Route, deployment: Deployment) -> Options:
    """Find the options to ask for: those of the call, without what the model does not know where the route allows that.

    Raises:
        Unfit: for the first option that the model does not know, where the route refuses those.

    """
    model = deployment.model
    known: dict[str, str] = {}
    asked, notices = _asked_of(features, deployment)
    for name, value in asked.items():
        why = _why_not(name, value, model, features.operation)
        if why is None and name == "output_compression" and features.output_format != known.get("output_format"):
            why = f"it goes with output_format {features.output_format}"
        if why is None:
            known[name] = value
        elif route.unsupported is Unsupported.DROP:
            notices.append(f"{name} {value} is left out for {deployment.name}: {why}")
        else:
            raise Unfit(Reason.PARAMETER, why)
    if not known and not notices:
        return NO_OPTIONS
    return Options(
        background=known.pop("background", None),
        output_format=known.pop("output_format", None),
        extras=known or NO_TAGS,
        notices=tuple(notices),
    )


def words_of(name: str, deployments: Iterable[Deployment]) -> tuple[str, ...]:
    """List the words that an option may have: those of every guide, and those of the models; none: any value."""
    if name not in OPTION_WORDS:
        return ()
    words = list(OPTION_WORDS[name])
    for deployment in deployments:
        values = _values_of(name, deployment.model)
        if values is None:
            return ()
        words += values
    return tuple(dict.fromkeys(words))


def can_be_asked(model: Model, name: str, value: str, operation: Operation) -> bool:
    """Tell whether an option reaches a model, as it is or as the nearest that it knows."""
    return _why_not(name, value, model, operation) is None or _is_near(name, value, model)


def _is_near(name: str, value: str | None, model: Model) -> bool:
    """Tell whether a model does not know what older guides write, but what comes closest to it."""
    older = (name, value) == ("reasoning", "force")
    return older and name not in model.extras and _why_not(*FORCED, model) is None


def _asked_of(features: Features, deployment: Deployment) -> tuple[dict[str, str], list[str]]:
    """Read ``reasoning: force`` as the nearest that a model knows, and say so; what the call itself says of it wins."""
    asked, model = features.options, deployment.model
    nearest, value = FORCED
    if not _is_near("reasoning", asked.get("reasoning"), model):
        return asked, []
    del asked["reasoning"]
    if nearest in asked:
        told = f"gives way to {nearest} {asked[nearest]}, which the call names"
        return asked, [f"reasoning force is left out for {deployment.name}: it {told}"]
    told = f"reasoning force is asked of {deployment.name} as {nearest} {value}, the nearest that {model.name} knows"
    return asked | {nearest: value}, [told]


def _why_not(name: str, value: str, model: Model, operation: Operation = Operation.GENERATE) -> str | None:
    """Say why a model cannot be asked for an option; ``None`` where it can."""
    if name not in SHAPING and name not in model.extras:
        return f"{model.name} {UNKNOWN.get(name, f'does not know {name}')}"
    if operation is Operation.EDIT and name in NOT_IN_EDITS:
        return f"{model.name} takes {name} in a generation only, not in an edit"
    values = _values_of(name, model)
    if values is None or value in values:
        return None
    return f"{model.name} has no {name} {value}" + _has(values)


def _values_of(name: str, model: Model) -> tuple[str, ...] | None:
    """List the values of an option that a model has; ``None``: any."""
    if name == "background":
        return model.backgrounds
    if name == "output_format":
        return model.output_formats
    return (model.extras[name] or None) if name in model.extras else ()


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
