"""Deciding for tests: a deployment that can do everything, and why another was left out beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from routing.core.features import features_of
from routing.core.plan import Plan, decide
from routing.core.policy import Route, Settings
from tests.core.making import TODAY, deployment, settings, token_model

if TYPE_CHECKING:
    from routing.core.abilities import Reason
    from routing.core.deployment import Deployment
    from routing.core.request import ImageRequest

ABLE = deployment("able", token_model())


def plan(given: Settings, request: ImageRequest) -> Plan:
    return decide(given, features_of(request), TODAY)


def why(unfit: Deployment, request: ImageRequest, route: Route | None = None, **more: Any) -> tuple[Reason, str]:
    """Put a deployment beside an able one, and say why it was left out."""
    made = settings([unfit, ABLE], route or Route(use=(unfit.name, ABLE.name)), **more)
    (dropped,) = plan(made, request).dropped
    return dropped.reason, dropped.detail
