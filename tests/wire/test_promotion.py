"""A promotion as it goes over the wire: the draft's own bytes, before what the draft was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from routing import RequestError, open_router, usd
from routing.sandbox import Sandbox
from tests.wire.campaign import REFERENCES, ROUTER
from tests.wire.witness import KEY, Witness, witness_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing import Router

POLICY = """
version: 1
importance: [draft, review, final]
sort: [{importance: draft}]
routes:
  draft: [{use: [gpt-image-2], ask: {quality: low}}]
  review: [{use: [gpt-image-2], ask: {quality: medium}, draft: leave}]
  final: [{use: [gpt-image-2], ask: {quality: high}, draft: reference}]
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start() as started:
        yield started


@pytest.fixture
def before_it(sandbox: Sandbox) -> Iterator[Witness]:
    sandbox.reset()
    with witness_of(sandbox.url) as standing:
        yield standing


@pytest.fixture
def router(tmp_path: Path, before_it: Witness) -> Iterator[Router]:
    (tmp_path / "router.yaml").write_text(f'{ROUTER}cache: {{url: "file:///{tmp_path}/cache"}}\n', encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    with open_router(tmp_path / "router.yaml", env={"VENDOR_KEY": KEY, "VENDOR_URL": f"{before_it.url}/v1"}) as opened:
        yield opened


def places(witness: Witness, *pictures: bytes) -> list[int]:
    """Where pictures stand in the last body, whole; -1 for one that does not."""
    return [witness.posted[-1].raw.find(data) for data in pictures]


def test_the_body_holds_the_drafts_bytes_and_the_vendors_bill_agrees(
    router: Router, before_it: Witness, sandbox: Sandbox
) -> None:
    draft = router.generate("a fox", request_id="fox", size="1536x1024", n=2)
    final = router.promote("fox", importance="final", request_id="fox/final", picture=2)
    first, second = places(before_it, *(image.data for image in draft.images))
    assert first == -1 < second
    assert [len(post.problems) for post in before_it.posted] == [0, 0]
    # Two tokens of text at $5, 48 x 32 of the reference at $8, and 5,488 of the picture at $30 a million.
    assert final.cost == usd("0.00001") + usd("0.012288") + usd("0.16464")
    assert sandbox.bill()["total_usd"] == str(draft.cost + final.cost)[1:]
    assert router.spend(by=())[0].spent == draft.cost + final.cost
    assert router.verify().differences == ()


def test_the_drafts_own_references_come_after_it(router: Router, before_it: Witness) -> None:
    own = REFERENCES[:2]
    draft = router.edit("a fox like image 2", images=own, importance="review")
    router.promote(draft, importance="final")
    found = places(before_it, draft.images[0].data, *(each.data for each in own))
    assert found == sorted(found)
    assert found[0] > 0


def test_where_the_policy_leaves_the_draft_only_its_words_are_sent(router: Router, before_it: Witness) -> None:
    draft = router.generate("a fox")
    router.promote(draft, importance="review")
    assert places(before_it, draft.images[0].data) == [-1]
    assert before_it.posted[-1].raw.startswith(b"{")


def test_by_id_nothing_is_sent_once_the_draft_is_no_longer_kept(
    router: Router, before_it: Witness, tmp_path: Path
) -> None:
    draft = router.generate("a fox", request_id="fox")
    for kept in (tmp_path / "cache").glob("*/*.call"):
        kept.unlink()
    with pytest.raises(RequestError, match="pass the draft's Result"):
        router.promote("fox", importance="final", prompt="a fox")
    assert len(before_it.posted) == 1
    assert router.promote(draft, importance="final").request.parent == "fox"


def test_what_an_edit_cannot_be_asked_for_stays_behind_with_the_words(router: Router, before_it: Witness) -> None:
    draft = router.generate("a fox", moderation="low")
    final = router.promote(draft, importance="final")
    assert "the draft's moderation is left out: gpt-image-2 cannot be asked for it here" in final.notices
    assert [len(post.problems) for post in before_it.posted] == [0, 0]
    with pytest.raises(RequestError, match="gpt-image-2 takes moderation in a generation only, not in an edit"):
        router.promote(draft, importance="final", moderation="low")
