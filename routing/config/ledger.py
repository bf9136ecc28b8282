"""Where the ledger is, read without the rest: reports need nothing else, and must not wait for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from routing.config.document import BYTES_AT_MOST, read_document
from routing.config.kinds import check_router
from routing.config.scalars import ENV_PATTERN, holds_password
from routing.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_URL = "sqlite:///spend.db"

_HINT = (
    "write sqlite:///spend.db (relative to this file), sqlite:////absolute/spend.db, postgresql://user@host/database,"
    " or memory://"
)
_NO_PASSWORD = (
    "the url holds a password",
    "write the whole url into an environment variable and name that: `url_env: LEDGER_URL`",
)

Defect: TypeAlias = tuple[str, str]
"""What is wrong, and the way out. Neither repeats the URL: it may hold a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlace:
    """Where the ledger is, or the key of the ledger's entry that is wrong and its defect.

    ``seal_key_env`` names the environment variable that holds the key of its seals; empty where it has none.
    """

    url: str = field(default=DEFAULT_URL, repr=False)
    seal_key_env: str = ""
    key: str = "url"
    defect: Defect | None = None


def find_ledger(url: object, url_env: object, env: Mapping[str, str]) -> LedgerPlace:
    """Read what the ledger's entry says and what the environment adds to it."""
    if url_env is not None:
        if not isinstance(url_env, str) or not re.fullmatch(ENV_PATTERN, url_env):
            hint = "write the variable's name, like LEDGER_URL; its value stays outside this file"
            return LedgerPlace(key="url_env", defect=("this is not the name of an environment variable", hint))
        outside = env.get(url_env, "").strip()
        if outside:
            defect = ledger_defect(outside)
            told = (f"the environment's {url_env} cannot be used: {defect[0]}", defect[1]) if defect else None
            return LedgerPlace(url=outside, key="url_env", defect=told)
        if url is None:
            # Not the default: whoever shares a budget between machines must not be given one for each.
            hint = "set it to the ledger's url, or add a `url` for where it is not set"
            return LedgerPlace(key="url_env", defect=(f"the environment has no {url_env}", hint))
    if url is None:
        return LedgerPlace()
    if not isinstance(url, str):
        return LedgerPlace(defect=("this is no ledger url", _HINT))
    with_password = url.startswith("postgres") and holds_password(url)
    return LedgerPlace(url=url, defect=ledger_defect(url) or (_NO_PASSWORD if with_password else None))


def read_ledger(path: Path, env: Mapping[str, str] | None = None) -> LedgerPlace:
    """Read where the ledger is from a ``router.yaml`` and look at nothing else in it.

    ``env`` replaces the process's environment.

    Raises:
        ConfigError: where the file cannot be read, or its ledger entry makes no sense.

    """
    document = read_document(str(path), open_text(path, str(path)))
    check_router(document)
    data = document.data if isinstance(document.data, dict) else {}
    entry = data.get("ledger", {})
    found: list[tuple[tuple[int, int], str, str, str]] = []
    place = LedgerPlace()
    if not document.usable:
        found = [(each.place, "", each.message, each.hint) for each in document.defects]
    else:
        if isinstance(entry, dict):
            place = find_ledger(entry.get("url"), entry.get("url_env"), os.environ if env is None else env)
            place = place if place.defect else _with_seal_key(place, entry.get("seal_key_env"))
        else:
            place = LedgerPlace(defect=("this is no ledger url", _HINT))
        if place.defect:
            found = [(document.place(("ledger", place.key)), f"ledger.{place.key}", *place.defect)]
    if found:
        raise ConfigError(
            [
                Problem(file=str(path), line=line, column=column, path=where, message=message, hint=hint)
                for (line, column), where, message, hint in found
            ]
        )
    return place


def _with_seal_key(place: LedgerPlace, seal_key_env: object) -> LedgerPlace:
    if seal_key_env is None:
        return place
    if not isinstance(seal_key_env, str) or not re.fullmatch(ENV_PATTERN, seal_key_env):
        hint = "write the variable's name, like SEAL_KEY; its value stays outside this file"
        return LedgerPlace(key="seal_key_env", defect=("this is not the name of an environment variable", hint))
    return replace(place, seal_key_env=seal_key_env)


def ledger_defect(url: str) -> Defect | None:
    """Say what is wrong with the form of a ledger's URL."""
    if re.fullmatch(r"sqlite:///[^\0]*[^/\0]|memory://|postgres(ql)?://[^/?\s\0]*/[^/?\s\0]+(\?[^\s\0]*)?", url):
        return None
    if url.startswith("sqlite:"):
        return "a sqlite url has three slashes and a file name", _HINT
    if url.startswith("postgres"):
        hint = "write postgresql://user@host:5432/database; in a name or password, %40 stands for @, %2F for /"
        return "a postgresql url has a host and a database", hint
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
