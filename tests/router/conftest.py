"""A team with both files in a folder, a vendor on loopback, and a router that was opened from the files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from routing import open_router
from routing.cli.vendor import environment
from routing.reload import LOOK_EVERY_S
from routing.sandbox.server import Sandbox
from routing.testing import FrozenClock
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.ledger.base import RequestHistory
    from routing.router import Router

QUALITIES = {"draft": "low", "final": "medium"}
ROUTER = """\
version: 1
policy: policy.yaml
providers:
  openai: {kind: openai, api_key_env: OPENAI_API_KEY, base_url_env: OPENAI_BASE_URL}
deployments:
  gpt-image-2: {provider: openai, model: gpt-image-2}
budgets:
  month: {limit: 500, window: calendar_month}
"""


def policy(default: str) -> str:
    """A policy by which a request that names no importance is worth ``default``."""
    routes = "".join(
        f"  {name}: [{{use: [gpt-image-2], ask: {{quality: {quality}}}}}]\n" for name, quality in QUALITIES.items()
    )
    return f"version: 1\nimportance: [draft, final]\nsort: [{{importance: {default}}}]\nroutes:\n{routes}"


@dataclass(kw_only=True)
class Team:
    """A folder with both files, and the router of somebody who opened it."""

    folder: Path
    env: dict[str, str]
    clock: FrozenClock = field(default_factory=FrozenClock)
    log: RecordingLog = field(default_factory=RecordingLog)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, text: str) -> None:
        """Save as most editors do: another file takes the place of the old one."""
        beside = self.folder / f"{name}.new"
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.folder / name)

    def open(self, *, watch: bool = True) -> Router:
        return open_router(self.folder / "router.yaml", env=self.env, clock=self.clock, log=self.log, watch=watch)

    def later(self) -> None:
        """Let the time pass after which somebody looks."""
        self.clock.sleep(LOOK_EVERY_S)


@pytest.fixture(scope="module")
def vendor() -> Iterator[Sandbox]:
    with Sandbox.start(pictures="flat") as sandbox:
        yield sandbox


@pytest.fixture
def team(tmp_path: Path, vendor: Sandbox) -> Team:
    made = Team(folder=tmp_path, env=environment(vendor.url))
    made.write("router.yaml", ROUTER)
    made.write("policy.yaml", policy("draft"))
    return made


def booked(router: Router, request_id: str) -> RequestHistory:
    history = router._shop.store.history(request_id)
    assert history is not None
    return history


def importance(router: Router) -> str:
    return router.quote("a fox").plan.importance
