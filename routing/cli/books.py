"""The ledger alone, for commands that only look: its place is read from ``router.yaml``, and nothing else is.

A report must come at once, and must come even where a price or a rule is wrong today.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from routing.cli.opening import find_config
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from routing.ledger.base import Store


@contextmanager
def open_books(config: Path, url: str = "") -> Iterator[Store | None]:
    """Open the ledger of a ``router.yaml``; ``None`` where nothing was ever bought: looking must not make a file.

    ``url`` saves reading the file where that was done.

    Raises:
        ConfigError: where the file does not tell where the ledger is.
        LedgerUnavailable: where it is there and cannot be read.

    """
    from routing.assembly import find_store
    from routing.config.ledger import read_ledger

    path = find_config(config)
    store = find_store(url or read_ledger(path).url, path.parent)
    try:
        yield store
    finally:
        if store is not None:
            store.close()


@contextmanager
def wrong_files() -> Iterator[None]:
    """Tell whoever named a file that is no archive that the command is wrong, and not the ledger.

    Raises:
        RequestError: in the place of ``WrongFile``.

    """
    from routing.ledger.base import WrongFile

    try:
        yield
    except WrongFile as wrong:
        raise RequestError(str(wrong)) from wrong


def declared_tags(config: Path) -> frozenset[str] | None:
    """Read the tag keys that the policy declares; ``None``, any, where it declares none or cannot be read."""
    tags = _read_policy(config).get("tags")
    return frozenset(map(str, tags)) if isinstance(tags, list) else None


def declared_importances(config: Path) -> tuple[str, ...]:
    """Read the policy's importances, least first; none where it cannot be read."""
    found = _read_policy(config).get("importance")
    return tuple(map(str, found)) if isinstance(found, list) else ()


def declared_providers(config: Path) -> dict[str, str]:
    """Read the provider of each deployment; those that are not written as they should be are left out."""
    deployments = _read_mapping(find_config(config)).get("deployments")
    if not isinstance(deployments, dict):
        return {}
    return {
        str(name): str(entry["provider"])
        for name, entry in deployments.items()
        if isinstance(entry, dict) and entry.get("provider")
    }


def _read_policy(config: Path) -> dict[Any, Any]:
    path = find_config(config)
    return _read_mapping(path.parent / str(_read_mapping(path).get("policy")))


def _read_mapping(path: Path) -> dict[Any, Any]:
    """Read a YAML file without judging it; nothing where it cannot be read."""
    from routing.config.document import read_document

    try:
        data = read_document(path.name, path.read_bytes()).data
    except OSError:
        return {}
    return data if isinstance(data, dict) else {}


def warn_of_archives(files: Sequence[str]) -> None:
    """Say, beside whatever is printed, that an answer lacks what was moved to these files."""
    if files:
        told = f"what was moved to {', '.join(dict.fromkeys(files))} is missing: the ledger has only its sums by hour,"
        click.echo(f"warning: {told} and by asset only by month (UTC)", err=True)
