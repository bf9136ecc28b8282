"""Deciding: which deployments may serve a request, in which order, and why the others may not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.core.policy import Pick, Policy, Route, Settings
from routing.core.quote import Quote, quote_for
from routing.core.request import ImageRequest, Operation, features_of
from routing.core.suggest import did_you_mean
from routing.errors import NoCandidate, PriceCapExceeded, PriceUnknown, RequestError

if TYPE_CHECKING:
    from datetime import date

    from routing.core.deployment import Deployment
    from routing.core.picture import Size


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


_IMPOSSIBLE = frozenset({Reason.PROMPT_LENGTH, Reason.REFERENCES, Reason.SIZE, Reason.QUALITY, Reason.PARAMETER})
"""Reasons that lie in the request: where nothing else stood in the way, the request is at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A deployment that can serve this request, with what it would be asked for and its quote for all pictures."""

    deployment: Deployment
    size: Size
    quality: str | None
    quote: Quote

    def calls(self, n: int) -> tuple[int, ...]:
        """Cut ``n`` pictures into calls of at most what the model takes at once."""
        most = self.deployment.model.images_per_call
        return tuple(min(most, n - done) for done in range(0, n, most))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A deployment that was left out, the reason, and the detail in words; its quote and the cap where that is it."""

    deployment: str
    reason: Reason
    detail: str
    price_nusd: int = 0
    cap_nusd: int = 0

    def __str__(self) -> str:
        """Read as ``gpt-image-2: no key ...``, naming the deployment once."""
        return self.detail if self.detail.startswith(f"{self.deployment} ") else f"{self.deployment}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The result of deciding: ordered candidates, what was dropped, and which rules said so.

    ``on`` is the day whose prices hold for the whole request, however long it takes.
    """

    on: date
    importance: str
    rule: str
    capped_by: str
    route: Route
    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]
    notices: tuple[str, ...]


class _Unfit(Exception):
    """A signal between two functions of this module."""

    def __init__(self, reason: Reason, detail: str, *, price_nusd: int = 0, cap_nusd: int = 0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.price_nusd = price_nusd
        self.cap_nusd = cap_nusd

    def dropped(self, deployment: str) -> Dropped:
        return Dropped(
            deployment=deployment,
            reason=self.reason,
            detail=self.detail,
            price_nusd=self.price_nusd,
            cap_nusd=self.cap_nusd,
        )


def decide(settings: Settings, request: ImageRequest, on: date) -> Plan:
    """Make the plan for one request with the prices of a day; buys nothing, reads nothing.

    Raises:
        RequestError: where the request itself is impossible for every candidate that is otherwise ready.
        PriceCapExceeded: where every candidate that can do it may cost more than the cap.
        PriceUnknown: where no candidate that can do it has a price.
        NoCandidate: for any other mixture of reasons; ``dropped`` tells each.

    """
    policy = settings.policy
    features = features_of(request)
    given = policy.sort_request(features)
    route = policy.route_for(given.importance, features)
    if route is None:
        raise NoCandidate(f"no variant of route {given.importance!r} of policy {policy.name} takes this request")
    fitting, dropped = _consider(settings, request, route, on)
    if not fitting:
        raise _nobody(request, given.importance, dropped)
    notices = _notices(request, route, fitting[0])
    return Plan(
        on=on,
        importance=given.importance,
        rule=given.rule,
        capped_by=given.capped_by,
        route=route,
        candidates=tuple(fitting),
        dropped=tuple(dropped),
        notices=(*notices, *_cap_notice(request, given.importance, given.capped_by)),
    )


def _consider(
    settings: Settings, request: ImageRequest, route: Route, on: date
) -> tuple[list[Candidate], list[Dropped]]:
    dropped: list[Dropped] = []

    def fitting(names: tuple[str, ...]) -> list[Candidate]:
        found = []
        for name in dict.fromkeys(names):
            try:
                found.append(_fit(settings, request, route, settings.deployments[name], on))
            except _Unfit as unfit:
                dropped.append(unfit.dropped(name))
        return found

    _check_asked(request, route, settings.policy)
    first = fitting(route.use)
    if route.pick is Pick.CHEAPEST:
        first.sort(key=lambda candidate: candidate.quote.price_nusd)  # stable: of equals the earlier named goes first
    return first + fitting(tuple(name for name in route.on_failure if name not in route.use)), dropped


def _check_asked(request: ImageRequest, route: Route, policy: Policy) -> None:
    if request.deployment and request.deployment not in (known := (*route.use, *route.on_failure)):
        raise RequestError(
            f"deployment {request.deployment!r} is not in {route.label or 'the route'} of policy {policy.name}"
            f"{did_you_mean(request.deployment, known)}: it may use {', '.join(known)}"
        )


def _fit(settings: Settings, request: ImageRequest, route: Route, deployment: Deployment, on: date) -> Candidate:
    model = deployment.model
    if request.deployment and request.deployment != deployment.name:
        raise _Unfit(Reason.NOT_ASKED, f"the call asks for {request.deployment}")
    if model.shutdown and model.shutdown <= on:
        instead = f"; use {model.substitute}" if model.substitute else ""
        raise _Unfit(Reason.SHUT_DOWN, f"{model.name} was shut down on {model.shutdown.isoformat()}{instead}")
    _check_abilities(request, deployment)
    size = route.ask.size or request.size or deployment.size or model.default_size
    if not model.sizes.allows(size):
        raise _Unfit(
            Reason.SIZE, f"{model.name} cannot make {size}: nearest is {model.sizes.nearest(size)} ({model.sizes})"
        )
    quality = _quality(request, route, deployment)
    if deployment.missing_key:  # after what can never be: whoever sets the key should not learn that only then
        raise _Unfit(Reason.KEY_MISSING, f"no key: set {deployment.missing_key}")
    try:
        card = settings.prices.card(deployment.name, on)
        quote = quote_for(request, model, card, size=size, quality=quality, n=request.n)
    except PriceUnknown as unknown:
        raise _Unfit(Reason.PRICE_UNKNOWN, str(unknown)) from unknown
    for cap, whose in ((route.max_price_nusd, "the route's"), (request.max_price_nusd, "the call's")):
        if cap is not None and quote.price_nusd > cap:
            raise _Unfit(
                Reason.PRICE_CAP,
                f"may cost ${usd_text(quote.price_nusd)}, over {whose} max_price ${usd_text(cap)}",
                price_nusd=quote.price_nusd,
                cap_nusd=cap,
            )
    return Candidate(deployment=deployment, size=size, quality=quality, quote=quote)


def _check_abilities(request: ImageRequest, deployment: Deployment) -> None:
    model = deployment.model
    if request.operation not in model.operations:
        raise _Unfit(Reason.OPERATION, f"{model.name} cannot {request.operation.value}")
    if len(request.prompt) > model.prompt_chars_at_most:
        raise _Unfit(
            Reason.PROMPT_LENGTH,
            f"the prompt has {len(request.prompt):,} characters, {model.name} takes {model.prompt_chars_at_most:,}",
        )
    if len(request.images) > model.references_at_most:
        count = f"{model.references_at_most} reference image{'s' if model.references_at_most != 1 else ''}"
        raise _Unfit(Reason.REFERENCES, f"{model.name} takes at most {count}, the call brings {len(request.images)}")
    if request.mask and not model.mask:
        raise _Unfit(Reason.PARAMETER, f"{model.name} takes no mask")
    for name, value, known in (
        ("background", request.background, model.backgrounds),
        ("output_format", request.output_format, model.output_formats),
    ):
        if value and value not in known:
            raise _Unfit(Reason.PARAMETER, f"{model.name} has no {name} {value}" + _has(known))
    for name, value in request.extras.items():
        if name not in model.extras:
            raise _Unfit(Reason.PARAMETER, f"{model.name} does not know {name}")
        if model.extras[name] and value not in model.extras[name]:
            raise _Unfit(Reason.PARAMETER, f"{model.name} has no {name} {value}" + _has(model.extras[name]))


def _quality(request: ImageRequest, route: Route, deployment: Deployment) -> str | None:
    known = deployment.model.qualities
    if not known:
        return None
    quality = route.ask.quality or request.quality or deployment.quality or deployment.model.default_quality
    if quality not in known:
        raise _Unfit(Reason.QUALITY, f"{deployment.model.name} has no quality {quality}" + _has(known))
    return quality


def _has(known: tuple[str, ...]) -> str:
    return f" (it has {', '.join(known)})" if known else ""


def _notices(request: ImageRequest, route: Route, candidate: Candidate) -> list[str]:
    notices = []
    if request.quality and request.quality != candidate.quality:
        got = f"quality {candidate.quality}" if candidate.quality else "no choice of quality"
        notices.append(f"quality {request.quality} was asked; {route.label or 'the route'} buys {got}")
    if request.size and request.size != candidate.size:
        notices.append(f"size {request.size} was asked; {route.label or 'the route'} buys {candidate.size}")
    return notices


def _cap_notice(request: ImageRequest, importance: str, capped_by: str) -> list[str]:
    if not capped_by:
        return []
    asked = f" ({request.importance} was asked)" if request.importance else ""
    return [f"importance is {importance}{asked}: capped by {capped_by}"]


def _nobody(request: ImageRequest, importance: str, dropped: list[Dropped]) -> Exception:
    """Choose the error that tells the caller what to change."""
    relevant = [drop for drop in dropped if drop.reason is not Reason.NOT_ASKED]
    reasons = {drop.reason for drop in relevant}
    listed = "; ".join(str(drop) for drop in relevant)
    if reasons and reasons <= _IMPOSSIBLE:
        return RequestError(f"no deployment of route {importance!r} can do this: {listed}", dropped=relevant)
    able = [drop for drop in relevant if drop.reason in {Reason.PRICE_CAP, Reason.PRICE_UNKNOWN}]
    if able and all(drop.reason is Reason.PRICE_UNKNOWN for drop in able):
        return PriceUnknown(f"no price, so not bought: {listed}", deployment=able[0].deployment)
    capped = [drop for drop in able if drop.reason is Reason.PRICE_CAP]
    if capped:
        nearest = min(capped, key=lambda drop: drop.price_nusd)
        message = f"nothing fits under max_price: {listed}"
        return PriceCapExceeded(message, price=nearest.price_nusd, cap=nearest.cap_nusd, dropped=relevant)
    if Operation.EDIT is request.operation and reasons == {Reason.OPERATION}:
        return RequestError(f"no deployment of route {importance!r} can edit: {listed}", dropped=relevant)
    return NoCandidate(f"no deployment of route {importance!r} can serve this: {listed}", dropped=dropped)
