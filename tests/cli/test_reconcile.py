"""``ledger unconfirmed``, ``resolve`` and ``reconcile``: what is in doubt becomes what the vendor's bill says."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from routing.core.entries import Adjustment, EntryKind
from routing.core.money import usd
from routing.ledger.sqlite import SqliteStore
from tests.cli.golden import check_golden
from tests.ledger.purchases import NOON, record, reservation, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import CommandLine

GOLDEN = Path(__file__).parents[1] / "golden" / "bill"
RECONCILE = ("ledger", "reconcile")


# --- A ledger with a past, and the vendor's bill of it ----------------------------------------------------------------


class Past:
    """Writes attempts of a November day into the ledger of a folder, and the bill into a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore.open(folder / "spend.db")
        self.bill = ["request_id,created_at,model,cost"]

    def attempt(self, name: str, held: str, charged: str | None, seconds: int = 0, **different: Any) -> None:
        """One attempt; ``charged`` is ``None`` while it is open."""
        at = NOON + timedelta(seconds=seconds)
        bought = {key: different.pop(key) for key in ("deployment", "model") if key in different}
        made = reservation(usd(held), request_id=name, at=at, **bought)
        self.store.reserve(record(name, at=at), [made])
        if charged is not None:
            ending = {"at": at + timedelta(seconds=20), **different}
            self.store.resolve(settle(f"{name}/1", usd(charged), **ending))

    def unknown(self, name: str, held: str, seconds: int = 0, reason: str = "timed out", **different: Any) -> None:
        """One attempt whose outcome is unknown: charged at its quote."""
        self.attempt(name, held, held, seconds, unconfirmed=True, reason=reason, **different)

    def line(self, cost: str, seconds: int = 10, request_id: str = "", model: str = "gpt-image-2") -> None:
        """One line of the bill."""
        self.bill.append(f"{request_id},{NOON + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ},{model},{cost}")

    def write(self, name: str = "bill.csv") -> str:
        """Write the bill; return its name."""
        (self.folder / name).write_text("\n".join([*self.bill, ""]), encoding="utf-8")
        return name


@pytest.fixture
def past(keyless: CommandLine) -> Iterator[Past]:
    made = Past(keyless.folder)
    yield made
    made.store.close()


@pytest.fixture
def november(past: Past) -> Past:
    """One of everything that can be found."""
    past.attempt("poster-1", "0.22", "0.2107", vendor_request_id="req_1")
    past.line("0.2107", request_id="req_1")
    past.attempt("poster-2", "0.22", "0.2107", 600, vendor_request_id="req_2")
    past.line("0.23", 610, request_id="req_2")
    past.unknown("poster-3", "0.22", 1200, "ProviderTimeout: no answer within 360 s")
    past.line("0.2107", 1205, request_id="req_3")
    past.unknown("poster-4", "0.053", 2400, "ProviderUnavailable: connection lost")
    past.line("0.0589", 3600, request_id="req_9")
    past.attempt("poster-5", "0.006", "0.00589", 4800, vendor_request_id="req_5")
    past.attempt("poster-6", "0.006", None, 6000)
    past.line("0.00589", 6001, request_id="req_6")
    past.line("-5", 7000)
    past.line("0.00589", 7200, request_id="req_7")
    past.attempt("poster-7", "0.006", "0.00589", 7200, vendor_request_id="req_7")
    return past


def test_what_is_unconfirmed_is_listed_with_what_to_do(november: Past, keyless: CommandLine) -> None:
    ran = keyless("ledger", "unconfirmed")
    assert ran.code == 0
    check_golden(GOLDEN / "unconfirmed.txt", ran.out)
    november.store.close()
    told = json.loads(keyless("ledger", "unconfirmed", "--json").out)
    assert told == {
        "rows": [
            {
                "attempt": "poster-3/1",
                "at": "2026-11-21T12:20:00+00:00",
                "deployment": "gpt-image-2",
                "model": "gpt-image-2-2026-04-21",
                "charged_usd": "0.22",
                "reason": "ProviderTimeout: no answer within 360 s",
            },
            {
                "attempt": "poster-4/1",
                "at": "2026-11-21T12:40:00+00:00",
                "deployment": "gpt-image-2",
                "model": "gpt-image-2-2026-04-21",
                "charged_usd": "0.053",
                "reason": "ProviderUnavailable: connection lost",
            },
        ],
        "total_usd": "0.273",
    }


def test_nothing_unconfirmed_is_said_too(keyless: CommandLine) -> None:
    assert keyless("ledger", "unconfirmed").out.startswith("nothing is unconfirmed")
    assert json.loads(keyless("ledger", "unconfirmed", "--json").out) == {"rows": [], "total_usd": "0"}


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_what_somebody_knows_is_booked_with_how_they_know(november: Past, keyless: CommandLine) -> None:
    ran = keyless("ledger", "resolve", "poster-3/1", "--charged", "$0.2107", "--reason", "invoice  of\nNovember")
    assert (ran.code, ran.out) == (
        0,
        "poster-3/1: $0.22 -> $0.2107, was unconfirmed, now confirmed: invoice of November\n",
    )
    free = keyless("ledger", "resolve", "poster-4/1", "--not-charged", "--reason", "support", "--json")
    assert json.loads(free.out) == {
        "attempt": "poster-4/1",
        "charged_before_usd": "0.053",
        "charged_usd": "0",
        "reason": "support",
    }
    assert not [*november.store.unconfirmed()]
    entry = [*november.store.entries()][-1]
    assert (entry.kind, entry.amount_nusd, entry.reason) == (EntryKind.ADJUST, -usd("0.053"), "support")
    assert keyless("ledger", "verify").code == 0


def test_what_is_confirmed_is_corrected_only_when_asked_again(november: Past, keyless: CommandLine) -> None:
    words = ("ledger", "resolve", "poster-1/1", "--charged", "0.2", "--reason", "credit note")
    assert "confirmed at $0.2107 already: --again" in keyless(*words).err
    assert keyless(*words, "--again").out.startswith("poster-1/1: $0.2107 -> $0.2, was confirmed")
    history = november.store.history("poster-1")
    assert history is not None
    assert history.attempts[0].cost_nusd == usd("0.2")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("poster-3/1", "--reason", "x"), "say one of the two"),
        (("poster-3/1", "--charged", "1", "--not-charged", "--reason", "x"), "say one of the two"),
        (("poster-3/1", "--charged", "1"), "missing option '--reason'"),
        (("poster-3/1", "--not-charged", "--reason", "  "), "how do you know?"),
        (("poster-3/1", "--not-charged", "--reason", "x" * 501), "at most 500 characters"),
        (("poster-3/1", "--charged", "0", "--reason", "x"), "for one that was free there is --not-charged"),
        (("poster-3/1", "--charged", "much", "--reason", "x"), "is not an amount in USD"),
        (("poster-3/2", "--not-charged", "--reason", "x"), "its attempts are poster-3/1"),
        (("poster-3", "--not-charged", "--reason", "x"), "its attempts are poster-3/1"),
        (("poster-0/1", "--not-charged", "--reason", "x"), "`routing ledger unconfirmed` lists them"),
        (("poster-6/1", "--not-charged", "--reason", "x"), "is still open"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_a_mistake_moves_no_money(november: Past, keyless: CommandLine, words: tuple[str, ...], told: str) -> None:
    before = [*november.store.entries()]
    ran = keyless("ledger", "resolve", *words)
    assert ran.code == 2
    assert told in ran.err
    assert [*november.store.entries()] == before


# --- By the bill ------------------------------------------------------------------------------------------------------


def test_without_apply_everything_is_told_and_nothing_is_written(november: Past, keyless: CommandLine) -> None:
    before = [*november.store.entries()]
    ran = keyless(*RECONCILE, "--bill", november.write())
    assert ran.code == 1
    check_golden(GOLDEN / "found.txt", ran.out)
    assert [*november.store.entries()] == before


def test_with_apply_what_can_be_known_is_booked_once(november: Past, keyless: CommandLine) -> None:
    words = (*RECONCILE, "--bill", november.write(), "--apply")
    check_golden(GOLDEN / "applied.txt", keyless(*words).out)
    entries = [*november.store.entries()]
    assert [entry.reason for entry in entries if entry.kind is EntryKind.ADJUST] == [
        "the vendor's bill, bill.csv:3",
        "the vendor's bill, bill.csv:4",
    ]
    check_golden(GOLDEN / "applied-twice.txt", keyless(*words).out)
    assert [*november.store.entries()] == entries


def test_a_complete_bill_takes_off_what_it_does_not_list(november: Past, keyless: CommandLine) -> None:
    words = (*RECONCILE, "--bill", november.write(), "--complete", "--apply")
    told = json.loads(keyless(*words, "--json").out)
    assert [(each["attempt"], each["cost_usd"]) for each in told["adjustments"]] == [
        ("poster-2/1", "0.23"),
        ("poster-3/1", "0.2107"),
        ("poster-4/1", "0"),
    ]
    assert not [*november.store.unconfirmed()]
    # What is confirmed here and lacks there, and what is there and not here, stays a question.
    assert {each["kind"] for each in json.loads(keyless(*words, "--json").out)["findings"]} == {
        "on the bill, not in the ledger",
        "in the ledger, not on the bill",
        "on the bill, still open here",
        "credit",
    }


def test_for_programs_all_of_it_is_data(november: Past, keyless: CommandLine) -> None:
    told = json.loads(keyless(*RECONCILE, "--bill", november.write(), "--json").out)
    assert told.pop("findings")[0] == {
        "kind": "priced differently",
        "attempt": "poster-2/1",
        "deployment": "gpt-image-2",
        "model": "gpt-image-2-2026-04-21",
        "at": "2026-11-21T12:10:00+00:00",
        "billed_usd": "0.23",
        "booked_usd": "0.2107",
        "difference_usd": "0.0193",
        "on_the_bill": ["bill.csv:3"],
        "by": "request_id",
        "bookable": True,
    }
    check_golden(GOLDEN / "found.json", json.dumps(told, indent=2))


def test_when_the_books_agree_that_is_all_there_is_to_say(past: Past, keyless: CommandLine) -> None:
    past.attempt("poster-1", "0.22", "0.2107", vendor_request_id="req_1")
    past.line("0.2107", request_id="req_1")
    ran = keyless(*RECONCILE, "--bill", past.write())
    assert ran.code == 0
    assert ran.out.endswith("\nthe ledger agrees with the bill\n")


def test_a_bill_without_request_ids_is_booked_once_as_well(past: Past, keyless: CommandLine) -> None:
    for number in range(3):
        past.unknown(f"poster-{number}", "0.22", number)
        past.line("0.2107", 10)
    words = (*RECONCILE, "--bill", past.write(), "--apply")
    assert "booked 3 corrections, -$0.0279 in all" in keyless(*words).out
    past.bill.append(past.bill.pop(1))  # the same bill, in another order
    again = keyless(*RECONCILE, "--bill", past.write("again.csv"), "--apply")
    assert (again.code, again.out.splitlines()[-1]) == (0, "the ledger agrees with the bill")


def test_a_sum_of_several_calls_is_not_booked_as_one_nor_are_they_free(past: Past, keyless: CommandLine) -> None:
    past.unknown("poster-1", "0.22")
    past.line("31.5", 10)
    day = ("--since", "2026-11-21", "--until", "2026-11-22")
    ran = keyless(*RECONCILE, "--bill", past.write(), *day, "--complete", "--apply")
    assert ran.code == 1
    assert "on the bill, not in the ledger: " in ran.out
    assert ran.out.endswith("\n2 need a look: nothing is booked for them\n")
    assert len([*past.store.unconfirmed()]) == 1


def test_what_only_the_time_tells_of_a_certain_call_is_told_and_not_booked(past: Past, keyless: CommandLine) -> None:
    past.attempt("poster-1", "0.22", "0.2107")
    past.line("0.2", 10)
    ran = keyless(*RECONCILE, "--bill", past.write(), "--apply")
    assert ran.code == 1
    assert "bill.csv:2, by time alone: not booked" in ran.out


def test_a_bill_is_compared_with_its_own_vendors_calls_only(past: Past, keyless: CommandLine) -> None:
    past.attempt("fox", "0.04", "0.0387", deployment="nano-banana", model="gemini/gemini-2.5-flash-image")
    past.attempt("gone", "0.006", "0.00589", 5, deployment="since-removed", vendor_request_id="req_2")
    past.line("0.00589", request_id="req_2")
    ran = keyless(*RECONCILE, "--bill", past.write())
    assert ran.code == 0
    assert "compared with what was bought from openai" in ran.out
    day = ("--since", "2026-11-21", "--until", "2026-11-22", "--json")
    google = json.loads(keyless(*RECONCILE, "--bill", "bill.csv", "--provider", "google", *day).out)
    assert [(each["kind"], each["attempt"]) for each in google["findings"]] == [
        ("in the ledger, not on the bill", "fox/1")
    ]


def test_where_two_providers_sell_a_model_the_bills_owner_must_be_named(
    past: Past, keyless: CommandLine, edit_config: Callable[[str, str], None]
) -> None:
    edit_config("providers: #", "providers:\n  other: {kind: openai, api_key_env: OTHER_KEY}\n  #")
    edit_config("deployments:\n", "deployments:\n  second: {provider: other, model: gpt-image-2}\n")
    past.line("0.00589")
    assert "this may be the bill of other or openai" in keyless(*RECONCILE, "--bill", past.write()).err
    assert keyless(*RECONCILE, "--bill", "bill.csv", "--provider", "openai").code == 1


def test_lines_outside_the_time_that_is_named_are_left_out(past: Past, keyless: CommandLine) -> None:
    past.attempt("poster-1", "0.22", "0.2107", vendor_request_id="req_1")
    past.line("0.2107", request_id="req_1")
    past.line("0.2107", 90_000, request_id="req_2")
    ran = keyless(*RECONCILE, "--bill", past.write(), "--since", "2026-11-21", "--until", "2026-11-22")
    assert ran.code == 0
    assert "left out, since they lie outside this time: 1 line\n" in ran.out


def test_ids_of_another_kind_are_told_and_can_be_left_out(past: Past, keyless: CommandLine) -> None:
    past.attempt("poster-1", "0.22", "0.2107", vendor_request_id="req_1")
    past.unknown("poster-2", "0.22", 900)
    past.line("0.2107", 910, request_id="invoice-line-77")
    past.line("0.2107", request_id="invoice-line-78")
    words = (*RECONCILE, "--bill", past.write(), "--slack", "1m")
    ran = keyless(*words)
    assert ran.code == 1
    assert "none of the bill's request ids is in the ledger" in ran.out
    without = keyless(*words, "--column", "request_id=", "--json").out
    assert json.loads(without)["columns"] == {"model": "model", "amount": "cost", "time": "created_at"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say one of the two: --bill FILE, or --costs PROVIDER"),
        (("--bill", "bill.csv", "--costs", "openai"), "say one of the two"),
        (("--bill", "no.csv"), "no.csv:1:1: cannot be read: No such file"),
        (("--bill", "bill.csv", "--provider", "opnai"), "did you mean 'openai'?"),
        (("--bill", "bill.csv", "--slack", "soon"), "write it like 30s or 5m"),
        (("--bill", "bill.csv", "--slack", "25h"), "no length of time up to 24h"),
        (("--bill", "bill.csv", "--column", "amout=x"), "did you mean 'amount'?"),
        (("--bill", "bill.csv", "--column", "amount"), "chooses no column"),
        (("--bill", "bill.csv", "--column", "amount=kost"), "there is no column 'kost' (did you mean 'cost'?)"),
        (("--bill", "bill.csv", "--since", "2026-12-01", "--until", "2026-11-01"), "is not before until"),
        (("--bill", "bill.csv", "--since", "2027-01-01"), "no line of bill.csv lies between"),
        (("--bill", "bill.csv", "--since", "0001-01-01"), "since 0001-01-01 is of no bill's time: from 2000-01-01 to"),
        (("--bill", "bill.csv", "--column", "time="), "bill.csv does not say when"),
        (("--costs", "openai", "--apply"), "nothing is booked from sums of days"),
        (("--costs", "openai", "--since", "2026-11-01"), "the environment has no OPENAI_ADMIN_KEY"),
        (("--costs", "google", "--since", "2026-11-01"), "is of kind litellm: only OpenAI itself"),
        (("--costs", "nobody", "--since", "2026-11-01"), "router.yaml has no provider 'nobody'"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_with_its_way_out(
    past: Past, keyless: CommandLine, words: tuple[str, ...], told: str
) -> None:
    past.line("0.2107", request_id="req_1")
    past.write()
    ran = keyless(*RECONCILE, *words)
    assert ran.code == 2
    assert told in ran.err
    assert "Traceback" not in ran.err


def test_a_complete_bill_of_nobody_is_refused(past: Past, keyless: CommandLine) -> None:
    past.line("0.2", model="someone-elses-model")
    ran = keyless(*RECONCILE, "--bill", past.write(), "--complete")
    assert ran.code == 2
    assert "omit --complete" in ran.err


def test_a_corrected_attempt_stays_what_it_was_corrected_to(november: Past, keyless: CommandLine) -> None:
    # A person was quicker than the bill: what they booked is compared like everything else.
    november.store.adjust(
        Adjustment(reservation_id="poster-3/1", at=NOON + timedelta(days=1), cost_nusd=usd("0.2107"), reason="support")
    )
    told = json.loads(keyless(*RECONCILE, "--bill", november.write(), "--json").out)
    assert "poster-3/1" not in {each["attempt"] for each in told["findings"]}
    assert told["totals"]["calls"]["matched"] == 3
