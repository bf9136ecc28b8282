"""What only shows where both files meet: routes that can buy nothing, budgets that nothing matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.config.scalars import shown
from routing.core.deployment import ListedSizes
from routing.core.money import usd_text
from routing.core.picture import Picture, Size
from routing.core.quote import quote_for
from routing.core.request import ImageRequest, Operation
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.core.deployment import Deployment, Model
    from routing.core.policy import Ask, Policy
    from routing.core.prices import PriceBook, RateCard

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
    """Note every route whose ``ask`` or ``max_price`` no candidate can fulfil."""
    for importance, routes in policy.routes.items():
        for at, route in enumerate(routes):
            names = (*route.use, *route.on_failure)
            candidates = [deployments[name] for name in names if name in deployments]
            if not candidates or len(candidates) < len(names):
                continue  # one is unknown, and that has been said
            path = ("routes", importance, at)
            able = _check_ask(route.ask, candidates, problems, path)
            quotes = [lowest_quote(candidate, prices, today, route.ask) for candidate in able]
            _check_cap(route.max_price_nusd, [quote for quote in quotes if quote is not None], problems, path)


def _check_ask(ask: Ask, candidates: list[Deployment], problems: Problems, path: Path) -> list[Deployment]:
    """Note an ``ask`` that no candidate can fulfil, warn of those who cannot, and return who can."""
    unable = {
        "quality": [
            c for c in candidates if ask.quality and c.model.qualities and ask.quality not in c.model.qualities
        ],
        "size": [c for c in candidates if ask.size and not c.model.sizes.allows(ask.size)],
    }
    for what, value in (("quality", ask.quality), ("size", ask.size)):
        details = {candidate.name: _limits(candidate.model, what, ask.size) for candidate in unable[what]}
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


def _limits(model: Model, what: str, size: Size | None) -> str:
    if what == "quality":
        return f"{model.name} has {', '.join(model.qualities)}"
    return f"nearest for {model.name} is {model.sizes.nearest(size)}" if size else ""


def lowest_quote(deployment: Deployment, prices: PriceBook, on: date, ask: Ask | None = None) -> int | None:
    """Quote the smallest thinkable request, in nano-USD; ``None`` where nothing has a price."""
    try:
        card = prices.card(deployment.name, on)
    except PriceUnknown:
        return None
    return min(_quotes(deployment.model, card, ask), default=None)


def _quotes(model: Model, card: RateCard, ask: Ask | None) -> Iterator[int]:
    request = ImageRequest(prompt="x")
    if Operation.GENERATE not in model.operations:
        pixel = Picture(data=b"", format="png", size=_SMALL[0])
        request = ImageRequest(prompt="x", operation=Operation.EDIT, images=(pixel,))
    qualities = (ask.quality,) if ask and ask.quality and model.qualities else model.qualities or (None,)
    for size in (ask.size,) if ask and ask.size else _sizes(model):
        for quality in qualities:
            try:
                yield quote_for(request, model, card, size=size, quality=quality, n=1).price_nusd
            except PriceUnknown:
                continue


def _sizes(model: Model) -> tuple[Size, ...]:
    if isinstance(model.sizes, ListedSizes):
        return model.sizes.sizes
    return (model.default_size, *(model.sizes.nearest(shape) for shape in _SMALL))
