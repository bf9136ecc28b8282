"""Rules that no request ever gets to, because of the rules around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.reachability import contradiction, implies, taken_before, why_never

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.core.conditions import When
    from routing.core.policy import SortRule


WORDS_AT_MOST = 2_000
"""Rules are compared with all before them, word by word: with more of both the answer would not come soon."""


def check_order(rules: Mapping[Path, When], problems: Problems) -> None:
    """Note every rule that others before it leave nothing for; the first that matches decides.

    What comes after a rule without conditions is left to whoever knows what that rule is called.
    """
    if sum(1 + len(condition.one_of or ()) for when in rules.values() for condition in when.conditions) > WORDS_AT_MOST:
        return
    earlier: dict[Path, When] = {}
    for path, when in rules.items():
        if not when.conditions:
            return
        if _holds_at_all(when):
            before = taken_before(when, tuple(earlier.values()))
            if before:
                places = list(earlier)
                lines = sorted({problems.document.place(places[at])[0] for at in before})
                take = f"line {lines[0]} takes" if len(lines) == 1 else f"lines {_listed(lines)} take"
                hint = f"move it above {'that line' if len(lines) == 1 else 'those lines'}, or delete it"
                problems.error(path, f"this is never reached: {take} all that it could match", hint)
        earlier[path] = when


def check_caps(rules: Mapping[Path, SortRule], ranks: Sequence[str], problems: Problems) -> None:
    """Note caps that others make needless, and warn of importances that a cap puts out of everybody's reach."""
    caps = {path: rule for path, rule in rules.items() if rule.at_most in ranks and _holds_at_all(rule.when)}
    for path, cap in caps.items():
        for other_path, other in caps.items():
            if other_path == path or ranks.index(str(other.at_most)) > ranks.index(str(cap.at_most)):
                continue
            if implies(cap.when, other.when) and not (_same(cap, other) and path < other_path):
                line = problems.document.place(other_path)[0]
                message = f"this cap lowers nothing: line {line} caps all of it at {other.at_most}"
                problems.error(path, message, "delete it")
                break
        above = ranks[ranks.index(str(cap.at_most)) + 1 :]
        if not cap.when.conditions and above:
            message = f"{_listed(above)} cannot be had: every request is capped at {cap.at_most}"
            problems.warn((*path, "at_most"), message, "give the cap a `when`, or delete it")


def _holds_at_all(when: When) -> bool:
    return not contradiction(when) and not any(why_never(condition) for condition in when.conditions)


def _same(one: SortRule, other: SortRule) -> bool:
    return one.at_most == other.at_most and implies(other.when, one.when)


def _listed(names: Sequence[object]) -> str:
    *first, last = map(str, names)
    return f"{', '.join(first)} and {last}" if first else last
