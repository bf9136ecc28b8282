"""Which provider looks at prompts before anything is reserved."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.config.parsing import Parsed
    from routing.config.problems import Problems
    from routing.config.schema import RouterFile
    from routing.config.specs import ProviderSpec
    from routing.core.policy import Policy

OPENAI = "api.openai.com"


def find_moderator(
    parsed: Parsed[RouterFile], problems: Problems, providers: Mapping[str, ProviderSpec], env: Mapping[str, str]
) -> str:
    """Find the provider that is named for it, or one that goes to OpenAI itself, at best with a key; ``""`` for none.

    No other base is taken unasked: whoever is behind it may not know the address, and would read the prompts.
    """
    entry = parsed.file.moderation
    if entry is None:
        own = [spec for spec in providers.values() if spec.kind == "openai" and _is_openai(spec)]
        with_key = (spec for spec in own if env.get(spec.api_key_env, "").strip())
        found = next(with_key, own[0] if own else None)
        return found.name if found else ""
    known = parsed.names("providers")
    path = ("moderation", "provider")
    if entry.provider not in known:
        problems.unknown(path, "provider", entry.provider, known)
    elif entry.provider in providers and providers[entry.provider].kind != "openai":
        message = f"a provider of kind {providers[entry.provider].kind} cannot look at prompts"
        problems.error(path, message, "name one of kind openai: only OpenAI's API has an address for it")
    return entry.provider


def check_moderation(policy: Policy, moderator: str, router: Parsed[RouterFile], problems: Problems) -> None:
    """Note a policy that has prompts looked at, where nobody can."""
    if policy.moderate and not moderator and router.whole("providers") and router.whole("moderation"):
        could = {name: entry for name, entry in router.file.providers.items() if entry.kind == "openai"}
        led = [f"{name} goes where {entry.base_url_env} leads" for name, entry in could.items() if entry.base_url_env]
        why = f" ({', '.join(led)})" if led else ""
        message = f"no provider of router.yaml goes to OpenAI itself{why}, so nobody looks at prompts"
        name = next(iter(could), "...")
        hint = f"name one whose base has /moderations: `moderation: {{provider: {name}}}` in router.yaml"
        problems.error(("moderate",), message, hint)


def _is_openai(spec: ProviderSpec) -> bool:
    host = urlsplit(spec.base_url).hostname if spec.base_url else OPENAI
    return host is not None and (host == OPENAI or host.endswith(f".{OPENAI}"))
