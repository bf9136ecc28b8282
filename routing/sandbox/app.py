"""The sandbox as a web application: the vendors' addresses, and its own below `/_`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from routing.sandbox import apimart, fal, gemini, openai_costs, openai_free, openai_images
from routing.sandbox.bill import VENDORS, Bill
from routing.sandbox.desk import Desk
from routing.sandbox.settings import Settings
from routing.sandbox.vendor import MEGABYTE, BodyTooLarge, read_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> Starlette:
    """A fresh sandbox; `app.state.desk` is its memory."""
    desk = Desk(settings or Settings())
    app = Starlette(
        routes=[
            *openai_images.routes(desk),
            *openai_free.routes(),
            *openai_costs.routes(desk),
            *gemini.routes(desk),
            *fal.routes(desk),
            *apimart.routes(desk),
            Route("/files/{name}", desk.shelf.serve, methods=["GET"], name="files"),
            *_own_routes(desk),
        ],
        middleware=[Middleware(desk.log.wrap)],
    )
    # A path with a slash too many is a mistake of the client's: no redirect papers over it.
    app.router.redirect_slashes = False
    app.state.desk = desk
    return app


def _own_routes(desk: Desk) -> list[Route]:
    async def bill(_: Request) -> Response:
        return JSONResponse(desk.bill.as_json())

    def download(write: Callable[[Bill, str], str], kind: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            vendor = request.query_params.get("vendor", "")
            if vendor not in {"", *VENDORS.values()}:
                told = f"sandbox: there is no vendor {vendor!r}; there are {', '.join(VENDORS.values())}"
                return JSONResponse({"error": {"message": told}}, 400)
            return PlainTextResponse(write(desk.bill, vendor), media_type=kind)

        return answer

    async def log(_: Request) -> Response:
        return JSONResponse(desk.log.as_json())

    async def reset(_: Request) -> Response:
        desk.reset()
        return JSONResponse({"reset": True})

    async def faults(request: Request) -> Response:
        try:
            wanted = json.loads(await read_body(request, MEGABYTE))
            # An unknown key is an unknown keyword, and so refused.
            desk.faults.set(**wanted)
        except (ValueError, TypeError, AttributeError, BodyTooLarge) as problem:
            return JSONResponse({"error": {"message": f"sandbox: {problem}"}}, 400)
        return JSONResponse({"set": True})

    return [
        Route("/_bill", bill, methods=["GET"]),
        Route("/_bill.csv", download(Bill.as_csv, "text/csv"), methods=["GET"]),
        Route(
            "/_bill.jsonl",
            download(Bill.as_json_lines, "application/jsonl"),
            methods=["GET"],
        ),
        Route("/_log", log, methods=["GET"]),
        Route("/_reset", reset, methods=["POST"]),
        Route("/_faults", faults, methods=["POST"]),
    ]
