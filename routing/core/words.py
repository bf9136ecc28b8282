"""Finding words and phrases in a prompt, in any writing: whole ones, whatever the case."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WITHOUT_SPACES = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "KATAKANA-HIRAGANA",
    "BOPOMOFO",
    "HANGUL",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "TIBETAN",
)
"""First words of the Unicode names of letters that are written without spaces, or with endings set to the word."""


_UNSEEN = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Marks that choose how a sign is drawn, or that are not drawn at all."""


_SAME = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc", "'") | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
"""Apostrophes and hyphens, as text programs write them."""


def fold(text: str) -> str:
    """Make alike what reads alike: no case, one form of each letter, one space for any gap, no invisible signs."""
    if text.isascii():
        return " ".join(text.lower().split())
    visible = "".join(char for char in _UNSEEN.sub("", text) if unicodedata.category(char) != "Cf")
    # Folding may leave a letter and its mark apart that are one in the other text.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(folded.translate(_SAME).split())


def stands_in(phrase: str, text: str) -> bool:
    """Tell whether a phrase stands in a text, both folded, and no letter or digit of another word touches it.

    Of writing without spaces nobody knows where a word ends: there it is enough that it stands anywhere.
    """
    at = text.find(phrase)
    while at >= 0:
        if _is_gap(text, at) and _is_gap(text, at + len(phrase)):
            return True
        at = text.find(phrase, at + 1)
    return False


def _is_gap(text: str, at: int) -> bool:
    """Tell whether a word may end before this place and another begin at it."""
    if not 0 < at < len(text):
        return True
    before, after = _kind(text[at - 1]), _kind(text[at])
    if after == "mark":  # it belongs to the letter before it
        return False
    return "" in (before, after) or "anywhere" in (before, after)


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """Tell whether a character is part of a word with bounds, of one without (``anywhere``), a mark, or none."""
    if unicodedata.category(char)[0] == "M":
        return "mark"
    if not char.isalnum():
        return ""
    return "anywhere" if unicodedata.name(char, "").partition(" ")[0] in _WITHOUT_SPACES else "word"
