"""Alert channels, from ``router.yaml``."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.config.scalars import shown
from routing.config.specs import AlertSpec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from routing.config.document import Path
    from routing.config.parsing import Parsed
    from routing.config.problems import Problems
    from routing.config.schema import AlertEntry, RouterFile

_KEYS = {
    "log": (),
    "webhook": ("url", "url_env", "secret_env"),
    "slack": ("url_env",),
    "email": ("host", "port", "tls", "sender", "to", "user_env", "password_env"),
    "apprise": ("url_env",),
}
"""What each kind knows besides name, kinds and budgets."""

_NEEDED = {
    "webhook": (("url", "url_env"), "add url_env: SPEND_WEBHOOK_URL, or url where the address is no secret"),
    "slack": (("url_env",), "add url_env: SLACK_WEBHOOK_URL; the address itself is a secret and stays outside"),
    "apprise": (("url_env",), "add url_env: APPRISE_URL; the address itself is a secret and stays outside"),
}
"""What each kind cannot do without: one of these, and how it is written."""

_WRITTEN = {"sender": "from"}
_EVERYWHERE = ("kind", "name", "kinds", "budgets")
_ADDRESS = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")
_IMPLICIT_PORT = 465


class Alerts:
    """Reads the channels of one file; ``budgets`` are the declared names, ``None`` where they are not known."""

    def __init__(self, problems: Problems, *, env: Mapping[str, str], budgets: Collection[str] | None) -> None:
        """Take what the entries may name."""
        self._problems = problems
        self._env = env
        self._budgets = budgets

    def read(self, parsed: Parsed[RouterFile]) -> tuple[AlertSpec, ...]:
        """Read all of them and note every problem."""
        specs: list[AlertSpec] = []
        for at, entry in parsed.entries(("alerts",), parsed.file.alerts):
            path: Path = ("alerts", at)
            spec = self._spec(entry, path)
            if any(spec.name == other.name for other in specs):
                hint = "give one of them a name of its own: `name: ...`"
                self._problems.error(path, f"there are two channels named {shown(spec.name)}", hint)
            specs.append(spec)
        return tuple(specs)

    def _spec(self, entry: AlertEntry, path: Path) -> AlertSpec:
        self._check_keys(entry, path)
        if entry.kind == "email":
            self._check_mail(entry, path)
        for at, budget in enumerate(entry.budgets or ()):
            if self._budgets is not None and budget not in self._budgets:
                self._problems.unknown((*path, "budgets", at), "budget", budget, sorted(self._budgets))
        return AlertSpec(
            kind=entry.kind,
            name=entry.name or entry.kind,
            url=entry.url or "",
            variables=self._variables(entry, path),
            host=entry.host or "",
            port=entry.port or (_IMPLICIT_PORT if entry.tls == "implicit" else 587),
            tls=entry.tls or "starttls",
            sender=entry.sender or "",
            recipients=tuple(entry.to or ()),
            kinds=tuple(entry.kinds or ()),
            budgets=tuple(entry.budgets or ()),
        )

    def _check_keys(self, entry: AlertEntry, path: Path) -> None:
        known = _KEYS[entry.kind]
        for key in sorted(entry.model_fields_set - {*known, *_EVERYWHERE}):
            written = _WRITTEN.get(key, key)
            hint = f"it knows {_listed(known)}" if known else "delete it"
            self._problems.error((*path, written), f"kind {entry.kind} has no {written}", hint, key=True)
        one_of, hint = _NEEDED.get(entry.kind, ((), ""))
        if one_of and not any(getattr(entry, key) for key in one_of):
            self._problems.error(path, f"kind {entry.kind} needs an address", hint)
        if entry.url and entry.url_env:
            self._problems.error((*path, "url"), "there are two addresses", "keep url or url_env")

    def _check_mail(self, entry: AlertEntry, path: Path) -> None:
        for key in ("host", "sender", "to"):
            if getattr(entry, key) is None:
                written = _WRITTEN.get(key, key)
                self._problems.error(path, f"kind email needs `{written}`", "it needs host, from and to")
        addresses: Sequence[tuple[Path, str]] = [
            *([((*path, "from"), entry.sender)] if entry.sender is not None else []),
            *(((*path, "to", at), address) for at, address in enumerate(entry.to or ())),
        ]
        for place, address in addresses:
            if not _ADDRESS.fullmatch(address):
                self._problems.error(place, f"{shown(address)} is no address", "write it like finance@example.com")
        if bool(entry.user_env) != bool(entry.password_env):
            self._problems.error(path, "a user and a password go together", "name both variables, or none")
        elif entry.password_env and entry.tls == "none":
            hint = "use tls: starttls or implicit, or leave user and password out"
            self._problems.error((*path, "tls"), "the password would be sent unencrypted", hint)

    def _variables(self, entry: AlertEntry, path: Path) -> Mapping[str, str]:
        kept = [key.removesuffix("_env") for key in _KEYS[entry.kind] if key.endswith("_env")]
        variables = {key: name for key in kept if (name := getattr(entry, f"{key}_env"))}
        for key, name in variables.items():
            if not self._env.get(name, "").strip():
                hint = "set it; until then alerts for this channel wait in the ledger"
                self._problems.warn((*path, f"{key}_env"), f"the environment has no {name}", hint)
        return MappingProxyType(variables)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(_WRITTEN.get(key, key) for key in keys)
