"""From drafts to the finished picture."""

from __future__ import annotations

from routing.core.lineage import assets_of, ranks_with
from routing.core.money import Money
from routing.core.spend import SpendRow

RANKS = ("draft", "review", "final")


def row(asset: str, importance: str, spent: int, images: int = 1, requests: int = 1) -> SpendRow:
    return SpendRow(
        by=("asset", "importance"), key=(asset, importance), spent=Money(spent), images=images, requests=requests
    )


ROWS = (
    row("poster", "final", 21),
    row("poster", "draft", 47, images=14, requests=9),
    row("poster", "review", 5),
    row("tin", "draft", 99),
    row("cup", "final", 21, images=0),  # charged, and nothing came
    row("sign", "final", 30),
    row("", "draft", 3),
)


def test_an_asset_is_finished_once_it_has_a_picture_of_the_highest_importance() -> None:
    found = assets_of(ROWS, RANKS)
    assert [asset.name for asset in found.finished] == ["poster", "sign"]
    assert [asset.name for asset in found.named] == ["tin", "poster", "sign", "cup"]


def test_its_steps_stand_least_important_first_and_add_up_with_the_drafts_that_were_thrown_away() -> None:
    poster, _ = assets_of(ROWS, RANKS).finished
    assert [(step.importance, step.images, step.spent_nusd) for step in poster.steps] == [
        ("draft", 14, 47), ("review", 1, 5), ("final", 1, 21),
    ]  # fmt: skip
    assert (poster.spent_nusd, poster.images) == (73, 16)


def test_what_was_bought_for_no_asset_stands_apart() -> None:
    found = assets_of(ROWS, RANKS)
    assert found.unnamed is not None
    assert found.unnamed.spent_nusd == 3
    assert assets_of(ROWS[:1], RANKS).unnamed is None


def test_an_importance_of_an_older_policy_stands_before_all_others() -> None:
    assert ranks_with(RANKS, ["final", "sketch", "mood"]) == ("mood", "sketch", *RANKS)
    found = assets_of([row("a", "sketch", 1), row("a", "final", 2)], RANKS)
    assert [step.importance for step in found.finished[0].steps] == ["sketch", "final"]


def test_without_a_policy_nothing_is_finished_and_nothing_is_lost() -> None:
    found = assets_of(ROWS, ())
    assert not found.finished
    assert sum(asset.spent_nusd for asset in found.named) == 223
