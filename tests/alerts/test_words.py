"""What alerts say: the texts are product."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from routing.alerts.words import alert_id, sentences_of, text_of, values_of
from routing.core.alerts import dollars
from routing.core.money import usd
from tests.alerts.receiver import EXAMPLES, THRESHOLD
from tests.cli.golden import check_golden

GOLDEN = Path(__file__).parents[1] / "golden" / "alerts"


def test_every_alert_says_what_happened_by_how_much_and_what_to_do() -> None:
    check_golden(GOLDEN / "texts.txt", "\n\n".join(f"[{name}]\n{text_of(alert)}" for name, alert in EXAMPLES.items()))


def test_an_alert_as_plain_values() -> None:
    told = {name: values_of(EXAMPLES[name]) for name in ("threshold", "overrun")}
    check_golden(GOLDEN / "values.json", json.dumps(told, indent=2, ensure_ascii=False))


@pytest.mark.parametrize("alert", EXAMPLES.values(), ids=list(EXAMPLES))
def test_no_sentence_is_long_and_each_ends(alert: object) -> None:
    for sentence in sentences_of(alert):  # type: ignore[arg-type]  # parametrize knows no types
        assert len(sentence) <= 220
        assert sentence.endswith(".")


def test_an_id_is_the_same_whenever_an_alert_is_sent_and_another_for_every_other_alert() -> None:
    assert alert_id(THRESHOLD) == alert_id(replace(THRESHOLD, spent_nusd=usd(450)))
    later = replace(THRESHOLD, at=THRESHOLD.at + timedelta(milliseconds=1))
    ids = {alert_id(alert) for alert in (*EXAMPLES.values(), later)}
    assert len(ids) == len(EXAMPLES) + 1
    assert all(each.isascii() and each.replace("_", "").isalnum() for each in ids)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234.5", "$1,234.50"),
        ("0.0387", "$0.0387"),
        ("0.84", "$0.84"),
        ("400.123456789", "$400.12"),
        ("0.00005", "$0.0001"),
        ("0.00000001", "<$0.0001"),
        ("0", "$0.00"),
        ("-2.5", "-$2.50"),
        ("0.99999", "$1.0000"),
    ],
)
def test_amounts_are_rounded_for_reading_and_never_to_nothing(amount: str, text: str) -> None:
    assert dollars(usd(amount)) == text
