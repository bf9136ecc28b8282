"""What a plan tells of a request that it takes otherwise than it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routing.core.features import Features
    from routing.core.picture import Size
    from routing.core.policy import Route, Sorted


def wishes_changed(features: Features, route: Route, size: Size, quality: str | None) -> list[str]:
    """Tell where a route buys another quality or size than the call asked for."""
    notices = []
    if features.quality and features.quality != quality:
        got = f"quality {quality}" if quality else "no choice of quality"
        notices.append(f"quality {features.quality} was asked; {route.label or 'the route'} buys {got}")
    if features.size and features.size != size:
        notices.append(f"size {features.size} was asked; {route.label or 'the route'} buys {size}")
    return notices


def importance_capped(features: Features, given: Sorted) -> list[str]:
    """Tell where a rule lowered the importance."""
    if not given.capped_by:
        return []
    asked = f" ({features.importance} was asked)" if features.importance else ""
    return [f"importance is {given.importance}{asked}: capped by {given.capped_by}"]
