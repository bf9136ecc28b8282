"""The counter where every purchase is handled: fault, limit, charge, work, wait, answer."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from routing.sandbox.bill import Bill
from routing.sandbox.faults import AFTER_WORK, REFUSALS, Fault, Faults
from routing.sandbox.limiter import Limiter
from routing.sandbox.pictures import Picture, blank, studio
from routing.sandbox.shelf import Shelf
from routing.sandbox.transport import Broken, Truncated
from routing.sandbox.vendor import BodyTooLarge, Delivery, Refused, encode
from routing.sandbox.visits import Log, visit_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from starlette.requests import Request

    from routing.sandbox.pictures import Sketch
    from routing.sandbox.settings import Settings
    from routing.sandbox.vendor import Purchase
    from routing.sandbox.visits import Visit

__all__ = ["Desk"]

LATE_S = 3.0
"""How long a refusal that comes after the work takes at least."""


class Desk:
    """Sells pictures; everything a sandbox remembers is here."""

    def __init__(self, settings: Settings) -> None:
        """Open for business."""
        self.settings = settings
        self.bill = Bill()
        self.log = Log()
        self.faults = Faults()
        self.shelf = Shelf()
        self.limiter = Limiter(settings.images_per_minute) if settings.images_per_minute else None
        self.closing = asyncio.Event()
        """Set when the server stops, so that nobody is kept waiting."""
        self._draw = studio(settings.pictures)

    def reset(self) -> None:
        """Forget bill, log, faults, files and the minute."""
        self.bill = Bill()
        self.log.clear()
        self.faults.set()
        self.shelf.clear()
        if self.limiter:
            self.limiter.clear()

    async def sell(self, request: Request, read: Callable[[Request], Awaitable[Purchase]]) -> Response:
        """Answer one purchase request; `read` speaks the vendor's dialect and raises `Refused`."""
        visit = visit_of(request.scope)
        try:
            purchase = await read(request)
        except Refused as refused:
            return refused.answer.response()
        except BodyTooLarge:
            return JSONResponse({"error": {"message": "Request body is too large", "code": 413}}, 413)
        visit.note(model=purchase.model, prompt=purchase.prompt)
        try:
            fault = self.faults.pick(request.headers.get("x-sandbox-fault"), purchase.prompt)
        except ValueError as problem:
            return JSONResponse({"error": {"message": f"sandbox: {problem}", "code": "unknown_fault"}}, 400)
        visit.fault = str(fault or "")
        return await self._handle(request, visit, purchase, fault)

    async def _handle(self, request: Request, visit: Visit, purchase: Purchase, fault: Fault | None) -> Response:
        if fault and fault.name in REFUSALS:
            return await self._fail(visit, purchase, fault)
        if fault and fault.name == "reset-early":
            return Broken()
        headers: dict[str, str] = {}
        if self.limiter and purchase.sketches:
            wait_s = self.limiter.take(purchase.model, len(purchase.sketches), time.monotonic())
            headers = self.limiter.standing(purchase.model, time.monotonic()).headers()
            if wait_s > 0:
                answer = purchase.refuse(Fault("429", f"{wait_s:.3f}")).answer
                # It is the images that have run out: what the answer says of requests is about another fault.
                said = {name: value for name, value in answer.headers.items() if not name.startswith("x-ratelimit-")}
                return replace(answer, headers={**headers, **said}).response()
        if fault and fault.name == "error200":
            await self._wait(self.settings.latency_s)
            return replace(purchase.refuse(Fault("500")).answer, status=200).response()
        # Charged before the wait: whoever hangs up finds the order on the bill.
        self._charge(visit, purchase)
        delivery = await self._work(request, purchase, fault)
        await self._wait(self.settings.latency_s)
        return await self._answer(request, purchase, fault, delivery, headers)

    async def _fail(self, visit: Visit, purchase: Purchase, fault: Fault) -> Response:
        refused = purchase.refuse(fault)
        late = fault.name == "moderation-late" or fault.argument == AFTER_WORK
        if late:
            if refused.charged:
                self._charge(visit, refused.charged)
            await self._wait(max(self.settings.latency_s, fault.seconds(LATE_S)))
        return refused.answer.response()

    async def _work(self, request: Request, purchase: Purchase, fault: Fault | None) -> Delivery:
        name, argument = (fault.name, fault.argument) if fault else ("", "")
        sketches = [_spoiled(sketch, name) for sketch in purchase.sketches]
        drawn = self.settings.pictures == "drawn"  # the other styles are kept ready: a thread would only cost time
        pictures: list[Picture | None] = [
            await asyncio.to_thread(self._draw, sketch) if drawn else self._draw(sketch) for sketch in sketches
        ]
        match name:
            case "empty":
                pictures = []
            case "fewer":
                pictures = pictures[:-1]
            case "null":
                pictures = [None] * len(pictures)
            case "garbage":
                pictures = [_garbage(argument)] * len(pictures)
            case "blank":
                pictures = [blank(sketch) for sketch in sketches]

        def link(picture: Picture) -> str:
            return str(request.url_for("files", name=self.shelf.put(picture)))

        return Delivery(
            pictures=None if str(fault) == "null:data" else tuple(pictures), usage=name != "no-usage", link=link
        )

    async def _answer(
        self, request: Request, purchase: Purchase, fault: Fault | None, delivery: Delivery, headers: dict[str, str]
    ) -> Response:
        name = fault.name if fault else ""
        if fault and name == "hang" and await self._silence(request, fault.seconds(60.0)):
            return Broken()
        events = purchase.events(delivery)
        body = encode(purchase.reply(delivery)) if events is None else b"".join(events)
        kind = "application/json" if events is None else "text/event-stream"
        match name:
            case "reset":
                return Broken()
            case "truncated":
                return Truncated(body, media_type=kind, headers=headers)
            case "html":
                return HTMLResponse("<!doctype html><title>Welcome</title><h1>Please sign in to this network</h1>")
            case "badjson":
                body = body[: len(body) // 2]
            case _ if events:
                return StreamingResponse(_in_turn(events), 200, headers, kind)
        return Response(body, 200, headers, kind)

    def _charge(self, visit: Visit, purchase: Purchase) -> None:
        visit.images = len(purchase.sketches)
        visit.charged_nusd = self.bill.charge(
            seq=visit.seq,
            at=datetime.now(UTC),
            path=visit.path,
            request_id=visit.request_id,
            model=purchase.model,
            images=visit.images,
            lines=purchase.lines,
            usage=purchase.usage,
        )

    async def _wait(self, seconds: float) -> None:
        """Let time pass, but not after closing time."""
        if seconds > 0:
            await _first(self.closing.wait(), timeout_s=seconds)

    async def _silence(self, request: Request, seconds: float) -> bool:
        """Say nothing for so long; true if nobody is there to answer any more."""
        # Once the body is read, the next thing to be received is the end of the connection.
        return await _first(self.closing.wait(), request.receive(), timeout_s=seconds)


async def _in_turn(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _first(*waits: Awaitable[object], timeout_s: float) -> bool:
    """Wait for the first of several, or until the time is up; true if one came."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()


def _spoiled(sketch: Sketch, fault: str) -> Sketch:
    match fault:
        case "wrong-size":
            return sketch.resized()
        case "small":
            return sketch.halved()
    return sketch


def _garbage(argument: str) -> Picture:
    data = b"this is not an image, whatever its name says\n" * 8
    encoded = "%%% this is not base64 either %%%" if argument == "b64" else base64.b64encode(data).decode("ascii")
    return Picture(data, "image/png", 0, 0, encoded)
