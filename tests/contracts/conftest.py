"""What every store's promises are tried on: one ledger of each kind, and work in small pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing.ledger import archive, seals
from tests.ledger.shelves import SHELVES, Shelf, fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from routing.ledger.base import Store


@pytest.fixture(params=SHELVES)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    shelf = SHELVES[request.param](tmp_path)
    yield shelf
    shelf.close()


@pytest.fixture
def ledger(shelf: Shelf) -> Store:
    return shelf.open()


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "REQUESTS_AT_ONCE", 2)
    monkeypatch.setattr(archive, "LINES_AT_ONCE", 3)
    monkeypatch.setattr(seals, "ROWS_AT_MOST", 4)


@pytest.fixture(params=["read from entries", "read from sums"])
def settled(request: pytest.FixtureRequest) -> Callable[[Store], None]:
    """Whatever is asked afterwards is answered alike."""
    return fold if request.param == "read from sums" else lambda _: None
