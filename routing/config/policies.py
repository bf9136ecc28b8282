"""A policy file as a policy."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from routing.config.conditions import Conditions
from routing.config.dead_rules import check_caps, check_order
from routing.config.refusals import read_refusal
from routing.config.scalars import shown
from routing.core.budgets import OnBudget
from routing.core.fingerprint import fingerprint
from routing.core.policy import (
    Ask,
    Degrade,
    DraftUse,
    OnBad,
    OnUnknown,
    Pick,
    Policy,
    Route,
    Show,
    SortRule,
    Unsupported,
)
from routing.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.config.document import Path
    from routing.config.parsing import Parsed
    from routing.config.problems import Problems
    from routing.config.schema_policy import AskEntry, DegradeEntry, PolicyFile, RouteEntry, SortEntry
    from routing.config.schema_when import WhenEntry


def read_policy(
    parsed: Parsed[PolicyFile], problems: Problems, *, name: str, deployments: Sequence[str] | None
) -> Policy:
    """Make the policy of a file and note what can never work in it.

    ``name`` is the file as ``router.yaml`` calls it; rules are labelled by it and their line. ``deployments`` are the
    names that routes may use, ``None`` where they are not known. Where problems were noted the policy is only good for
    finding more.
    """
    return _Reader(parsed, problems, name, deployments).policy()


class _Reader:
    def __init__(
        self, parsed: Parsed[PolicyFile], problems: Problems, name: str, deployments: Sequence[str] | None
    ) -> None:
        self._parsed = parsed
        self._file = parsed.file
        self._problems = problems
        self._name = name
        self._deployments = deployments
        self._tags = frozenset(self._file.tags) if self._file.tags is not None else None
        self._conditions = Conditions(problems, self._file.importance, self._tags)
        self._entries = parsed.entries

    def policy(self) -> Policy:
        self._check_unique(self._file.importance, ("importance",), "importance")
        self._check_unique(self._file.tags or [], ("tags",), "tag")
        self._check_unique(self._file.moderate, ("moderate",), "importance")
        for at, name in enumerate(self._file.moderate):
            self._conditions.check_importance(name, ("moderate", at))
        sort: dict[Path, SortRule] = {
            ("sort", at): self._sort_rule(entry, ("sort", at))
            for at, entry in self._entries(("sort",), self._file.sort)
        }
        if self._parsed.whole("sort"):
            self._check_default()
        check_order({path: rule.when for path, rule in sort.items() if rule.importance}, self._problems)
        check_caps(sort, self._file.importance, self._problems)
        refuse = [
            read_refusal(entry, ("refuse", at), self._label(("refuse", at)), self._conditions, self._problems)
            for at, entry in self._entries(("refuse",), self._file.refuse)
        ]
        routes = {importance: self._variants(importance, entries) for importance, entries in self._file.routes.items()}
        self._check_routes()
        return Policy(
            name=self._name,
            importance=tuple(self._file.importance),
            sort=tuple(sort.values()),
            routes=routes,
            on_budget=OnBudget(self._file.on_budget),
            tags=self._tags,
            refuse=tuple(refuse),
            moderate=frozenset(self._file.moderate),
            moderate_label=self._label(("moderate",)) if self._file.moderate else "",
            fingerprint=_fingerprint(self._parsed.document.data),
        )

    def _label(self, path: Path) -> str:
        return f"{self._name}:{self._parsed.document.place(path)[0]}"

    def _check_unique(self, names: Sequence[str], path: Path, what: str) -> None:
        for at, name in enumerate(names):
            if name in names[:at]:
                self._problems.error((*path, at), f"{what} {shown(name)} comes twice", "keep one of the two")

    # --- sort -----------------------------------------------------------------------------------------------------

    def _sort_rule(self, entry: SortEntry, path: Path) -> SortRule:
        if (entry.importance is None) == (entry.at_most is None):
            both = "says both" if entry.importance else "lacks"
            hint = "importance gives one, at_most caps what a caller may ask for"
            self._problems.error(path, f"a sort rule {both} `importance` and `at_most`; it needs one of them", hint)
        for key, name in (("importance", entry.importance), ("at_most", entry.at_most)):
            if name is not None:
                self._conditions.check_importance(name, (*path, key))
        if entry.importance and entry.when:
            self._check_named(entry.when, (*path, "when"))
        if self._file.importance and entry.at_most == self._file.importance[-1]:
            hint = f"{entry.at_most} is the highest importance; delete the rule"
            self._problems.error((*path, "at_most"), "this cap lowers nothing", hint)
        return SortRule(
            when=self._conditions.read(entry.when, (*path, "when")),
            importance=entry.importance,
            at_most=entry.at_most,
            label=self._label(path),
        )

    def _check_named(self, when: WhenEntry, path: Path) -> None:
        """Note what a rule that gives an importance asks of one that the call names: it names none then."""
        hint = "rules are read only where the call names no importance; use at_most to cap what it may name"
        if when.importance:
            self._problems.error((*path, "importance"), "this never holds", hint, key=True)
        if when.importance_named is not None:
            always = "never" if when.importance_named else "always"
            self._problems.error((*path, "importance_named"), f"this {always} holds", hint, key=True)

    def _check_default(self) -> None:
        defaults = [at for at, entry in enumerate(self._file.sort) if entry.importance and entry.when is None]
        if not defaults:
            hint = "end the list with `- {importance: ...}` without `when`"
            self._problems.error(("sort", len(self._file.sort) - 1), "the last sort rule is not a default", hint)
        for at in range(defaults[0] + 1 if defaults else len(self._file.sort), len(self._file.sort)):
            line = self._parsed.document.place(("sort", defaults[0]))[0]
            message = f"this rule comes after the default of line {line}"
            self._problems.error(("sort", at), message, "move it above the default, or delete it")

    # --- routes ---------------------------------------------------------------------------------------------------

    def _check_routes(self) -> None:
        declared = self._file.importance
        for importance in self._parsed.names("routes") if declared else ():
            if importance not in declared:
                hint = f"declared are {', '.join(declared)}"
                message = f"a route for no importance{did_you_mean(importance, declared)}"
                self._problems.error(("routes", importance), message, hint, key=True)
        for at, importance in enumerate(declared):
            if ("routes",) not in self._parsed.damaged and importance not in self._parsed.names("routes"):
                hint = f"add `{importance}:` under `routes`"
                self._problems.error(("importance", at), f"importance {shown(importance)} has no route", hint)
        for importance, entries in self._file.routes.items():
            path = ("routes", importance)
            if not any(damaged[:2] == path for damaged in self._parsed.damaged):
                self._check_variants(entries, path)

    def _check_variants(self, entries: list[RouteEntry], path: Path) -> None:
        if not entries:
            self._problems.error(path, "the route has no variant", "write `- {use: [...]}`")
            return
        open_at = next((at for at, entry in enumerate(entries) if entry.when is None), None)
        if open_at is None:
            hint = "let the last one have no `when`, or some requests have nowhere to go"
            self._problems.error((*path, len(entries) - 1), "every variant of the route has a condition", hint)
            return
        for at in range(open_at + 1, len(entries)):
            line = self._parsed.document.place((*path, open_at))[0]
            message = f"this variant is never reached: line {line} takes every request"
            self._problems.error((*path, at), message, "move it above that line, or delete it")

    def _variants(self, importance: str, entries: Sequence[RouteEntry]) -> tuple[Route, ...]:
        path: Path = ("routes", importance)
        routes = {(*path, at): self._route(entry, (*path, at)) for at, entry in self._entries(path, entries)}
        check_order({place: route.when for place, route in routes.items()}, self._problems)
        return tuple(routes.values())

    def _route(self, entry: RouteEntry, path: Path) -> Route:
        if entry.degrade:
            self._check_degrade(entry, entry.degrade, (*path, "degrade"))
        for key, names in (("use", entry.use), ("on_failure", entry.on_failure), ("may_name", entry.may_name or [])):
            self._check_unique(names, (*path, key), "deployment")
            for at, name in enumerate(names):
                self._check_deployment(name, (*path, key, at))
        return Route(
            use=tuple(entry.use),
            when=self._conditions.read(entry.when, (*path, "when")),
            pick=Pick(entry.pick),
            ask=_ask(entry.ask) if entry.ask else Ask(),
            max_price_nusd=entry.max_price,
            on_failure=tuple(entry.on_failure),
            on_budget=OnBudget(entry.on_budget) if entry.on_budget else None,
            deadline_s=entry.deadline,
            unsupported=Unsupported(entry.unsupported),
            may_name=tuple(entry.may_name) if entry.may_name is not None else None,
            unknown=OnUnknown(entry.unknown),
            bad=OnBad(entry.bad),
            degrade=_degrade(entry.degrade) if entry.degrade else Degrade(),
            draft=DraftUse(entry.draft),
            label=self._label(path),
        )

    def _check_degrade(self, route: RouteEntry, entry: DegradeEntry, path: Path) -> None:
        if not entry.use and not entry.show:
            self._problems.error(path, "this says nothing", "write use: [...], show: [last, placeholder], or both")
        self._check_unique(entry.use, (*path, "use"), "deployment")
        for at, name in enumerate(entry.use):
            self._check_deployment(name, (*path, "use", at))
            if name in (*route.use, *route.on_failure):
                message = f"{name} is tried before already, so that it stands in for nobody"
                self._problems.warn((*path, "use", at), message, "name another, or delete it here")
            if name in set(Show):
                message = (
                    f"a deployment called {name} cannot stand in: `{name}` is what a result says of a shown picture"
                )
                self._problems.error((*path, "use", at), message, "give it another name")
        self._check_unique(entry.show, (*path, "show"), "word")
        if "placeholder" in entry.show[:-1]:
            at = entry.show.index("placeholder") + 1
            message = "this is never reached: a placeholder can always be drawn"
            self._problems.error((*path, "show", at), message, "write [last, placeholder]")

    def _check_deployment(self, name: str, path: Path) -> None:
        if self._deployments is not None and name not in self._deployments:
            self._problems.unknown(path, "deployment", name, self._deployments, where="declared in router.yaml")


def _ask(entry: AskEntry) -> Ask:
    if isinstance(entry.size, int):
        return Ask(quality=entry.quality, pixels_at_most=entry.size)
    return Ask(quality=entry.quality, size=entry.size)


def _degrade(entry: DegradeEntry) -> Degrade:
    return Degrade(use=tuple(entry.use), show=tuple(map(Show, entry.show)))


def _fingerprint(data: object) -> str:
    """Name what the policy decides by: everything but its tests."""
    rules = {key: value for key, value in data.items() if key != "tests"} if isinstance(data, dict) else {}
    return fingerprint(_plain(rules))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return str(value.normalize()) if isinstance(value, Decimal) else value
