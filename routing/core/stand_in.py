"""What is asked of a deployment that stands in for those of a route."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from routing.core.policy import Ask

if TYPE_CHECKING:
    from routing.core.deployment import Deployment
    from routing.core.features import Features
    from routing.core.policy import Route


def asked_of_stand_in(features: Features, route: Route, deployment: Deployment) -> tuple[Features, Route]:
    """Keep the wishes that its model knows: another quality is given up, another size becomes the nearest it makes."""
    model, ask = deployment.model, route.ask
    quality = next((each for each in (ask.quality, features.quality) if each in model.qualities), None)
    size = ask.size or features.size
    if size is not None and not model.sizes.allows(size):
        size = model.sizes.nearest(size)
    wishes = Ask(quality=quality, size=size, pixels_at_most=ask.pixels_at_most)
    return replace(features, quality=None), replace(route, ask=wishes)
