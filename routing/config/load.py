"""``router.yaml`` and its policy, read and checked together."""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.config.budgets import Budgets
from routing.config.catalog import packaged_catalog
from routing.config.checks import check_prices, check_routes
from routing.config.deployments import Shelf
from routing.config.document import Document, read_document
from routing.config.ledger import find_ledger, open_text
from routing.config.parsing import Parsed, parse
from routing.config.policies import read_policy
from routing.config.policytests import read_tests, run_policy_tests
from routing.config.problems import Problems
from routing.config.scalars import shown
from routing.config.schema import RouterFile
from routing.config.schema_policy import PolicyFile
from routing.config.specs import AlertSpec, CacheSpec, PolicyTest, ProviderSpec, RateLimitSpec, RouterConfig
from routing.core.policy import Policy, Settings
from routing.core.suggest import did_you_mean
from routing.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

__all__ = [
    "AlertSpec",
    "CacheSpec",
    "PolicyTest",
    "ProviderSpec",
    "RateLimitSpec",
    "RouterConfig",
    "load",
    "run_policy_tests",
]


def load(path: Path, env: Mapping[str, str], *, today: date) -> RouterConfig:
    """Read a ``router.yaml`` and the policy it names.

    ``env`` says which keys are there and what ``base_url_env`` and ``url_env`` hold; ``today`` is the day whose prices
    and model lifecycles count.

    Raises:
        ConfigError: with every problem of both files.

    """
    problems = Problems(_read(path, str(path)))
    router = parse(problems, RouterFile)
    names = router.names("deployments") or None
    ledger_url = _check_urls(router.file, problems, env)
    shelf = Shelf(router, problems, env=env, today=today, catalog=packaged_catalog())
    check_prices(shelf.deployments, shelf.prices, today, problems)
    rules = _read_rules(path, router, problems, names)
    budgets = Budgets(
        problems,
        importance=rules.policy.importance or None if rules else None,
        tags=rules.policy.tags if rules else None,
        deployments=names,
    ).read(router.file.budgets)
    if rules:
        check_routes(rules.policy, shelf.deployments, shelf.prices, today, rules.problems)
    found = [*problems.all(), *(rules.problems.all() if rules else ())]
    errors = [problem for problem in found if problem.severity == "error"]
    if errors or rules is None:
        raise ConfigError(errors)
    file = router.file
    return RouterConfig(
        settings=Settings(
            policy=rules.policy,
            deployments=MappingProxyType(shelf.deployments),
            prices=shelf.prices,
            budgets=budgets,
            hold_for_s=file.ledger.hold_for,
            release_expired=file.ledger.on_expiry == "release",
        ),
        providers=MappingProxyType(shelf.providers),
        ledger_url=ledger_url,
        cache=_cache(file),
        alerts=tuple(AlertSpec(kind=entry.kind) for entry in file.alerts),
        rate_limits=MappingProxyType(shelf.rate_limits),
        root=path.parent.resolve(),
        sources=(path, rules.path),
        loaded_on=today,
        tests=rules.tests,
        warnings=tuple(problem for problem in found if problem.severity == "warning"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What the policy file holds; only good for finding more problems where it has some."""

    path: Path
    problems: Problems
    policy: Policy
    tests: tuple[PolicyTest, ...]


def _read_rules(
    path: Path, router: Parsed[RouterFile], problems: Problems, deployments: Sequence[str] | None
) -> _Rules | None:
    """Read the policy file, also where ``router.yaml`` has problems; ``None`` where it cannot be found or read."""
    data = router.document.data
    name = data.get("policy") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name:
        return None
    place = path.parent / name
    shown_as = os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120 - as the caller wrote it, for messages
    try:
        document = _read(place, shown_as)
    except ConfigError as error:
        near = _policies_near(path)
        hint = "the path is relative to this file" + (f"; there are {', '.join(near)}" if near else "")
        message = f"the policy {shown(name)}{did_you_mean(name, near)} {error.problems[0].message}"
        problems.error(("policy",), message, hint)
        return None
    own = Problems(document)
    parsed = parse(own, PolicyFile)
    policy = read_policy(parsed, own, name=name, deployments=deployments)
    tests = read_tests(parsed, own, deployments=deployments)
    return _Rules(path=place, problems=own, policy=policy, tests=tests)


def _policies_near(path: Path) -> list[str]:
    found = (*path.parent.glob("policies/*.yaml"), *path.parent.glob("*policy*.yaml"))
    return sorted(str(policy.relative_to(path.parent)) for policy in found)


def _read(path: Path, shown_as: str) -> Document:
    return read_document(shown_as, open_text(path, shown_as))


def _check_urls(file: RouterFile, problems: Problems, env: Mapping[str, str]) -> str:
    """Check where ledger and cache are; return the ledger's URL."""
    ledger = find_ledger(file.ledger.url, file.ledger.url_env, env)
    if ledger.defect:
        problems.error(("ledger", ledger.key), *ledger.defect)
    if file.cache and not re.fullmatch(r"file:///[^\0]+", file.cache.url):
        hint = "write file:///folder, relative to this file, or file:////absolute/folder"
        problems.error(("cache", "url"), "this is no folder the cache can use", hint)
    return ledger.url


def _cache(file: RouterFile) -> CacheSpec | None:
    entry = file.cache
    if entry is None:
        return None
    return CacheSpec(url=entry.url, keep_for_s=entry.keep_for, max_size_bytes=entry.max_size)
