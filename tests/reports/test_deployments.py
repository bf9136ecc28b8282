"""What can be bought from now, to the letter, at the width of a terminal and of wider and narrower ones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from routing.core.availability import DeploymentStatus
from routing.core.health import COOL_FIRST_S, FAILURES_AT_ONCE, WELL, Ended, Health
from routing.core.money import usd
from routing.core.pacing import Allowance
from routing.reports.deployments import deployment_notes, deployments_table
from tests.cli.golden import check_golden
from tests.core.making import SQUARE, deployment, piece_model, token_model

GOLDEN = Path(__file__).parents[1] / "golden" / "tables"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY_QUALITY = (("low", usd("0.00588")), ("medium", usd("0.05268")), ("high", usd("0.21072")))
PACED = Allowance(images=50, requests=50)


def status(name: str, health: Health = WELL, calls: int = 0, failed: int = 0, **changes: Any) -> DeploymentStatus:
    prices = changes.pop("prices", BY_QUALITY)
    made = deployment(name, changes.pop("model", token_model()), **changes)
    return DeploymentStatus(
        deployment=made, at=NOW, health=health, calls=calls, failed=failed, size=SQUARE, prices=prices
    )


def failed(times: int) -> Health:
    health = WELL
    for _ in range(times):
        health = health.after(Ended.FAILED, NOW.timestamp(), "ProviderUnavailable: HTTP 503")
    return health


QUIET = (
    status("gpt-image-2", allowance=PACED),
    status("gpt-image-2.5-flare", allowance=PACED),
    status("nano-banana", prices=((None, usd("0.0387")),)),
    status("flux-schnell", prices=((None, usd("0.003")),), missing_key="FAL_KEY"),
)
BUSY = (
    status("gpt-image-2", failed(1), calls=1_234, failed=1, allowance=Allowance(images=50, tokens=800_000)),
    status("gpt-image-2-azure", failed(FAILURES_AT_ONCE), calls=20, failed=20, allowance=PACED),
    status("gpt-image-2-of-the-second-account-in-europe", calls=1, allowance=Allowance(requests=1_200)),
    status("imagen", model=piece_model(shutdown=date(2026, 8, 17), substitute="by-token"), prices=()),
)


@pytest.mark.parametrize("width", [120, 100, 80])
@pytest.mark.parametrize(("name", "statuses"), [("quiet", QUIET), ("busy", BUSY)])
def test_deployments_read_as_agreed(name: str, statuses: tuple[DeploymentStatus, ...], width: int) -> None:
    lines = [*deployments_table(statuses, width).lines(width), *deployment_notes(statuses)]
    check_golden(GOLDEN / f"deployments-{name}-{width}.txt", "\n".join(lines))


def test_a_deployment_of_the_usual_names_takes_one_line_of_a_terminal() -> None:
    lines = deployments_table(QUIET, 80).lines(80)
    assert len(lines) == 2 + len(QUIET)
    assert max(map(len, lines)) <= 80


def test_limits_are_left_out_before_anything_folds_the_last_first() -> None:
    def columns(width: int) -> tuple[str, ...]:
        return deployments_table(BUSY, width).columns

    assert columns(200)[-3:] == ("images/min", "requests/min", "tokens/min")
    assert columns(125)[-1:] == ("images/min",)
    assert columns(20)[-1:] == ("last hour",)


def test_where_nobody_has_called_and_nobody_knows_a_limit_no_column_stands_empty() -> None:
    assert deployments_table(QUIET[2:]).columns == ("deployment", "health", "a picture")


def test_notes_tell_until_when_it_is_left_alone() -> None:
    until = datetime.fromtimestamp(NOW.timestamp() + COOL_FIRST_S, UTC)
    assert deployment_notes(BUSY[1:2])[0] == f"gpt-image-2-azure is left alone until {until:%H:%M:%S} UTC"
