"""What a policy can read of a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.picture import Size
from routing.core.request import features_of, quoted_text
from tests.core.making import ask, picture


def test_features_are_the_requests_own_values() -> None:
    request = ask(
        "a fox", n=3, images=(picture(), picture()), tags={"kind": "poster"}, size=Size(width=2000, height=1000)
    )
    features = features_of(request)
    assert (features.n, features.references, features.prompt_chars, features.megapixels) == (3, 2, 5, 2.0)
    assert features.tags == {"kind": "poster"}


def test_without_a_size_the_megapixels_are_undefined() -> None:
    assert features_of(ask()).megapixels is None


def test_a_prompt_does_not_show_in_the_repr_of_its_features() -> None:
    assert "secret fox" not in repr(features_of(ask("secret fox")))


@given(st.text())
def test_quoted_words_are_never_more_than_the_prompt(prompt: str) -> None:
    assert len(quoted_text(prompt)) <= len(prompt)


@given(st.text(alphabet=st.characters(exclude_characters='"“”„«»「」『』')))
def test_a_prompt_without_quotation_marks_has_no_words_to_be_legible(prompt: str) -> None:
    assert quoted_text(prompt) == ""


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"')))
def test_what_stands_between_two_marks_is_read_to_the_letter(words: str) -> None:
    assert features_of(ask(f'it says "{words}" in red')).text_chars == len(words)


@pytest.mark.parametrize("text", ["", "x", "1024", "1024x", "x1024", "-1x5", "0x5", "1e3x5", "٣x٤", "1234567x1"])
def test_what_is_no_size_is_not_read_as_one(text: str) -> None:
    assert Size.parse(text) is None


@pytest.mark.parametrize("text", ["1536x1024", " 1536X1024 ", "1536×1024"])
def test_a_size_is_read_however_it_is_spelled(text: str) -> None:
    assert Size.parse(text) == Size(width=1536, height=1024)
