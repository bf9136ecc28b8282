"""One vendor for each module, a witness before it, and a router that buys there."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from routing import open_router
from routing.testing import FrozenClock
from tests.shop import RecordingLog
from tests.wire.aimock import aimock, why_not
from tests.wire.campaign import POLICY, ROUTER
from tests.wire.witness import KEY, Witness, witness_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from routing import Router


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of aimock."""
    if missing := why_not():
        pytest.skip(missing)
    with aimock(tmp_path_factory.mktemp("aimock")) as url:
        yield url


@pytest.fixture
def witness(vendor: str) -> Iterator[Witness]:
    with witness_of(vendor) as standing:
        yield standing


@pytest.fixture
def log() -> RecordingLog:
    return RecordingLog()


@pytest.fixture
def shop(tmp_path: Path, witness: Witness, log: RecordingLog) -> Callable[[], AbstractContextManager[Router]]:
    """Open a router on two deployments of the vendor and a ledger in ``tmp_path``; waits take no time."""
    (tmp_path / "router.yaml").write_text(ROUTER, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    env = {"VENDOR_KEY": KEY, "VENDOR_URL": f"{witness.url}/v1"}

    @contextmanager
    def opened() -> Iterator[Router]:
        with open_router(tmp_path / "router.yaml", env=env, clock=FrozenClock(), log=log) as router:
            yield router

    return opened
