"""The ledger alone, for commands that only look: its place is read from ``router.yaml``, and nothing else is.

A report must come at once, and must come even where a price or a rule is wrong today.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from routing.cli.opening import find_config

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    from routing.config.ledger import read_ledger_url

    path = find_config(config)
    store = find_store(url or read_ledger_url(path), path.parent)
    try:
        yield store
    finally:
        if store is not None:
            store.close()


def declared_tags(config: Path) -> frozenset[str] | None:
    """Read the tag keys that the policy declares; ``None``, any, where it declares none or cannot be read."""
    from routing.config.document import read_document

    path = find_config(config)
    try:
        router = read_document(path.name, path.read_bytes()).data
        policy = router.get("policy") if isinstance(router, dict) else None
        rules = read_document(str(policy), (path.parent / str(policy)).read_bytes()).data
    except OSError:
        return None
    tags = rules.get("tags") if isinstance(rules, dict) else None
    return frozenset(map(str, tags)) if isinstance(tags, list) else None
