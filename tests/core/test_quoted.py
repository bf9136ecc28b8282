"""The words of a prompt that must be legible, and their script."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.core import quoted
from routing.core.features import features_of
from routing.core.quoted import SCRIPTS, quoted_text, script_of
from tests.core.making import ask

PROMPTS = Path(__file__).parents[3] / "shared" / "prompts"
with_prompts = pytest.mark.skipif(
    not PROMPTS.is_dir(), reason="the real prompts are not beside the repository, in ../shared/prompts"
)

MARKS = '"＂“”„«»‹›「」『』｢｣〝〞〟‘’'
ENGLISH = (
    'a billboard that clearly reads "FRESH BREWS, EVERY MORNING, EVERY DAY", set in bold; the tagline in soft cursive '
    'font reads "Locally Roasted Since 1998"; a street sign, clearly labeled "CENTRAL PARK - 2 BLOCKS"'
)
CHINESE = "广告牌清晰地印着“每日新鲜烘焙”，柔和的书法字体标语“本地烘焙，始于1998”，指示牌明确标注着“中央公园 - 2公里”"
EXCERPT = [
    (
        ENGLISH,
        ["FRESH BREWS, EVERY MORNING, EVERY DAY", "Locally Roasted Since 1998", "CENTRAL PARK - 2 BLOCKS"],
        "latin",
    ),
    (CHINESE, ["每日新鲜烘焙", "本地烘焙，始于1998", "中央公园 - 2公里"], "cjk"),
]
"""From LongText-Bench (X-Omni, Apache-2.0), shortened: a prompt, and the words that its picture must show."""


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ('says "LAUNCH"', "LAUNCH"),
        ("says “Grand” and “Opening”", "GrandOpening"),
        ("sagt „Eröffnung“ oder „Schluss”", "EröffnungSchluss"),
        ("dit «Bonjour» et « à demain »", "Bonjour à demain "),
        ("sagt »Guten Tag« und ›Servus‹", "Guten TagServus"),
        ("säger ”Hej”", "Hej"),
        ("dit ‹ Bonjour ›", " Bonjour "),
        ("「開店」と『祭』、｢安い｣、〝夏〟", "開店祭安い夏"),
        ("上面写着‘开店’的招牌", "开店"),
        ("the word ‘Don’t’ on a wall", "Don’t"),
        ("a “sign that says ‘OPEN’ here”", "sign that says ‘OPEN’ here"),
        ('it says "「開店」"', "「開店」"),
        ("the ‘90s diner says “OPEN” to the dogs’ owner", "OPEN"),
        ('a "half-open sign', ""),
        ("„one “two", "one "),
        ("it's the fox's den", ""),
        ("a conductor’s hat and the dogs’ bowl", ""),
        ('an 8" plate and a 10" pan', ""),
        ('an 8" plate that says "OPEN"', "OPEN"),
        ('Route "66"', "66"),
        ('empty ""', ""),
    ],
)
def test_words_to_be_legible_stand_in_quotation_marks_of_any_script(prompt: str, words: str) -> None:
    assert quoted_text(prompt) == words


@given(st.text())
def test_quoted_words_are_never_more_than_the_prompt(prompt: str) -> None:
    assert len(quoted_text(prompt)) <= len(prompt)


@given(st.text(alphabet=st.sampled_from(MARKS + "a 1"), max_size=60))
def test_nothing_of_a_prompt_is_read_twice(prompt: str) -> None:
    assert Counter(quoted_text(prompt)) <= Counter(prompt)


@given(st.text(alphabet=st.characters(exclude_characters=MARKS)))
def test_a_prompt_without_quotation_marks_has_no_words_to_be_legible(prompt: str) -> None:
    assert quoted_text(prompt) == ""


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"')))
def test_what_stands_between_two_marks_is_read_to_the_letter(words: str) -> None:
    assert features_of(ask(f'it says "{words}" in red')).text_chars == len(words)


@pytest.mark.parametrize("unit", ["“", '"a', "„a“", "„a”", "‘a", "«»", "「『", "”„", "x"])
def test_looking_for_marks_takes_no_more_steps_than_the_prompt_is_long(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: every mark is opened at most once, and each end is looked for at most once a mark."""
    steps = 0

    class Counted:
        def __init__(self, pattern: re.Pattern[str]) -> None:
            self.pattern = pattern

        def search(self, text: str, at: int) -> re.Match[str] | None:
            nonlocal steps
            found = self.pattern.search(text, at)
            steps += (found.end() if found else len(text)) - at + 1
            return found

    for name in ("_DOUBLE_OPENS", "_SINGLE_OPENS"):
        monkeypatch.setattr(quoted, name, Counted(getattr(quoted, name)))
    counted = {mark: Counted(pattern) for mark, pattern in quoted._CLOSES.items()}
    monkeypatch.setattr(quoted, "_CLOSES", counted)
    prompt = unit * (32_000 // len(unit))
    quoted_text(prompt)
    assert len(prompt) <= steps <= 8 * len(prompt)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("LAUNCH", "latin"),
        ("Größe ñandú Łódź", "latin"),
        ("開店", "cjk"),
        ("ひらがなカタカナｶﾅー々", "cjk"),
        ("서울", "cjk"),
        ("Ｆｕｌｌ", "latin"),
        ("Привет", "cyrillic"),
        ("مرحبا", "arabic"),
        ("سلام دنیا", "arabic"),
        ("שלום", "hebrew"),
        ("Γειά", "greek"),
        ("नमस्ते", "devanagari"),
        ("สวัสดี", "thai"),
        ("தமிழ்", "other"),
        ("ქართული", "other"),
        ("SALE 開店 SALE", "cjk"),
        ("Привет, 世", "cyrillic"),
        ("50% — 1998!", None),
        ("µ ª ℃ № ½", None),
        ("", None),
    ],
)
def test_a_script_is_told_by_the_letters_and_latin_gives_way_to_any_other(text: str, script: str | None) -> None:
    assert script_of(text) == script


@given(st.text())
def test_whatever_the_text_its_script_is_one_that_a_rule_may_name(text: str) -> None:
    assert script_of(text) in {*SCRIPTS, None}


@pytest.mark.parametrize(("prompt", "words", "script"), EXCERPT, ids=["english", "chinese"])
def test_the_words_of_real_prompts_are_found(prompt: str, words: list[str], script: str) -> None:
    found = quoted_text(prompt)
    assert found == "".join(words)
    assert script_of(found) == script


@with_prompts
@pytest.mark.parametrize(
    ("name", "script", "strings"), [("longtext-bench.jsonl", "latin", 740), ("longtext-bench-zh.jsonl", "cjk", 732)]
)
def test_every_string_that_a_real_prompt_wants_legible_is_found(name: str, script: str, strings: int) -> None:
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (PROMPTS / name).read_text(encoding="utf-8").splitlines()
    ]
    missed = [
        text for row in rows for text in row["text"] if _letters(text) not in _letters(quoted_text(row["prompt"]))
    ]
    assert missed == []
    assert sum(len(row["text"]) for row in rows) == strings
    assert {script_of(quoted_text(row["prompt"])) for row in rows} == {script}


def _letters(text: str) -> str:
    """Their list ends some strings with a full stop that the prompt has outside the marks."""
    return re.sub(r"[\W_]+", "", text).lower()


@with_prompts
def test_no_apostrophe_of_a_real_prompt_is_taken_for_a_mark() -> None:
    with (PROMPTS / "PartiPrompts.tsv").open(encoding="utf-8", newline="") as file:
        prompts = [row["Prompt"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
    without = [prompt for prompt in prompts if not re.search(f"[{MARKS.replace('’', '')}]", prompt)]
    assert len(without) > 1500
    assert [prompt for prompt in without if quoted_text(prompt)] == []
