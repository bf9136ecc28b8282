"""Putting a router together: the one place that names concrete adapters.

Each is imported where it is opened, so that whoever only looks at the ledger does not wait for the rest.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from routing.errors import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from routing.alerts.base import AlertChannel
    from routing.cache.base import PictureCache
    from routing.config.load import AlertSpec, CacheSpec, RouterConfig
    from routing.core.clock import Clock
    from routing.ledger.base import Store
    from routing.logs import Log
    from routing.providers.base import Provider
    from routing.router import Router


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
) -> Router:
    """Read ``router.yaml`` and its policy, open the ledger, and return a router; no provider is called yet.

    ``env`` replaces the process's environment (keys, base URLs), ``clock`` the machine's time, ``log`` the logger.

    Raises:
        ConfigError: with every problem of both files.
        LedgerUnavailable: where the ledger cannot be opened.

    """
    env = os.environ if env is None else env
    clock = clock or SystemClock()
    if log is None:
        from routing.logs import open_log

        log = open_log()
    config = load_config(path, env, clock.now().date())
    for warning in config.warnings:
        log.warning("config", problem=str(warning))
    return assemble(config, _open_providers(config, env), clock, log)


def load_config(path: str | Path, env: Mapping[str, str], today: date) -> RouterConfig:
    """Read the files without opening anything.

    Raises:
        ConfigError: with every problem of both files.

    """
    from routing.config.load import load

    return load(Path(path), env, today=today)


def assemble(config: RouterConfig, providers: Mapping[str, Provider], clock: Clock, log: Log) -> Router:
    """Put a router together from a read configuration and ready providers."""
    from routing.router import Router
    from routing.shop import Shop

    store = open_store(config.ledger_url, config.root)

    def close() -> None:
        with ExitStack() as closing:  # the ledger is closed last, and also where a provider fails to close
            closing.callback(store.close)
            for provider in providers.values():
                closing.callback(provider.close)

    shop = Shop(
        settings=config.settings,
        store=store,
        providers=providers,
        clock=clock,
        log=log,
        cache=_open_cache(config.cache, config.root, clock, log) if config.cache else None,
        channels=[_open_channel(spec, log) for spec in config.alerts],
        addresses={name: spec.base_url for name, spec in config.providers.items()},
    )
    return Router(shop, on_close=close)


def _open_providers(config: RouterConfig, env: Mapping[str, str]) -> dict[str, Provider]:
    from routing.providers.base import ProviderSpec
    from routing.providers.registry import make_provider

    return {
        name: make_provider(
            ProviderSpec(
                name=name,
                kind=spec.kind,
                api_key_env=spec.api_key_env,
                base_url=spec.base_url,
                timeout_s=spec.timeout_s,
                options=spec.options,
            ),
            env.get(spec.api_key_env, ""),
        )
        for name, spec in config.providers.items()
    }


def open_store(url: str, root: Path) -> Store:
    """Open the ledger a URL names; a relative path is relative to the folder of ``router.yaml``.

    Raises:
        LedgerUnavailable: for an unknown scheme, or where the store cannot be opened.

    """
    scheme = urlsplit(url).scheme
    opener = _STORES.get(scheme)
    if opener is None:
        raise LedgerUnavailable(f"the ledger's url has an unknown scheme, {scheme!r}; known are {', '.join(_STORES)}")
    return opener(url, root)


def find_store(url: str, root: Path) -> Store | None:
    """Open the ledger a URL names where it is there already; to look at what was never written makes no file.

    Raises:
        LedgerUnavailable: as ``open_store``.

    """
    if urlsplit(url).scheme == "sqlite" and not (root / _file_path(url)).exists():
        return None
    return open_store(url, root)


def _open_sqlite(url: str, root: Path) -> Store:
    from routing.ledger.sqlite import SqliteStore

    return SqliteStore.open(root / _file_path(url))


def _open_memory(_url: str, _root: Path) -> Store:
    from routing.ledger.memory import open_memory

    return open_memory()


def _open_postgres(url: str, _root: Path) -> Store:
    try:
        from routing.ledger.postgres import PostgresStore
    except ImportError as error:
        told = f"a ledger in PostgreSQL needs psycopg: pip install 'image-routing[postgres]' ({error})"
        raise LedgerUnavailable(told) from error
    return PostgresStore.open(url)


_STORES: dict[str, Callable[[str, Path], Store]] = {
    "sqlite": _open_sqlite,
    "memory": _open_memory,
    "postgresql": _open_postgres,
    "postgres": _open_postgres,
}
"""URL scheme -> how its ledger is opened."""


def _open_cache(spec: CacheSpec, root: Path, clock: Clock, log: Log) -> PictureCache:
    from routing.cache.file import FileCache

    return FileCache(root / _file_path(spec.url), clock=clock, log=log, keep_for_s=spec.keep_for_s)


def _open_channel(spec: AlertSpec, log: Log) -> AlertChannel:
    from routing.alerts.log import LogChannel

    return {"log": LogChannel}[spec.kind](log)


def _file_path(url: str) -> Path:
    """Read ``scheme:///relative`` and ``scheme:////absolute``, as is usual for SQLite URLs."""
    return Path(unquote(urlsplit(url).path).removeprefix("/"))
