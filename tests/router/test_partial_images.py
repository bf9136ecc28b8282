"""Partial images: shown while a picture is made, priced beforehand, never paid for unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing import ImageRequest, RequestError, open_router
from routing.cli.starter import starter_files
from routing.cli.vendor import environment
from routing.sandbox import Sandbox
from routing.testing import FakeProvider, FrozenClock, open_test_router

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing import Picture, Router

EACH = 3_000_000
"""100 tokens at $30 a million, in nano-USD."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in starter_files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def router(folder: Path, fake: FakeProvider) -> Iterator[Router]:
    with open_test_router(folder / "router.yaml", providers={"openai": fake}) as opened:
        yield opened


def test_they_are_bought_shown_and_billed_as_they_were_quoted(folder: Path) -> None:
    shown: list[Picture] = []
    with (
        Sandbox.start(pictures="flat") as vendor,
        open_router(folder / "router.yaml", env=environment(vendor.url), clock=FrozenClock()) as opened,
    ):
        plain = opened.quote("a fox", importance="final")
        quote = opened.quote("a fox", importance="final", partial_images=3, on_partial=shown.append)
        assert quote.price - plain.price == quote.expected - plain.expected == 3 * EACH
        result = opened.generate("a fox", importance="final", partial_images=3, on_partial=shown.append)
        assert len(shown) == 3
        assert result.cost == quote.expected == vendor.bill()["total_nusd"]


def test_what_a_call_of_the_callers_own_raises_costs_no_picture(router: Router) -> None:
    def fails(_: Picture) -> None:
        raise ValueError("no window")

    assert router.generate("a fox", importance="final", partial_images=1, on_partial=fails).images


def test_a_promotion_is_not_watched_unless_it_says_so(router: Router, fake: FakeProvider) -> None:
    shown: list[Picture] = []
    draft = router.generate("a fox", importance="review", partial_images=2, on_partial=shown.append)
    router.promote(draft, importance="final")
    router.promote(draft, importance="final", partial_images=1, on_partial=shown.append)
    assert [dict(call.extras) for call in fake.calls] == [{"partial_images": "2"}, {}, {"partial_images": "1"}]
    assert len(shown) == 3


def test_a_ready_request_may_bring_who_is_shown_them(router: Router) -> None:
    shown: list[Picture] = []
    ready = ImageRequest(prompt="a fox", importance="final", extras={"partial_images": "2"}, on_partial=shown.append)
    assert router.generate(ready).images
    assert len(shown) == 2
    with pytest.raises(RequestError, match="shown to nobody"):
        router.generate(ImageRequest(prompt="a fox", importance="final", extras={"partial_images": "2"}))


def test_where_nothing_is_streamed_the_call_is_refused_or_goes_without(folder: Path, router: Router) -> None:
    shown: list[Picture] = []
    with pytest.raises(RequestError, match="is not streamed, so it sends no partial_images; leave them out"):
        router.generate("a fox", deployment="flux-schnell", partial_images=1, on_partial=shown.append)
    policy = folder / "policies" / "default.yaml"
    text = policy.read_text(encoding="utf-8")
    policy.write_text(
        text.replace("      pick: cheapest\n", "      pick: cheapest\n      unsupported: drop\n"), encoding="utf-8"
    )
    with open_test_router(folder / "router.yaml") as opened:
        quote = opened.quote("a fox", deployment="flux-schnell", partial_images=1, on_partial=shown.append)
    assert quote.price == 3_000_000
    assert "partial_images 1 is left out for flux-schnell" in quote.notices[0]
