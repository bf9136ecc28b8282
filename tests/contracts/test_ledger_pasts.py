"""What every store promises to a replay: past requests in order of time, with how each ended and what it cost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from routing.core.past import Past, RequestEnded
from tests.ledger.purchases import DECEMBER, NOON, adjustment, buy, cache_hit, record, release, reservation, settle

if TYPE_CHECKING:
    from routing.ledger.base import Store


def only(ledger: Store) -> Past:
    (past,) = ledger.pasts(NOON, DECEMBER)
    return past


def reserve(ledger: Store, attempt: int, deployment: str) -> str:
    held = reservation(9, attempt=attempt, deployment=deployment)
    ledger.reserve(record(asset="poster-7", importance="final", tags={"kind": "poster"}), [held])
    return held.id


def test_a_past_request_has_all_that_a_replay_reads(ledger: Store) -> None:
    ledger.resolve(settle(reserve(ledger, 1, "flux"), 5))
    written = record(asset="poster-7", importance="final", tags={"kind": "poster"})
    assert only(ledger) == Past(
        request_id="poster",
        at=NOON,
        features=written.features,
        asset="poster-7",
        importance="final",
        ended=RequestEnded.BOUGHT,
        charges=(("flux", 5),),
    )


def test_a_past_request_has_its_words_where_they_were_kept(ledger: Store) -> None:
    ledger.reserve(record(prompt="a fox"), [reservation(9)])
    assert only(ledger).prompt == "a fox"


def test_charges_are_summed_by_deployment_with_their_corrections(ledger: Store) -> None:
    ledger.resolve(settle(reserve(ledger, 1, "flux"), 5))
    ledger.resolve(settle(reserve(ledger, 2, "flux"), 6))
    ledger.resolve(release(reserve(ledger, 3, "gone")))
    ledger.resolve(settle(reserve(ledger, 4, "gpt"), 7))
    ledger.adjust(adjustment(4, "poster/4", at=NOON))
    assert only(ledger).charges == (("flux", 11), ("gpt", 4))


def test_how_a_request_ended(ledger: Store) -> None:
    held = reserve(ledger, 1, "flux")
    assert (only(ledger).ended, only(ledger).charges) == (RequestEnded.BOUGHT, ())
    ledger.resolve(release(held))
    assert only(ledger).ended is RequestEnded.FAILED
    ledger.record_cached(record(asset="poster-7", importance="final", tags={"kind": "poster"}), cache_hit())
    assert only(ledger).ended is RequestEnded.CACHED
    ledger.resolve(settle(reserve(ledger, 2, "flux"), 5))
    assert only(ledger).ended is RequestEnded.BOUGHT


def test_what_the_bill_says_was_free_was_not_bought(ledger: Store) -> None:
    ledger.resolve(settle(reserve(ledger, 1, "flux"), 5))
    ledger.adjust(adjustment(0, "poster/1", at=NOON))
    assert only(ledger).ended is RequestEnded.FAILED


def test_the_same_requests_are_walked_as_histories_are_over_more_than_a_page(ledger: Store) -> None:
    for number in range(1_100):
        buy(ledger, str(number), number, at=NOON + timedelta(seconds=number // 400))
    buy(ledger, "too late", 1, at=NOON + timedelta(minutes=1))
    buy(ledger, "too early", 1, at=NOON - timedelta(seconds=1))
    walked = list(ledger.pasts(NOON, NOON + timedelta(minutes=1)))
    histories = list(ledger.histories(NOON, NOON + timedelta(minutes=1)))
    assert [past.request_id for past in walked] == [history.record.request_id for history in histories]
    assert [past.features for past in walked] == [history.record.features for history in histories]
    assert [sum(cost for _, cost in past.charges) for past in walked] == list(range(1_100))
    assert not any(past.partial for past in walked)
