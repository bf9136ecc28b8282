"""What can be bought from now, as a table and as data."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from routing.core.deployment import missing_keys
from routing.reports.amounts import dollars, number_of
from routing.reports.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from routing.core.availability import DeploymentStatus
    from routing.core.deployment import Deployment

DECIMALS = 4
WORDS = {"well": "well", "no_key": "no key", "shut_down": "shut down", "probe_due": "about to be tried again"}


def deployments_json(deployments: Sequence[DeploymentStatus]) -> dict[str, object]:
    """Plain values of every deployment."""
    return {"deployments": [status.as_json() for status in deployments]}


def deployments_table(deployments: Sequence[DeploymentStatus]) -> Sheet:
    """Lay out every deployment: how it is, what a picture costs, what a minute has room for."""
    columns = ("deployment", "health", "last hour", "a picture", "a minute")
    rows = tuple(
        (
            status.deployment.name,
            _health(status),
            f"{number_of(status.calls, 'call')}, {status.failed} failed" if status.calls else "",
            _picture(status),
            ", ".join(_minute(status)),
        )
        for status in deployments
    )
    return Sheet(columns=columns, rows=rows)


def deployment_notes(deployments: Sequence[DeploymentStatus]) -> list[str]:
    """Say what went wrong last, which keys are missing, and what is shut down when."""
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
    return [*failures, *key_notes(status.deployment for status in deployments), *ends]


def key_notes(deployments: Iterable[Deployment]) -> list[str]:
    """Say which keys are missing, and what is not bought from for it."""
    return [
        f"no key: {key} is not set, so {', '.join(idle)} will not be used"
        for key, idle in missing_keys(deployments).items()
    ]


def _health(status: DeploymentStatus) -> str:
    if status.state == "failing":
        failures = status.health.failures
        return "the last call failed" if failures == 1 else f"the last {failures} calls failed"
    if status.again_at and status.state == "cooling":
        return f"left alone until {status.again_at:%H:%M:%S} UTC"
    return WORDS[status.state]


def _picture(status: DeploymentStatus) -> str:
    if not status.prices:
        return "no price is known"
    least, most = (pick(status.prices, key=itemgetter(1)) for pick in (min, max))
    if least == most:
        return dollars(least[1], DECIMALS)
    return " to ".join(f"{dollars(price, DECIMALS)} ({quality})" for quality, price in (least, most))


def _minute(status: DeploymentStatus) -> Iterator[str]:
    for what in ("images", "requests", "tokens"):
        limit = getattr(status.allowance, what)
        if limit is not None:
            yield f"{limit:,} {what}"
