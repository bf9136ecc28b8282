"""Promoting a draft whose picture is bad, where drafts go along: never sent without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing import RequestError
from routing.core.picture import Size
from routing.testing import blank_picture, plain_picture
from tests.router.test_promotions import sent, taking_along
from tests.shop import SQUARE, open_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing import Result
    from routing.core.picture import Picture
    from tests.shop import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = open_bench(taking_along(), cache=tmp_path / "cache")
    yield made
    made.router.close()


SMALL = plain_picture(Size(width=512, height=512))


def drafts(bench: Bench, *pictures: Picture) -> tuple[Result, str]:
    """Make a draft of pictures that a vendor may send; it is promoted as its result and by its id."""
    bench.fakes["flux"].deliver_next(*pictures)
    return bench.router.generate("a fox", importance="draft", n=len(pictures), request_id="fox"), "fox"


@pytest.mark.parametrize("given", [0, 1], ids=["result", "id"])
def test_a_draft_that_shows_nothing_does_not_go_along_unasked_and_nothing_is_bought(bench: Bench, given: int) -> None:
    draft = drafts(bench, blank_picture(SQUARE))[given]
    spent = bench.spent()
    with pytest.raises(RequestError, match=r"^routes.final takes the draft along .* picture 1 of 'fox' is blank: make"):
        bench.router.promote(draft, importance="final", request_id="final")
    assert (bench.fakes["gpt"].calls, bench.spent(), bench.store.history("final")) == ([], spent, None)


@pytest.mark.parametrize("given", [0, 1], ids=["result", "id"])
def test_whoever_names_the_blank_one_has_it_sent_and_is_told(bench: Bench, given: int) -> None:
    draft = drafts(bench, blank_picture(SQUARE), plain_picture(SQUARE))[given]
    with pytest.raises(RequestError, match="picture 1 of 'fox' is blank"):
        bench.router.promote(draft, importance="final")
    final = bench.router.promote(draft, importance="final", picture=1)
    assert final.notices == ("picture 1 of fox goes along as image 1, which is blank",)
    assert final.faults == ()
    final = bench.router.promote(draft, importance="final", picture=2)
    assert final.notices == ("picture 2 of fox goes along as image 1",)


@pytest.mark.parametrize("given", [0, 1], ids=["result", "id"])
def test_a_draft_that_is_only_smaller_than_asked_goes_along_and_that_is_told(bench: Bench, given: int) -> None:
    final = bench.router.promote(drafts(bench, SMALL)[given], importance="final")
    assert final.notices == ("picture 1 of fox goes along as image 1, which is 512x512 instead of 1024x1024",)
    assert len(sent(bench)) == 1


def test_a_small_and_blank_draft_shows_nothing_either(bench: Bench) -> None:
    draft, _ = drafts(bench, blank_picture(SMALL.size))
    with pytest.raises(RequestError, match="is 512x512 instead of 1024x1024 and blank"):
        bench.router.promote(draft, importance="final")


def test_a_blank_draft_that_stays_behind_is_no_obstacle() -> None:
    bench = open_bench()
    draft, _ = drafts(bench, blank_picture(SQUARE))
    assert bench.router.promote(draft, importance="final").faults == ()
