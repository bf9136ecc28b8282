"""What every store promises to those who walk through it: requests with all that is known of them, charges in doubt."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from routing.core.charge import CHARGING
from routing.core.entries import Basis
from routing.core.features import Features
from routing.core.picture import Size
from routing.core.request import Operation
from routing.ledger import reading
from tests.ledger.purchases import (
    DECEMBER,
    HOLD_FOR,
    NOON,
    NOVEMBER,
    adjustment,
    buy,
    cache_hit,
    claim,
    record,
    release,
    reservation,
    settle,
)

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from routing.ledger.base import Store


# --- Histories --------------------------------------------------------------------------------------------------------


def walk(ledger: Store, since: datetime = NOON, until: datetime = DECEMBER) -> list[str]:
    return [history.record.request_id for history in ledger.histories(since, until)]


def test_requests_are_walked_in_order_of_time_and_then_as_they_were_written(ledger: Store) -> None:
    for name, minutes in (("late", 2), ("early", 0), ("later", 2), ("before", -1), ("at the end", 3)):
        buy(ledger, name, 1, at=NOON + timedelta(minutes=minutes))
    assert walk(ledger, until=NOON + timedelta(minutes=3)) == ["early", "late", "later"]
    assert walk(ledger, since=DECEMBER) == []


def test_a_walk_over_more_than_a_page_tells_each_request_once_and_in_full(ledger: Store) -> None:
    moments = [NOON + timedelta(seconds=number // 400) for number in range(1100)]
    for number, at in enumerate(moments):
        buy(ledger, str(number), number, claim("month", 10**9), at=at)
    ledger.adjust(adjustment(5, reservation_id="1050/1"))
    ledger.record_cached(record("1060", at=moments[1060]), cache_hit("1060"))
    found = list(ledger.histories(NOON, DECEMBER))
    assert [history.record.request_id for history in found] == [str(number) for number in range(1100)]
    assert [history.attempts[0].cost_nusd for history in found] == [
        5 if number == 1050 else number for number in range(1100)
    ]
    assert found[1060] == ledger.history("1060")
    assert len(found[1060].cached) == 1


def test_a_request_is_remembered_with_everything_that_rules_read(ledger: Store) -> None:
    size, other = Size(width=1536, height=1024), Size(width=640, height=480)
    features = Features(
        prompt_chars=9,
        prompt_bytes=18,
        text_chars=3,
        importance="final",
        operation=Operation.EDIT,
        tags={"campaign": "весна"},
        size=size,
        quality="high",
        n=4,
        references=(size, other),
        mask=other,
        deployment="gpt-image-2",
        background="transparent",
        output_format="webp",
        extras={"seed": "7"},
        max_price_nusd=5,
        deadline_s=1.5,
    )
    ledger.record_cached(record("full", features=features, prompt="плакат ва"), cache_hit("full"))
    ledger.record_cached(record("plain"), cache_hit("plain"))
    full, plain = ledger.history("full"), ledger.history("plain")
    assert full is not None
    assert plain is not None
    assert (full.record.features, full.record.prompt) == (features, "плакат ва")
    assert (plain.record.features, plain.record.prompt) == (record().features, None)


def test_a_feature_keeps_its_value_whichever_one_it_is(ledger: Store) -> None:
    """So that a feature that is added is either written by itself or fails here."""
    given = {"str": "x", "int": 3, "float": 2.5, "Size": Size(width=2, height=3), "tuple": (Size(width=1, height=9),),
             "Mapping": {"a": "b"}, "Operation": Operation.EDIT, "bool": True}  # fmt: skip
    values = {field.name: given[re.split(r"\W", str(field.type))[0]] for field in dataclasses.fields(Features)}
    ledger.record_cached(record(features=Features(**values)), cache_hit())  # type: ignore[arg-type]  # by their names
    history = ledger.history("poster")
    assert history is not None
    assert history.record.features == Features(**values)  # type: ignore[arg-type]  # as above


def test_the_requests_for_assets_at_one_importance_come_newest_first(
    ledger: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FEW", 2)
    for number in range(7):
        labels = {"asset": f"a{number}" if number != 3 else None, "importance": "draft" if number == 5 else "final"}
        buy(ledger, str(number), 1, at=NOON + timedelta(minutes=number // 2), labels=labels)
    later = NOON + timedelta(minutes=3)
    found = list(ledger.newest(NOON, later, "final"))
    assert [history.record.request_id for history in found] == ["4", "2", "1", "0"]
    assert found == [ledger.history(history.record.request_id) for history in found]
    assert [history.record.request_id for history in ledger.newest(NOON, DECEMBER, "final")][:1] == ["6"]
    assert list(ledger.newest(DECEMBER, DECEMBER, "final")) == []


def test_what_was_made_from_a_request_is_found_whatever_became_of_it(ledger: Store) -> None:
    buy(ledger, "draft", 1)
    for name, parent in (("b", "draft"), ("a", "draft"), ("c", "b")):
        buy(ledger, name, 1, labels={"parent": parent})
    ledger.reserve(record("open", parent="draft"), [reservation(1, request_id="open")])
    assert ledger.children("draft") == ("a", "b", "open")
    assert ledger.children("c") == ledger.children("nobody") == ()


def test_what_others_were_made_from_is_counted_once_these_brought_or_cost_something(ledger: Store) -> None:
    def made_again() -> int:
        return ledger.asset_sums("final", 0)[0].made_again

    assert made_again() == 0
    buy(ledger, "first", 1)
    for name, parent in (("a", "draft"), ("b", "draft"), ("c", "b")):
        buy(ledger, name, 1, labels={"parent": parent})
    ledger.record_cached(record("again", parent="kept"), cache_hit("again"))
    for name in ("open", "poster"):
        ledger.reserve(record(name, parent="refused"), [reservation(1, request_id=name)])
    ledger.resolve(release("poster/1"))
    assert made_again() == len({"draft", "b", "kept"})
    ledger.adjust(adjustment(25, confirmed=True))
    assert made_again() == len({"draft", "b", "kept", "refused"})


def test_it_is_known_when_the_first_request_was_made(ledger: Store) -> None:
    assert ledger.first_at() is None
    for name, at in (("b", NOON), ("a", NOVEMBER), ("c", DECEMBER)):
        buy(ledger, name, 1, at=at)
    assert ledger.first_at() == NOVEMBER


# --- Charges ----------------------------------------------------------------------------------------------------------


def test_charges_come_in_order_of_time_each_with_its_request(ledger: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 2)
    buy(ledger, "late", 5, at=NOON + timedelta(hours=1))
    ledger.reserve(record(), [reservation(30), reservation(7, attempt=2), reservation(8, attempt=3)])
    ledger.resolve(settle("poster/1", 30, unconfirmed=True, at=NOON))
    ledger.resolve(settle("poster/2", 7, unconfirmed=True, at=NOON))
    ledger.resolve(release("poster/3", NOON))
    ledger.adjust(adjustment(25, confirmed=True))
    ledger.record_cached(record(), cache_hit(at=NOON))
    found = list(ledger.charges(NOON, DECEMBER))
    assert [(charge.entry.reservation_id, charge.charged_nusd, charge.saved_nusd) for charge in found] == [
        ("poster/1", 30, 0), ("poster/2", 7, 0), ("", 0, 40), ("late/1", 5, 0), ("poster/1", -5, 0),
    ]  # fmt: skip
    assert [charge.unconfirmed for charge in found] == [False, True, False, False, False]
    assert [charge.resolved_at for charge in found] == [NOON, NOON, NOON, NOON + timedelta(hours=1), NOON]
    for charge in found:
        history = ledger.history(charge.entry.request_id)
        assert history is not None
        assert charge.record == history.record
    assert [charge.entry for charge in found] == sorted(
        (entry for entry in ledger.entries() if entry.kind in CHARGING), key=lambda entry: (entry.at, entry.seq)
    )
    assert list(ledger.charges(NOON + timedelta(minutes=1), NOON + timedelta(hours=1))) == []
    assert len(list(ledger.charges(NOON + timedelta(hours=1), DECEMBER))) == 2


# --- Unconfirmed ------------------------------------------------------------------------------------------------------


def test_attempts_that_are_charged_and_unconfirmed_are_told_until_they_are_confirmed(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(30, claim()), reservation(5, attempt=2)])
    ledger.resolve(settle("poster/1", 30, unconfirmed=True, basis=Basis.QUOTED))
    ledger.resolve(settle("poster/2", 5))
    ledger.reserve(record("swept"), [reservation(7, request_id="swept")])
    ledger.sweep(NOON + HOLD_FOR, release=False)
    ledger.adjust(adjustment(25, confirmed=False))
    swept, poster = ledger.unconfirmed()
    assert (swept.reserve.reservation_id, swept.cost_nusd) == ("swept/1", 7)
    assert (poster.reserve.reservation_id, poster.cost_nusd) == ("poster/1", 25)
    history = ledger.history("poster")
    assert history is not None
    assert poster == history.attempts[0]
    ledger.adjust(adjustment(25, confirmed=True))
    assert [attempt.reserve.request_id for attempt in ledger.unconfirmed()] == ["swept"]
    ended = NOON + HOLD_FOR
    assert list(ledger.unconfirmed(since=ended)) == [swept]
    assert list(ledger.unconfirmed(until=ended)) == list(ledger.unconfirmed(since=ended + timedelta(seconds=1))) == []


def test_a_walk_over_the_unconfirmed_goes_beyond_a_page(ledger: Store) -> None:
    for number in range(1001):
        ledger.reserve(record(str(number)), [reservation(1, request_id=str(number))])
    ledger.sweep(NOON + HOLD_FOR, release=False)
    assert len({attempt.reserve.request_id for attempt in ledger.unconfirmed()}) == 1001
