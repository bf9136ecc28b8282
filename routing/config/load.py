"""``router.yaml`` and its policy, read and checked together."""

from __future__ import annotations

import os.path
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.config.alerts import Alerts
from routing.config.budgets import Budgets
from routing.config.cache import read_cache
from routing.config.catalog import packaged_catalog
from routing.config.checks import check_prices, check_routes
from routing.config.degrading import check_degrading
from routing.config.deployments import Shelf
from routing.config.document import Document, read_document
from routing.config.kinds import check_policy, check_router
from routing.config.ledger import find_ledger, open_text
from routing.config.limits import read_limits
from routing.config.moderation import check_moderation, find_moderator
from routing.config.own_catalog import read_catalogs
from routing.config.parsing import Parsed, parse
from routing.config.policies import read_policy
from routing.config.policytests import read_tests, run_policy_tests
from routing.config.problems import Problems
from routing.config.refusals import check_refused_words
from routing.config.scalars import shown
from routing.config.schema import RouterFile
from routing.config.schema_policy import PolicyFile
from routing.config.specs import AlertSpec, CacheSpec, PolicyTest, ProviderSpec, RouterConfig
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
    "PolicyText",
    "ProviderSpec",
    "RouterConfig",
    "config_files",
    "load",
    "run_policy_tests",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """A policy to read instead of the one that ``router.yaml`` names; messages call it by ``name``."""

    name: str
    content: bytes


def load(path: Path, env: Mapping[str, str], *, today: date, policy: PolicyText | None = None) -> RouterConfig:
    """Read a ``router.yaml`` and the policy it names, or another ``policy``.

    ``env`` says which keys are there and what ``base_url_env`` and ``url_env`` hold; ``today`` is the day whose prices
    and model lifecycles count.

    Raises:
        ConfigError: with every problem of both files.

    """
    document = _read(path, str(path))
    check_router(document)
    problems = Problems(document)
    router = parse(problems, RouterFile)
    names = router.names("deployments") or None
    ledger_url = _check_ledger(router.file, problems, env)
    limits_url = read_limits(router.file.limits, env, problems)
    cache = read_cache(router.file.cache, env, problems)
    catalog, catalogs, unsound = read_catalogs(path, router, problems, packaged_catalog())
    shelf = Shelf(router, problems, env=env, today=today, catalog=catalog)
    check_prices(shelf.deployments, shelf.prices, today, problems)
    rules = _read_rules(path, router, problems, names, policy)
    budgets = Budgets(
        problems,
        importance=rules.policy.importance or None if rules else None,
        tags=rules.policy.tags if rules else None,
        deployments=names,
    ).read(router.file.budgets)
    alerts = Alerts(problems, env=env, budgets=router.names("budgets")).read(router)
    moderator = find_moderator(router, problems, shelf.providers, env)
    if rules:
        bought = (rules.policy, shelf.deployments, shelf.prices, today, rules.problems)
        check_moderation(rules.policy, moderator, router, rules.problems)
        if router.whole("deployments") and router.whole("catalog"):
            check_refused_words(rules.policy, shelf.deployments.values(), rules.problems)
        check_routes(*bought)
        check_degrading(*bought, has_cache=cache is not None or not router.whole("cache"))
    found = [*problems.all(), *(rules.problems.all() if rules else ())]
    found += [problem for each in unsound for problem in each.all()]
    if rules is None or any(problem.severity == "error" for problem in found):
        raise ConfigError(found)
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
        cache=cache,
        alerts=alerts,
        limits_url=limits_url,
        root=path.parent.resolve(),
        sources=(path, rules.path, *catalogs),
        loaded_on=today,
        keep_prompts=file.ledger.keep_prompts,
        moderator=moderator if rules.policy.moderate else "",
        tests=rules.tests,
        warnings=tuple(problem for problem in found if problem.severity == "warning"),
    )


def config_files(path: Path) -> tuple[Path, ...]:
    """Name the files that ``load`` reads: ``router.yaml``, its policy and its catalogs, be they there or not.

    Without a policy it is ``router.yaml`` alone.
    """
    try:
        router = _read(path, str(path))
    except ConfigError:
        return (path,)
    policy, catalogs = _policy_name(router), router.value(("catalog",))
    if not policy:
        return (path,)
    named = [name for name in catalogs if name and isinstance(name, str)] if isinstance(catalogs, list) else []
    return (path, *(path.parent / name for name in (policy, *named)))


def _policy_name(router: Document) -> str:
    name = router.value(("policy",))
    return name if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What the policy file holds; only good for finding more problems where it has some."""

    path: Path
    problems: Problems
    policy: Policy
    tests: tuple[PolicyTest, ...]


def _read_rules(
    path: Path,
    router: Parsed[RouterFile],
    problems: Problems,
    deployments: Sequence[str] | None,
    instead: PolicyText | None,
) -> _Rules | None:
    """Read the policy file, also where ``router.yaml`` has problems; ``None`` where it cannot be found or read."""
    name = instead.name if instead else _policy_name(router.document)
    if not name:
        return None
    place = path.parent / name
    shown_as = os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120 - as the caller wrote it, for messages
    try:
        document = read_document(name, instead.content) if instead else _read(place, shown_as)
        check_policy(document)
    except ConfigError as error:
        near = [each for each in _policies_near(path) if each != name]
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


def _check_ledger(file: RouterFile, problems: Problems, env: Mapping[str, str]) -> str:
    """Check where the ledger is; return its URL."""
    ledger = find_ledger(file.ledger.url, file.ledger.url_env, env)
    if ledger.defect:
        problems.error(("ledger", ledger.key), *ledger.defect)
    return ledger.url
