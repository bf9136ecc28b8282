"""What a policy can read of a request."""

from __future__ import annotations

from typing import Any

import pytest

from routing.core.features import features_of
from routing.core.picture import Size
from routing.errors import RequestError
from tests.core.making import ask, picture


def test_features_are_the_requests_own_values() -> None:
    request = ask(
        "a fox", n=3, images=(picture(), picture()), tags={"kind": "poster"}, size=Size(width=2048, height=1024)
    )
    features = features_of(request)
    assert (features.n, len(features.references), features.prompt_chars, features.megapixels) == (3, 2, 5, 2.0)
    assert features.tags == {"kind": "poster"}


def test_without_a_size_the_megapixels_are_undefined() -> None:
    assert features_of(ask()).megapixels is None


def test_a_prompt_does_not_show_in_the_repr_of_its_features() -> None:
    assert "secret fox" not in repr(features_of(ask("secret fox")))


@pytest.mark.parametrize("text", ["", "x", "1024", "1024x", "x1024", "-1x5", "0x5", "1e3x5", "٣x٤", "1234567x1"])
def test_what_is_no_size_is_not_read_as_one(text: str) -> None:
    assert Size.parse(text) is None


@pytest.mark.parametrize("text", ["1536x1024", " 1536X1024 ", "1536×1024"])
def test_a_size_is_read_however_it_is_spelled(text: str) -> None:
    assert Size.parse(text) == Size(width=1536, height=1024)


@pytest.mark.parametrize(
    "wrong",
    [
        {"parent_picture": 0, "parent": "fox", "images": (picture(),)},
        {"parent_picture": "1", "parent": "fox", "images": (picture(),)},
        {"parent_picture": True, "parent": "fox", "images": (picture(),)},
        {"parent_picture": 1, "parent": "fox"},
        {"parent_picture": 1, "images": (picture(),)},
    ],
)
def test_a_parents_picture_is_a_number_of_a_reference_that_is_there(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="parent_picture counts a parent's pictures from 1"):
        ask(**wrong)
    assert features_of(ask(parent_picture=2, parent="fox", images=(picture(),))).parent_picture == 2
