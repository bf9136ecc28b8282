"""Rate limits: where they are shared, and what a deployment may take out of a minute."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.config.scalars import holds_password
from routing.core.pacing import Allowance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.config.catalog import CatalogModel
    from routing.config.document import Path
    from routing.config.problems import Problems
    from routing.config.schema import DeploymentEntry, LimitsEntry, ProviderEntry

MEMORY = "memory://"
_HINT = "write redis://host:6379/0, rediss://host:6379/0 (encrypted), unix:///path/to/socket, or memory://"
_URL = r"memory://|rediss?://[^/?\s\0]+(/\d*)?(\?[^\s\0]*)?|unix://[^/?\s\0]*/[^?\s\0]+(\?[^\s\0]*)?"


def read_limits(entry: LimitsEntry | None, env: Mapping[str, str], problems: Problems) -> str:
    """Read the URL under which processes share their limits; problems never repeat it: it may hold a password."""
    if entry is None:
        return MEMORY
    outside = env.get(entry.url_env, "").strip() if entry.url_env else ""
    if outside:
        if not re.fullmatch(_URL, outside):
            message = f"the environment's {entry.url_env} cannot be used: this is no url that limits can be shared by"
            problems.error(("limits", "url_env"), message, _HINT)
        return outside
    if entry.url is None:
        message = f"the environment has no {entry.url_env}" if entry.url_env else "there is no url"
        # Not by each process alone: whoever shares an account between machines would get far too much through.
        hint = "set it to the server's url, or add a `url` for where it is not set" if entry.url_env else _HINT
        problems.error(("limits", "url_env") if entry.url_env else ("limits",), message, hint)
        return MEMORY
    if not re.fullmatch(_URL, entry.url):
        problems.error(("limits", "url"), "this is no url that limits can be shared by", _HINT)
    elif holds_password(entry.url):
        hint = "write the whole url into an environment variable and name that: `url_env: LIMITS_URL`"
        problems.error(("limits", "url"), "the url holds a password", hint)
    return entry.url


def read_allowance(
    found: CatalogModel, entry: DeploymentEntry, provider: ProviderEntry | None, path: Path, problems: Problems
) -> Allowance:
    """Read what a deployment may take out of a minute: its own numbers, then its tier's, then its provider's tier's."""
    tier = entry.tier or (provider.tier if provider else None)
    own = Allowance(requests=entry.requests_per_minute, images=entry.images_per_minute, tokens=entry.tokens_per_minute)
    by_tier = found.tiers.get(tier) if tier else None
    if tier and by_tier is None:
        message = f"the catalog knows no limits of {found.model.name} for tier {tier}"
        hint = "write images_per_minute and requests_per_minute"
        if entry.tier:
            problems.error((*path, "tier"), message, hint)
        elif own == Allowance():
            problems.warn(path, f"{message}, so nothing paces it", hint)
    if by_tier is None:
        return own
    return Allowance(
        requests=own.requests or by_tier.requests,
        images=own.images or by_tier.images,
        tokens=own.tokens or by_tier.tokens,
    )
