"""Rows of spend as data, and their total."""

from __future__ import annotations

from routing.core.money import Money, usd
from routing.core.spend import SpendRow, total_of

DRAFT = SpendRow(
    by=("importance", "campaign"),
    key=("draft", "spring"),
    spent=usd("0.0387"),
    unconfirmed=usd("0.01"),
    saved=usd("0.02"),
    requests=2,
    images=3,
    cached=1,
)
FINAL = SpendRow(by=("importance", "campaign"), key=("final", ""), spent=usd(1), held=usd("0.2"), requests=1, images=1)


def test_a_row_is_written_with_its_keys_and_exact_dollars() -> None:
    assert DRAFT.as_json() == {
        "importance": "draft",
        "campaign": "spring",
        "spent_usd": "0.0387",
        "held_usd": "0",
        "unconfirmed_usd": "0.01",
        "requests": 2,
        "images": 3,
        "average_usd": "0.0129",
        "cached": 1,
        "saved_usd": "0.02",
    }


def test_a_total_adds_every_column() -> None:
    total = total_of([DRAFT, FINAL])
    assert (total.by, total.key) == ((), ())
    assert (total.spent, total.held, total.unconfirmed) == (usd("1.0387"), usd("0.2"), usd("0.01"))
    assert (total.saved, total.requests, total.images, total.cached) == (usd("0.02"), 3, 4, 1)


def test_a_total_of_nothing_is_nothing() -> None:
    assert total_of([]) == SpendRow(by=(), key=())
    assert isinstance(total_of([]).spent, Money)
