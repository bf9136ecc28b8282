"""Deciding: which deployments may serve a request, in which order, and why the others may not."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from routing.core.abilities import (
    NO_OPTIONS,
    Options,
    Reason,
    Unfit,
    check_abilities,
    options_for,
    quality_for,
    size_for,
    words_of,
)
from routing.core.entries import STANDS_IN
from routing.core.money import usd_text
from routing.core.notices import importance_capped, wishes_changed
from routing.core.policy import Pick, Policy, Route, Settings, nothing_known
from routing.core.quote import Quote, Tariff, tariff_for
from routing.core.request import QUALITIES, Operation
from routing.core.stand_in import asked_of_stand_in
from routing.core.suggest import did_you_mean
from routing.errors import NoCandidate, PriceCapExceeded, PriceUnknown, RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from routing.core.deployment import Deployment
    from routing.core.features import Features
    from routing.core.picture import Size
    from routing.core.policy import Standings


SHAPES_AT_MOST = 1024
"""How many shapes of requests are remembered; a service sees a few dozen."""

_IMPOSSIBLE = frozenset({Reason.PROMPT_LENGTH, Reason.REFERENCES, Reason.SIZE, Reason.QUALITY, Reason.PARAMETER})
"""Reasons that lie in the request: where nothing else stood in the way, the request is at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A deployment that can serve this request, with what it would be asked for and its quote for all pictures."""

    deployment: Deployment
    size: Size
    quality: str | None
    quote: Quote
    options: Options = NO_OPTIONS

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

    ``on`` is the day whose prices hold for the whole request, however long it takes. ``deadline_s`` is the shorter of
    what the call and the route allow; ``None`` where neither says. ``stand_ins`` are bought from where nothing could be
    had from the candidates. ``unread`` are the rules of ``refuse`` that might have said no, had the prompt's words been
    known.
    """

    on: date
    importance: str
    rule: str
    capped_by: str
    route: Route
    candidates: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]
    notices: tuple[str, ...]
    deadline_s: float | None = None
    stand_ins: tuple[Candidate, ...] = ()
    unread: tuple[str, ...] = ()

    def stands_in(self, candidate: Candidate) -> str:
        """Say for whom a candidate stands in; ``""`` for the route's own."""
        return f"{STANDS_IN}{', '.join(self.route.use)}" if any(candidate is each for each in self.stand_ins) else ""


def decide(
    settings: Settings,
    features: Features,
    on: date,
    standings: Standings = nothing_known,
    *,
    prompt: str | None = None,
) -> Plan:
    """Make the plan for one request, known by its features, with the prices of a day; buys nothing.

    ``standings`` tells how full the budgets are; it need only be given where ``policy.reads_budgets``. ``prompt`` are
    the words, for rules of ``refuse``; ``None`` where nobody knows them any more.

    Raises:
        PromptRefused: where the policy says no.
        RequestError: where the request itself is impossible for every candidate that is otherwise ready.
        PriceCapExceeded: where every candidate that can do it may cost more than the cap.
        PriceUnknown: where no candidate that can do it has a price.
        NoCandidate: for any other mixture of reasons; ``dropped`` tells each.

    """
    policy = settings.policy
    given = policy.sort_request(features, standings)
    unread = policy.check_refused(features, given.importance, prompt, standings)
    route = policy.route_for(given.importance, features, standings)
    if route is None:
        raise NoCandidate(f"no variant of route {given.importance!r} of policy {policy.name} takes this request")
    fitting, stand_ins, dropped = _consider(settings, features, route, on)
    if not fitting:
        raise _nobody(features, given.importance, dropped)
    notices = wishes_changed(features, route, fitting[0].size, fitting[0].quality)
    return Plan(
        on=on,
        importance=given.importance,
        rule=given.rule,
        capped_by=given.capped_by,
        route=route,
        candidates=tuple(fitting),
        dropped=tuple(dropped),
        notices=(*notices, *fitting[0].options.notices, *importance_capped(features, given)),
        deadline_s=min((each for each in (features.deadline_s, route.deadline_s) if each is not None), default=None),
        stand_ins=tuple(stand_ins),
        unread=unread,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A deployment that can serve every request of a shape, but for what the prompt's length and a price cap say.

    ``tariff`` is the reason where it is no ability but a key or a price that is missing. ``offer`` is ready where the
    prompt does not change the price.
    """

    deployment: Deployment
    size: Size
    quality: str | None
    options: Options
    tariff: Tariff | Dropped
    offer: Candidate | None


_Prepared: TypeAlias = "tuple[list[_Ready | Dropped], list[_Ready | Dropped], list[_Ready | Dropped]]"


def _consider(
    settings: Settings, features: Features, route: Route, on: date
) -> tuple[list[Candidate], list[Candidate], list[Dropped]]:
    use, others, stand_ins = _prepared(settings, features, route, on)
    caps = [(route.max_price_nusd, "the route's"), (features.max_price_nusd, "the call's")]
    given = [(cap, whose) for cap, whose in caps if cap is not None]
    dropped: list[Dropped] = []

    def fitting(found: list[_Ready | Dropped]) -> list[Candidate]:
        candidates = []
        for each in found:
            fit = each if isinstance(each, Dropped) else _offer(each, features, given)
            if isinstance(fit, Dropped):
                dropped.append(fit)
            else:
                candidates.append(fit)
        return candidates

    first = fitting(use)
    if route.pick is Pick.CHEAPEST:
        # What is expected to cost least; the bound parts equals, and of those the earlier named goes first.
        first.sort(key=attrgetter("quote.expected_nusd", "quote.price_nusd"))
    able = first + fitting(others)
    return able, fitting(stand_ins) if able else [], dropped


def _prepared(settings: Settings, features: Features, route: Route, on: date) -> _Prepared:
    """Look at what does not change from prompt to prompt, once for all requests of one shape on one day."""
    shape = (
        id(route),
        on,
        features.operation,
        features.size,
        features.quality,
        features.n,
        features.references,
        features.mask,
        features.deployment,
        features.background,
        features.output_format,
        tuple(features.extras.items()),
    )
    known: _Prepared | None = settings.prepared.get(shape)
    if known is None:
        _check_asked(features, route, settings.policy)
        _check_words(features, settings)
        others = (*route.on_failure, *([features.deployment] if features.deployment else ()))
        use = dict.fromkeys(route.use)
        known = (
            [_prepare(settings, features, route, settings.deployments[name], on) for name in use],
            [
                _prepare(settings, features, route, settings.deployments[name], on)
                for name in dict.fromkeys(others)
                if name not in use
            ],
            [
                _prepare(settings, *asked_of_stand_in(features, route, deployment), deployment, on)
                for deployment in (settings.deployments[name] for name in route.degrade.use)
            ],
        )
        if len(settings.prepared) >= SHAPES_AT_MOST:
            settings.prepared.clear()
        settings.prepared[shape] = known
    return known


def _prepare(
    settings: Settings, features: Features, route: Route, deployment: Deployment, on: date
) -> _Ready | Dropped:
    try:
        return _fit(settings, features, route, deployment, on)
    except Unfit as unfit:
        return Dropped(deployment=deployment.name, reason=unfit.reason, detail=unfit.detail)


def _offer(ready: _Ready, features: Features, caps: list[tuple[int, str]]) -> Candidate | Dropped:
    """Make the candidate for one prompt."""
    deployment = ready.deployment
    model = deployment.model
    if features.prompt_chars > model.prompt_chars_at_most:
        detail = (
            f"the prompt has {features.prompt_chars:,} characters, {model.name} takes {model.prompt_chars_at_most:,}"
        )
        return Dropped(deployment=deployment.name, reason=Reason.PROMPT_LENGTH, detail=detail)
    if isinstance(ready.tariff, Dropped):
        return ready.tariff
    candidate = ready.offer or Candidate(
        deployment=deployment,
        size=ready.size,
        quality=ready.quality,
        quote=ready.tariff.quote(features.prompt_bytes, features.prompt_chars),
        options=ready.options,
    )
    price = candidate.quote.price_nusd
    for cap, whose in caps:
        if price > cap:
            return Dropped(
                deployment=deployment.name,
                reason=Reason.PRICE_CAP,
                detail=f"may cost ${usd_text(price)}, over {whose} max_price ${usd_text(cap)}",
                price_nusd=price,
                cap_nusd=cap,
            )
    return candidate


def _check_asked(features: Features, route: Route, policy: Policy) -> None:
    if not features.deployment or features.deployment in route.nameable:
        return
    what = f"{route.label or 'the route'} of policy {policy.name}"
    if not route.nameable:
        raise RequestError(f"{what} lets no call name a deployment: leave {features.deployment!r} out")
    raise RequestError(
        f"deployment {features.deployment!r} is not in {what}"
        f"{did_you_mean(features.deployment, route.nameable)}: a call may name {', '.join(route.nameable)}"
    )


def _check_words(features: Features, settings: Settings) -> None:
    """Refuse a quality or an option's value that nobody knows: a slip would be bought otherwise than was meant."""
    deployments = settings.deployments.values()
    had = dict.fromkeys(quality for one in deployments for quality in one.model.qualities)
    asked = features.quality
    if asked and asked not in had and asked not in QUALITIES:
        raise _unknown("quality", asked, [*had] or [*QUALITIES])
    for name, value in features.options.items():
        words = words_of(name, deployments)
        if words and value not in words:
            raise _unknown(name, value, words)


def _unknown(name: str, value: str, known: Sequence[str]) -> RequestError:
    return RequestError(f"unknown {name} {value!r}{did_you_mean(value, known)}: known are {', '.join(known)}")


def _fit(settings: Settings, features: Features, route: Route, deployment: Deployment, on: date) -> _Ready:
    model = deployment.model
    if features.deployment and features.deployment != deployment.name:
        raise Unfit(Reason.NOT_ASKED, f"the call asks for {features.deployment}")
    if model.shutdown and model.shutdown <= on:
        instead = f"; use {model.substitute}" if model.substitute else ""
        raise Unfit(Reason.SHUT_DOWN, f"{model.name} was shut down on {model.shutdown.isoformat()}{instead}")
    check_abilities(features, deployment)
    options = options_for(features, route, deployment)
    size = size_for(features, route, deployment)
    quality = quality_for(features, route, deployment)
    tariff = _tariff(settings, features, deployment, size, quality, on)
    offer = None
    if isinstance(tariff, Tariff) and not tariff.text_in:
        quote = tariff.quote(0, 0)
        offer = Candidate(deployment=deployment, size=size, quality=quality, quote=quote, options=options)
    return _Ready(deployment=deployment, size=size, quality=quality, options=options, tariff=tariff, offer=offer)


def _tariff(  # noqa: PLR0913, PLR0917 - all that a price hangs on
    settings: Settings, features: Features, deployment: Deployment, size: Size, quality: str | None, on: date
) -> Tariff | Dropped:
    if deployment.missing_key:  # after what can never be: whoever sets the key should not learn that only then
        detail = f"no key: set {deployment.missing_key}"
        return Dropped(deployment=deployment.name, reason=Reason.KEY_MISSING, detail=detail)
    try:
        card = settings.prices.card(deployment.name, on)
        return tariff_for(features, deployment.model, card, size=size, quality=quality, n=features.n)
    except PriceUnknown as unknown:
        return Dropped(deployment=deployment.name, reason=Reason.PRICE_UNKNOWN, detail=str(unknown))


def _nobody(features: Features, importance: str, dropped: list[Dropped]) -> Exception:
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
    if Operation.EDIT is features.operation and reasons == {Reason.OPERATION}:
        return RequestError(f"no deployment of route {importance!r} can edit: {listed}", dropped=relevant)
    return NoCandidate(f"no deployment of route {importance!r} can serve this: {listed}", dropped=dropped)
