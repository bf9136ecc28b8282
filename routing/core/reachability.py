"""What can never happen in a policy: conditions that no request fulfils, rules that others always go before.

Every answer is sound and none is complete: what is called impossible is so for every request there could be; what is
not may still be impossible for reasons that are not looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from routing.core.conditions import ANY, Condition, When, matches
from routing.core.quoted import SCRIPTS
from routing.core.request import IMAGES_AT_MOST, Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from routing.core.conditions import Value

_WORDS: dict[str, tuple[Value, ...]] = {
    "operation": tuple(operation.value for operation in Operation),
    "importance_named": (True, False),
    "script": SCRIPTS,
}
"""Fields with a closed list of values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    low: float
    high: float = math.inf
    whole: bool = True


_RANGES = {
    "n": _Range(low=1, high=IMAGES_AT_MOST),
    "references": _Range(low=0),
    "prompt_chars": _Range(low=1),
    "text_chars": _Range(low=0),
    "megapixels": _Range(low=0, whole=False),
    "deadline": _Range(low=0, whole=False),
    "budget_used": _Range(low=0, whole=False),
    "budget_left": _Range(low=0),
}
"""What a number may be."""
_ALWAYS_THERE = ("operation", "importance_named", "n", "references", "prompt_chars", "text_chars")


def why_never(condition: Condition) -> str:
    """Say why no request can fulfil a condition; empty where one could."""
    known = _RANGES.get(condition.field)
    low, high = condition.at_least, condition.at_most
    if low is not None and high is not None and low > high:
        return "no number is both"
    if known and ((high is not None and high < known.low) or (low is not None and low > known.high)):
        return _range_text(known)
    left = _values(condition)
    if left is None or left:
        return ""
    if condition.one_of and known and not any(_fits(value, known) for value in condition.one_of):
        return _range_text(known)
    return "`not` and the bounds leave nothing of it" if condition.one_of else "`not` leaves nothing"


def contradiction(when: When) -> tuple[str, str] | None:
    """Find two fields whose conditions exclude each other, by what each field is; ``None`` where none do."""
    by_field = {condition.field: condition for condition in when.conditions}

    def allows(field: str, value: Value) -> bool:
        return field not in by_field or allowed(by_field[field], value)

    if "operation" in by_field and "references" in by_field:
        generates = allows("operation", Operation.GENERATE.value) and allows("references", 0)
        edits = allows("operation", Operation.EDIT.value) and _greatest(by_field["references"]) >= 1
        if not generates and not edits:
            return "operation", "references"
    if "script" in by_field and "text_chars" in by_field and _greatest(by_field["text_chars"]) < 1:
        return "script", "text_chars"
    if "text_chars" in by_field and "prompt_chars" in by_field:
        return (
            ("text_chars", "prompt_chars")
            if least(by_field["text_chars"]) > _greatest(by_field["prompt_chars"])
            else None
        )
    return None


def taken_before(rule: When, earlier: Sequence[When]) -> tuple[int, ...]:
    """Find earlier rules that together take whatever a rule could match: their places; empty where none are found."""
    for at, other in enumerate(earlier):
        if implies(rule, other):
            return (at,)
    for at, condition in enumerate(rule.conditions):
        values = _values(condition)
        if values is None or len(values) < 2:  # noqa: PLR2004 - one value cannot be taken apart
            continue
        places = []
        for value in values:
            part = replace(condition, one_of=(value,))
            narrowed = When(conditions=(*rule.conditions[:at], part, *rule.conditions[at + 1 :]))
            place = next((number for number, other in enumerate(earlier) if implies(narrowed, other)), None)
            if place is None:
                break
            places.append(place)
        else:
            return tuple(sorted(set(places)))
    return ()


def implies(rule: When, other: When) -> bool:
    """Tell whether every request that one block takes is taken by the other too."""
    return all(
        _always(wanted) or any(_implies(given, wanted) for given in rule.conditions if given.field == wanted.field)
        for wanted in other.conditions
    )


def allowed(condition: Condition, value: Value | float) -> bool:
    """Tell whether a field that has this value fulfils the condition."""
    if condition.one_of is not None and not _listed(condition, value, condition.one_of):
        return False
    if condition.none_of is not None and _listed(condition, value, condition.none_of):
        return False
    if condition.at_least is None and condition.at_most is None:
        return True
    if isinstance(value, str):
        return False
    return (condition.at_least is None or value >= condition.at_least) and (
        condition.at_most is None or value <= condition.at_most
    )


def _listed(condition: Condition, value: Value | float, values: Iterable[Value]) -> bool:
    # A pattern is covered by another where that one matches its text: its own * is a letter that only a * can match.
    return any(matches(str(each), str(value)) if condition.is_tag else each == value for each in values)


def _values(condition: Condition) -> tuple[Value, ...] | None:
    """List what the field may be where that is a closed list; patterns stand for what they match."""
    values = condition.one_of if condition.one_of is not None else _WORDS.get(condition.field)
    if values is None:
        return () if condition.is_tag and ANY in (condition.none_of or ()) else None
    known = _RANGES.get(condition.field)
    return tuple(value for value in values if allowed(condition, value) and (known is None or _fits(value, known)))


def _implies(given: Condition, wanted: Condition) -> bool:
    """Tell whether a field that fulfils one condition fulfils the other too."""
    values = _values(given)
    if values is not None:
        return all(allowed(wanted, value) and not _overlaps(value, wanted, given) for value in values)
    if wanted.one_of is not None and not (wanted.is_tag and ANY in wanted.one_of):
        return False
    if not all(_excludes(given, value) for value in wanted.none_of or ()):
        return False
    return least(given) >= _lower(wanted) and _greatest(given) <= _upper(wanted)


def _overlaps(value: Value, wanted: Condition, given: Condition) -> bool:
    """Tell whether some text of a pattern may be one that the other condition excludes."""
    if not (wanted.is_tag and ANY in str(value)):
        return False
    return any(not _apart(str(value), str(no)) and not _listed(given, no, given.none_of or ())
               for no in wanted.none_of or ())  # fmt: skip


def _apart(one: str, other: str) -> bool:
    """Tell whether no text matches both patterns, by what they begin and end with."""
    if ANY not in other:
        return not matches(one, other)
    heads = one.split(ANY, maxsplit=1)[0], other.split(ANY, maxsplit=1)[0]
    tails = one.rsplit(ANY, maxsplit=1)[-1], other.rsplit(ANY, maxsplit=1)[-1]
    return not (
        (heads[0].startswith(heads[1]) or heads[1].startswith(heads[0]))
        and (tails[0].endswith(tails[1]) or tails[1].endswith(tails[0]))
    )


def _excludes(given: Condition, value: Value) -> bool:
    """Tell whether a condition excludes a value, and all that a pattern stands for."""
    if _listed(given, value, given.none_of or ()):
        return True
    return not isinstance(value, str) and not allowed(replace(given, one_of=None, none_of=None), value)


def _always(wanted: Condition) -> bool:
    """Tell whether every request fulfils the condition."""
    if wanted.field not in _ALWAYS_THERE:
        return False
    words = _WORDS.get(wanted.field)
    if words:
        return all(allowed(wanted, value) for value in words)
    known = _RANGES[wanted.field]
    return (
        wanted.one_of is None
        and not any(_fits(value, known) for value in wanted.none_of or ())
        and _lower(wanted) <= known.low
        and _upper(wanted) >= known.high
    )


def _fits(value: Value, known: _Range) -> bool:
    return not isinstance(value, str) and known.low <= value <= known.high and not (known.whole and value % 1)


def _lower(condition: Condition) -> float:
    return -math.inf if condition.at_least is None else float(condition.at_least)


def _upper(condition: Condition) -> float:
    return math.inf if condition.at_most is None else float(condition.at_most)


def least(condition: Condition) -> float:
    """Find the least a number may be that fulfils the condition."""
    known = _RANGES.get(condition.field)
    low = max(_lower(condition), known.low if known else -math.inf)
    numbers = [value for value in condition.one_of or () if not isinstance(value, str)]
    return max(low, min(numbers)) if numbers else low


def _greatest(condition: Condition) -> float:
    known = _RANGES.get(condition.field)
    high = min(_upper(condition), known.high if known else math.inf)
    numbers = [value for value in condition.one_of or () if not isinstance(value, str)]
    return min(high, max(numbers)) if numbers else high


def _range_text(known: _Range) -> str:
    bounds = f"{known.low:g} to {known.high:g}" if known.high < math.inf else f"{known.low:g} or more"
    return f"it is {'a whole number, ' if known.whole else ''}{bounds}"
