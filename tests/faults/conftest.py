"""Two vendors for all rows of the tables, as good as new for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.sandbox import Sandbox
from tests.faults.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[tuple[Sandbox, Sandbox]]:
    with Sandbox.start(pictures="flat") as first, Sandbox.start(pictures="flat") as second:
        yield first, second


@pytest.fixture
def scene(tmp_path: Path, sandboxes: tuple[Sandbox, Sandbox]) -> Scene:
    for sandbox in sandboxes:
        sandbox.reset()
    return Scene(folder=tmp_path, second=sandboxes[1])
