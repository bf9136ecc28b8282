"""What every store promises of assets, folded or not: ranked and summed up without bringing all of them in."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from routing.core.lineage import BY_ASSET, AssetSum, AssetSums
from routing.core.spend import Dearest, SpendQuery, total_of
from tests.ledger.purchases import DECEMBER, NOON, buy, record, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.ledger.base import Store

HOUR = timedelta(hours=1)


def test_only_the_dearest_assets_are_brought_in_and_of_the_others_what_they_come_to(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    bought = (("cup", "draft", 5), ("cup", "final", 6), ("tin", "draft", 11), ("é", "draft", 11), ("Z", "draft", 11),
              ("sign", "final", 2), (None, "final", 3))  # fmt: skip
    for number, (asset, importance, amount) in enumerate(bought):
        labels = {"asset": asset, "importance": importance, "tags": {"campaign": f"c{number % 2}"}}
        buy(ledger, str(number), amount, at=NOON + number * HOUR, labels=labels)
    ledger.reserve(record("lost", asset="lost"), [reservation(0, request_id="lost")])
    ledger.resolve(settle("lost/1", 0, images=0))
    settled(ledger)
    found = ledger.dearest_assets(SpendQuery(by=("kind",)), 2)
    assert [(row.key, row.spent) for row in found.rows] == [
        (("Z", "draft"), 11),
        (("cup", "final"), 6),
        (("cup", "draft"), 5),
    ]
    assert (found.others, found.others_spent, found.others_images) == (4, 27, 4)
    later = ledger.dearest_assets(SpendQuery(since=NOON + 5 * HOUR, until=NOON + 7 * HOUR), 9)
    assert [(row.key, row.spent) for row in later.rows] == [(("", "final"), 3), (("sign", "final"), 2)]
    assert (later.others, later.others_spent, later.others_images) == (0, 0, 0)
    assert ledger.dearest_assets(SpendQuery(since=DECEMBER), 2) == Dearest()
    assert ledger.finished_assets(SpendQuery(), "campaign", "final") == {"c1": 2}
    assert ledger.finished_assets(SpendQuery(), "campaign", "draft") == {"c0": 3, "c1": 1}
    assert ledger.finished_assets(SpendQuery(), "kind", "final") == {"": 2}
    assert ledger.finished_assets(SpendQuery(since=DECEMBER), "campaign", "final") == {}


def test_all_assets_are_summed_up_and_only_the_dearest_finished_ones_are_brought_in(
    ledger: Store, settled: Callable[[Store], None]
) -> None:
    assert ledger.asset_sums("final", 9) == (AssetSums(), [])
    bought = (("poster", "final", 21, 1), ("poster", "draft", 47, 14), ("poster", "review", 5, 1),
              ("tin", "draft", 99, 1), ("cup", "final", 21, 0), ("sign", "final", 30, 1), ("é", "final", 30, 1),
              ("", "draft", 3, 1))  # fmt: skip
    for number, (asset, importance, amount, images) in enumerate(bought):
        labels = {"asset": asset or None, "importance": importance}
        ledger.reserve(record(str(number), **labels), [reservation(amount, request_id=str(number))])
        ledger.resolve(settle(f"{number}/1", amount, images=images))
    ledger.reserve(record("lost", asset="lost"), [reservation(0, request_id="lost")])
    ledger.resolve(settle("lost/1", 0, images=0))
    settled(ledger)
    sums, rows = ledger.asset_sums("final", 2)
    assert sums == AssetSums(
        finished=AssetSum(assets=3, images=18, spent_nusd=133),
        unfinished=AssetSum(assets=2, images=1, spent_nusd=120),  # of the cup nothing came
        unnamed=AssetSum(assets=1, images=1, spent_nusd=3),
        drafted=2,
        promoted=1,
        drafts=4,
    )
    assert {row.key: int(row.spent) for row in rows} == {
        ("poster", "final"): 21, ("poster", "draft"): 47, ("poster", "review"): 5, ("sign", "final"): 30,
    }  # fmt: skip
    everything = ledger.spend(BY_ASSET)
    assert len(everything) == len(bought)
    assert ledger.asset_sums("final", None) == (sums, everything)
    assert ledger.asset_sums("", 9)[0].finished == AssetSum()


def test_spend_may_be_asked_of_some_assets_only(ledger: Store, settled: Callable[[Store], None]) -> None:
    for number, asset in enumerate(("cup", "tin", None, "cup", '"; --')):
        buy(ledger, str(number), 2**number, labels={"asset": asset}, at=NOON + number * HOUR)
    settled(ledger)
    for assets, spent in ((("cup",), 9), (("tin", '"; --'), 18), (("",), 4), ((), 0), (("mug",), 0)):
        for by in ((), ("importance",), ("deployment",), ("campaign", "asset")):
            assert total_of(ledger.spend(SpendQuery(by=by, assets=assets))).spent == spent
    assert total_of(ledger.spend(SpendQuery(by=(), assets=("cup",), since=NOON + HOUR))).spent == 8


def test_spend_may_be_asked_of_one_importance_only(ledger: Store, settled: Callable[[Store], None]) -> None:
    for number, importance in enumerate(("draft", "final", "draft", "review")):
        labels = {"importance": importance, "asset": "cup", "tags": {"campaign": "spring"}}
        buy(ledger, str(number), 2**number, labels=labels, at=NOON + number * HOUR)
    settled(ledger)
    ledger.reserve(record("open", importance="draft"), [reservation(1, request_id="open")])
    for importance, spent in (("draft", 5), ("final", 2), ("sketch", 0)):
        for by in ((), ("deployment",), ("campaign",), ("campaign", "kind"), ("asset",), ("asset", "campaign")):
            found = total_of(ledger.spend(SpendQuery(by=by, importance=importance)))
            assert (int(found.spent), int(found.held)) == (spent, 1 if importance == "draft" else 0)
