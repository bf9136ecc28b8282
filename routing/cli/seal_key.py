"""The key of the seals: from the environment, and nowhere else; it is never shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from routing.errors import RoutingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.config.ledger import LedgerPlace

CHARS_AT_LEAST = 16


class SealKeyMissing(RoutingError):
    """The environment does not hold the key that ``ledger.seal_key_env`` promises."""


def read_seal_key(place: LedgerPlace, env: Mapping[str, str] | None = None) -> bytes:
    """Read the key; empty where the file names none. ``env`` replaces the process's environment.

    Raises:
        SealKeyMissing: where the file names a variable that holds no key.

    """
    if not place.seal_key_env:
        return b""
    key = (os.environ if env is None else env).get(place.seal_key_env, "").strip()
    if not key:
        raise SealKeyMissing(f"the environment has no {place.seal_key_env}, which `ledger.seal_key_env` names: set it")
    if len(key) < CHARS_AT_LEAST:
        raise SealKeyMissing(
            f"the key in {place.seal_key_env} is shorter than {CHARS_AT_LEAST} characters:"
            " `python -c 'import secrets; print(secrets.token_hex(32))'` makes one"
        )
    return key.encode()
