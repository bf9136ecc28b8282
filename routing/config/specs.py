"""What a read configuration consists of, beside what deciding needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from routing.core.policy import Settings
    from routing.core.request import ImageRequest
    from routing.errors import Problem

NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """A vendor account: how it is reached. The key itself is never here, only the variable that holds it.

    ``base_url`` is resolved: what ``base_url_env`` holds, else what the file says, else ``None`` for the vendor's own.
    """

    name: str
    kind: str
    api_key_env: str
    base_url: str | None = None
    base_url_env: str | None = None
    timeout_s: float = 360.0
    options: Mapping[str, str] = field(default_factory=lambda: NO_OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitSpec:
    """What the vendor lets a deployment do in a minute; ``None`` is not known. Nothing is paced by it yet."""

    images_per_minute: int | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSpec:
    """Where pictures are kept, how long, and how much of them (which nothing enforces yet)."""

    url: str
    keep_for_s: float
    max_size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSpec:
    """A channel that is told when a threshold is crossed."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """One entry of a policy's ``tests``: a request, what must come out, and its place."""

    request: ImageRequest
    expect: Mapping[str, object]
    file: str
    line: int
    column: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterConfig:
    """Everything the files say.

    ``root`` is the folder of ``router.yaml``: relative paths in URLs start there. ``sources`` are the files that were
    read, ``loaded_on`` the day whose prices and lifecycles were checked, ``warnings`` what will go wrong some day.
    """

    settings: Settings
    providers: Mapping[str, ProviderSpec]
    ledger_url: str = field(repr=False)  # it may hold a password
    cache: CacheSpec | None
    alerts: tuple[AlertSpec, ...]
    rate_limits: Mapping[str, RateLimitSpec]
    root: Path
    sources: tuple[Path, ...]
    loaded_on: date
    tests: tuple[PolicyTest, ...] = ()
    warnings: tuple[Problem, ...] = ()
