"""A call that took far longer than such calls do, and what the likely cause is."""

from __future__ import annotations

from typing import Any

import pytest

from routing.core.deployment import Model, TypicalTime
from routing.core.picture import Size
from routing.core.slowness import Slow, why_slow
from tests.core.making import SQUARE, ask, picture, token_model

MODEL = token_model(typical=TypicalTime(seconds={"low": 10.0, "high": 100.0}, growth=0.5))
TWO_K, FOUR_K = Size(width=2048, height=2048), Size(width=3840, height=2160)


def slow(
    seconds: float, *, size: Size = SQUARE, quality: str | None = "low", n: int = 1, model: Model = MODEL, **wishes: Any
) -> Slow | None:
    return why_slow(model, ask(**wishes), size=size, quality=quality, n=n, seconds=seconds)


def causes(seconds: float, **asked: Any) -> tuple[str, ...]:
    found = slow(seconds, **asked)
    assert found is not None
    return found.causes


def test_three_times_as_long_is_not_slow_and_more_is() -> None:
    assert slow(30.0) is None
    found = slow(30.5)
    assert found == Slow(seconds=30.5, typical_s=10.0, causes=("a queue at the vendor",))
    assert str(found) == "slow: it took 30 s, such calls usually take 10 s; likely because of a queue at the vendor"


def test_what_is_usual_depends_on_the_quality_and_grows_with_the_pixels() -> None:
    assert slow(290.0, quality="high") is None
    assert slow(74.0, size=TWO_K) is None
    found = slow(76.0, size=TWO_K)
    assert found is not None
    assert found.typical_s == 25.0


def test_a_picture_below_one_megapixel_is_not_expected_sooner() -> None:
    assert slow(29.0, size=Size(width=512, height=512)) is None


@pytest.mark.parametrize(
    ("asked", "cause"),
    [
        ({"extras": {"complexity": "high"}}, "complexity high"),
        ({"extras": {"reasoning": "force"}}, "reasoning force"),
        ({"size": FOUR_K}, "4K size"),
        ({"size": TWO_K}, "2K size"),
        ({"quality": "high"}, "quality high"),
        ({"images": (picture(),) * 4}, "4 references"),
        ({"n": 3}, "3 pictures in one call"),
    ],
)
def test_each_likely_cause_is_named(asked: dict[str, Any], cause: str) -> None:
    assert causes(1000.0, **asked) == (cause,)


@pytest.mark.parametrize(
    "asked",
    [{"extras": {"complexity": "low"}}, {"images": (picture(),) * 3}, {"size": Size(width=1536, height=1024)}],
)
def test_what_is_usual_is_no_cause(asked: dict[str, Any]) -> None:
    assert causes(1000.0, **asked) == ("a queue at the vendor",)


def test_several_causes_are_told_together() -> None:
    found = slow(2000.0, size=FOUR_K, quality="high", n=2)
    assert str(found) == (
        "slow: it took 2000 s, such calls usually take 446 s; likely because of 4K size and quality high and 2"
        " pictures in one call"
    )


def test_where_nobody_knows_how_long_it_takes_nothing_is_hinted() -> None:
    assert slow(10_000.0, model=token_model()) is None
    assert slow(10_000.0, quality="medium") is None
    plain = token_model(qualities=(), default_quality=None, typical=TypicalTime(seconds={None: 2.0}))
    assert slow(6.1, model=plain, quality=None) is not None
