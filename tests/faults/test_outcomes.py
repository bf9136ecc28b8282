"""What happened, and was it charged: every row of both tables, over real HTTP, in one place.

A request goes to the deployment ``first``, at which something goes wrong, and where that is allowed to ``second``,
which always delivers. Each row says how the attempts are booked and what the caller gets.
"""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from routing import ContentRejected, ProviderError, ProviderTimeout, ProviderUnavailable
from routing.core.alerts import AlertKind
from routing.core.backoff import backoff_s
from routing.core.entries import EntryKind
from routing.testing import FrozenClock
from tests.faults.campaign import Campaign, buyer
from tests.faults.scene import Arrange, Scene, booked, fault, nobody, refusal, said, sent_to, spent
from tests.providers.buying import Said, parrot, png

if TYPE_CHECKING:
    from routing import Result, Router
    from routing.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
COST = 52_690_000
"""Of a square at medium, which is bought where nothing is said: 1756 tokens at $30, two of words at $5 a million."""
FOX = "fox"
SLOW_S = 11
"""Longer than a server fault may take that came, most likely, before any work."""

# --- The rows ---------------------------------------------------------------------------------------------------------

RELEASED = ("first release",)
UNKNOWN = ("first settle quoted unconfirmed",)
METERED = ("first settle metered",)
SECOND = ("second settle metered",)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way for a call to end. ``row`` is the table's first column; ``error`` is what the caller gets, if any.

    What was released for a rate limit several times in a row stands in ``books`` once.
    """

    row: str
    case: str
    first: Arrange
    books: tuple[str, ...]
    sent: bool = True
    error: type[Exception] | None = None
    waits_s: float = 0
    deadline_s: float | None = None
    cost: str = ""
    """``metered``, ``quote`` or ``0``: what ``first`` is charged."""


IMAGE_AND_USAGE = "image and usage"
BAD = "a bad picture: blank, smaller than asked, another format"
NO_USAGE = "image, no usage reported"
REFUSED = "refused before work: 400 validation, 401, 403, 404, 413, 422, moderation at the input"
LIMITED = "rate limited: 429 rate_limit_exceeded"
NO_MONEY = "429 insufficient_quota, 400 billing_hard_limit_reached"
NEVER_SENT = "never sent: connection refused, DNS, connect timeout, TLS"
QUICK = "500 and 503 that arrive within seconds"
LOST = "timeout, cancel, reset or truncation after sending, 502, 504, 524"
UNREADABLE = "200 that cannot be read, or without an image"
LATE = "output-side moderation (slow 400)"
ABOVE = "actual above the hold"
BLOCKED = "Gemini safety block with usage"

ROWS = [
    Row(row=IMAGE_AND_USAGE, case="a picture", first=fault("hang:0"), books=METERED, cost="metered"),
    *(
        Row(row=BAD, case=name, first=fault(name), books=METERED, cost="metered")
        for name in ("blank", "small", "wrong-size")
    ),
    Row(row=NO_USAGE, case="no usage", first=fault("no-usage"), books=("first settle quoted",), cost="quote"),
    Row(row=REFUSED, case="400", first=said(400, refusal("invalid_value")), books=(*RELEASED, *SECOND)),
    Row(row=REFUSED, case="401", first=fault("401"), books=(*RELEASED, *SECOND)),
    Row(row=REFUSED, case="403", first=said(403, refusal("forbidden")), books=(*RELEASED, *SECOND)),
    Row(row=REFUSED, case="404", first=fault("404"), books=(*RELEASED, *SECOND)),
    Row(row=REFUSED, case="413", first=said(413, b"too large"), books=(*RELEASED, *SECOND)),
    Row(row=REFUSED, case="422", first=said(422, refusal("unprocessable")), books=(*RELEASED, *SECOND)),
    Row(row=REFUSED, case="moderation", first=fault("moderation"), books=RELEASED, error=ContentRejected),
    Row(row=LIMITED, case="Retry-After in seconds", first=fault("429:7"), books=(*RELEASED, *METERED), waits_s=7,
        cost="metered"),
    Row(row=LIMITED, case="without a word", first=said(429, refusal("rate_limit_exceeded")),
        books=(*RELEASED, *SECOND), waits_s=sum(backoff_s(before, FOX) for before in range(3)) - 0.003),
    Row(row=LIMITED, case="beyond the deadline", first=said(429, refusal("rate_limit_exceeded"), retry_after="60"),
        books=(*RELEASED, *SECOND), deadline_s=30),
    Row(row=NO_MONEY, case="insufficient_quota", first=fault("quota"), books=(*RELEASED, *SECOND)),
    Row(row=NO_MONEY, case="billing_hard_limit_reached", first=fault("billing"), books=(*RELEASED, *SECOND)),
    Row(row=NEVER_SENT, case="connection refused", first=nobody("refused"), books=(*RELEASED, *SECOND), sent=False),
    Row(row=NEVER_SENT, case="DNS", first=nobody("invalid"), books=(*RELEASED, *SECOND), sent=False),
    Row(row=NEVER_SENT, case="connect timeout", first=nobody("full"), books=(*RELEASED, *SECOND), sent=False),
    Row(row=NEVER_SENT, case="TLS", first=nobody("https"), books=(*RELEASED, *SECOND), sent=False),
    Row(row=QUICK, case="500", first=fault("500"), books=(*UNKNOWN, *SECOND), cost="quote"),
    Row(row=QUICK, case="503", first=fault("503"), books=(*UNKNOWN, *SECOND), cost="quote"),
    Row(row=QUICK, case="500 after a long wait", first=said(500, b"", after_s=SLOW_S), books=UNKNOWN, cost="quote",
        error=ProviderUnavailable),
    Row(row=LOST, case="timeout", first=fault("hang:9"), books=UNKNOWN, cost="quote", error=ProviderTimeout),
    Row(row=LOST, case="reset", first=fault("reset"), books=UNKNOWN, cost="quote", error=ProviderUnavailable),
    Row(row=LOST, case="reset at once", first=fault("reset-early"), books=UNKNOWN, cost="quote",
        error=ProviderUnavailable),
    Row(row=LOST, case="truncation", first=fault("truncated"), books=UNKNOWN, cost="quote", error=ProviderUnavailable),
    Row(row=LOST, case="502", first=fault("502"), books=UNKNOWN, cost="quote", error=ProviderUnavailable),
    Row(row=LOST, case="504", first=said(504, b"", after_s=60), books=UNKNOWN, cost="quote", error=ProviderTimeout),
    Row(row=LOST, case="524", first=said(524, b"", after_s=100), books=UNKNOWN, cost="quote", error=ProviderTimeout),
    Row(row=LOST, case="408", first=said(408, b"", after_s=60), books=UNKNOWN, cost="quote", error=ProviderTimeout),
    *(
        Row(row=UNREADABLE, case=name, first=fault(name), books=UNKNOWN, cost="quote", error=ProviderUnavailable)
        for name in ("html", "badjson", "error200")
    ),
    *(
        Row(row=UNREADABLE, case=name, first=fault(name), books=(*METERED, *SECOND), cost="metered")
        for name in ("empty", "null", "null:data", "garbage", "garbage:b64")
    ),
    Row(row=LATE, case="moderation after the work", first=fault("moderation-late:2.1"), books=UNKNOWN, cost="quote",
        error=ContentRejected),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.row.partition(':')[0]}: {row.case}")
def test_every_outcome_is_booked_as_its_row_says(row: Row, scene: Scene, sandboxes: tuple[Sandbox, Sandbox]) -> None:
    timeout = "4s" if row.row == LATE else "1s"
    with ExitStack() as ending:
        first = row.first(ending, sandboxes[0], scene.clock)
        router = ending.enter_context(scene.router(first.url, timeout=timeout))
        quote = router.quote("a fox").price
        before = scene.clock.elapsed_s()
        caught: Exception | None = None
        result: Result | None = None
        try:
            result = router.generate("a fox", deadline=row.deadline_s, request_id=FOX)
        except ProviderError as error:
            caught = error
        assert type(caught) is (row.error or type(None))
        books = booked(router)
        assert tuple(entry for entry, _ in groupby(books)) == row.books
        # One POST for each reservation; none where the vendor could not be reached.
        assert first.posts() == (sum(entry.startswith("first ") for entry in books) if row.sent else 0)
        assert scene.second.bill()["images"] == row.books.count(*SECOND)
        assert scene.clock.elapsed_s() - before >= row.waits_s
        assert scene.clock.elapsed_s() - before < (row.deadline_s or 900)
        charged_at_first = spent(router) - scene.second.bill()["total_nusd"]
        assert charged_at_first == {"": 0, "quote": quote, "metered": COST}[row.cost]
        if result is not None:
            assert len(result.images) == 1
            assert result.cost == spent(router)
            assert bool(result.faults) is (row.row == BAD)
            assert any("the vendor reported no usage" in notice for notice in result.notices) is (row.row == NO_USAGE)
        assert router.verify().differences == ()
        assert router.verify().held_nusd == 0


# --- Rows that need more than an answer -------------------------------------------------------------------------------


def test_the_documentation_has_the_rows_that_are_tried_here() -> None:
    text = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    table = text.partition("## What happened, and what is booked")[2].partition("\n## ")[0]
    told = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]
    assert told == [
        "picture and usage",
        "picture, no usage reported",
        "a bad picture: blank, smaller than asked, another format than asked",
        "nothing could be had, the last picture or a placeholder is shown",
        "refused before work (400, 401, 404, a content rule at once)",
        "refused by a content rule later, perhaps after the picture was made",
        "rate limited",
        "never sent (connection refused, name not found)",
        "timeout, lost connection, 5xx after sending",
        "cost above the hold",
        "the process died",
        "the ledger cannot be written before the call",
        "the ledger cannot be written after the call",
    ], "a row was added or changed: try it here too (others in test_ledger_gone.py and test_degrading.py)"


def test_a_cost_above_the_hold_is_booked_in_full_and_flagged_and_alerted(scene: Scene) -> None:
    usage = {"input_tokens": 2, "output_tokens": 9_000, "total_tokens": 9_002}
    picture = base64.b64encode(png(1024, 1024)).decode()
    details = {"input_tokens_details": {"text_tokens": 2, "image_tokens": 0}}
    reply = {"created": 1, "data": [{"b64_json": picture}], "usage": {**usage, **details}}
    with parrot(Said(reply)) as vendor, scene.router(f"{vendor.url}/v1") as router:
        result = router.generate("a fox")
        assert result.cost == 270_010_000 > result.quote
        assert booked(router) == ["first settle metered overrun"]
        kinds = [each.alert.kind for each in router._shop.store.alerts(datetime(2000, 1, 1, tzinfo=UTC))]
        assert kinds == [AlertKind.OVERRUN]
        assert (len(vendor.heard), spent(router), router.verify().differences) == (1, 270_010_000, ())


@pytest.mark.parametrize(("on_expiry", "books"), [("settle", ["expire quoted unconfirmed"]), ("release", ["expire"])])
def test_a_process_that_died_is_swept_after_hold_for(
    tmp_path: Path, on_expiry: str, books: list[str], sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    vendor = sandboxes[0]
    vendor.reset()
    vendor.inject(["hang:30"])
    campaign = Campaign(folder=tmp_path, vendor=vendor, hold_for="20m")
    with buyer(campaign, "some", "dies", "1") as child:
        while not campaign.posts():
            time.sleep(0.01)
        child.kill()
        child.wait()
    text = campaign.config.read_text(encoding="utf-8")
    campaign.config.write_text(text.replace("hold_for: 20m", f"hold_for: 20m, on_expiry: {on_expiry}"), "utf-8")
    clock = FrozenClock(datetime.now(UTC))
    with campaign.open(clock=clock) as router:
        clock.sleep(19 * 60)
        router._shop.upkeep.sweep(clock.now())
        assert booked(router) == []
        assert router.verify().open_holds == 1
        clock.sleep(2 * 60)
        router._shop.upkeep.sweep(clock.now())
        assert booked(router) == [f"gpt-image-2 {entry}" for entry in books]
        found = router.verify()
        assert (found.differences, found.open_holds) == ((), 0)
        assert (found.spent_nusd >= vendor.bill()["total_nusd"]) is (on_expiry == "settle")


def test_what_the_vendors_bill_says_otherwise_is_an_adjustment_with_its_reason(
    tmp_path: Path, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    vendor = sandboxes[0]
    vendor.reset()
    vendor.inject(["reset", "reset-early"])
    campaign = Campaign(folder=tmp_path, vendor=vendor)
    with campaign.open() as router:
        for name in ("charged", "free"):
            with pytest.raises(ProviderUnavailable):
                router.generate(name)
        campaign.check_the_bill_sets_it_right()
        assert booked(router)[2:] == ["gpt-image-2 adjust metered"] * 2
        # Which of the two it was nobody can tell: they are alike.
        assert {entry.reason for entry in router._shop.store.entries() if entry.kind is EntryKind.ADJUST} == {
            "the vendor's bill, bill.csv:2",
            "not on the vendor's bill bill.csv",
        }


def test_what_google_blocks_is_charged_by_its_usage_and_not_offered_to_anybody_else(
    scene: Scene, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    sandboxes[0].inject(["moderation-late:0.1"])
    model = "gemini/gemini-2.5-flash-image"
    with scene.router(sandboxes[0].google_base_url, kind="litellm", model=model, timeout="20s") as router:
        with pytest.raises(ContentRejected):
            router.generate("a fox", size="1024x1024")
        assert booked(router) == ["first settle metered"]
        assert spent(router) == sandboxes[0].bill()["total_nusd"] > 0
    assert len(sandboxes[0].log()) == 1
    assert scene.second.log() == []


def test_an_await_that_is_cancelled_goes_on_and_is_settled(scene: Scene, sandboxes: tuple[Sandbox, Sandbox]) -> None:
    sandboxes[0].inject(["hang:0.3"])

    async def give_up(router: Router) -> None:
        buying = asyncio.ensure_future(router.agenerate("a fox"))
        await asyncio.to_thread(sent_to, sandboxes[0])
        buying.cancel()
        await asyncio.gather(buying, return_exceptions=True)
        assert buying.cancelled()

    with scene.router(sandboxes[0].openai_base_url) as router:
        asyncio.run(give_up(router))
        router._pool.shutdown()
        assert booked(router) == [*METERED]
        assert spent(router) == sandboxes[0].bill()["total_nusd"]


def test_an_interrupt_while_the_vendor_works_is_booked_as_unknown(
    scene: Scene, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    sandboxes[0].inject(["hang:20"])

    def interrupt() -> None:
        sent_to(sandboxes[0])
        os.kill(os.getpid(), signal.SIGINT)

    with scene.router(sandboxes[0].openai_base_url, timeout="20s") as router:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            router.generate("a fox")
        assert booked(router) == [*UNKNOWN]
    assert len(sandboxes[0].log()) == 1
    assert scene.second.log() == []


def test_server_faults_are_followed_by_another_hold_three_times_at_most(
    scene: Scene, sandboxes: tuple[Sandbox, Sandbox]
) -> None:
    for sandbox in sandboxes:
        sandbox.inject(rates={"500": 1.0})
    with scene.router(sandboxes[0].openai_base_url, others=4) as router:
        with pytest.raises(ProviderError):
            router.generate("a fox")
        books = booked(router)
    assert [entry.partition(" ")[2] for entry in books] == ["settle quoted unconfirmed"] * 3
