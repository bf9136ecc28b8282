"""What tests of providers share: calls, kinds, rate cards, and a vendor that says whatever a test wants."""

from __future__ import annotations

import io
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from PIL import Image

from routing.core.deployment import Deployment, ListedSizes, Model, SteppedTokens, TokenRule
from routing.core.picture import Picture, Size
from routing.core.prices import Rate, RateCard, Unit
from routing.core.request import NO_TAGS, Operation
from tests.loopback import LoopbackServer, QuietHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SECRET = "sk-test-0123456789abcdef"
PROMPT = "a lighthouse of blue glass under two green moons"
PER_MILLION_TOKENS = 1_000_000_000
PER_MILLION_PICTURES = 1_000_000_000_000_000


def size(text: str) -> Size:
    found = Size.parse(text)
    assert found
    return found


def png(width: int = 64, height: int = 64, kind: str = "png") -> bytes:
    target = io.BytesIO()
    image = Image.new("RGB", (width, height), (20, 60, 140))
    image.paste((200, 160, 40), (0, 0, width // 2, height))
    image.save(target, kind)
    return target.getvalue()


def picture(width: int = 1024, height: int = 1024) -> Picture:
    return Picture(data=png(width, height), format="png", size=Size(width=width, height=height))


def deployment(
    wire_model: str, *, by_tokens: bool = True, extras: tuple[str, ...] = (), vendor: str = "openai"
) -> Deployment:
    model = Model(
        name=wire_model,
        vendor=vendor,
        operations=frozenset(Operation),
        sizes=ListedSizes(sizes=()),
        default_size=size("1024x1024"),
        tokens=TokenRule(output=SteppedTokens(steps=())) if by_tokens else None,
        extras=dict.fromkeys(extras, ()),
    )
    return Deployment(name="shop", provider="vendor", model=model, wire_model=wire_model)


def card(rates: Mapping[str, float]) -> RateCard:
    """Make a rate card from dollars per million tokens, or per picture."""
    made = {}
    for name, usd in rates.items():
        unit = Unit(name)
        scale = PER_MILLION_PICTURES if unit is Unit.IMAGE else PER_MILLION_TOKENS
        rate = Rate(unit=unit, per_million_nusd=round(usd * scale), since=date(2026, 1, 1), source="the test")
        made[unit, ""] = rate
    return RateCard(deployment="shop", rates=made)


OPENAI_CARD = card({"text_in": 5, "text_cached_in": 1.25, "image_in": 8, "image_cached_in": 2, "image_out": 30})


# --- A vendor that says whatever a test wants -------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """One answer: a status, a body (an object goes out as JSON), headers; ``raw`` replaces the whole answer."""

    body: object = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    pieces: tuple[bytes, ...] = ()
    pause_s: float = 0.0


@dataclass
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        parsed: dict[str, object] = json.loads(self.body)
        return parsed


class Parrot:
    """A server on loopback that answers by a function and remembers what it heard."""

    def __init__(self, answer: Callable[[Heard], Said]) -> None:
        self.heard: list[Heard] = []
        self.stopping = threading.Event()
        self.answer = answer
        parrot = self

        class Handler(QuietHandler):
            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.command, self.path, headers, body)
                parrot.heard.append(heard)
                parrot._say(self, parrot.answer(heard))

        self._server = LoopbackServer(Handler)
        self.url = self._server.url

    def _say(self, handler: QuietHandler, said: Said) -> None:
        is_bytes = isinstance(said.body, bytes)
        body = bytes(said.body) if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        handler.send_response(said.status)
        headers = {"content-type": "text/plain" if is_bytes else "application/json", **said.headers}
        length = sum(map(len, said.pieces)) or len(body)
        for name, value in {"content-length": str(length), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for piece in said.pieces or (body,):
            handler.wfile.write(piece)
            handler.wfile.flush()
            if said.pause_s and self.stopping.wait(said.pause_s):
                return

    def stop(self) -> None:
        self.stopping.set()
        self._server.stop()


@contextmanager
def parrot(answer: Callable[[Heard], Said] | Said) -> Iterator[Parrot]:
    """Run a vendor that gives one answer, or answers by a function."""
    server = Parrot(answer if callable(answer) else lambda _: answer)
    try:
        yield server
    finally:
        server.stop()
