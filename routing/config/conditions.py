"""``when`` blocks as conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.config.scalars import shown
from routing.config.schema_when import Numbers, WhenEntry
from routing.core.conditions import TAG_PREFIX, Condition, When
from routing.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.config.schema_when import Operations, Sizes, Words

FIELDS = tuple(name for name in WhenEntry.model_fields if name != "tags")


class Conditions:
    """Reads ``when`` blocks of one policy."""

    def __init__(self, problems: Problems, importance: Sequence[str], tags: frozenset[str] | None) -> None:
        """Take what the policy declares; nothing is missed where it is empty or ``None``."""
        self._problems = problems
        self._importance = importance
        self._tags = tags

    def read(self, when: WhenEntry | None, path: Path) -> When:
        """Read one block; no block at all always holds."""
        if when is None:
            return When()
        if not when.model_fields_set:
            self._problems.error(path, "this says nothing", "delete `when` for a rule that always holds")
        return When(conditions=tuple(self._conditions(when, path)))

    def check_tag(self, key: str, path: Path) -> None:
        """Note a tag key that the policy does not declare; ``path`` leads to the key."""
        if self._tags is not None and key not in self._tags:
            known = f"declared under `tags:` are {', '.join(sorted(self._tags))}"
            self._problems.error(path, f"unknown tag {shown(key)}{did_you_mean(key, self._tags)}", known, key=True)

    def check_importance(self, name: str, path: Path) -> None:
        """Note an importance that the policy does not declare."""
        if self._importance and name not in self._importance:
            known = f"declared are {', '.join(self._importance)}"
            message = f"unknown importance {shown(name)}{did_you_mean(name, self._importance)}"
            self._problems.error(path, message, known)

    def _conditions(self, when: WhenEntry, path: Path) -> Iterator[Condition]:
        for name in FIELDS:
            comparison = getattr(when, name)
            if comparison is not None:
                yield self._condition(name, comparison, (*path, name))
        for kind in ("one_of", "not_") if when.importance else ():
            for at, name in enumerate(getattr(when.importance, kind) or ()):
                self.check_importance(name, (*path, "importance", kind.rstrip("_"), at))
        for key, words in (when.tags or {}).items():
            self.check_tag(key, (*path, "tags", key))
            yield self._condition(TAG_PREFIX + key, words, (*path, "tags", key))

    def _condition(self, name: str, comparison: Words | Sizes | Operations | Numbers, path: Path) -> Condition:
        low = high = None
        if isinstance(comparison, Numbers):
            low, high = comparison.at_least, comparison.at_most
        if low is not None and high is not None and low > high:
            message = f"{name} cannot be at least {low:g} and at most {high:g}"
            self._problems.error(path, message, "this never holds; swap the two")
        return Condition(
            field=name,
            one_of=tuple(comparison.one_of) if comparison.one_of is not None else None,
            none_of=tuple(comparison.not_) if comparison.not_ is not None else None,
            at_least=low,
            at_most=high,
        )
