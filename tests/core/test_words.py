"""Words and phrases in prompts: whole, whatever the case, in any writing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core.words import fold, stands_in


def found(phrase: str, text: str) -> bool:
    return stands_in(fold(phrase), fold(text))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("draft", "DRAFT: a fox"),
        ("draft", "a fox (draft)"),
        ("draft", "draft_list"),
        ("lorem ipsum", "Lorem\n  IPSUM dolor"),
        ("straße", "eine STRASSE im Regen"),
        ("σοφος", "ΣΟΦΟΣ"),
        ("café", "le CAFE\u0301 bleu"),  # the letter and its accent written apart
        ("draft", "dra\u200bft"),  # a gap that nobody sees
        ("draft", "ｄｒａｆｔ"),
        ("狐", "雪の中の狐と"),
        ("고양이", "고양이가 잔다"),
        ("แมว", "รูปแมวน้อย"),
        ("draft", "これはdraftです"),
        ("нет", "Слова НЕТ тут"),
        ("नमक", "थोड़ा नमक दो"),
        ("9:16", "at 9:16, please"),
        ("acme", "acme's fox"),
        ("don't", "DON\u2019T"),
        ("to-be", "to\u2011be done"),
        ("\u2764", "with a \u2764\ufe0f in it"),  # drawn in colour
        ("\u2764\ufe0f", "with a \u2764 in it"),
        ("ana", "banana, ana"),  # the first place is inside a word, the second is not
    ],
)
def test_a_whole_word_or_phrase_is_found(phrase: str, text: str) -> None:
    assert found(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("draft", "overdrafted"),
        ("draft", "drafts"),
        ("draft", "draft2"),
        ("draft", "dra ft"),
        ("lorem ipsum", "lorem, ipsum"),
        ("cafe", "le café"),
        ("cafe", "le cafe\u0301"),
        ("нет", "интернет"),
        ("नमक", "नमकीन"),
        ("acme", ""),
    ],
)
def test_a_piece_of_a_word_is_not_the_word(phrase: str, text: str) -> None:
    assert not found(phrase, text)


@given(st.text(), st.text())
def test_what_is_folded_stays_so_and_a_phrase_stands_in_itself(one: str, other: str) -> None:
    assert fold(fold(one)) == fold(one)
    phrase = fold(one)
    if phrase:
        assert stands_in(phrase, phrase)
        assert stands_in(phrase, f"{phrase} . {fold(other)}") or fold(other)[:1] == ""
