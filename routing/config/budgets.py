"""Budgets from ``router.yaml``, checked against what the policy declares."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.core.budgets import Budget, Match, OnBudget
from routing.core.money import NUSD_PER_USD, usd_text
from routing.core.window import WindowKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.config.schema import BudgetEntry, MatchEntry


class Budgets:
    """Reads the budgets of one file; what is not known (``None``) is not missed."""

    def __init__(
        self,
        problems: Problems,
        *,
        importance: Sequence[str] | None,
        tags: Collection[str] | None,
        deployments: Sequence[str] | None,
    ) -> None:
        """Take the names that matches may use."""
        self._problems = problems
        self._importance = importance
        self._tags = tags
        self._deployments = deployments

    def read(self, entries: Mapping[str, BudgetEntry]) -> tuple[Budget, ...]:
        """Read all of them."""
        return tuple(self._budget(name, entry) for name, entry in entries.items())

    def _budget(self, name: str, entry: BudgetEntry) -> Budget:
        path = ("budgets", name)
        if entry.per is not None:
            self._check(entry.per, self._tags, "tag", (*path, "per"))
        for importance in entry.protect:
            self._check(importance, self._importance, "importance", (*path, "protect", importance), key=True)
        total = sum(entry.protect.values(), Fraction(0))
        if total > 1:
            shares = " + ".join(f"{float(share):.4g}" for share in (100 * share for share in entry.protect.values()))
            message = f"the protected shares are {shares} = {float(100 * total):.4g} percent of the limit"
            self._problems.error((*path, "protect"), message, "they share one limit; keep them within 100%")
        if entry.forecast and entry.window.kind is WindowKind.ROLLING:
            message = "a rolling window has no end that could be foretold"
            self._problems.error((*path, "forecast"), message, "leave it out, or count by the calendar")
        return Budget(
            name=name,
            limit_nusd=entry.limit,
            window=replace(entry.window, zone=entry.zone),
            per=entry.per,
            match=self._match(entry.match, (*path, "match")) if entry.match else Match(),
            on_budget=OnBudget(entry.on_budget) if entry.on_budget else None,
            alert_at=self._thresholds(entry, path),
            protect=MappingProxyType(dict(entry.protect)),
            forecast=entry.forecast,
        )

    def _match(self, entry: MatchEntry, path: Path) -> Match:
        for at, importance in enumerate(entry.importance or ()):
            self._check(importance, self._importance, "importance", (*path, "importance", at))
        for at, deployment in enumerate(entry.deployment or ()):
            self._check(deployment, self._deployments, "deployment", (*path, "deployment", at))
        for key in entry.tags or ():
            self._check(key, self._tags, "tag", (*path, "tags", key), key=True)
        tags = {key: frozenset(values) for key, values in (entry.tags or {}).items()}
        return Match(
            importance=frozenset(entry.importance or ()),
            deployment=frozenset(entry.deployment or ()),
            operation=frozenset(entry.operation or ()),
            tags=MappingProxyType(tags),
        )

    def _thresholds(self, entry: BudgetEntry, path: Path) -> tuple[int, ...]:
        amounts: list[int] = []
        for at, threshold in enumerate(entry.alert_at):
            amount = int(entry.limit * threshold) if isinstance(threshold, Fraction) else threshold
            if amount > entry.limit:
                message = f"${usd_text(amount)} is above the limit of ${usd_text(entry.limit)}"
                hint = "it would never come: write a percentage, like 80%, or less"
                self._problems.error((*path, "alert_at", at), message, hint)
            elif not isinstance(threshold, Fraction) and amount <= NUSD_PER_USD < entry.limit:
                message = f"this is ${usd_text(amount)}, of a limit of ${usd_text(entry.limit)}"
                self._problems.warn((*path, "alert_at", at), message, "if a share is meant, write it like 80%")
            elif amount in amounts:
                self._problems.error((*path, "alert_at", at), "this threshold comes twice", "keep one of the two")
            amounts.append(amount)
        return tuple(sorted(amounts))

    def _check(self, name: str, known: Collection[str] | None, what: str, path: Path, *, key: bool = False) -> None:
        if known is not None and name not in known:
            where = "declared in router.yaml" if what == "deployment" else "declared by the policy"
            self._problems.unknown(path, what, name, sorted(known), where=where, key=key)
