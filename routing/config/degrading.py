"""What of a route's ``degrade`` can never help: found where both files meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.config.checks import lowest_quote
from routing.core.money import usd_text
from routing.core.policy import Show
from routing.core.reachability import allowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.core.deployment import Deployment
    from routing.core.policy import Policy, Route
    from routing.core.prices import PriceBook


def check_degrading(  # noqa: PLR0913 - both files
    policy: Policy,
    deployments: Mapping[str, Deployment],
    prices: PriceBook,
    today: date,
    problems: Problems,
    *,
    has_cache: bool,
) -> None:
    """Warn of stand-ins that no request of their route could be bought from, and of pictures that nothing keeps."""
    for importance, routes in policy.routes.items():
        for at, route in enumerate(routes):
            path = ("routes", importance, at, "degrade")
            if Show.LAST in route.degrade.show and not has_cache:
                place = (*path, "show", route.degrade.show.index(Show.LAST))
                problems.warn(place, "there is no last picture: no cache keeps any", "add `cache:` to router.yaml")
            for number, name in enumerate(route.degrade.use):
                if name in deployments:
                    _check_stand_in(route, deployments[name], prices, today, problems, (*path, "use", number))


def _check_stand_in(  # noqa: PLR0913, PLR0917 - as above
    route: Route, deployment: Deployment, prices: PriceBook, today: date, problems: Problems, path: Path
) -> None:
    model = deployment.model
    for condition in route.when.conditions:
        if condition.field == "operation" and not any(allowed(condition, each.value) for each in model.operations):
            can = " and ".join(sorted(each.value for each in model.operations))
            problems.warn(path, f"{deployment.name} can only {can}, the route is for others", "name one that can")
    quote = lowest_quote(deployment, prices, today)
    if route.max_price_nusd is not None and quote is not None and quote > route.max_price_nusd:
        message = f"{deployment.name} is never bought here: max_price is ${usd_text(route.max_price_nusd)}"
        problems.warn(path, message, f"one of its pictures may cost ${usd_text(quote)}")
