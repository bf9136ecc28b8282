"""A receiver for every test that asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.alerts.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.alerts.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
