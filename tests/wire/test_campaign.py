"""The same campaign, bought over HTTP from a vendor that nobody here wrote: the wire is strict, and the books hold.

The vendor never reports usage, so no picture has a metered cost: it is a witness of the wire, not of prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from routing.assembly import open_store
from routing.core.entries import Basis, EntryKind
from routing.errors import BudgetExceeded, Charged, ProviderError, ProviderTimeout, ProviderUnavailable
from tests.providers.buying import picture
from tests.wire import campaign
from tests.wire.witness import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from routing import Outcome, Router
    from routing.core.request import ImageRequest
    from routing.ledger.base import AttemptHistory, RequestHistory
    from tests.shop import RecordingLog
    from tests.wire.witness import Posted, Witness

    Opened = Callable[[], AbstractContextManager[Router]]

NO_USAGE = "charged at the quote: the vendor reported no usage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the vendor does with the first POST of a request: headers that make it, and how the attempts end."""

    name: str
    headers: Mapping[str, str]
    ends: tuple[str, ...]
    statuses: tuple[int, ...]


GIVEN_BACK, UNKNOWN, QUOTED = "given back", "unconfirmed", "quoted"
FAULTS = (
    Fault(name="none", headers={}, ends=(QUOTED,), statuses=(200,)),
    # Waited for as told, on a hold of its own.
    Fault(name="ratelimit", headers={"x-aimock-chaos-ratelimit": "1"}, ends=(GIVEN_BACK, QUOTED), statuses=(429, 200)),
    # Perhaps charged: nothing is sent again.
    Fault(name="malformed", headers={"x-aimock-chaos-malformed": "1"}, ends=(UNKNOWN,), statuses=(200,)),
    Fault(name="disconnect", headers={"x-aimock-chaos-disconnect": "1"}, ends=(UNKNOWN,), statuses=(0,)),
    Fault(name="latency", headers={"x-aimock-chaos-latency": "40"}, ends=(QUOTED,), statuses=(200,)),
    # A fault that is told at once: the other deployment may be asked, while the first stays charged.
    Fault(name="drop", headers={"x-aimock-chaos-drop": "1"}, ends=(UNKNOWN, QUOTED), statuses=(500, 200)),
)


@pytest.fixture(params=["a small one", "the team's month"])
def requests(request: pytest.FixtureRequest) -> list[ImageRequest]:
    if request.param == "a small one":
        return campaign.small()
    if not campaign.MONTH.exists():
        pytest.skip("the month of a creative team does not lie beside this checkout")
    return campaign.of_the_team()


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What came of a campaign: by request id, its outcome and what the ledger knows of it."""

    outcomes: Mapping[str, Outcome]
    books: Mapping[str, RequestHistory | None]

    @property
    def attempts(self) -> list[AttemptHistory]:
        return [attempt for history in self.books.values() if history for attempt in history.attempts]


def bought(shop: Opened, requests: Sequence[ImageRequest], folder: Path) -> Campaign:
    """Buy all of it, four at once; the books are read again from the disk, and must add up."""
    with shop() as router:
        outcomes = {name_of(outcome): outcome for outcome in router.generate_many(requests, parallel=4)}
        passed = [status for status in router.budgets() if status.spent + status.held > status.limit]
        budgets = {status.budget for status in router.budgets()}
    store = open_store("sqlite:///spend.db", folder)
    try:
        checked = store.verify()
        made = Campaign(outcomes=outcomes, books={name: store.history(name) for name in outcomes})
    finally:
        store.close()
    assert passed == []
    assert budgets == {"month", "project"}
    assert checked.differences == ()
    assert (checked.open_holds, checked.held_nusd) == (0, 0)
    assert checked.spent_nusd == sum(attempt.cost_nusd for attempt in made.attempts)
    return made


def name_of(outcome: Outcome) -> str:
    assert not isinstance(outcome.request, str)
    return str(outcome.request.request_id)


def end_of(attempt: AttemptHistory) -> str:
    """Tell how an attempt ended; each but one given back costs its whole hold, and says why."""
    ended = attempt.resolution
    assert ended is not None
    if ended.kind is EntryKind.RELEASE:
        assert attempt.cost_nusd == 0
        return GIVEN_BACK
    assert (ended.kind, ended.basis) == (EntryKind.SETTLE, Basis.QUOTED)
    assert attempt.cost_nusd == attempt.reserve.amount_nusd > 0
    if ended.unconfirmed:
        assert ended.reason
        return UNKNOWN
    assert ended.reason == NO_USAGE
    assert ended.usage is None
    return QUOTED


def assert_each_reservation_is_one_strict_post(made: Campaign, witness: Witness) -> None:
    assert {post.problems for post in witness.posted} == {()}
    for name, history in made.books.items():
        attempts = history.attempts if history else ()
        posts = witness.of(name)
        assert [order_of_post(post) for post in posts] == [order_of_hold(attempt) for attempt in attempts], name
        # What the vendor called it stands in the books, wherever it said so.
        assert [post.vendor_request_id for post in posts] == [attempt.vendor_request_id for attempt in attempts], name
    assert len(witness.posted) == len(made.attempts)


def order_of_post(post: Posted) -> tuple[str, int]:
    return post.model, post.n


def order_of_hold(attempt: AttemptHistory) -> tuple[str, int]:
    return attempt.reserve.model, attempt.reserve.images


def assert_refused_for_want_of_money(made: Campaign) -> None:
    """Some requests find no room; they cost nothing, and nothing was sent for them."""
    refused = [name for name, outcome in made.outcomes.items() if isinstance(outcome.error, BudgetExceeded)]
    assert refused
    assert not any(made.books[name] for name in refused)


def test_a_campaign_is_bought_with_one_strict_post_for_each_reservation(
    shop: Opened, witness: Witness, requests: list[ImageRequest], tmp_path: Path
) -> None:
    made = bought(shop, requests, tmp_path)
    assert_each_reservation_is_one_strict_post(made, witness)
    assert_refused_for_want_of_money(made)
    assert {end_of(attempt) for attempt in made.attempts} == {QUOTED}
    for wanted in requests:
        result = made.outcomes[str(wanted.request_id)].result
        if result is not None:
            assert [image.size for image in result.images] == [wanted.size] * wanted.n
            assert result.usage is None
            assert result.cost == result.quote > 0


def test_with_chaos_the_books_still_hold_and_nothing_unknown_is_sent_again(
    shop: Opened, witness: Witness, requests: list[ImageRequest], tmp_path: Path
) -> None:
    faults = {str(wanted.request_id): FAULTS[place % len(FAULTS)] for place, wanted in enumerate(requests)}
    witness.faults = lambda name, before: {} if before else faults[name].headers
    made = bought(shop, requests, tmp_path)
    assert_each_reservation_is_one_strict_post(made, witness)
    assert_refused_for_want_of_money(made)
    met = set()
    for name, history in made.books.items():
        if history is None:
            continue
        fault, ends = faults[name], tuple(map(end_of, history.attempts))
        short_of_money = isinstance(made.outcomes[name].error, BudgetExceeded | ProviderError) and len(ends) == 1
        assert ends == fault.ends[:1] if short_of_money else ends == fault.ends, (name, fault.name)
        assert tuple(post.status for post in witness.of(name)) == fault.statuses[: len(ends)]
        assert (made.outcomes[name].result is not None) == (ends[-1] == QUOTED), (name, fault.name)
        met.add((fault.name, ends))
    assert {(fault.name, fault.ends) for fault in FAULTS} <= met, "every fault was met, and seen to its end"


@pytest.mark.parametrize(
    ("fault", "headers", "error"),
    [
        ("malformed", {"x-aimock-chaos-malformed": "1"}, ProviderUnavailable),
        ("disconnect", {"x-aimock-chaos-disconnect": "1"}, ProviderUnavailable),
        ("silence", {"x-aimock-chaos-latency": "20000"}, ProviderTimeout),
    ],
)
def test_an_unknown_outcome_is_told_and_booked_at_the_quote(
    shop: Opened, witness: Witness, fault: str, headers: Mapping[str, str], error: type[ProviderError]
) -> None:
    witness.faults = lambda _id, _before: headers
    with shop() as router:
        quote = router.quote("a lighthouse", importance="draft").price
        with pytest.raises(error, match=r"unknown|instead of pictures") as raised:
            router.generate("a lighthouse", importance="draft", user=fault, request_id=fault, deadline=0.4)
        (row,) = router.spend(by=())
    assert (type(raised.value), raised.value.charged) == (error, Charged.UNKNOWN)
    assert (row.spent, row.unconfirmed, row.held) == (quote, quote, 0)


def test_a_vendor_that_stays_busy_is_given_up_after_a_few_holds_and_costs_nothing(
    shop: Opened, witness: Witness, tmp_path: Path
) -> None:
    witness.faults = lambda _id, _before: {"x-aimock-chaos-ratelimit": "1"}
    with shop() as router, pytest.raises(ProviderError, match="too many requests"):
        router.generate("a lighthouse", importance="draft", user="busy", request_id="busy", deployment="flare")
    store = open_store("sqlite:///spend.db", tmp_path)
    try:
        history = store.history("busy")
    finally:
        store.close()
    assert history is not None
    assert {post.status for post in witness.of("busy")} == {429}
    assert len(witness.of("busy")) == len(history.attempts) > 1
    assert {end_of(attempt) for attempt in history.attempts} == {GIVEN_BACK}


def test_where_fewer_pictures_come_the_whole_quote_is_charged_and_told(shop: Opened, witness: Witness) -> None:
    with shop() as router:
        quote = router.quote("a lighthouse", importance="draft", n=3).price
        result = router.generate("a lighthouse", importance="draft", n=3, user="few", deployment="flare")
    assert len(result.images) == 1
    assert result.cost == quote
    assert "3 pictures were asked for, 1 arrived" in result.notices
    assert [post.n for post in witness.of("few")] == [3]


def test_every_option_has_a_place_on_the_wire(shop: Opened, witness: Witness) -> None:
    with shop() as router:
        router.generate(
            "a lighthouse",
            importance="final",
            background="opaque",
            output_format="webp",
            output_compression=80,
            moderation="low",
            complexity="high",
            user="all",
            quality="hd",
            response_format="b64_json",
            style="vivid",
        )
        router.edit(
            "the same at night",
            images=[picture(1024, 1024)],
            mask=picture(1024, 1024),
            importance="final",
            background="opaque",
            output_format="jpeg",
            output_compression=80,
            complexity="high",
            user="all",
        )
    assert [(post.status, post.problems) for post in witness.of("all")] == [(200, ())] * 2


def test_the_key_stands_in_the_header_and_nowhere_else(
    shop: Opened, witness: Witness, log: RecordingLog, tmp_path: Path
) -> None:
    witness.faults = lambda name, _before: {"x-aimock-chaos-malformed": "1"} if name == "bad" else {}
    with shop() as router:
        router.generate("a lighthouse", importance="draft", user="good")
        with pytest.raises(ProviderUnavailable) as raised:
            router.generate("a lighthouse", importance="draft", user="bad")
    assert [post.problems for post in witness.posted] == [(), ()]
    assert log.named("attempt")
    told = [repr(log.events), repr(raised.value), str(raised.value)]
    told += [path.read_bytes().decode("latin-1") for path in tmp_path.iterdir() if path.is_file()]
    assert not [text for text in told if KEY in text]
