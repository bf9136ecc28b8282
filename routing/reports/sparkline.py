"""A course of amounts in one line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(amounts: Sequence[int], width: int) -> str:
    """Draw amounts as blocks, the greatest as the highest; what is nothing, or below it, as a blank.

    Where there are more than ``width``, as many neighbours as it takes are added up.
    """
    together = max(1, -(-len(amounts) // width))
    sums = [sum(amounts[start : start + together]) for start in range(0, len(amounts), together)]
    highest = max(sums, default=0)
    return "".join(BLOCKS[-(-amount * len(BLOCKS) // highest) - 1] if amount > 0 else " " for amount in sums)
