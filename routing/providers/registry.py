"""Kinds of providers: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.suggest import did_you_mean
from routing.errors import ConfigError, Problem
from routing.providers.litellm import litellm_provider
from routing.providers.moderation import OpenAIModerator
from routing.providers.openai import azure_provider, openai_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from routing.providers.base import Moderator, Provider, ProviderSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a kind is made, the options it knows, and whether it needs a base."""

    make: Callable[[ProviderSpec, str], Provider]
    options: tuple[str, ...]
    needs_base_url: bool = False


KINDS: Mapping[str, Kind] = {
    "openai": Kind(make=openai_provider, options=("input_check_s",)),
    "azure": Kind(make=azure_provider, options=("api_version", "input_check_s"), needs_base_url=True),
    "litellm": Kind(make=litellm_provider, options=("input_check_s",)),
}


def make_provider(spec: ProviderSpec, api_key: str) -> Provider:
    """Make a ready provider; no vendor's library is imported and no connection opened before its first call.

    Raises:
        ConfigError: for an unknown kind or option, or where a kind's base URL is missing.

    """
    kind = KINDS.get(spec.kind)
    if kind is None:
        hint = f"write one of {', '.join(KINDS)}{did_you_mean(spec.kind, tuple(KINDS))}"
        raise ConfigError([_problem(spec, "kind", f"there is no provider kind {spec.kind!r}", hint)])
    known = ", ".join(kind.options)
    problems = [
        _problem(spec, name, f"kind {spec.kind} has no option {name!r}", f"it has {known}")
        for name in spec.options
        if name not in kind.options
    ]
    if kind.needs_base_url and not spec.base_url:
        hint = "write the address of your resource, or name its variable with base_url_env"
        problems.append(_problem(spec, "base_url", f"kind {spec.kind} has no usual address", hint))
    if problems:
        raise ConfigError(problems)
    return kind.make(spec, api_key)


def make_moderator(spec: ProviderSpec, api_key: str) -> Moderator:
    """Make what looks at prompts through an account of kind ``openai``; only that kind has an address for it."""
    return OpenAIModerator(spec, api_key)


def _problem(spec: ProviderSpec, key: str, message: str, hint: str) -> Problem:
    return Problem(
        file="router.yaml", line=1, column=1, path=f"providers.{spec.name}.{key}", message=message, hint=hint
    )
