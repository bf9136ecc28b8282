"""What can be bought from now, as a table and as data."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from routing.core.deployment import missing_keys
from routing.core.pacing import Kind
from routing.reports.amounts import dollars, number_of
from routing.reports.sheet import UNLIMITED, Sheet, cell_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.availability import DeploymentStatus
    from routing.core.deployment import Deployment

DECIMALS = 4
WORDS = {
    "well": "well",
    "cooling": "left alone",
    "probe_due": "to be tried again",
    "no_key": "no key",
    "shut_down": "shut down",
}


def deployments_json(deployments: Sequence[DeploymentStatus]) -> dict[str, object]:
    """Plain values of every deployment."""
    return {"deployments": [status.as_json() for status in deployments]}


def deployments_table(deployments: Sequence[DeploymentStatus], width: int = UNLIMITED) -> Sheet:
    """Lay out every deployment: how it is, what a picture costs, what a minute has room for.

    Columns that say nothing of anything are left out, and so are limits for which ``width`` has no room: those stand in
    ``router.yaml``.
    """
    columns = {
        "deployment": [status.deployment.name for status in deployments],
        "health": [_health(status) for status in deployments],
        "a picture": [_picture(status) for status in deployments],
        "last hour": [_calls(status) for status in deployments],
    }
    limits = {
        f"{kind}/min": [_limit(status.allowance.of(kind)) for status in deployments]
        for kind in (Kind.IMAGES, Kind.REQUESTS, Kind.TOKENS)
    }
    said = {name: cells for name, cells in {**columns, **limits}.items() if any(cells)}
    while True:
        sheet = Sheet(columns=tuple(said), rows=tuple(zip(*said.values(), strict=True)))
        last = next(reversed(said), "")
        if last not in limits or cell_width(sheet.lines()[0]) <= width:
            return sheet
        del said[last]


def deployment_notes(deployments: Sequence[DeploymentStatus]) -> list[str]:
    """Say what is left alone until when, what went wrong last, which keys are missing, and what is shut down when."""
    alone = [
        f"{status.deployment.name} is left alone until {status.again_at:%H:%M:%S} UTC"
        for status in deployments
        if status.again_at and status.state == "cooling"
    ]
    failures = [
        f"the last failure of {status.deployment.name}: {status.health.why}"
        for status in deployments
        if status.health.failures
    ]
    ends = [
        f"{status.deployment.name}: {model.name} is shut down on {model.shutdown.isoformat()}"
        + (f"; {model.substitute} takes its place" if model.substitute else "")
        for status in deployments
        if (model := status.deployment.model).shutdown
    ]
    return [*alone, *failures, *key_notes(status.deployment for status in deployments), *ends]


def key_notes(deployments: Iterable[Deployment]) -> list[str]:
    """Say which keys are missing, and what is not bought from for it."""
    return [
        f"no key: {key} is not set, so {', '.join(idle)} will not be used"
        for key, idle in missing_keys(deployments).items()
    ]


def _health(status: DeploymentStatus) -> str:
    if status.state == "failing":
        failures = status.health.failures
        return "last call failed" if failures == 1 else f"last {failures} calls failed"
    return WORDS[status.state]


def _picture(status: DeploymentStatus) -> str:
    if not status.prices:
        return "no price is known"
    least, most = (pick(status.prices, key=itemgetter(1)) for pick in (min, max))
    if least == most:
        return dollars(least[1], DECIMALS)
    return ", ".join(f"{quality} {dollars(price, DECIMALS)}" for quality, price in (least, most))


def _calls(status: DeploymentStatus) -> str:
    if status.failed:
        return f"{status.failed:,} of {status.calls:,} failed"
    return number_of(status.calls, "call") if status.calls else ""


def _limit(limit: int | None) -> str:
    return "" if limit is None else f"{limit:,}"
