"""What only shows where both files meet: routes that can buy nothing, conditions beyond what anything can do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from routing.config.scalars import shown
from routing.core.deployment import ListedSizes
from routing.core.features import MEGAPIXEL, Features
from routing.core.money import usd_text
from routing.core.picture import Size
from routing.core.policy import DraftUse
from routing.core.quote import quote_for
from routing.core.reachability import allowed, least
from routing.core.request import Operation
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.core.deployment import Deployment, Model
    from routing.core.policy import Ask, Policy, Route
    from routing.core.prices import PriceBook, RateCard

_HUGE = 100_000
_SMALL = (Size(width=1, height=1), Size(width=3, height=1), Size(width=1, height=3))
"""Shapes whose nearest legal sizes are the smallest and cheapest a model makes."""


def check_prices(deployments: Mapping[str, Deployment], prices: PriceBook, today: date, problems: Problems) -> None:
    """Note every deployment that could not be bought for want of a price."""
    for name, deployment in deployments.items():
        if lowest_quote(deployment, prices, today) is None:
            path = ("deployments", name)
            message = f"{deployment.model.name} has no price on {today.isoformat()}, so nothing could be bought"
            problems.error(path, message, "state one under `prices`, with its source")


def check_routes(
    policy: Policy, deployments: Mapping[str, Deployment], prices: PriceBook, today: date, problems: Problems
) -> None:
    """Note every route whose ``ask``, ``max_price`` or conditions no candidate can fulfil."""
    for importance, routes in policy.routes.items():
        for at, route in enumerate(routes):
            names = (*route.use, *route.on_failure)
            candidates = [deployments[name] for name in names if name in deployments]
            if not candidates or len(candidates) < len(names):
                continue  # one is unknown, and that has been said
            path = ("routes", importance, at)
            _check_abilities(route, candidates, problems, path)
            _check_draft(route, candidates, problems, path)
            able = _check_ask(route.ask, candidates, problems, path)
            quotes = [lowest_quote(candidate, prices, today, route.ask) for candidate in able]
            _check_cap(route.max_price_nusd, [quote for quote in quotes if quote is not None], problems, path)


def _check_abilities(route: Route, candidates: list[Deployment], problems: Problems, path: Path) -> None:
    """Note conditions that only requests fulfil which no candidate can serve."""
    models = [candidate.model for candidate in candidates]
    most: dict[str, float] = {
        "prompt_chars": max(model.prompt_chars_at_most for model in models),
        "text_chars": max(model.prompt_chars_at_most for model in models),
        "references": max(model.references_at_most for model in models),
    }
    if not route.ask.size and not route.ask.pixels_at_most:
        most["megapixels"] = max(_pixels_at_most(model) for model in models) / MEGAPIXEL
    able = frozenset(operation for model in models for operation in model.operations)
    for condition in route.when.conditions:
        at = (*path, "when", condition.field)
        if condition.field in most and least(condition) > most[condition.field]:
            message = f"no candidate of the route takes {condition}"
            problems.error(at, message, f"{most[condition.field]:g} is the most that one can do; add one that can more")
        elif condition.field == "operation" and not any(allowed(condition, operation.value) for operation in able):
            can = " and ".join(sorted(operation.value for operation in able))
            problems.error(at, f"no candidate of the route can do this: they can only {can}", "add one that can")


def _check_draft(route: Route, candidates: list[Deployment], problems: Problems, path: Path) -> None:
    """Note a draft that is to go along where nobody takes it."""
    takes = [c for c in candidates if Operation.EDIT in c.model.operations and c.model.references_at_most]
    if route.draft is DraftUse.REFERENCE and not takes:
        message = "no candidate of the route takes the draft as a reference"
        problems.error((*path, "draft"), message, "add one that edits, or leave the draft")


def _pixels_at_most(model: Model) -> int:
    sizes = model.sizes
    if isinstance(sizes, ListedSizes):
        return max(size.pixels for size in sizes.sizes)
    return sizes.nearest(Size(width=_HUGE, height=_HUGE)).pixels


def _check_ask(ask: Ask, candidates: list[Deployment], problems: Problems, path: Path) -> list[Deployment]:
    """Note an ``ask`` that no candidate can fulfil, warn of those who cannot, and return who can."""
    unable = {
        "quality": [
            c for c in candidates if ask.quality and c.model.qualities and ask.quality not in c.model.qualities
        ],
        "size": [c for c in candidates if not _makes(c.model, ask)],
    }
    cap = f"at most {ask.pixels_at_most / MEGAPIXEL:g}MP" if ask.pixels_at_most else None
    for what, value in (("quality", ask.quality), ("size", ask.size or cap)):
        details = {candidate.name: _limits(candidate.model, what, ask) for candidate in unable[what]}
        if len(details) == len(candidates):
            message = f"no candidate of the route has {what} {shown(value)}"
            problems.error((*path, "ask", what), message, "; ".join(details.values()))
            continue
        for name, detail in details.items():
            message = f"{name} is never used here: it has no {what} {shown(value)}"
            problems.warn((*path, "ask", what), message, detail)
    return [candidate for candidate in candidates if not any(candidate in cannot for cannot in unable.values())]


def _check_cap(cap: int | None, quotes: list[int], problems: Problems, path: Path) -> None:
    if cap is not None and quotes and min(quotes) > cap:
        hint = f"one picture may cost ${usd_text(min(quotes))}; allow that at least"
        problems.error((*path, "max_price"), f"${usd_text(cap)} is below every quote of the route", hint)


def _makes(model: Model, ask: Ask) -> bool:
    if ask.size:
        return model.sizes.allows(ask.size)
    return ask.pixels_at_most is None or any(size.pixels <= ask.pixels_at_most for size in _sizes(model))


def _limits(model: Model, what: str, ask: Ask) -> str:
    if what == "quality":
        return f"{model.name} has {', '.join(model.qualities)}"
    nearest = model.sizes.nearest(ask.size) if ask.size else min(_sizes(model), key=lambda size: size.pixels)
    return f"nearest for {model.name} is {nearest}"


def lowest_quote(deployment: Deployment, prices: PriceBook, on: date, ask: Ask | None = None) -> int | None:
    """Quote the smallest thinkable request, in nano-USD; ``None`` where nothing has a price."""
    try:
        card = prices.card(deployment.name, on)
    except PriceUnknown:
        return None
    return min(_quotes(deployment.model, card, ask), default=None)


def _quotes(model: Model, card: RateCard, ask: Ask | None) -> Iterator[int]:
    least = Features(prompt_chars=1, prompt_bytes=1)
    if Operation.GENERATE not in model.operations:
        least = replace(least, operation=Operation.EDIT, references=(_SMALL[0],))
    qualities = (ask.quality,) if ask and ask.quality and model.qualities else model.qualities or (None,)
    for size in (ask.size,) if ask and ask.size else _sizes(model):
        if ask and ask.pixels_at_most and size.pixels > ask.pixels_at_most:
            continue
        for quality in qualities:
            try:
                yield quote_for(least, model, card, size=size, quality=quality, n=1).price_nusd
            except PriceUnknown:
                continue


def _sizes(model: Model) -> tuple[Size, ...]:
    if isinstance(model.sizes, ListedSizes):
        return model.sizes.sizes
    return (model.default_size, *(model.sizes.nearest(shape) for shape in _SMALL))
