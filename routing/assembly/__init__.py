"""Putting a router together: the one place that names concrete adapters.

Each is imported where it is opened, so that whoever only looks at the ledger does not wait for the rest.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from routing.assembly.channels import open_channels
from routing.assembly.stores import find_store, open_store, place_of
from routing.closing import ClosingClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.buying.moderation import Moderation
    from routing.buying.shop import Shop
    from routing.cache.base import PictureCache
    from routing.config.load import ProviderSpec, RouterConfig
    from routing.core.clock import Clock
    from routing.ledger.base import Store
    from routing.limits.base import Limiter
    from routing.logs import Log
    from routing.providers import base
    from routing.providers.base import Moderator, Provider
    from routing.router import Router
    from routing.upkeep import Upkeep

__all__ = [
    "SystemClock",
    "assemble",
    "find_cache",
    "find_store",
    "load_config",
    "open_channels",
    "open_router",
    "open_store",
]


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Tell the time in UTC."""
        return datetime.now(UTC)

    def elapsed_s(self) -> float:
        """Tell monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def open_router(
    path: str | Path = "router.yaml",
    *,
    env: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    log: Log | None = None,
    watch: bool = True,
) -> Router:
    """Read ``router.yaml`` and its policy, open the ledger, and return a router; no provider is called yet.

    ``env`` replaces the process's environment (keys, base URLs), ``clock`` the machine's time, ``log`` the logger.
    Edited files are taken up between two requests, unless ``watch`` is false: then only by ``Router.reload``.

    Raises:
        ConfigError: with every problem of both files.
        LedgerUnavailable: where the ledger cannot be opened.

    """
    env = os.environ if env is None else env
    clock = ClosingClock(clock or SystemClock())
    if log is None:
        from routing.logs import open_log

        log = open_log()
    from routing.limits.registry import open_limiter
    from routing.reload import LOOK_EVERY_S, Reloader, stamps
    from routing.router import Router

    files = _Files(Path(path), env, clock, log)
    seen = stamps(files.names())
    config = files.read()
    with ExitStack() as opened:
        store = open_store(config.ledger_url, config.root)
        opened.callback(store.close)  # first in, last out
        limiter = open_limiter(config.limits_url, clock, log)
        opened.callback(limiter.close)
        upkeep = _open_upkeep(config, store, env, clock, log)
        cache = find_cache(config, clock, log, env=env, background=True)
        providers = files.providers(config, opened)
        moderation = files.moderation(config, opened)
        shop = _make_shop(
            config, store, providers, clock, log, limiter=limiter, upkeep=upkeep, cache=cache, moderation=moderation
        )
        close = opened.pop_all()
    renew = partial(files.renew, config, close)
    every_s = LOOK_EVERY_S if watch else math.inf
    reloader = Reloader(shop, files=files.names, seen=seen, renew=renew, every_s=every_s)
    return Router(shop, on_close=close.close, reloader=reloader)


class _Files:
    """The files of a router and the environment they name; read when it is opened, and whenever they change."""

    def __init__(self, path: Path, env: Mapping[str, str], clock: Clock, log: Log) -> None:
        self._path, self._env, self._clock, self._log = path, env, clock, log
        self._made: list[tuple[ProviderSpec, str, Provider]] = []
        self._looking: list[tuple[ProviderSpec, str, Moderation]] = []

    def names(self) -> tuple[Path, ...]:
        from routing.config.load import config_files

        return config_files(self._path)

    def read(self) -> RouterConfig:
        config = load_config(self._path, self._env, self._clock.now().date())
        for warning in config.warnings:
            self._log.warning("config", problem=str(warning))
        return config

    def providers(self, config: RouterConfig, opened: ExitStack) -> dict[str, Provider]:
        """Find the provider of each entry, or make it where the entry or its key is new; none is closed before all."""
        return {name: self._provider(spec, opened) for name, spec in config.providers.items()}

    def _provider(self, spec: ProviderSpec, opened: ExitStack) -> Provider:
        key = self._env.get(spec.api_key_env, "").strip()
        for known, known_key, provider in self._made:
            if (known, known_key) == (spec, key):
                return provider
        made = _open_provider(spec, key)
        opened.callback(made.close)
        self._made.append((spec, key, made))
        return made

    def moderation(self, config: RouterConfig, opened: ExitStack) -> Moderation | None:
        """Find or make who looks at prompts, as for providers: what it remembers outlasts an edit of the policy."""
        from routing.buying.moderation import Moderation
        from routing.providers.registry import make_moderator

        if not config.moderator:
            return None
        spec = config.providers[config.moderator]
        key = self._env.get(spec.api_key_env, "").strip()
        for known, known_key, moderation in self._looking:
            if (known, known_key) == (spec, key):
                return moderation
        made = Moderation(make_moderator(_described(spec), key), self._clock, self._log)
        opened.callback(made.close)
        self._looking.append((spec, key, made))
        return made

    def renew(self, first: RouterConfig, opened: ExitStack, shop: Shop) -> Shop:
        """Put what the files say now into a shop; ledger, cache and channels stay as they were opened at first."""
        from routing.buying.cooling import CoolDowns

        config = self.read()
        waiting = [
            name
            for name in ("ledger_url", "limits_url", "cache", "alerts")
            if getattr(config, name) != getattr(first, name)
        ]
        if waiting:
            entries = ", ".join(name.removesuffix("_url") for name in waiting)
            self._log.warning("config_waits", entries=entries, until="the router is opened again")
        return replace(
            shop,
            settings=config.settings,
            providers=self.providers(config, opened),
            moderation=self.moderation(config, opened),
            addresses=_addresses(config),
            keep_prompts=config.keep_prompts,
            cooling=CoolDowns(),  # what was edited may be what was wrong
        )


def load_config(path: str | Path, env: Mapping[str, str], today: date) -> RouterConfig:
    """Read the files without opening anything.

    Raises:
        ConfigError: with every problem of both files.

    """
    from routing.config.load import load

    return load(Path(path), env, today=today)


def assemble(  # noqa: PLR0913 - what a router is made of
    config: RouterConfig,
    providers: Mapping[str, Provider],
    clock: Clock,
    log: Log,
    *,
    env: Mapping[str, str],
    background: bool = True,
    moderator: Moderator | None = None,
) -> Router:
    """Put a router together from a read configuration and ready providers.

    ``env`` holds the secrets of alert channels. Without ``background`` it has no worker: what that does is done in
    passing. ``moderator`` looks at prompts, where the policy has some looked at.
    """
    from routing.buying.moderation import Moderation
    from routing.limits.registry import open_limiter
    from routing.router import Router

    clock = ClosingClock(clock)
    with ExitStack() as opened:
        store = open_store(config.ledger_url, config.root)
        opened.callback(store.close)
        upkeep = _open_upkeep(config, store, env, clock, log, background=background)
        cache = find_cache(config, clock, log, env=env, background=background)
        limiter = open_limiter(config.limits_url, clock, log)
        opened.callback(limiter.close)
        moderation = None
        if moderator is not None:
            opened.callback(moderator.close)
            moderation = Moderation(moderator, clock, log)
        shop = _make_shop(
            config, store, providers, clock, log, limiter=limiter, upkeep=upkeep, cache=cache, moderation=moderation
        )
        for provider in providers.values():
            opened.callback(provider.close)
        return Router(shop, on_close=opened.pop_all().close)


def _make_shop(  # noqa: PLR0913 - the ports of a shop
    config: RouterConfig,
    store: Store,
    providers: Mapping[str, Provider],
    clock: ClosingClock,
    log: Log,
    *,
    limiter: Limiter,
    upkeep: Upkeep,
    cache: PictureCache | None,
    moderation: Moderation | None,
) -> Shop:
    from routing.buying.shop import Shop, requests_of

    return Shop(
        settings=config.settings,
        store=store,
        providers=providers,
        limiter=limiter,
        clock=clock,
        log=log,
        cache=cache,
        moderation=moderation,
        upkeep=upkeep,
        addresses=_addresses(config),
        keep_prompts=config.keep_prompts,
        requests=requests_of(place_of(config.ledger_url, config.root)),
    )


def _open_upkeep(  # noqa: PLR0913 - its ports
    config: RouterConfig, store: Store, env: Mapping[str, str], clock: Clock, log: Log, *, background: bool = True
) -> Upkeep:
    from routing.upkeep import Upkeep

    return Upkeep(
        settings=config.settings,
        store=store,
        subscriptions=open_channels(config.alerts, env, clock, log),
        clock=clock,
        log=log,
        background=background,
    )


def _addresses(config: RouterConfig) -> dict[str, str | None]:
    return {name: spec.base_url for name, spec in config.providers.items()}


def _open_provider(spec: ProviderSpec, key: str) -> Provider:
    from routing.providers.registry import make_provider

    return make_provider(_described(spec), key)


def _described(spec: ProviderSpec) -> base.ProviderSpec:
    """Say it as providers take it."""
    from routing.providers import base

    return base.ProviderSpec(
        name=spec.name,
        kind=spec.kind,
        api_key_env=spec.api_key_env,
        base_url=spec.base_url,
        timeout_s=spec.timeout_s,
        options=spec.options,
    )


def find_cache(
    config: RouterConfig, clock: Clock, log: Log, *, env: Mapping[str, str] | None = None, background: bool = False
) -> PictureCache | None:
    """Open the cache that a configuration names, as ``open_cache`` does; ``None`` where it names none."""
    from routing.cache.registry import open_cache

    env = os.environ if env is None else env
    return open_cache(config.cache, config.root, env, clock, log, background=background) if config.cache else None
