"""What the tests of the PostgreSQL ledger share: a schema of their own, and a ledger in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ledger.shelves import PostgresShelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.ledger.postgres import PostgresStore


@pytest.fixture
def shelf() -> Iterator[PostgresShelf]:
    shelf = PostgresShelf()
    yield shelf
    shelf.close()


@pytest.fixture
def store(shelf: PostgresShelf) -> PostgresStore:
    return shelf.open()
