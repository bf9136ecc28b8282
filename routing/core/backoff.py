"""How long to wait before asking again where nobody says so: longer each time, and never all at once."""

from __future__ import annotations

import hashlib

FIRST_S = 1.0
AT_MOST_S = 60.0
_STEPS = 2**32


def backoff_s(before: int, who: str) -> float:
    """Tell a wait after ``before`` earlier ones: anywhere between nothing and 1 s, 2 s, 4 s ... 60 s ("full jitter").

    Where in between hangs on ``who`` waits: many who were turned away at once come back one by one, and the same one
    waits as long each time it is tried.
    """
    bound_s = min(AT_MOST_S, FIRST_S * float(1 << min(before, 10)))
    digest = hashlib.sha256(f"{who}#{before}".encode()).digest()
    return bound_s * (int.from_bytes(digest[:4], "big") + 1) / _STEPS
