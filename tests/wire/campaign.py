"""A campaign to buy: a part of the team's month where it lies beside the checkout, and a small one of our own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routing.core.picture import Picture, Size
from routing.core.request import ImageRequest, Operation
from tests.providers.buying import png

if TYPE_CHECKING:
    from collections.abc import Iterable

MONTH = Path(__file__).parents[3] / "shared" / "workloads" / "campaign.jsonl"
EVERY = 54
"""Of 2,596 lines, 49 are bought."""

ROUTER = """
version: 1
policy: policy.yaml
providers:
  vendor: {kind: openai, api_key_env: VENDOR_KEY, base_url_env: VENDOR_URL, timeout: 30s}
deployments:
  gpt-image-2: {provider: vendor, model: gpt-image-2}
  flare: {provider: vendor, model: gpt-image-2.5-flare}
budgets:
  month: {limit: 1.90, window: calendar_month}
  project: {limit: 1, window: lifetime, per: project}
ledger: {url: "sqlite:///spend.db"}
"""
POLICY = """
version: 1
tags: [campaign, project, kind, audience, stage]
importance: [draft, review, final]
sort:
  - {when: {tags: {stage: review}}, importance: review}
  - {when: {tags: {stage: final}}, importance: final}
  - {importance: draft}
routes:
  draft: [{use: [flare], ask: {quality: low}, on_failure: [gpt-image-2]}]
  review: [{use: [gpt-image-2], ask: {quality: medium}, on_failure: [flare]}]
  final: [{use: [gpt-image-2], ask: {quality: high}, on_failure: [flare]}]
on_budget: refuse
"""

REFERENCES = tuple(
    Picture(data=png(512, 512, kind), format=kind, size=Size(width=512, height=512)) for kind in ("png", "jpeg", "webp")
)


@dataclass(frozen=True, slots=True)
class Ask:
    """How one stage of the small campaign asks."""

    stage: str
    size: str
    n: int
    references: int = 0


STAGES = (
    Ask("draft", "1024x1024", 4),
    Ask("draft", "1536x1024", 2),
    Ask("review", "1024x1536", 1, references=1),
    Ask("final", "2048x2048", 1),
    Ask("final", "3840x2160", 1, references=3),
)
SUBJECTS = ("a lighthouse", 'a sign that says "Open late"', "ein Fährschiff", "夜の港", "a boat in a bottle", "fog")


def small() -> list[ImageRequest]:
    """Six assets from draft to final."""
    rows = [
        {
            "request_id": f"small-{subject}/{stage}",
            "prompt": f"{words}, seen in step {stage}",
            "importance": None,
            "tags": {"project": f"p{subject % 3}", "stage": ask.stage},
            "size": ask.size,
            "n": ask.n,
            "references": ask.references,
        }
        for subject, words in enumerate(SUBJECTS)
        for stage, ask in enumerate(STAGES)
    ]
    return _requests(rows)


def of_the_team() -> list[ImageRequest]:
    """Take one line of the month in so many, in its order."""
    lines = MONTH.read_text(encoding="utf-8").splitlines()
    return _requests(json.loads(line) for line in lines[::EVERY])


def _requests(rows: Iterable[dict[str, Any]]) -> list[ImageRequest]:
    return [
        ImageRequest(
            prompt=row["prompt"],
            importance=row["importance"],
            operation=Operation.EDIT if row["references"] else Operation.GENERATE,
            size=Size.parse(row["size"]),
            n=row["n"],
            images=REFERENCES[: row["references"]],
            tags=row["tags"],
            request_id=row["request_id"],
            extras={"user": row["request_id"]},  # the witness knows by it whose POST it sees
        )
        for row in rows
    ]
