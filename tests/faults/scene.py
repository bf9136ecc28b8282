"""Two vendors on loopback, at one of which something goes wrong, and what is booked of it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from routing import open_router
from routing.core.entries import EntryKind
from routing.logs import SilentLog
from routing.testing import FrozenClock
from tests.providers.buying import Heard, Parrot, Said, parrot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from routing import Router
    from routing.core.entries import Entry
    from routing.sandbox import Sandbox

ROUTER = """\
version: 1
policy: policy.yaml
providers:
  first: {{kind: {kind}, api_key_env: KEY, base_url: "{first}", timeout: {timeout}}}
  second: {{kind: openai, api_key_env: KEY, base_url: "{second}", timeout: 20s}}
deployments:
  first: {{provider: first, model: {model}}}
{more}
budgets: {{month: {{limit: 100, window: calendar_month}}}}
ledger: {{url: "sqlite:///spend.db"}}
alerts: []
"""
POLICY = """\
version: 1
importance: [draft]
sort: [{{importance: draft}}]
routes: {{draft: [{{use: [first], on_failure: [{others}]}}]}}
"""


@dataclass(kw_only=True)
class Scene:
    """One folder, both vendors and a clock that a test moves."""

    folder: Path
    second: Sandbox
    clock: FrozenClock = field(default_factory=FrozenClock)

    @contextmanager
    def router(
        self, first: str, *, kind: str = "openai", model: str = "gpt-image-2", timeout: str = "2s", others: int = 1
    ) -> Iterator[Router]:
        names = ["second", "third", "fourth", "fifth"][:others]
        more = "\n".join(f"  {name}: {{provider: second, model: gpt-image-2}}" for name in names)
        written = {"first": first, "second": self.second.openai_base_url, "kind": kind, "model": model}
        text = ROUTER.format(**written, timeout=timeout, more=more)
        (self.folder / "router.yaml").write_text(text, encoding="utf-8")
        (self.folder / "policy.yaml").write_text(POLICY.format(others=", ".join(names)), encoding="utf-8")
        env, log = {"KEY": "sk-test"}, SilentLog()
        with open_router(self.folder / "router.yaml", env=env, log=log, clock=self.clock, watch=False) as router:
            yield router


@dataclass
class First:
    """Where ``first`` is, and how many POSTs arrived there."""

    url: str
    posts: Callable[[], int] = lambda: 0


def booked(router: Router) -> list[str]:
    """Every entry but the reservations, in words: deployment, kind, basis, and what is remarkable."""
    return [_said(entry) for entry in router._shop.store.entries() if entry.kind is not EntryKind.RESERVE]


def _said(entry: Entry) -> str:
    remarks = [name for name in ("unconfirmed", "overrun") if getattr(entry, name)]
    return " ".join([entry.deployment, entry.kind.value, *([entry.basis.value] if entry.basis else []), *remarks])


def sent_to(vendor: Sandbox) -> None:
    """Wait until a request has arrived."""
    while not vendor.log():
        time.sleep(0.01)


def spent(router: Router) -> int:
    return sum(row.spent for row in router.spend(by=()))


# --- Ways for something to go wrong -----------------------------------------------------------------------------------

Arrange: TypeAlias = "Callable[[ExitStack, Sandbox, FrozenClock], First]"


def fault(name: str) -> Arrange:
    """The sandbox does it."""

    def arrange(_: ExitStack, sandbox: Sandbox, __: FrozenClock) -> First:
        sandbox.inject([name])
        return First(sandbox.openai_base_url, lambda: sum(row["method"] == "POST" for row in sandbox.log()))

    return arrange


def said(status: int, body: object = b"", *, after_s: float = 0, **headers: str) -> Arrange:
    """A vendor says so, after some time by the router's clock."""

    def arrange(ending: ExitStack, _: Sandbox, clock: FrozenClock) -> First:
        def answer(_: Heard) -> Said:
            clock.sleep(after_s)
            return Said(body, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

        vendor: Parrot = ending.enter_context(parrot(answer))
        return First(f"{vendor.url}/v1", lambda: len(vendor.heard))

    return arrange


def nobody(why: str) -> Arrange:
    """An address where no vendor ever gets to read anything."""

    def arrange(ending: ExitStack, _: Sandbox, __: FrozenClock) -> First:
        listening = ending.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = listening.getsockname()[1]
        if "refused" in why:
            listening.close()
        if "full" in why:
            for _each in range(2):  # nobody accepts them, and then there is no room to wait
                waiting = ending.enter_context(socket.socket())
                waiting.settimeout(0)
                waiting.connect_ex(("127.0.0.1", port))
        if "https" in why:
            threading.Thread(target=_no_tls, args=(listening,), daemon=True).start()
        host = "nobody.invalid" if "invalid" in why else f"127.0.0.1:{port}"
        return First(f"{'https' if 'https' in why else 'http'}://{host}/v1")

    return arrange


def _no_tls(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


def refusal(code: str, message: str = "no") -> dict[str, object]:
    return {"error": {"message": message, "type": code, "code": code}}
