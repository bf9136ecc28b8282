"""For your own tests: a router whose vendor, clock and ledger are in memory and cost nothing.

clock = FrozenClock()
with open_test_router("router.yaml", clock=clock) as router:
    assert router.generate("a fox", importance="draft").deployment == "flux-schnell"
"""

from __future__ import annotations

import struct
import threading
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from routing.assembly import assemble, load_config
from routing.core.features import features_of
from routing.core.picture import Picture, Size
from routing.core.quote import usage_of
from routing.core.request import ImageRequest
from routing.logs import SilentLog
from routing.pictures import convert
from routing.providers.base import Delivery, ImageCall, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from routing.core.prices import Usage
    from routing.logs import Log
    from routing.providers.base import Moderator, Provider
    from routing.router import Router


class FrozenClock:
    """Time that stands still until it is moved; ``sleep`` moves it."""

    def __init__(self, at: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> None:
        """Stand at a moment, aware."""
        self._at = at
        self._lock = threading.Lock()
        self._slept_s = 0.0

    def now(self) -> datetime:
        """Tell where it stands."""
        return self._at

    def elapsed_s(self) -> float:
        """Tell the seconds it was moved."""
        return self._slept_s

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        with self._lock:
            self._at += timedelta(seconds=seconds)
            self._slept_s += seconds


class FakeProvider:
    """Delivers plain pictures and the expected usage; ``fail_next`` makes a call raise.

    ``deliver_next`` makes calls bring other pictures, bad ones for instance. ``calls`` are all calls it was sent, in
    order.
    """

    def __init__(self) -> None:
        """Start without calls."""
        self.calls: list[ImageCall] = []
        self._failures: list[Exception] = []
        self._pictures: list[Picture] = []
        self._lock = threading.Lock()

    def fail_next(self, *errors: Exception) -> None:
        """Raise these from the next calls, one each."""
        with self._lock:
            self._failures += errors

    def deliver_next(self, *pictures: Picture) -> None:
        """Deliver these from the next calls that do not raise, one each, instead of what was asked for."""
        with self._lock:
            self._pictures += pictures

    def buy(self, call: ImageCall) -> Delivery:
        """Deliver what was asked for."""
        with self._lock:
            self.calls.append(call)
            failure = self._failures.pop(0) if self._failures else None
            picture = self._pictures.pop(0) if self._pictures and not failure else _picture_for(call)
        call.on_send()
        if failure:
            raise failure
        for _ in range(int(call.extras.get("partial_images", 0))):
            call.on_partial(picture)
        return Delivery(pictures=(picture,) * call.n, usage=_expected_usage(call))

    def close(self) -> None:
        """Nothing to let go of."""


def _picture_for(call: ImageCall) -> Picture:
    picture = plain_picture(call.size)
    return (
        convert(picture, call.output_format) if call.output_format and call.output_format != picture.format else picture
    )


class FakeModerator:
    """Flags prompts that hold one of some words, each for its category; ``fail_next`` makes a look raise.

    ``prompts`` are all that it looked at, in order.
    """

    def __init__(self, flags: Mapping[str, str] | None = None) -> None:
        """Take the words and their categories: ``FakeModerator({"gore": "violence/graphic"})``."""
        self.prompts: list[str] = []
        self._flags = dict(flags or {})
        self._failures: list[Exception] = []
        self._lock = threading.Lock()

    def fail_next(self, *errors: Exception) -> None:
        """Raise these from the next looks, one each."""
        with self._lock:
            self._failures += errors

    def look(self, prompt: str, timeout_s: float) -> Verdict:  # noqa: ARG002 - the port's shape
        """Look at a prompt."""
        with self._lock:
            self.prompts.append(prompt)
            failure = self._failures.pop(0) if self._failures else None
        if failure:
            raise failure
        found = tuple(category for word, category in self._flags.items() if word in prompt)
        return Verdict(flagged=bool(found), categories=found)

    def close(self) -> None:
        """Nothing to let go of."""


def plain_picture(size: Size) -> Picture:
    """Draw a PNG of a size: black above white."""
    return _draw_png(size, (0x00, 0xFF))


def blank_picture(size: Size) -> Picture:
    """Draw a PNG of a size that is black all over: a bad picture."""
    return _draw_png(size, (0x00, 0x00))


def _draw_png(size: Size, halves: tuple[int, int]) -> Picture:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", size.width, size.height, 1, 0, 0, 0, 0)  # one bit a pixel, greyscale
    row_bytes, upper = -(-size.width // 8), size.height // 2
    heights = (upper, size.height - upper)
    rows = b"".join((b"\0" + bytes([tone]) * row_bytes) * rows for tone, rows in zip(halves, heights, strict=True))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return Picture(data=data, format="png", size=size)


def _expected_usage(call: ImageCall) -> Usage | None:
    request = ImageRequest(
        prompt=call.prompt, operation=call.operation, images=call.images, mask=call.mask, extras=call.extras
    )
    usage = usage_of(features_of(request), call.deployment.model, size=call.size, quality=call.quality, at_most=False)
    return usage * call.n if usage else None


def open_test_router(  # noqa: PLR0913 - what a test may bring of its own
    path: str | Path = "router.yaml",
    *,
    clock: FrozenClock | None = None,
    providers: Mapping[str, Provider] | None = None,
    env: Mapping[str, str] | None = None,
    log: Log | None = None,
    moderator: Moderator | None = None,
) -> Router:
    """Open the router of your own files with a memory ledger, no cache, and fake providers (or your own, by name).

    Every deployment counts as having its key unless ``env`` says otherwise. Prompts that the policy has looked at pass,
    unless your own ``moderator`` flags them.

    Raises:
        ConfigError: with every problem of both files.

    """
    clock = clock or FrozenClock()
    config = load_config(path, {} if env is None else env, clock.now().date())
    if env is None:
        config = replace(config, settings=config.settings.with_keys())
    # A test tells nobody but the log.
    channels = tuple(spec for spec in config.alerts if spec.kind == "log")
    config = replace(config, ledger_url="memory://", limits_url="memory://", cache=None, alerts=channels)
    fake = FakeProvider()
    ready = {name: (providers or {}).get(name, fake) for name in config.providers}
    looking = moderator or FakeModerator()
    return assemble(config, ready, clock, log or SilentLog(), env={}, background=False, moderator=looking)
