"""The closed set of conditions a rule may state about a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from routing.core.money import usd_text

if TYPE_CHECKING:
    from fractions import Fraction

    from routing.core.features import Features

    Value = str | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How full the budgets are that a request would count in: the fullest one's used share, and the least left.

    What is held counts as used. ``None`` where no budget would count it, or none was looked at: it never matches.
    """

    used_share: Fraction | None = None
    left_nusd: int | None = None


UNKNOWN = Standing()

Test = Callable[["Features", Standing], bool]

OF_REQUEST: dict[str, Callable[[Features], Any]] = {
    "importance": attrgetter("importance"),
    "importance_named": lambda features: features.importance is not None,
    "operation": attrgetter("operation"),
    "size": lambda features: str(features.size) if features.size else None,
    "megapixels": attrgetter("megapixels"),
    "n": attrgetter("n"),
    "references": lambda features: len(features.references),
    "prompt_chars": attrgetter("prompt_chars"),
    "text_chars": attrgetter("text_chars"),
    "script": attrgetter("script"),
    "deadline": attrgetter("deadline_s"),
}
OF_BUDGETS: dict[str, Callable[[Standing], Any]] = {
    "budget_used": attrgetter("used_share"),
    "budget_left": attrgetter("left_nusd"),
}
"""Field of ``when`` -> how it is read. ``tags`` are read one by one, as ``tags.<key>``.

``deadline`` is in seconds, ``budget_used`` a share of one, ``budget_left`` in nano-USD.
"""

TAG_PREFIX = "tags."
ANY = "*"
"""In the value of a tag: any text, also none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One field and what it must be; every bound that is given must hold. Undefined never matches.

    In the values of a tag ``*`` stands for any text.
    """

    field: str
    one_of: tuple[Value, ...] | None = None
    none_of: tuple[Value, ...] | None = None
    at_least: float | Fraction | None = None
    at_most: float | Fraction | None = None
    holds: Test = dataclasses.field(init=False, repr=False, compare=False)
    """Tell whether a request fulfils the condition."""

    def __post_init__(self) -> None:
        """Make ready what is asked for every request."""
        object.__setattr__(self, "holds", _test(self))

    @property
    def is_tag(self) -> bool:
        """Whether it reads a tag."""
        return self.field.startswith(TAG_PREFIX)

    def __str__(self) -> str:
        """Read as ``tags.kind is poster or banner``, ``text_chars at least 12``."""
        if self.field == "importance_named" and self.one_of:
            return f"importance {'named' if self.one_of[0] else 'not named'} by the call"
        parts = []
        if self.one_of is not None:
            parts.append("is " + " or ".join(str(value) for value in self.one_of))
        if self.none_of is not None:
            parts.append("is not " + " or ".join(str(value) for value in self.none_of))
        if self.at_least is not None:
            parts.append(f"at least {amount_text(self.field, self.at_least)}")
        if self.at_most is not None:
            parts.append(f"at most {amount_text(self.field, self.at_most)}")
        return f"{self.field} {' and '.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions that must all hold; none at all always holds."""

    conditions: tuple[Condition, ...] = ()
    holds: Test = dataclasses.field(init=False, repr=False, compare=False)
    """Tell whether every condition holds for a request."""

    def __post_init__(self) -> None:
        """Make ready what is asked for every request."""
        object.__setattr__(self, "holds", _all_of([condition.holds for condition in self.conditions]))

    @property
    def reads_budgets(self) -> bool:
        """Whether it must be known how full the budgets are."""
        return any(condition.field in OF_BUDGETS for condition in self.conditions)

    def __str__(self) -> str:
        """Read as a sentence."""
        return " and ".join(str(condition) for condition in self.conditions) or "otherwise"


_UNITS = (("d", 86_400), ("h", 3600), ("m", 60))


def amount_text(name: str, amount: float | Fraction) -> str:
    """Say a bound in its field's unit: ``12``, ``30s``, ``80%``, ``$2.50``."""
    if name == "deadline":
        unit, seconds = next(((unit, size) for unit, size in _UNITS if not amount % size), ("s", 1))
        return f"{float(amount / seconds):g}{unit}"
    if name == "budget_used":
        return f"{float(amount * 100):g}%"
    return f"${usd_text(int(amount))}" if name == "budget_left" else f"{float(amount):g}"


def matches(pattern: str, text: str) -> bool:
    """Compare a tag with a value in which ``*`` stands for any text; what holds no ``*`` must be the same."""
    if ANY not in pattern:
        return pattern == text
    first, *middle, last = pattern.split(ANY)
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


# Rules are asked for every request, fifty of them in some policies: each becomes one small function beforehand.


def _all_of(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if not tests:
        return lambda _features, _standing: True
    first, *others = tests
    rest = _all_of(others)
    return lambda features, standing: first(features, standing) and rest(features, standing)


def _test(condition: Condition) -> Test:
    if condition.is_tag:
        return _tag_test(condition)
    if condition.field in OF_BUDGETS:
        read_standing, bounds = OF_BUDGETS[condition.field], _bounds(condition)
        return lambda _, standing: bounds(read_standing(standing))
    read = OF_REQUEST[condition.field]
    alone = condition.none_of is None and condition.at_most is None
    if alone and condition.one_of is not None and condition.at_least is None:
        values = frozenset(condition.one_of)
        return lambda features, _: read(features) in values
    if alone and condition.one_of is None and condition.at_least is not None:
        low = condition.at_least
        return lambda features, _: (value := read(features)) is not None and value >= low
    bounds = _bounds(condition)
    return lambda features, _: bounds(read(features))


def _bounds(condition: Condition) -> Callable[[Any], bool]:
    one_of, none_of, low, high = condition.one_of, condition.none_of, condition.at_least, condition.at_most

    def holds(value: Any) -> bool:  # noqa: ANN401 - whatever a field holds
        return (
            value is not None
            and (one_of is None or value in one_of)
            and (none_of is None or value not in none_of)
            and (low is None or value >= low)
            and (high is None or value <= high)
        )

    return holds


def _tag_test(condition: Condition) -> Test:
    key, one_of, none_of = condition.field.removeprefix(TAG_PREFIX), condition.one_of, condition.none_of
    if condition.at_least is not None or condition.at_most is not None:
        return lambda _features, _standing: False  # a text is no number
    if none_of is None and one_of is None:
        return lambda features, _: key in features.tags
    if none_of is None and one_of is not None:
        exact, heads, others = _patterns(one_of)
        if not heads and not others:
            return lambda features, _: features.tags.get(key) in exact
        if not exact and not others:
            return lambda features, _: (value := features.tags.get(key)) is not None and value.startswith(heads)
    wanted = _matcher(one_of) if one_of is not None else None
    unwanted = _matcher(none_of or ())

    def holds(features: Features, _standing: Standing) -> bool:
        value = features.tags.get(key)
        return value is not None and (wanted is None or wanted(value)) and not unwanted(value)

    return holds


def _patterns(values: tuple[Value, ...]) -> tuple[frozenset[str], tuple[str, ...], list[str]]:
    """Part values into those to compare as they stand, beginnings (of ``spring-*``), and other patterns."""
    texts = [str(value) for value in values]
    heads = {text: text[:-1] for text in texts if text.find(ANY) == len(text) - 1 and text}
    exact = frozenset(text for text in texts if ANY not in text)
    return exact, tuple(heads.values()), [text for text in texts if ANY in text and text not in heads]


def _matcher(values: tuple[Value, ...]) -> Callable[[str], bool]:
    exact, heads, others = _patterns(values)
    return lambda text: text in exact or text.startswith(heads) or any(matches(pattern, text) for pattern in others)
