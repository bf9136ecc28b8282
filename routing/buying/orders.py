"""A request as it is taken: read from the caller's words, named and recorded by one shop."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from routing.core.entries import RequestRecord
from routing.core.features import features_of
from routing.core.fingerprint import prompt_hash, request_fingerprint
from routing.core.plan import decide
from routing.core.policy import nothing_known
from routing.core.request import ImageRequest, check_options
from routing.core.suggest import did_you_mean
from routing.errors import RequestError
from routing.options import read_options
from routing.reading.standing import read_standings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from routing.buying.shop import Shop
    from routing.core.features import Features
    from routing.core.picture import Picture
    from routing.core.plan import Plan
    from routing.core.policy import Route, Standings
    from routing.options import Asked, RequestOptions


class Order(NamedTuple):
    """A request, what to tell of it, and the shop it goes by from beginning to end: files may change meanwhile."""

    shop: Shop
    request: ImageRequest
    notices: tuple[str, ...]


def read_order(
    shop: Shop,
    prompt: str | ImageRequest,
    options: RequestOptions,
    images: Sequence[str | Path | bytes | Picture] = (),
) -> Order:
    """Read a prompt and its keywords, or take a ready request.

    Raises:
        RequestError: for what nobody could make, and for keywords beside a ready request.

    """
    if not isinstance(prompt, ImageRequest):
        return name_deployment(shop, read_options(prompt, options, images=images))
    if options or images:
        raise RequestError("an ImageRequest is complete: pass keywords with a prompt, or none")
    check_options(prompt)
    return Order(shop, prompt, ())


def name_deployment(shop: Shop, asked: Asked) -> Order:
    """Read ``model=``: a deployment's name or model narrows the route, a retired name is told and not sent.

    Raises:
        RequestError: for a model that nobody knows.

    """
    request, notices, model = asked
    if model is None:
        return Order(shop, request, notices)
    deployments = shop.settings.deployments
    named = next((d.name for d in deployments.values() if model in (d.name, d.model.name)), None)
    if named:
        return Order(shop, replace(request, deployment=request.deployment or named), notices)
    heir = next((d.model.name for d in deployments.values() if model in d.model.replaces), None)
    if heir:
        told = f"model {model} is gone, {heir} replaced it; the policy chooses by importance"
        return Order(shop, request, (*notices, told))
    raise RequestError(
        f"unknown model {model!r}{did_you_mean(model, deployments)}: deployments are {', '.join(deployments)}; "
        "leave it out and the policy chooses by importance"
    )


def plan_of(order: Order) -> Plan:
    """Decide now; raises what ``decide`` raises."""
    features, now = features_of(order.request), order.shop.clock.now()
    standings = _standings(order.shop, features, now)
    return decide(order.shop.settings, features, now.date(), standings, prompt=order.request.prompt)


def route_of(order: Order) -> Route | None:
    """Find the variant of a route that takes a request now; ``None`` where none does.

    Raises:
        RequestError: for an importance or a tag that the policy does not declare.

    """
    features, policy = features_of(order.request), order.shop.settings.policy
    standings = _standings(order.shop, features, order.shop.clock.now())
    return policy.route_for(policy.sort_request(features, standings).importance, features, standings)


def _standings(shop: Shop, features: Features, now: datetime) -> Standings:
    if not shop.settings.policy.reads_budgets:
        return nothing_known
    return read_standings(shop.settings, shop.store, features, now)


def record_of(order: Order, plan: Plan) -> RequestRecord:
    """Write down what the ledger keeps of a request; one without an id gets one."""
    shop, request, _ = order
    now = shop.clock.now()
    return RequestRecord(
        # Begins with the time, so that neighbours in time are neighbours in the index.
        request_id=request.request_id or f"{int(now.timestamp() * 1000):011x}-{secrets.token_hex(5)}",
        fingerprint=request_fingerprint(request),
        at=now,
        importance=plan.importance,
        rule=plan.rule,
        policy=shop.settings.policy.fingerprint,
        prompt_hash=prompt_hash(request.prompt),
        features=features_of(request),
        asset=request.asset,
        parent=request.parent,
        prompt=request.prompt if shop.keep_prompts else None,
    )
