"""A request that was moved to a file: its id is never bought again, and says where it is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from routing import RequestIdReused
from tests.shop import open_bench

if TYPE_CHECKING:
    from pathlib import Path


def test_an_archived_request_is_refused_and_nothing_is_bought(tmp_path: Path) -> None:
    bench = open_bench(cache=tmp_path / "cache")
    try:
        for name in ("poster/1", "poster/2"):
            bench.router.generate(f"a fox for {name}", request_id=name)
        tomorrow = bench.clock.now() + timedelta(days=1)
        assert bench.store.archive(tomorrow, tmp_path / "old.csv", tomorrow)
        with pytest.raises(
            RequestIdReused, match=r"'poster/1' was bought on .* and archived to old.csv; use a new one"
        ):
            bench.router.generate("a fox for poster/1", request_id="poster/1")
        assert len(bench.calls) == 2
    finally:
        bench.router.close()
