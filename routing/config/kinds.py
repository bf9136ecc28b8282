"""Which kind of file a file is: each is easily named where another is expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.errors import ConfigError, Problem

if TYPE_CHECKING:
    from routing.config.document import Document

OF_POLICY = ("importance", "sort", "routes")
OF_ROUTER = ("policy", "providers", "deployments")
OF_CATALOG = ("vendor", "kinds", "models")
"""Keys that only one kind has, and that it cannot be without."""


def check_router(document: Document) -> None:
    """Refuse a policy where a ``router.yaml`` is expected.

    Raises:
        ConfigError: with the commands that do take a policy.

    """
    if _is(document, OF_POLICY, OF_ROUTER):
        hint = (
            "`routing check --config router.yaml` checks the policy that router.yaml names;"
            f" `routing diff {document.file}` tries this one on past requests"
        )
        raise _refusal(document, "is a policy, not a router.yaml", hint)


def check_policy(document: Document) -> None:
    """Refuse a ``router.yaml`` where a policy is expected.

    Raises:
        ConfigError: with what to name instead.

    """
    if _is(document, OF_ROUTER, OF_POLICY):
        raise _refusal(document, "is a router.yaml, not a policy", "name the file that its `policy:` names")


def check_catalog(document: Document) -> None:
    """Refuse one of the other two where a file of models is expected.

    Raises:
        ConfigError: with what it is.

    """
    for keys, what in ((OF_POLICY, "a policy"), (OF_ROUTER, "a router.yaml")):
        if _is(document, keys, OF_CATALOG):
            raise _refusal(document, f"is {what}, not a catalog", "")


def _is(document: Document, keys: tuple[str, ...], others: tuple[str, ...]) -> bool:
    data = document.data if isinstance(document.data, dict) else {}
    return any(key in data for key in keys) and not any(key in data for key in others)


def _refusal(document: Document, message: str, hint: str) -> ConfigError:
    first = min(document.keys.values(), default=(1, 1))
    problem = Problem(file=document.file, line=first[0], column=first[1], path="", message=message, hint=hint)
    return ConfigError([problem])
