"""What a read configuration consists of, beside what deciding needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from routing.core.conditions import Standing
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
class CacheSpec:
    """Where pictures are kept, how long, and how many bytes of them; ``endpoint`` is empty for Amazon's own."""

    url: str
    keep_for_s: float
    endpoint: str = ""
    max_size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSpec:
    """A channel that alerts are told to.

    ``variables`` are the environment variables it needs, by what each holds (``url``, ``secret``, ``user``,
    ``password``); their values are never here. ``kinds`` and ``budgets`` are what it is told; empty means all.
    """

    kind: str
    name: str
    url: str = ""
    variables: Mapping[str, str] = field(default_factory=lambda: NO_OPTIONS)
    host: str = ""
    port: int = 587
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    sender: str = ""
    recipients: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTest:
    """One entry of a policy's ``tests``: a request, how full its budgets are, what must come out, and its place."""

    request: ImageRequest
    standing: Standing
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
    ``keep_prompts``: the ledger is told the words of prompts. ``moderator`` is the provider that looks at prompts;
    empty where the policy has none looked at.
    """

    settings: Settings
    providers: Mapping[str, ProviderSpec]
    ledger_url: str = field(repr=False)  # it may hold a password
    cache: CacheSpec | None
    alerts: tuple[AlertSpec, ...]
    root: Path
    sources: tuple[Path, ...]
    loaded_on: date
    keep_prompts: bool = False
    moderator: str = ""
    limits_url: str = field(default="memory://", repr=False)  # it may hold a password
    tests: tuple[PolicyTest, ...] = ()
    warnings: tuple[Problem, ...] = ()
