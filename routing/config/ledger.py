"""Where the ledger is, read without the rest: reports need nothing else, and must not wait for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.config.document import BYTES_AT_MOST, read_document
from routing.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_URL = "sqlite:///spend.db"


def read_ledger_url(path: Path) -> str:
    """Read the ledger's URL from a ``router.yaml`` and look at nothing else in it.

    Raises:
        ConfigError: where the file cannot be read, or its ledger entry makes no sense.

    """
    document = read_document(str(path), open_text(path, str(path)))
    data = document.data if isinstance(document.data, dict) else {}
    entry = data.get("ledger", {})
    url = entry.get("url", DEFAULT_URL) if isinstance(entry, dict) else None
    found: list[tuple[tuple[int, int], str, str, str]] = []
    if not document.usable:
        found = [(each.place, "", each.message, each.hint) for each in document.defects]
    else:
        defect = ledger_defect(url) if isinstance(url, str) else ("this is no ledger url", _HINT)
        found = [(document.place(("ledger", "url")), "ledger.url", *defect)] if defect else []
    if found:
        raise ConfigError(
            [
                Problem(file=str(path), line=place[0], column=place[1], path=where, message=message, hint=hint)
                for place, where, message, hint in found
            ]
        )
    return str(url)


_HINT = "write sqlite:///spend.db (relative to this file), sqlite:////absolute/spend.db, or memory://"


def ledger_defect(url: str) -> tuple[str, str] | None:
    """Say what is wrong with a ledger's URL: a message and a hint. The URL is not repeated: it may hold a password."""
    if re.fullmatch(r"sqlite:///[^\0]*[^/\0]|memory://", url):
        return None
    if url.startswith("sqlite:"):
        return "a sqlite url has three slashes and a file name", _HINT
    scheme = re.match(r"[a-z][a-z0-9+.-]{0,20}(?=:)", url)
    return (f"ledgers of kind {scheme[0]} are not known", _HINT) if scheme else ("this is no ledger url", _HINT)


def open_text(path: Path, file: str) -> bytes:
    """Read a file's bytes, a little more than what is accepted at most.

    Raises:
        ConfigError: where it cannot be read.

    """
    try:
        with path.open("rb") as stream:
            return stream.read(BYTES_AT_MOST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        missing = isinstance(error, FileNotFoundError)
        hint = "`routing init` writes one; --config names another" if missing else "is it a file you may read?"
        raise ConfigError(
            [Problem(file=file, line=1, column=1, path="", message=f"cannot be read: {reason}", hint=hint)]
        ) from error
