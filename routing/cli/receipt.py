"""What a purchase says: where the picture is, what it cost, and why it was bought there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.money import usd_text
from routing.core.policy import Show
from routing.reports.amounts import number_of
from routing.results import DELIVERED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from routing.results import Result


def receipt_lines(result: Result, files: Sequence[Path]) -> list[str]:
    """Tell a person."""
    lines = [f"saved {file} ({image.size}, {image.format})" for file, image in zip(files, result.images, strict=True)]
    lines += [f"{sorted_by(result)}: {bought_as(result)}", cost_line(result), *attempt_lines(result)]
    lines += [f"BAD PICTURE: {fault}; it is paid for all the same" for fault in result.faults]
    if result.revised_prompt:
        lines.append(f"the vendor read the prompt as: {result.revised_prompt}")
    return [*lines, *(f"note: {notice}" for notice in result.notices)]


def sorted_by(result: Result) -> str:
    """Say the importance and the rule that gave it."""
    return f"{result.importance} ({result.plan.rule})" if result.plan else result.importance


def bought_as(result: Result) -> str:
    """Say what it really was: ``gpt-image-2 at high, 1536x1024``."""
    quality = f" at {result.quality}" if result.quality else ""
    model = "" if result.model == result.deployment else f" ({result.model})"
    return f"{result.deployment}{model}{quality}, {result.size}"


def degraded_line(result: Result) -> str:
    """Say loudly that it is not what was asked for."""
    if not _is_shown(result):
        return f"DEGRADED: nothing could be had from the route's own deployments, {result.degraded} stands in for them"
    what = "the asset's last picture" if result.degraded == Show.LAST else "a placeholder"
    return f"DEGRADED: nothing could be had, {what} is shown instead"


def _is_shown(result: Result) -> bool:
    return result.degraded in set(Show)


def cost_line(result: Result) -> str:
    """Say what it cost."""
    if _is_shown(result):
        cost = f"nothing was bought, failed attempts cost {result.cost}"
    elif result.cached:
        saved = f", {result.saved} saved" if result.saved else ""
        cost = f"from the cache: nothing was bought{saved}"
    elif len(result.attempts) > 1:
        cost = f"cost {result.cost} in {len(result.attempts)} attempts"
    else:
        cost = f"cost {result.cost}, at most {result.quote} was held"
    if result.unconfirmed:
        cost += f"; {result.unconfirmed} of it is unconfirmed"
    return f"{cost}; request {result.request_id}"


def attempt_lines(result: Result) -> list[str]:
    """Say of each attempt, where there were several, what was held for it and what was charged, and what it brought."""
    lines = []
    for attempt in result.attempts if len(result.attempts) > 1 else ():
        charged = f"{attempt.cost} charged" if attempt.cost else "nothing charged"
        doubt = ", unconfirmed" if attempt.unconfirmed else ""
        pictures = number_of(attempt.images, "picture") if attempt.images else ""
        fault = "" if attempt.status == DELIVERED else attempt.status
        brought = ", ".join(filter(None, (pictures, fault)))
        number = attempt.reservation_id.rpartition("/")[2]
        lines.append(f"attempt {number}: {attempt.deployment}, {attempt.quote} held, {charged}{doubt}: {brought}")
    return lines


def receipt_json(result: Result, files: Sequence[Path]) -> dict[str, object]:
    """Tell a program: amounts as exact decimal strings in USD."""
    from routing.reports.plan import dropped_json, lines_json

    plan, usage = result.plan, result.usage
    return {
        "request_id": result.request_id,
        "importance": result.importance,
        "rule": plan.rule if plan else None,
        "deployment": result.deployment,
        "model": result.model,
        "size": str(result.size),
        "quality": result.quality,
        "cost_usd": usd_text(result.cost),
        "quote_usd": usd_text(result.quote),
        "unconfirmed_usd": usd_text(result.unconfirmed),
        "saved_usd": usd_text(result.saved),
        "cached": result.cached,
        "degraded": result.degraded,
        "settled": result.settled,
        "asset": result.asset,
        "parent": result.request.parent,
        "parent_picture": result.request.parent_picture,
        "seed": result.seed,
        "revised_prompt": result.revised_prompt,
        "files": [
            {"path": str(file), "format": image.format, "width": image.size.width, "height": image.size.height}
            for file, image in zip(files, result.images, strict=True)
        ],
        "usage": {name: getattr(usage, name) for name in type(usage).__slots__} if usage else None,
        "lines": lines_json(result.lines),
        "dropped": dropped_json(plan) if plan else [],
        "attempts": [
            {
                "reservation_id": attempt.reservation_id,
                "deployment": attempt.deployment,
                "quote_usd": usd_text(attempt.quote),
                "cost_usd": usd_text(attempt.cost),
                "images": attempt.images,
                "status": attempt.status,
                "unconfirmed": attempt.unconfirmed,
                "settled": attempt.settled,
            }
            for attempt in result.attempts
        ],
        "faults": list(result.faults),
        "notices": list(result.notices),
    }
