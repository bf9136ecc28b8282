"""The words of a prompt that must be legible in the picture: what stands in quotation marks, and in which script."""

# ruff: noqa: RUF001, RUF002 - quotation marks that look like others are what this is about

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCRIPTS = ("latin", "cjk", "cyrillic", "arabic", "hebrew", "greek", "devanagari", "thai", "other")
"""What a script may be called; ``cjk`` is Chinese, Japanese and Korean writing."""

_WORDS = {
    "CJK": "cjk",
    "HIRAGANA": "cjk",
    "KATAKANA": "cjk",
    "KATAKANA-HIRAGANA": "cjk",
    "BOPOMOFO": "cjk",
    "HANGUL": "cjk",
    "IDEOGRAPHIC": "cjk",
} | {name.upper(): name for name in SCRIPTS if name not in ("cjk", "other")}
"""First word of a letter's Unicode name -> its script."""
_WIDTHS = ("FULLWIDTH ", "HALFWIDTH ")
_LETTER = re.compile(r"(?!MODIFIER|SUPERSCRIPT).* (LETTER|SYLLABLE|IDEOGRAPH|CHARACTER|HIEROGLYPH)\b")
"""Names of letters of scripts that have no name here; signs that only look like letters (µ, ª, ℃) have others."""

_DOUBLE = {
    '"': '"',
    "\uff02": "\uff02",  # full width
    "“": "”",
    "”": "”",  # Swedish, Finnish
    "„": "“”",  # German, Polish
    "«": "»",
    "»": "«",  # German books
    "‹": "›",
    "›": "‹",
    "「": "」",
    "『": "』",
    "｢": "｣",
    "〝": "〞〟",
}
"""Opening mark -> those that may close it. A mark that closes an open one opens nothing."""
_SINGLE = {"‘": "’"}
"""Straight ones are left alone: nothing tells them from apostrophes for sure."""
_DOUBLE_OPENS = re.compile(rf'[{"".join(_DOUBLE)}](?<![0-9]")')
"""After a digit it stands for inches."""
_SINGLE_OPENS = re.compile("‘")
_CLOSES = {mark: re.compile(re.escape(mark)) for marks in _DOUBLE.values() for mark in marks} | {
    "’": re.compile(r"’(?![A-Za-zÀ-ɏ])"),  # between letters it is an apostrophe
}


def quoted_text(prompt: str) -> str:
    """Collect what stands in quotation marks of any script: the words that must be legible.

    Of single marks only ‘ ’ count, and only outside double ones. The time it takes grows with the prompt, never faster.
    """
    parts, gaps, begin = [], [], 0
    for start, end in _pairs(prompt, _DOUBLE_OPENS, _DOUBLE):
        gaps.append(prompt[begin : start - 1])
        parts.append(prompt[start:end])
        begin = end + 1
    gaps.append(prompt[begin:])
    parts += [gap[start:end] for gap in gaps for start, end in _pairs(gap, _SINGLE_OPENS, _SINGLE)]
    return "".join(parts)


def _pairs(text: str, opens: re.Pattern[str], marks: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Find what stands between a mark and the next that closes it."""
    ends: dict[str, int] = {}
    at = 0
    while opened := opens.search(text, at):
        at = opened.end()
        # Looked for once, an end stays the next one until it is passed: what never closes is not searched again.
        for mark in marks[opened[0]]:
            if ends.get(mark, 0) < at:
                found = _CLOSES[mark].search(text, at)
                ends[mark] = found.start() if found else len(text)
        end = min(ends[mark] for mark in marks[opened[0]])
        if end < len(text):
            yield at, end
            at = end + 1


def script_of(text: str) -> str | None:
    """Name the script of a text; ``None`` where it has no letters.

    Latin stands beside every other script without being what matters: where both occur, it is the other one. Of several
    others it is the one with the most letters.
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else None
    found: Counter[str] = Counter()
    for char, times in Counter(text).items():
        script = _script_of_letter(char)
        if script:
            found[script] += times
    latin = found.pop("latin", 0)
    if not found:
        return "latin" if latin else None
    return max(found, key=lambda script: (found[script], script))


@lru_cache(maxsize=4096)
def _script_of_letter(char: str) -> str | None:
    if not char.isalpha():
        return None
    name = unicodedata.name(char, "")
    for width in _WIDTHS:
        name = name.removeprefix(width)
    known = _WORDS.get(name.partition(" ")[0])
    return known or ("other" if _LETTER.match(name) else None)
