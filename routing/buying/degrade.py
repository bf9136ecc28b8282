"""What a caller gets where nothing could be had, and the route says what then: bought elsewhere, or only shown.

A placeholder costs nothing and could stand in for everything. But a request that nobody can serve, a refused prompt, a
price cap and a ledger that cannot be reached stay errors: each must be seen by somebody who can change it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.core.money import Money
from routing.core.policy import Show
from routing.errors import (
    AllCandidatesFailed,
    BudgetExceeded,
    ContentRejected,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from routing.placeholder import draw_placeholder
from routing.results import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.buying.basket import Basket
    from routing.buying.shop import Shop
    from routing.core.picture import Picture
    from routing.core.plan import Candidate, Plan
    from routing.core.request import ImageRequest
    from routing.errors import RoutingError

LOOKED_FOR = 20
"""How many of an asset's latest pictures are looked for in the cache."""


def may_degrade(plan: Plan, error: RoutingError) -> bool:
    """Tell whether the route does something about this: vendors failed, or no budget had room.

    Where every vendor refused the request, or the key, somebody must change something.
    """
    if not (plan.route.degrade.use or plan.route.degrade.show):
        return False
    errors = error.attempts if isinstance(error, AllCandidatesFailed) else (error,)
    if any(isinstance(each, ContentRejected) for each in errors):
        return False
    return any(
        isinstance(each, BudgetExceeded | ProviderTimeout | ProviderUnavailable | ProviderRateLimited)
        for each in errors
    )


def buy_instead(shop: Shop, basket: Basket, buy: Callable[[Candidate], None]) -> None:
    """Let the route's stand-ins be bought from in turn until one serves, and tell of that one.

    ``buy`` tries one, on a hold of its own.
    """
    for candidate in basket.plan.stand_ins:
        buy(candidate)
        if basket.served:
            name = candidate.deployment.name
            basket.degraded = name
            basket.notices.append(f"degraded: {name} {basket.plan.stands_in(candidate)}")
            shop.log.warning("degraded", request_id=basket.record.request_id, to=name)
            return


def shown_instead(shop: Shop, basket: Basket, error: RoutingError) -> Result | None:
    """Answer with what the route shows without buying; ``None`` where it shows nothing, or has nothing to show.

    Its cost is what failed attempts cost.

    Raises:
        LedgerUnavailable: where the ledger that knows the asset's last picture cannot be read.

    """
    request, record, plan, failed = basket.request, basket.record, basket.plan, basket.failed
    shown = _find(shop, request, plan)
    if shown is None:
        return None
    shop.log.warning("degraded", request_id=record.request_id, to=shown.what.value, error=type(error).__name__)
    return Result(
        images=shown.pictures,
        request=replace(request, request_id=record.request_id, importance=plan.importance),
        request_id=record.request_id,
        importance=plan.importance,
        deployment=shown.deployment,
        model=shown.model,
        size=shown.pictures[0].size,
        quality=shown.quality,
        cost=Money(basket.charged_nusd),
        quote=Money(0),
        unconfirmed=Money(sum(each.cost_nusd for each in failed if each.unconfirmed)),
        settled=all(each.settled for each in failed),
        degraded=shown.what.value,
        notices=(*basket.notices, f"degraded: {shown.told} is shown, nothing was bought: {error}"),
        attempts=basket.attempts(),
        plan=plan,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    what: Show
    told: str
    pictures: tuple[Picture, ...]
    deployment: str
    model: str
    quality: str | None = None


def _find(shop: Shop, request: ImageRequest, plan: Plan) -> _Shown | None:
    for what in plan.route.degrade.show:
        shown = _last(shop, request) if what is Show.LAST else _placeholder(request, plan)
        if shown:
            return shown
    return None


def _last(shop: Shop, request: ImageRequest) -> _Shown | None:
    if not request.asset or shop.cache is None:
        return None
    for entry in shop.store.latest_of_asset(request.asset, LOOKED_FOR):
        call = shop.find_bought(entry)
        if call is not None and not call.faults:
            return _Shown(
                what=Show.LAST,
                told=f"the last picture of {request.asset!r}, of {entry.at:%Y-%m-%d %H:%M},",
                pictures=call.pictures[: request.n],
                deployment=entry.deployment,
                model=entry.model,
                quality=entry.quality,
            )
    return None


def _placeholder(request: ImageRequest, plan: Plan) -> _Shown:
    picture = draw_placeholder(plan.candidates[0].size, request.asset or "")
    name = Show.PLACEHOLDER.value
    return _Shown(
        what=Show.PLACEHOLDER,
        told="a placeholder",
        pictures=(picture,) * request.n,
        deployment=name,
        model=name,
    )
