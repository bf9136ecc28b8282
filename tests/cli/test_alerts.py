"""``routing alerts``: what was worth knowing, trying the channels, and telling them now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from standardwebhooks import Webhook

from routing.assembly import open_store
from routing.core.window import EPOCH
from tests.alerts.receiver import EXAMPLES, receiving
from tests.cli.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.alerts.receiver import Receiver
    from tests.cli.conftest import CommandLine

HOOK = "alerts: [{kind: webhook, url_env: HOOK, secret_env: SECRET}]"
GOLDEN = Path(__file__).parents[1] / "golden" / "alerts"
SECRET = "whsec_dHdlbnR5LWZvdXIgYnl0ZXMgb2Ygc2FsdA=="


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def hooked(routing: CommandLine, receiver: Receiver, edit_config: Callable[[str, str], None]) -> CommandLine:
    """A command line whose alerts go to the receiver."""
    edit_config("alerts: [{kind: log}]", HOOK)
    routing.env |= {"HOOK": receiver.url, "SECRET": SECRET}
    return routing


def write(line: CommandLine, *names: str) -> None:
    """Put alerts into the ledger that nobody was told of yet."""
    store = open_store("sqlite:///spend.db", line.folder)
    store.record_alerts([EXAMPLES[name] for name in names])
    store.close()


def test_without_anything_bought_there_are_no_alerts_and_no_file_is_made(keyless: CommandLine) -> None:
    ran = keyless("alerts")
    assert (ran.code, ran.out, ran.err) == (0, "no alerts in the last 30 days\n", "")
    assert json.loads(keyless("alerts", "list", "--json").out) == {"alerts": []}
    ran = keyless("alerts", "deliver")
    assert (ran.code, ran.out) == (0, "nothing is due: `routing alerts` lists what was told\n")
    assert not (keyless.folder / "spend.db").exists()


def test_the_list_says_what_when_who_was_told_and_who_waits(hooked: CommandLine, receiver: Receiver) -> None:
    write(hooked, "threshold", "overrun")
    assert hooked("alerts", "deliver").code == 0
    receiver.status, receiver.reply = 503, b"closed for today"
    write(hooked, "forecast")
    assert hooked("alerts", "deliver").code == 1
    write(hooked, "action")
    ran = hooked("alerts", "--since", "2026-11-01")
    assert ran.code == 0
    check_golden(GOLDEN / "list.txt", ran.out)
    listed = json.loads(hooked("alerts", "--since", "2026-11-01", "--json").out)["alerts"]
    assert [(each["kind"], each["told"], each["waiting"]) for each in listed] == [
        ("threshold", ["webhook"], {}),
        ("overrun", ["webhook"], {}),
        ("forecast", [], {"webhook": '127.0.0.1 answered 503: "closed for today"'}),
        ("action", [], {}),
    ]
    assert hooked("alerts", "list", "--since", "2026-11-22").out == "no alerts since 2026-11-22\n"


def test_deliver_says_what_was_sent_and_what_was_not_and_sends_nothing_twice(
    hooked: CommandLine, receiver: Receiver
) -> None:
    write(hooked, "threshold", "unconfirmed")
    ran = hooked("alerts", "deliver")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "webhook: Budget month has reached 80% of its limit: taken",
        "webhook: $0.84 charged without the vendor's word: taken",
    ]
    assert [Webhook(SECRET).verify(each.body, each.headers)["data"]["kind"] for each in receiver.arrived] == [
        "threshold",
        "unconfirmed",
    ]
    assert hooked("alerts", "deliver").out == "nothing is due: `routing alerts` lists what was told\n"
    assert len(receiver.arrived) == 2


def test_deliver_in_json_names_what_failed_and_why(hooked: CommandLine, receiver: Receiver) -> None:
    receiver.status = 500
    write(hooked, "threshold")
    ran = hooked("alerts", "deliver", "--json")
    (delivery,) = json.loads(ran.out)["deliveries"]
    assert (ran.code, delivery["channel"], delivery["taken"]) == (1, "webhook", False)
    assert delivery["error"] == '127.0.0.1 answered 500: "ok"'


def test_a_test_goes_to_every_channel_now_and_into_no_ledger(
    hooked: CommandLine, receiver: Receiver, edit_config: Callable[[str, str], None]
) -> None:
    edit_config(HOOK, f"{HOOK[:-1]}, {{kind: slack, url_env: SLACK, kinds: [overrun]}}]")
    ran = hooked("alerts", "test", SLACK=receiver.url)
    assert (ran.code, ran.out.splitlines()) == (
        0,
        ['sent "Test alert of image-routing"', "webhook: taken", "slack: taken"],
    )
    bodies = [each.body for each in receiver.arrived]
    assert len(bodies) == 2
    assert all(b"Test alert of image-routing" in body for body in bodies)
    assert not (hooked.folder / "spend.db").exists()


def test_a_test_says_which_channel_did_not_take_it(
    hooked: CommandLine, receiver: Receiver, edit_config: Callable[[str, str], None]
) -> None:
    edit_config(HOOK, f"{HOOK[:-1]}, {{kind: slack, url_env: SLACK}}]")
    ran = hooked("alerts", "test")
    assert ran.code == 1
    assert "slack: not taken: the environment has no SLACK: set it, and what waits is sent" in ran.out
    assert len(receiver.arrived) == 1
    assert hooked("alerts", "test", "--channel", "webhook").code == 0
    wrong = hooked("alerts", "test", "--channel", "webhok")
    assert wrong.code == 2
    assert "no channel is named 'webhok' (did you mean 'webhook'?): there are webhook, slack" in wrong.err


def test_without_channels_every_command_says_so(routing: CommandLine, edit_config: Callable[[str, str], None]) -> None:
    edit_config("alerts: [{kind: log}]", "")
    told = "router.yaml names no channels: add them under `alerts:`\n"
    for words in (("alerts",), ("alerts", "test"), ("alerts", "deliver")):
        assert routing(*words).out.endswith(told)


def test_a_purchase_tells_before_the_command_ends(
    hooked: CommandLine, receiver: Receiver, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("alert_at: [50%, 80%, 100%]", "alert_at: [0.0001]")
    assert hooked.process("generate", "a fox").code == 0
    (arrived,) = receiver.arrived
    assert json.loads(arrived.body)["data"]["kind"] == "threshold"


def test_processes_that_deliver_at_once_tell_each_alert_once(hooked: CommandLine, receiver: Receiver) -> None:
    names = [name for name in EXAMPLES if name != "test"]
    write(hooked, *names)
    receiver.open.clear()  # so that all of them are under way before the first is answered
    running = [hooked.start("alerts", "deliver") for _ in range(3)]
    assert receiver.asked.wait(60)
    receiver.open.set()
    assert [process.wait(60) for process in running] == [0, 0, 0]
    for process in running:
        process.communicate()
    ids = [each.headers["webhook-id"] for each in receiver.arrived]
    assert len(ids) == len({*ids}) == len(names)
    store = open_store("sqlite:///spend.db", hooked.folder)
    assert all(each.delivered == ("webhook",) for each in store.alerts(EPOCH))
    store.close()


def test_what_a_killed_process_was_telling_is_told_by_the_next_one(hooked: CommandLine, receiver: Receiver) -> None:
    write(hooked, "threshold")
    receiver.open.clear()
    process = hooked.start("alerts", "deliver")
    assert receiver.asked.wait(60)
    process.kill()
    process.communicate()
    receiver.open.set()
    store = open_store("sqlite:///spend.db", hooked.folder)
    # Its claim runs out by the clock: a minute later it is anybody's.
    at = datetime.now(UTC) + timedelta(seconds=61)
    assert [each.tries for each in store.claim_deliveries(["webhook"], at, at)] == [2]
    store.close()
