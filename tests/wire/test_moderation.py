"""Prompts are looked at by a vendor that nobody here wrote before they are bought there, and the wire is strict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing import open_router
from routing.testing import FrozenClock
from tests.wire import campaign
from tests.wire.witness import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.shop import RecordingLog
    from tests.wire.witness import Witness


def test_prompts_are_looked_at_once_and_only_where_the_policy_says(
    tmp_path: Path, witness: Witness, log: RecordingLog
) -> None:
    router = f"{campaign.ROUTER}moderation: {{provider: vendor}}\n"
    (tmp_path / "router.yaml").write_text(router, encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(f"{campaign.POLICY}moderate: [review, final]\n", encoding="utf-8")
    env = {"VENDOR_KEY": KEY, "VENDOR_URL": f"{witness.url}/v1"}
    with open_router(tmp_path / "router.yaml", env=env, clock=FrozenClock(), log=log) as opened:
        draft = opened.generate("a fox that nobody must hear of", importance="draft")
        opened.promote(draft, importance="review")
        opened.promote(draft, importance="final")
    looks = [post for post in witness.posted if post.model == "omni-moderation-latest"]
    assert [(post.status, post.problems) for post in looks] == [(200, ())]
    assert [post.problems for post in witness.posted] == [()] * 4
    (told,) = log.named("moderated")
    assert (told["flagged"], told["categories"]) == (False, ())
    assert "fox" not in repr(log.events)
