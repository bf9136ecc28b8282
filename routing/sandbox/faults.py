"""Faults on request: what can go wrong at a vendor, and when it does."""

from __future__ import annotations

import random
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["AFTER_WORK", "FAULTS", "REFUSALS", "Fault", "Faults"]

FAULTS: Mapping[str, str] = {
    # Refusals: before the work, never billed.
    "401": "the key is refused",
    "404": "the model is not found",
    "429": "too many requests; the argument is Retry-After in seconds",
    "quota": "429 insufficient_quota: the account has run dry",
    "billing": "400 billing_hard_limit_reached",
    "500": "internal error; `500:after` comes after the work, which is billed",
    "502": "bad gateway; `502:after` likewise",
    "503": "overloaded; `503:after` likewise",
    "moderation": "the prompt is blocked at once, nothing is billed",
    "moderation-late": "the picture is blocked after the work, which is billed; the argument is seconds",
    "reset-early": "the connection breaks before the work",
    # After the work: billed, whatever arrives.
    "reset": "the connection breaks instead of an answer",
    "hang": "silence for the argument's seconds (60 by default), and only then the answer",
    "truncated": "the body is shorter than Content-Length says",
    "html": "200 with a web page",
    "badjson": "200 with JSON that stops in the middle",
    "empty": "200 without pictures: `data: []`",
    "null": "200 with a picture that is null; `null:data` makes the whole list null",
    "garbage": "a picture that is no image; `garbage:b64` is not even base64",
    "no-usage": "a good answer without usage",
    "fewer": "one picture fewer than asked, at the full price",
    "wrong-size": "pictures of another size than asked, and nobody says so",
    "small": "pictures of half the width and height that were asked for, and nobody says so",
    "blank": "pictures of one colour",
    # The one 200 that is not billed: the vendor itself calls it a failure.
    "error200": "200 with an error for a body",
}

REFUSALS = frozenset({"401", "404", "429", "quota", "billing", "500", "502", "503", "moderation", "moderation-late"})
"""Faults that the vendor words in its own error dialect."""

AFTER_WORK = "after"
"""The argument that moves a 5xx behind the work."""

_DIRECTIVE = re.compile(r"\[fault:([a-z0-9-]+(?::[a-z0-9.]+)?)\]")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, written `name` or `name:argument`."""

    name: str
    argument: str = ""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault; `ValueError` if there is none of that name."""
        name, _, argument = text.strip().partition(":")
        if name not in FAULTS:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(FAULTS)}")
        return cls(name, argument)

    def __str__(self) -> str:
        """The fault as it is written."""
        return f"{self.name}:{self.argument}" if self.argument else self.name

    def seconds(self, default: float) -> float:
        """The argument as seconds."""
        try:
            return min(max(float(self.argument), 0.0), 3600.0)
        except ValueError:
            return default


class Faults:
    """Chooses the fault of a purchase: its header, its prompt, the schedule, and chance, in this order."""

    def __init__(self) -> None:
        """Start without a schedule."""
        self._schedule: deque[Fault | None] = deque()
        self._rates: tuple[tuple[Fault, float], ...] = ()
        self._chance = random.Random(0)  # noqa: S311 - repeatable on purpose

    def set(self, faults: Iterable[str | None] = (), rates: Mapping[str, float] | None = None, seed: int = 0) -> None:
        """Replace the schedule (one entry per purchase) and the rates (each a share of purchases)."""
        schedule = [None if text is None else Fault.parse(text) for text in faults]
        shares = tuple((Fault.parse(text), float(rate)) for text, rate in (rates or {}).items())
        if any(rate < 0 for _, rate in shares) or sum(rate for _, rate in shares) > 1:
            raise ValueError("rates lie between 0 and 1, and so does their sum")
        self._schedule = deque(schedule)
        self._rates = shares
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def pick(self, header: str | None, prompt: str) -> Fault | None:
        """The fault of this purchase; `ValueError` if it names one that does not exist."""
        if header:
            return Fault.parse(header)
        if directive := _DIRECTIVE.search(prompt):
            return Fault.parse(directive.group(1))
        if self._schedule:
            return self._schedule.popleft()
        return self._draw() if self._rates else None

    def _draw(self) -> Fault | None:
        drawn = self._chance.random()
        for fault, rate in self._rates:
            drawn -= rate
            if drawn < 0:
                return fault
        return None
