"""What a policy says no to before anything is reserved or sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.conditions import When
from routing.core.words import fold, stands_in
from routing.errors import PromptRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from routing.core.conditions import Standing
    from routing.core.features import Features

NO_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRule:
    """A rule that refuses where all that it says holds. ``label`` is its place, ``because`` its reason in words.

    ``words``: one of these stands in the prompt; ``missing``: one of these does not. ``options``: one of these comes
    with the call and has one of these values (none: any). ``importance``: the request was sorted to one of these
    (none: to any).
    """

    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    options: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_OPTIONS)
    importance: tuple[str, ...] = ()
    when: When = field(default_factory=When)
    because: str = ""
    label: str = ""
    _words: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _missing: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fold beforehand what is looked for in every prompt."""
        object.__setattr__(self, "_words", tuple((word, fold(word)) for word in self.words))
        object.__setattr__(self, "_missing", tuple((word, fold(word)) for word in self.missing))

    @property
    def reads_words(self) -> bool:
        """Whether the prompt's own words must be known."""
        return bool(self.words or self.missing)

    def found(self, features: Features, importance: str, standing: Standing) -> list[str] | None:
        """Say in words what of a request it refuses, the prompt aside; ``None`` where it lets the request pass."""
        if self.importance and importance not in self.importance:
            return None
        if not self.when.holds(features, standing):
            return None
        facts = [f"the importance is {importance}"] if self.importance else []
        facts += [str(self.when)] if self.when.conditions else []
        if self.options:
            given = _first_option(self.options, features)
            if given is None:
                return None
            facts.insert(0, given)
        return facts

    def found_in(self, folded: str) -> list[str] | None:
        """Say in words what of a folded prompt it refuses; ``None`` where it lets the prompt pass."""
        facts = []
        for words, wanted, says in (
            (self._words, True, "stands in the prompt"),
            (self._missing, False, "does not stand in the prompt"),
        ):
            first = next((word for word, phrase in words if stands_in(phrase, folded) is wanted), None)
            if words and first is None:
                return None
            facts += [f"{first!r} {says}"] if words else []
        return facts

    @property
    def _way_out(self) -> str:
        if self.words:
            return "take it out"
        if self.missing:
            return "put it in"
        return "leave it out" if self.options else "make it otherwise, or have the rule changed"

    def refusal(self, facts: Iterable[str]) -> PromptRefused:
        """Make the error: it names the rule, its reason, what was found, and the way out; never the prompt."""
        because = f", {self.because}" if self.because else ""
        message = f"refused by {self.label}{because}: {' and '.join(facts)}; {self._way_out}; nothing was spent"
        return PromptRefused(message, rule=self.label, because=self.because)


def _first_option(options: Mapping[str, tuple[str, ...]], features: Features) -> str | None:
    for name, value in features.options.items():
        values = options.get(name)
        if values is not None and (not values or value in values):
            return f"{name} is {value}" if values else f"{name} is given"
    return None


def check_refusals(
    rules: Iterable[RefusalRule], features: Features, importance: str, standing: Standing, prompt: str | None
) -> tuple[str, ...]:
    """Look at every rule; return the labels of those that may refuse, if only the prompt's words were known.

    Raises:
        PromptRefused: by the first rule of which all holds.

    """
    unread = []
    folded: str | None = None
    for rule in rules:
        facts = rule.found(features, importance, standing)
        if facts is None:
            continue
        if rule.reads_words:
            if prompt is None:
                unread.append(rule.label)
                continue
            folded = fold(prompt) if folded is None else folded
            said = rule.found_in(folded)
            if said is None:
                continue
            facts = said + facts
        raise rule.refusal(facts)
    return tuple(unread)
