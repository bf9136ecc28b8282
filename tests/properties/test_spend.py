"""What a store says was spent against its entries, whatever of them was folded and however it is asked."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.core.entries import Adjustment, EntryKind
from routing.core.money import Money
from routing.core.request import Operation
from routing.core.spend import DIMENSIONS, Period, SpendQuery, SpendRow, split, total_of
from routing.errors import RequestError
from routing.ledger import rollup
from routing.ledger.memory import open_memory
from tests.ledger.purchases import cache_hit, record, release, reservation, settle
from tests.ledger.shelves import PostgresShelf, fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from routing.core.entries import Entry, RequestRecord
    from routing.ledger.base import Store

BERLIN, KATHMANDU, CHATHAM = (ZoneInfo(name) for name in ("Europe/Berlin", "Asia/Kathmandu", "Pacific/Chatham"))
ZONES = st.sampled_from([UTC, BERLIN, KATHMANDU, CHATHAM, ZoneInfo("America/New_York")])
EDGES = (
    datetime(2026, 2, 28, 23, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # summer begins in Berlin
    datetime(2026, 3, 31, 22, tzinfo=UTC),  # April in Berlin
    datetime(2026, 3, 31, 18, 15, tzinfo=UTC),  # April in Kathmandu
    datetime(2026, 4, 1, tzinfo=UTC),
    datetime(2026, 4, 1, 12, tzinfo=UTC),
    datetime(2026, 5, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
)
AWAY = (timedelta(), timedelta(milliseconds=1), -timedelta(milliseconds=1), timedelta(minutes=30), timedelta(hours=-5))
MOMENTS = st.builds(lambda edge, away: edge + away, st.sampled_from(EDGES), st.sampled_from(AWAY))
AMOUNTS = st.one_of(st.integers(0, 50), st.just(2**53 + 1))
BY = st.lists(
    st.sampled_from([*DIMENSIONS, "campaign", "kind"]),
    max_size=3,
    unique=True,
)
TAGS = st.dictionaries(st.sampled_from(["campaign", "kind"]), st.sampled_from(["spring", "весна"]))
SUMS = ("spent", "held", "unconfirmed", "saved", "requests", "images", "cached")


class Scribe:
    """Writes a random history into a store, folding it in between."""

    def __init__(self, store: Store, data: st.DataObject) -> None:
        self.store = store
        self.draw: Callable[..., Any] = data.draw
        self.ended: list[str] = []
        self.open: list[str] = []
        self.requests: list[RequestRecord] = []

    def step(self) -> None:
        rules = [self.buy, self.buy, self.fold, self.answer_from_the_cache]
        if self.open:
            rules += [self.resolve, self.resolve, self.resolve]
        if self.ended:
            rules += [self.adjust, self.adjust]
        self.draw(st.sampled_from(rules))()

    def fold(self) -> None:
        self.store.roll_up(self.draw(st.sampled_from([1, 3])))

    def buy(self) -> None:
        asked = self.request()
        numbers = range(1, self.draw(st.integers(1, 2)) + 1)
        self.store.reserve(
            asked,
            [
                reservation(
                    self.draw(AMOUNTS),
                    request_id=asked.request_id,
                    attempt=number,
                    at=self.draw(MOMENTS),
                    deployment=self.draw(st.sampled_from(["gpt", "flux"])),
                    quality=self.draw(st.sampled_from([None, "low"])),
                )
                for number in numbers
            ],
        )
        self.open += [f"{asked.request_id}/{number}" for number in numbers]

    def request(self) -> RequestRecord:
        asked = record(
            f"r{len(self.requests)}",
            at=self.draw(MOMENTS),
            importance=self.draw(st.sampled_from(["draft", "final"])),
            operation=self.draw(st.sampled_from(list(Operation))),
            asset=self.draw(st.sampled_from([None, "poster-7", "poster-8"])),
            parent=self.draw(st.sampled_from([None, "r0"])),
            tags=self.draw(TAGS),
        )
        self.requests.append(asked)
        return asked

    def answer_from_the_cache(self) -> None:
        again = bool(self.requests) and self.draw(st.booleans())
        asked = self.draw(st.sampled_from(self.requests)) if again else self.request()
        hit = cache_hit(
            asked.request_id, self.draw(AMOUNTS), at=self.draw(MOMENTS), images=self.draw(st.integers(1, 2))
        )
        self.store.record_cached(asked, hit)

    def resolve(self) -> None:
        name = self.open.pop(self.draw(st.integers(0, len(self.open) - 1)))
        at = self.draw(MOMENTS)
        how = self.draw(st.sampled_from(["settle", "unconfirmed", "release"]))
        if how == "release":
            self.store.resolve(release(name, at))
        else:
            images = self.draw(st.integers(0, 2))
            unconfirmed = how == "unconfirmed"
            self.store.resolve(settle(name, self.draw(AMOUNTS), at=at, unconfirmed=unconfirmed, images=images))
        self.ended.append(name)

    def adjust(self) -> None:
        self.store.adjust(
            Adjustment(
                reservation_id=self.draw(st.sampled_from(self.ended)),
                at=self.draw(MOMENTS),
                cost_nusd=self.draw(AMOUNTS),
                reason="the bill",
                confirmed=self.draw(st.booleans()),
            )
        )


def folded(entries: list[Entry], records: dict[str, RequestRecord], query: SpendQuery) -> list[SpendRow]:
    """Say what was spent by walking the entries once."""
    sums: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    counted: set[str] = set()
    resolved = {entry.reservation_id for entry in entries if entry.kind not in {EntryKind.RESERVE, EntryKind.CACHED}}
    confirmed = {
        entry.reservation_id: entry.seq for entry in entries if entry.kind is EntryKind.ADJUST and not entry.unconfirmed
    }
    for entry in entries:
        found = dict.fromkeys(SUMS, 0)
        if entry.kind is EntryKind.RESERVE:
            found["held"] = 0 if entry.reservation_id in resolved else entry.amount_nusd
        elif entry.kind is EntryKind.CACHED:
            found |= {"saved": entry.amount_nusd, "cached": 1, "images": entry.images}
        else:
            found |= {"spent": entry.amount_nusd, "images": entry.images}
            if entry.unconfirmed and entry.seq > confirmed.get(entry.reservation_id, 0):
                found["unconfirmed"] = entry.amount_nusd
        if found["spent"] or found["images"] or found["cached"]:
            found["requests"] = int(entry.request_id not in counted)
            counted.add(entry.request_id)
        inside = (query.since is None or entry.at >= query.since) and (query.until is None or entry.at < query.until)
        if inside and (query.assets is None or (records[entry.request_id].asset or "") in query.assets):
            key = tuple(_value(name, entry, records[entry.request_id]) for name in query.by)
            for name, value in found.items():
                sums[key][name] += value
    return sorted(
        (
            SpendRow(
                by=query.by,
                key=key,
                spent=Money(row["spent"]),
                held=Money(row["held"]),
                unconfirmed=Money(row["unconfirmed"]),
                saved=Money(row["saved"]),
                requests=row["requests"],
                images=row["images"],
                cached=row["cached"],
            )
            for key, row in sums.items()
            if any(row.values())
        ),
        key=lambda row: (-row.spent, row.key),
    )


def _value(name: str, entry: Entry, request: RequestRecord) -> str:
    if name in {"campaign", "kind"}:
        return request.features.tags.get(name, "")
    if name == "operation":
        return request.features.operation.value
    source: object = entry if name in {"deployment", "model", "size", "quality"} else request
    return getattr(source, name) or ""


def questions(data: st.DataObject) -> list[SpendQuery]:
    """Ask for any time, or for the days, weeks or months of any zone."""
    draw = data.draw
    by = tuple(draw(BY))
    since, until = (draw(st.one_of(st.none(), MOMENTS)) for _ in range(2))
    per = draw(st.sampled_from([None, *Period]))
    assets = draw(st.sampled_from([None, None, ("poster-7",), ("", "poster-8", "poster-7"), ()]))
    query = SpendQuery(by=by, since=since, until=until, per=per, zone=draw(ZONES), assets=assets)
    if query.per is None:
        return [query]
    first = max(draw(MOMENTS), since or EDGES[0] - timedelta(days=1))
    last = min(first + timedelta(days=70), until or EDGES[-1])
    try:
        return [each for _, each in split(query, first, max(first, last))]
    except RequestError:
        return []


def check(store: Store, data: st.DataObject) -> None:
    scribe = Scribe(store, data)
    for _ in range(data.draw(st.integers(1, 25))):
        scribe.step()
    entries = list(store.entries())
    records = {asked.request_id: asked for asked in scribe.requests}
    for _ in range(3):
        asked = questions(data)
        assert store.spend_each(asked) == [folded(entries, records, each) for each in asked]
        if len(asked) > 1:  # its periods add up to the whole, whatever they are cut at
            whole = SpendQuery(by=(), since=asked[0].since, until=asked[-1].until, assets=asked[0].assets)
            rows = [row for rows in store.spend_each(asked) for row in rows]
            assert total_of(rows) == total_of(store.spend(whole))
        scribe.fold()
    assert store.verify().differences == ()
    fold(store)
    assert store.verify().differences == ()


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "ENTRIES_A_STEP", 4)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_reports_say_what_the_entries_say(data: st.DataObject) -> None:
    with closing(open_memory()) as store:
        check(store, data)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_reports_say_what_the_entries_say_in_postgresql(data: st.DataObject) -> None:
    with closing(PostgresShelf()) as shelf:
        check(shelf.open(), data)
