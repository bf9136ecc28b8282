"""Savings read from sums against the same requests walked one by one, whatever of them was folded."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.core.baseline import Baseline, baseline_of
from routing.core.conditions import Condition, When
from routing.core.picture import Size
from routing.core.policy import Pick, Policy, Route, Settings, SortRule
from routing.core.prices import PriceBook
from routing.core.request import Operation
from routing.core.savings import Savings, compare_with
from routing.core.window import EVER
from routing.ledger import rollup
from routing.ledger.memory import open_memory
from routing.reading.paid import read_paid, read_savings
from tests.core.making import SQUARE, deployment, per_image, piece_model, token_model, token_rates
from tests.ledger.purchases import record, reservation
from tests.ledger.shelves import PostgresShelf, fold
from tests.properties.test_spend import EDGES, MOMENTS, TAGS, ZONES, Scribe

if TYPE_CHECKING:
    from routing.core.entries import RequestRecord
    from routing.ledger.base import Store

DEAREST = 0.05293
"""Of a picture: as much as one of ``tokens`` with a prompt of 200 characters."""
LENGTHS = st.sampled_from([1, 99, 100, 101, 150, 199, 200, 201, 300, 999, 1000, 1001, 1999, 5000, 5001])
TEXTS = st.sampled_from([0, 1, 11, 12, 13, 19, 20, 21, 25, 29, 30, 45, 101])
SIZES = st.sampled_from(["1024x1024", "512x512", "1536x1024", ""])


def baselines() -> list[Baseline]:
    """Make one of each kind: a plain one, and those that look at something that sums hold in part or not at all."""

    def when(field: str, **bounds: object) -> When:
        return When(conditions=(Condition(field=field, **bounds),))  # type: ignore[arg-type]  # each its own bounds

    deployments = {
        "pieces": deployment("pieces", piece_model(prompt_chars_at_most=1000)),
        "tokens": deployment("tokens", token_model()),
        "ending": deployment("ending", token_model("ending", shutdown=date(2026, 4, 1), substitute="by-token")),
    }
    prices = {
        "pieces": [per_image(0.01), per_image(DEAREST, since=date(2026, 3, 31))],
        "tokens": token_rates(),
        "ending": token_rates(),
    }
    long, quoted = when("prompt_chars", at_least=150), when("text_chars", at_least=12, at_most=25)
    routes = [
        (Route(use=("tokens",)),),
        (Route(use=("ending", "pieces")),),
        (Route(use=("pieces", "tokens"), pick=Pick.CHEAPEST),),
        (Route(use=("pieces",), when=quoted), Route(use=("tokens",))),
        (Route(use=("pieces",), when=long), Route(use=("tokens",))),
        (Route(use=("pieces",), when=when("text_chars", none_of=(45,))), Route(use=("tokens",))),
        (Route(use=("pieces",), when=when("references", at_most=0)), Route(use=("tokens",))),
        (Route(use=("pieces",), when=when("tags.kind", one_of=("spring",))), Route(use=("tokens",))),
        (Route(use=("pieces",), when=when("deadline", at_least=30)), Route(use=("tokens",))),
    ]
    return [
        baseline_of(
            Settings(
                policy=Policy(
                    name="p", importance=("final",), sort=(SortRule(importance="final"),), routes={"final": each}
                ),
                deployments=deployments,
                prices=PriceBook(prices),
            )
        )
        for each in routes
    ]


BASELINES = baselines()


class Buyer(Scribe):
    """Asks for all kinds of pictures."""

    def request(self) -> RequestRecord:
        draw = self.draw
        asked = record(
            f"r{len(self.requests)}",
            at=draw(MOMENTS),
            importance=draw(st.sampled_from(["draft", "final"])),
            operation=draw(st.sampled_from(list(Operation))),
            tags=draw(TAGS),
            prompt_chars=draw(LENGTHS),
            text_chars=draw(TEXTS),
            size=Size.parse(draw(SIZES)),
            n=draw(st.integers(1, 3)),
            references=draw(st.sampled_from([(), (), (SQUARE,), (SQUARE, Size(width=640, height=333))])),
            mask=draw(st.sampled_from([None, None, SQUARE])),
            quality=draw(st.sampled_from([None, "low"])),
            script=draw(st.sampled_from([None, "latin", "cjk"])),
            extras=draw(st.sampled_from([{}, {}, {"style": 'a "\0"\n\N{SNOWMAN}'}])),
            deadline_s=draw(st.sampled_from([None, 12.5, 60.0])),
        )
        self.requests.append(asked)
        return asked

    def buy(self) -> None:
        asked = self.request()
        numbers = self.draw(st.sampled_from([(1,), (1, 2), (2, 1)]))
        self.store.reserve(
            asked,
            [
                reservation(50, request_id=asked.request_id, attempt=number, at=asked.at, size=self.draw(SIZES))
                for number in numbers
            ],
        )
        self.open += [f"{asked.request_id}/{number}" for number in numbers]


def figures(savings: Savings) -> dict[str, object]:
    """Take the figures, and whether a reason was told: which is the first depends on the order."""
    names = ("groups", "partial", "unpriced", "from_cache", "saved_by_cache_nusd", "archived")
    return {"why": bool(savings.why), **{name: getattr(savings, name) for name in names}}


def check(store: Store, data: st.DataObject) -> None:
    buyer = Buyer(store, data)
    for _ in range(data.draw(st.integers(1, 20))):
        buyer.step()
    for _ in range(4):
        baseline, zone = BASELINES[data.draw(st.integers(0, len(BASELINES) - 1))], data.draw(ZONES)
        since, until = data.draw(st.sampled_from([EVER, (data.draw(MOMENTS), data.draw(MOMENTS))]))
        now = data.draw(st.sampled_from([EDGES[3], EDGES[-1] + timedelta(days=400)]))
        walked = compare_with(baseline, read_paid(store, since, until), zone)
        found = read_savings(store, baseline, since, until, zone, now)
        assert figures(found) == figures(walked)
        buyer.fold()
    assert store.verify().differences == ()
    fold(store)
    assert store.verify().differences == ()


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "ENTRIES_A_STEP", 4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_savings_by_sums_are_those_of_every_request(data: st.DataObject) -> None:
    with closing(open_memory()) as store:
        check(store, data)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_savings_by_sums_are_those_of_every_request_in_postgresql(data: st.DataObject) -> None:
    with closing(PostgresShelf()) as shelf:
        check(shelf.open(), data)
