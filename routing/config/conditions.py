"""``when`` blocks as conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.config.schema_when import Amounts, Durations, Numbers, Shares, WhenEntry
from routing.core.conditions import TAG_PREFIX, Condition, When, amount_text
from routing.core.reachability import contradiction, why_never
from routing.core.request import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.config.schema_when import Operations, Scripts, Sizes, Words

    Compared = Words | Sizes | Operations | Scripts | Numbers | Durations | Shares | Amounts

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
        read = When(conditions=tuple(self._conditions(when, path)))
        both = contradiction(read)
        if both:
            one, other = ((*path, name) for name in both)
            message = f"this never holds: {both[0]} and {both[1]} exclude each other"
            self._problems.error(max(one, other, key=self._problems.document.place), message, "delete one of the two")
        return read

    def check_tag(self, key: str, path: Path) -> None:
        """Note a tag key that the policy does not declare; ``path`` leads to the key."""
        if self._tags is not None and key not in self._tags:
            self._problems.unknown(path, "tag", key, sorted(self._tags), where="declared under `tags:`", key=True)

    def check_importance(self, name: str, path: Path) -> None:
        """Note an importance that the policy does not declare."""
        if self._importance and name not in self._importance:
            self._problems.unknown(path, "importance", name, self._importance)

    def check_option(self, name: str, path: Path) -> None:
        """Note an option that no call can ask for; ``path`` leads to its name."""
        if name not in OPTIONS:
            self._problems.unknown(path, "option", name, OPTIONS, where="known", key=True)

    def _conditions(self, when: WhenEntry, path: Path) -> Iterator[Condition]:
        for name in FIELDS:
            comparison = getattr(when, name)
            if isinstance(comparison, bool):
                yield Condition(field=name, one_of=(comparison,))
            elif comparison is not None:
                yield self._condition(name, comparison, (*path, name))
        for kind in ("one_of", "not_") if when.importance else ():
            for at, name in enumerate(getattr(when.importance, kind) or ()):
                self.check_importance(name, (*path, "importance", kind.rstrip("_"), at))
        for key, words in (when.tags or {}).items():
            self.check_tag(key, (*path, "tags", key))
            yield self._condition(TAG_PREFIX + key, words, (*path, "tags", key))

    def _condition(self, name: str, comparison: Compared, path: Path) -> Condition:
        bounds = comparison if isinstance(comparison, Numbers | Durations | Shares | Amounts) else None
        values = None if isinstance(comparison, Durations | Shares | Amounts) else comparison
        condition = Condition(
            field=name,
            one_of=tuple(values.one_of) if values and values.one_of is not None else None,
            none_of=tuple(values.not_) if values and values.not_ is not None else None,
            at_least=bounds.at_least if bounds else None,
            at_most=bounds.at_most if bounds else None,
        )
        low, high = condition.at_least, condition.at_most
        if low is not None and high is not None and low > high:
            message = f"{name} cannot be at least {amount_text(name, low)} and at most {amount_text(name, high)}"
            self._problems.error(path, message, "this never holds; swap the two")
        elif why := why_never(condition):
            hint = "correct the value, or delete the rule"
            if condition.is_tag and not condition.one_of:
                key = condition.field.removeprefix(TAG_PREFIX)
                hint = f'for requests without the tag, put a rule with `{{{key}: "*"}}` first and this one after it'
            self._problems.error(path, f"this never holds: {why}", hint)
        return condition
