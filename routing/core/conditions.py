"""The closed set of conditions a rule may state about a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routing.core.request import Features

Reader = Callable[["Features"], object]

READERS: dict[str, Reader] = {
    "importance": lambda features: features.importance,
    "operation": lambda features: features.operation,
    "size": lambda features: str(features.size) if features.size else None,
    "megapixels": lambda features: features.megapixels,
    "n": lambda features: features.n,
    "references": lambda features: features.references,
    "prompt_chars": lambda features: features.prompt_chars,
    "text_chars": lambda features: features.text_chars,
}
"""Field of ``when`` -> how it is read. ``tags`` are read one by one, as ``tags.<key>``."""

NUMBERS = frozenset({"megapixels", "n", "references", "prompt_chars", "text_chars"})
"""Fields that ``at_least`` and ``at_most`` may be asked of."""

TAG_PREFIX = "tags."


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One field and what it must be; every bound that is given must hold. Undefined never matches."""

    field: str
    one_of: tuple[str | float, ...] | None = None
    none_of: tuple[str | float, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, features: Features) -> bool:
        """Tell whether the request fulfils the condition."""
        if self.field.startswith(TAG_PREFIX):
            value: object = features.tags.get(self.field.removeprefix(TAG_PREFIX))
        else:
            value = READERS[self.field](features)
        if value is None:
            return False
        if self.one_of is not None and value not in self.one_of:
            return False
        if self.none_of is not None and value in self.none_of:
            return False
        if self.at_least is None and self.at_most is None:
            return True
        if not isinstance(value, int | float):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        """Read as ``tags.kind is poster or banner``, ``text_chars at least 12``."""
        parts = []
        if self.one_of is not None:
            parts.append("is " + " or ".join(str(value) for value in self.one_of))
        if self.none_of is not None:
            parts.append("is not " + " or ".join(str(value) for value in self.none_of))
        if self.at_least is not None:
            parts.append(f"at least {self.at_least:g}")
        if self.at_most is not None:
            parts.append(f"at most {self.at_most:g}")
        return f"{self.field} {' and '.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions that must all hold; none at all always holds."""

    conditions: tuple[Condition, ...] = ()

    def holds(self, features: Features) -> bool:
        """Tell whether every condition holds."""
        return all(condition.holds(features) for condition in self.conditions)

    def __str__(self) -> str:
        """Read as a sentence."""
        return " and ".join(str(condition) for condition in self.conditions) or "otherwise"
