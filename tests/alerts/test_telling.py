"""Rounds of telling: who is told what, when it comes back, and that nobody waits for one who hangs."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from routing import telling
from routing.alerts.base import NotTaken, Subscription
from routing.core.alerts import Alert, AlertKind, Delivery, next_try
from routing.core.window import EPOCH
from routing.ledger.memory import open_memory
from routing.ledger.sqlite import SqliteStore
from routing.telling import Teller, try_channels
from tests.alerts.receiver import AT, EXAMPLES, THRESHOLD
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from routing.ledger.base import Store


@dataclass
class Ear:
    """A channel that hears; ``down`` says why it does not, ``until`` how long it hangs."""

    down: str = ""
    until: threading.Event | None = None
    heard: list[str] = field(default_factory=list)

    def send(self, alert: Alert) -> None:
        if self.until:
            assert self.until.wait(30)
        if self.down:
            raise NotTaken(self.down)
        self.heard.append(alert.name)


@pytest.fixture
def store() -> Iterator[Store]:
    made = open_memory()
    yield made
    made.close()


def written(store: Store, *names: str) -> list[str]:
    """Write alerts, a minute after each other."""
    alerts = [replace(THRESHOLD, name=name, at=AT + timedelta(minutes=at)) for at, name in enumerate(names)]
    store.record_alerts(alerts)
    return list(names)


def teller(store: Store, *, apart: bool = False, log: RecordingLog | None = None, **ears: Ear) -> Teller:
    channels = [Subscription(name=name, channel=ear) for name, ear in ears.items()]
    return Teller(store, channels, log or RecordingLog(), apart=apart)


@pytest.mark.parametrize("apart", [False, True])
def test_every_channel_is_told_once_and_the_oldest_first(store: Store, apart: bool) -> None:  # noqa: FBT001 - a case
    names = written(store, "first", "second", "third")
    left, right = Ear(), Ear()
    tells = teller(store, apart=apart, left=left, right=right)
    assert len(tells.deliver(AT)) == 6
    assert tells.deliver(AT + timedelta(days=1)) == ()
    assert (left.heard, right.heard) == (names, names)
    assert [each.delivered for each in store.alerts(EPOCH)] == [("left", "right")] * 3


def test_more_than_a_ledger_gives_at_once_are_told_in_one_go(store: Store) -> None:
    names = written(store, *(f"alert {number:03}" for number in range(130)))
    ear = Ear()
    teller(store, ear=ear).deliver(AT)
    assert ear.heard == names


def test_a_channel_that_is_down_gets_it_later_and_the_other_does_not_get_it_twice(store: Store) -> None:
    written(store, "news")
    log, well, ill = RecordingLog(), Ear(), Ear(down="example.com answered 503")
    tells = teller(store, log=log, well=well, ill=ill)
    assert [each.error for each in tells.deliver(AT)] == ["example.com answered 503", ""]
    (standing,) = store.alerts(EPOCH)
    assert (standing.delivered, standing.failing) == (("well",), (("ill", "example.com answered 503"),))
    ill.down = ""
    assert tells.deliver(AT + timedelta(seconds=20)) == ()
    tells.deliver(AT + timedelta(seconds=30))
    assert (well.heard, ill.heard) == (["news"], ["news"])
    assert store.alerts(EPOCH)[0].delivered == ("ill", "well")
    (event,) = log.named("alert_not_delivered")
    assert (event["channel"], event["error"], event["tries"]) == ("ill", "example.com answered 503", 1)


def test_a_failure_waits_twice_as_long_each_time_up_to_an_hour(store: Store) -> None:
    written(store, "news")
    tells = teller(store, ill=Ear(down="no"))
    now = AT
    waits: list[datetime] = []
    while len(waits) < 10:
        if tells.deliver(now):
            waits.append(now)
        now += timedelta(seconds=1)
    seconds = [(later - earlier).total_seconds() for earlier, later in pairwise(waits)]
    for wait, full in zip(seconds, (30, 60, 120, 240, 480, 960, 1920, 3600, 3600), strict=True):
        assert 0.75 * full <= wait <= full + 1


def test_what_failed_together_does_not_come_back_together_and_always_at_the_same_time() -> None:
    tries = [
        Delivery(alert=replace(THRESHOLD, name=name), channel="ill", tries=3, claimed_until=AT) for name in "abcdef"
    ]
    again = [next_try(each, AT) for each in tries]
    assert len(set(again)) == len(again)
    assert again == [next_try(each, AT) for each in tries]


def test_after_one_that_is_not_taken_the_younger_ones_wait(store: Store) -> None:
    written(store, "first", "second")
    ear = Ear(down="no")
    told = teller(store, ear=ear).deliver(AT)
    assert [each.error for each in told] == ["no", "waits for an older alert: no"]


def test_one_that_is_never_taken_does_not_keep_the_others_from_being_told(store: Store) -> None:
    written(store, "poison", *(f"alert {number}" for number in range(5)))

    class Picky(Ear):
        def send(self, alert: Alert) -> None:
            if alert.name == "poison":
                raise NotTaken("that one never")
            super().send(alert)

    ear, now = Picky(), AT
    tells = teller(store, ear=ear)
    for _ in range(60):
        tells.deliver(now)
        now += timedelta(minutes=1)
    assert len(ear.heard) == 5


def test_a_fault_of_a_channel_is_told_by_its_type_alone(store: Store) -> None:
    written(store, "news")

    class Broken:
        def send(self, alert: Alert) -> None:
            raise ValueError(f"https://hooks.example.com/secret for {alert.name}")

    told = Teller(store, [Subscription(name="broken", channel=Broken())], RecordingLog(), apart=False).deliver(AT)
    assert [each.error for each in told] == ["the channel failed: ValueError"]


@pytest.mark.parametrize(
    ("kinds", "budgets", "heard"),
    [
        ((), (), [*EXAMPLES]),
        (("overrun", "unconfirmed"), (), ["unconfirmed", "overrun"]),
        ((), ("campaign",), ["threshold-odd-amount", "unconfirmed", "overrun", "test"]),
        (("threshold",), ("month",), ["threshold", "limit"]),
    ],
)
def test_a_channel_hears_what_it_subscribed_to(
    store: Store, kinds: tuple[str, ...], budgets: tuple[str, ...], heard: list[str]
) -> None:
    store.record_alerts([replace(alert, name=name) for name, alert in EXAMPLES.items()])
    ear = Ear()
    wants = Subscription(name="ear", channel=ear, kinds=frozenset(map(AlertKind, kinds)), budgets=frozenset(budgets))
    tells = Teller(store, [wants], RecordingLog(), apart=False)
    assert len(tells.deliver(AT)) == len(heard)
    assert ear.heard == heard
    assert tells.deliver(AT + timedelta(days=1)) == ()


def test_without_channels_alerts_are_left_for_whoever_has_some(store: Store) -> None:
    written(store, "news")
    assert teller(store).deliver(AT) == ()
    ear = Ear()
    teller(store, ear=ear).deliver(AT)
    assert ear.heard == ["news"]


def test_a_channel_that_hangs_keeps_neither_the_round_nor_the_others_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "ROUND_S", 0.2)
    written(store, "first", "second")
    until, well = threading.Event(), Ear()
    hung = Ear(until=until)
    tells = teller(store, apart=True, hung=hung, well=well)
    errors = {(each.channel, each.alert.name): each.error for each in tells.deliver(AT)}
    assert well.heard == ["first", "second"]
    assert errors["hung", "first"] == "no answer within 0.2 s"
    assert errors["hung", "second"] == "waits for an older alert: no answer within 0.2 s"
    again = tells.deliver(AT + timedelta(seconds=30))
    assert {each.error.removeprefix("waits for an older alert: ") for each in again} == {
        "still waits for the answer to an earlier alert"
    }
    until.set()
    tells._hanging["hung"].join(10)
    tells.deliver(AT + timedelta(minutes=2))
    # The first was taken after all when nobody waited any more, and so came twice: with the same id.
    assert hung.heard == ["first", "first", "second"]


def test_two_processes_on_one_ledger_tell_each_alert_once(tmp_path: Path) -> None:
    stores = [SqliteStore.open(tmp_path / "spend.db") for _ in range(4)]
    names = written(stores[0], *(f"alert {number:02}" for number in range(40)))
    ear = Ear()
    threads = [threading.Thread(target=teller(store, ear=ear).deliver, args=(AT,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ear.heard) == names
    for store in stores:
        store.close()


def test_what_somebody_claimed_and_never_finished_is_told_by_another(store: Store) -> None:
    written(store, "news")
    store.claim_deliveries(["ear"], AT, AT + timedelta(seconds=telling.LEASE_S))
    ear = Ear()
    tells = teller(store, ear=ear)
    assert tells.deliver(AT + timedelta(seconds=59)) == ()
    tells.deliver(AT + timedelta(seconds=60))
    assert ear.heard == ["news"]


def test_a_trial_goes_to_every_channel_and_into_no_ledger(store: Store) -> None:
    well, ill = Ear(), Ear(down="no")
    only = frozenset({AlertKind.OVERRUN})
    told = try_channels(
        [Subscription(name="well", channel=well, kinds=only), Subscription(name="ill", channel=ill)], EXAMPLES["test"]
    )
    assert [(each.channel, each.error) for each in told] == [("well", ""), ("ill", "no")]
    assert store.alerts(EPOCH) == ()
