"""Pictures that are fetched by address: the vendors' file hosts, bounded."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from routing.sandbox.pictures import Picture

__all__ = ["Shelf"]

MOST_FILES = 4096
MOST_BYTES = 256 * 1024 * 1024


class Shelf:
    """Keeps pictures by what is in them; the oldest make room."""

    def __init__(self) -> None:
        """Start empty."""
        self._pictures: OrderedDict[str, Picture] = OrderedDict()
        self._bytes = 0

    def clear(self) -> None:
        """Throw everything away."""
        self._pictures.clear()
        self._bytes = 0

    def put(self, picture: Picture) -> str:
        """Keep a picture; returns its name."""
        name = f"{hashlib.sha256(picture.data).hexdigest()[:32]}.{picture.mime.rpartition('/')[2]}"
        if name in self._pictures:
            self._pictures.move_to_end(name)
            return name
        self._pictures[name] = picture
        self._bytes += len(picture.data)
        while len(self._pictures) > MOST_FILES or (self._bytes > MOST_BYTES and len(self._pictures) > 1):
            _, gone = self._pictures.popitem(last=False)
            self._bytes -= len(gone.data)
        return name

    def get(self, name: str) -> Picture | None:
        """The picture of that name, while it is kept."""
        return self._pictures.get(name)

    async def serve(self, request: Request) -> Response:
        """`GET /files/{name}`."""
        picture = self.get(request.path_params["name"])
        if picture is None:
            return PlainTextResponse("no such file", 404)
        return Response(picture.data, media_type=picture.mime)
