"""What every store promises about alerts, and about their way to each channel."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from routing.core.alerts import Alert, AlertKind, AlertStanding, threshold_alert
from routing.core.entries import Balance
from tests.ledger.purchases import (
    DECEMBER,
    HOLD_FOR,
    NOON,
    NOVEMBER,
    adjustment,
    buy,
    claim,
    record,
    reservation,
    settle,
)

if TYPE_CHECKING:
    from datetime import datetime

    from routing.core.alerts import Delivery
    from routing.ledger.base import Store
    from tests.ledger.shelves import Shelf

MINUTE = timedelta(minutes=1)


def written(ledger: Store) -> tuple[Alert, ...]:
    return tuple(standing.alert for standing in ledger.alerts(NOVEMBER))


def news(name: str = "in doubt", **different: Any) -> Alert:
    return Alert(**{"kind": AlertKind.UNCONFIRMED, "name": name, "at": NOON, "detail": "three attempts", **different})


def take(ledger: Store, *channels: str, now: datetime = NOON, wait: timedelta = MINUTE) -> tuple[Delivery, ...]:
    return ledger.claim_deliveries(channels, now, now + wait)


def names(deliveries: tuple[Delivery, ...]) -> list[tuple[str, str, int]]:
    return [(delivery.alert.name, delivery.channel, delivery.tries) for delivery in deliveries]


# --- Thresholds -------------------------------------------------------------------------------------------------------


def test_a_threshold_alerts_once_when_spending_reaches_it(ledger: Store) -> None:
    month = claim("month", 1000, alert_at=(50,))
    ledger.reserve(record("a"), [reservation(50, month, request_id="a")])
    assert ledger.resolve(settle("a/1", 49)) == ()
    ledger.reserve(record("b"), [reservation(1, month, request_id="b")])
    at = NOON + timedelta(seconds=20)
    expected = threshold_alert(month.key, 50, 1000, 50, at)
    assert ledger.resolve(settle("b/1", 1)) == (expected,)
    assert written(ledger) == (expected,)
    buy(ledger, "c", 500, month)
    assert written(ledger) == (expected,)


def test_every_threshold_that_one_charge_passes_alerts(ledger: Store) -> None:
    month, year = claim("month", 100, alert_at=(50, 80, 100)), claim("year", 1000, alert_at=(60,))
    ledger.reserve(record(), [reservation(85, month, year)])
    alerts = ledger.resolve(settle("poster/1", 85))
    assert [(alert.key, alert.threshold_nusd) for alert in alerts] == [
        (month.key, 50),
        (month.key, 80),
        (year.key, 60),
    ]
    assert written(ledger) == alerts


def test_each_window_and_each_scope_alerts_for_itself(ledger: Store) -> None:
    counters = [claim(start=start, scope=scope, alert_at=(50,)) for start in (NOVEMBER, DECEMBER) for scope in "ab"]
    for number, counter in enumerate(counters):
        buy(ledger, str(number), 60, counter)
    assert [alert.key for alert in written(ledger)] == [counter.key for counter in counters]


def test_a_correction_can_reach_a_threshold_and_none_alerts_twice(ledger: Store) -> None:
    buy(ledger, "poster", 40, claim("month", 100, alert_at=(50,)))
    assert [alert.spent_nusd for alert in ledger.adjust(adjustment(60))] == [60]
    assert ledger.adjust(adjustment(40)) == ()
    assert ledger.adjust(adjustment(60)) == ()


def test_a_sweep_can_reach_a_threshold(ledger: Store) -> None:
    ledger.reserve(record(), [reservation(60, claim("month", 100, alert_at=(50,)))])
    ledger.sweep(NOON + HOLD_FOR, release=False)
    assert [alert.threshold_nusd for alert in written(ledger)] == [50]


def test_money_and_alerts_survive_closing_and_opening(shelf: Shelf) -> None:
    month = claim("month", 100, alert_at=(50,))
    store = shelf.open()
    buy(store, "a", 60, month)
    store.reserve(record("b"), [reservation(10, month, request_id="b")])
    if shelf.durable:
        store.close()
    again = shelf.open()
    assert [alert.threshold_nusd for alert in written(again)] == [50]
    assert again.resolve(settle("b/1", 10)) == ()
    assert again.balances("month", [NOVEMBER])[month.key] == Balance(spent_nusd=70)
    assert again.verify().differences == ()


# --- Alerts of every kind ---------------------------------------------------------------------------------------------


def test_an_alert_is_kept_as_it_was_written_once_for_each_name(ledger: Store) -> None:
    of_budget = news("forecast", kind=AlertKind.FORECAST, key=claim(scope="spring").key, limit_nusd=5, spent_nusd=4)
    assert ledger.record_alerts([news(), of_budget, news()]) == (news(), of_budget)
    assert ledger.record_alerts([news(at=NOON + MINUTE), news("another")]) == (news("another"),)
    assert written(ledger) == (news(), of_budget, news("another"))
    assert ledger.record_alerts([]) == ()


def test_a_threshold_that_was_written_already_is_not_written_by_a_settlement(ledger: Store) -> None:
    ledger.record_alerts([threshold_alert(claim().key, 50, 100, 60, NOON)])
    ledger.reserve(record(), [reservation(60, claim(alert_at=(50, 55)))])
    assert [alert.threshold_nusd for alert in ledger.resolve(settle("poster/1", 60))] == [55]


def test_alerts_are_listed_since_a_time(ledger: Store) -> None:
    ledger.record_alerts([news("a"), news("b", at=NOON + MINUTE)])
    assert [standing.alert.name for standing in ledger.alerts(NOON + MINUTE)] == ["b"]


# --- Deliveries -------------------------------------------------------------------------------------------------------


def test_an_alert_goes_once_to_every_channel(ledger: Store) -> None:
    buy(ledger, "poster", 60, claim(alert_at=(50,)))
    ledger.record_alerts([news()])
    threshold = written(ledger)[0].name
    taken = take(ledger, "log", "mail")
    assert names(taken) == [
        (threshold, "log", 1), (threshold, "mail", 1), ("in doubt", "log", 1), ("in doubt", "mail", 1)
    ]  # fmt: skip
    assert taken[2].alert == news()
    assert {delivery.claimed_until for delivery in taken} == {NOON + MINUTE}
    assert take(ledger, "log", "mail") == ()
    ledger.finish_deliveries(taken, [])
    assert take(ledger, "log", "mail", now=DECEMBER) == ()
    assert [standing.delivered for standing in ledger.alerts(NOVEMBER)] == [("log", "mail")] * 2


def test_what_failed_comes_again_at_its_time_and_on_its_channel_alone(ledger: Store) -> None:
    ledger.record_alerts([news()])
    log, mail = take(ledger, "log", "mail")
    ledger.finish_deliveries([log], [(mail, "connection refused", NOON + 5 * MINUTE)])
    assert ledger.alerts(NOVEMBER) == (
        AlertStanding(alert=news(), delivered=("log",), failing=(("mail", "connection refused"),)),
    )
    assert take(ledger, "log", "mail", now=NOON + 4 * MINUTE) == ()
    (again,) = take(ledger, "log", "mail", now=NOON + 5 * MINUTE)
    assert (again.channel, again.tries) == ("mail", 2)
    ledger.finish_deliveries([again], [])
    assert ledger.alerts(NOVEMBER) == (AlertStanding(alert=news(), delivered=("log", "mail")),)


def test_what_somebody_took_and_did_not_finish_goes_to_another_once_its_time_is_over(ledger: Store) -> None:
    ledger.record_alerts([news()])
    (first,) = take(ledger, "log")
    assert take(ledger, "log", now=NOON + MINUTE - timedelta(milliseconds=1)) == ()
    (second,) = take(ledger, "log", now=NOON + MINUTE)
    assert (second.tries, second.claimed_until) == (2, NOON + 2 * MINUTE)
    ledger.finish_deliveries([], [(first, "too late to say so", NOON)])
    assert take(ledger, "log", now=NOON + MINUTE) == ()
    ledger.finish_deliveries([first], [])
    assert take(ledger, "log", now=DECEMBER) == ()


def test_a_channel_that_is_added_later_is_not_told_old_news(ledger: Store) -> None:
    ledger.record_alerts([news("old")])
    take(ledger, "log")
    ledger.record_alerts([news("new")])
    assert names(take(ledger, "log", "mail")) == [("new", "log", 1), ("new", "mail", 1)]


def test_who_has_no_channel_takes_nothing_from_those_who_have(ledger: Store) -> None:
    ledger.record_alerts([news()])
    assert take(ledger) == ()
    assert names(take(ledger, "log")) == [("in doubt", "log", 1)]


def test_a_channel_that_is_gone_keeps_nobody_waiting(ledger: Store) -> None:
    ledger.record_alerts([news(str(number)) for number in range(150)])
    take(ledger, "gone")
    assert len(take(ledger, "log")) == 50
    assert take(ledger, "log") == ()


def test_a_hundred_are_taken_at_once_oldest_first(ledger: Store) -> None:
    ledger.record_alerts([news(f"{number:03}") for number in range(130)])
    first, second, third = (take(ledger, "log", "mail") for _ in range(3))
    assert [len(first), len(second), len(third)] == [100, 100, 60]
    assert names(first)[-1] == ("049", "mail", 1)
    assert len({(delivery.alert.name, delivery.channel) for delivery in (*first, *second, *third)}) == 260
