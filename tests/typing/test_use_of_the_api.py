"""What type checkers tell users: right uses pass, wrong ones are found. mypy reads this file; pytest runs its one test.

An ``ignore`` that is not needed is an error, so every line that carries one proves that the mistake is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import routing
from routing import Money, Outcome, Picture, Quote, Result, Router, SpendRow, usd

if TYPE_CHECKING:
    from collections.abc import Generator


def right(router: Router) -> None:
    draft = router.generate("a fox", importance="draft", tags={"kind": "poster"}, max_price=usd("0.05"))
    assert_type(draft, Result)
    assert_type(draft.cost, Money)
    assert_type(draft.cost + draft.quote, Money)
    assert_type(draft.images, tuple[Picture, ...])
    assert_type(router.promote(draft, importance="final"), Result)
    assert_type(router.promote("poster-7/draft-1", importance="final", picture=2), Result)
    assert_type(router.edit("like this", images=["a.png", draft.images[0]]), Result)
    assert_type(router.quote("a fox", size="2048x2048"), Quote)
    assert_type(router.spend(by=["campaign"]), list[SpendRow])
    many: Generator[Outcome, None, None] = router.generate_many(["a fox"], importance="draft")
    many.close()


async def right_in_an_event_loop(router: Router) -> None:
    assert_type(await router.agenerate("a fox", importance="draft"), Result)
    async for outcome in router.agenerate_many(["a fox"]):
        assert_type(outcome, Outcome)


def wrong(router: Router) -> None:
    router.generate("a fox", importence="draft")  # type: ignore[call-arg]  # a misspelt keyword
    router.generate("a fox", max_price=0.05)  # type: ignore[arg-type]  # a float is no amount
    router.generate("a fox", tags={"kind": 7})  # type: ignore[dict-item]  # tags are text
    router.generate(7)  # type: ignore[arg-type]  # a prompt is text
    _ = routing.open_ruoter  # type: ignore[attr-defined]  # a misspelt name of the facade


def test_the_package_says_that_it_is_typed() -> None:
    marker = routing.__path__[0] + "/py.typed"
    with open(marker, encoding="utf-8") as file:  # noqa: PTH123 - a plain look
        assert file.read() == ""
