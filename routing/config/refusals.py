"""The ``refuse`` rules of a policy."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.abilities import words_of
from routing.core.refusals import NO_OPTIONS, RefusalRule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.config.conditions import Conditions
    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.config.schema_policy import RefuseEntry
    from routing.core.deployment import Deployment
    from routing.core.policy import Policy

NEEDED = ("words", "missing", "options", "when")
"""A rule says one of these at least: what is refused."""


def read_refusal(entry: RefuseEntry, path: Path, label: str, conditions: Conditions, problems: Problems) -> RefusalRule:
    """Read one rule and note what it names that does not exist."""
    if all(getattr(entry, name) is None for name in NEEDED):
        message = f"this does not say what is refused; it needs {', '.join(NEEDED[:-1])} or {NEEDED[-1]}"
        hint = "write what shall not be bought, like words: [lorem ipsum]"
        problems.error(path, message, hint)
    for at, name in enumerate(entry.importance or ()):
        conditions.check_importance(name, (*path, "importance", at))
    for name in entry.options or ():
        conditions.check_option(name, (*path, "options", name))
    return RefusalRule(
        words=tuple(entry.words or ()),
        missing=tuple(entry.missing or ()),
        options=MappingProxyType(entry.options) if entry.options else NO_OPTIONS,
        importance=entry.importance or (),
        when=conditions.read(entry.when, (*path, "when")),
        because=entry.because or "",
        label=label,
    )


def check_refused_words(policy: Policy, deployments: Iterable[Deployment], problems: Problems) -> None:
    """Note values that no call can have: it is refused for them everywhere, so that such a rule guards nothing."""
    known = {name: words_of(name, deployments) for rule in policy.refuse for name in rule.options}
    for at, rule in enumerate(policy.refuse):
        for name, values in rule.options.items():
            for number, value in enumerate(values):
                if known[name] and value not in known[name]:
                    path = ("refuse", at, "options", name, number)
                    problems.unknown(path, name, value, known[name], where="known")
