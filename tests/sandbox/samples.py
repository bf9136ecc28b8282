"""Pictures to send along, and how to look at pictures that come back."""

from __future__ import annotations

import base64
import io
import ssl

from PIL import Image

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients on loopback: loading the real ones takes longer than most tests."""


def picture(width: int = 64, height: int = 64, picture_format: str = "PNG") -> bytes:
    """A small picture of that size."""
    into = io.BytesIO()
    Image.new("RGB", (width, height), (200, 80, 40)).save(into, picture_format)
    return into.getvalue()


def data_url(width: int = 64, height: int = 64) -> str:
    """The same as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(picture(width, height)).decode()}"


def colours(data: bytes | str) -> list[object]:
    """The colours of a picture."""
    raw = base64.b64decode(data) if isinstance(data, str) else data
    with Image.open(io.BytesIO(raw)) as opened:
        return [colour for _, colour in opened.convert("RGB").getcolors(1 << 24) or []]


def look(data: bytes | str) -> tuple[str, tuple[int, int]]:
    """Format and size of a picture, from bytes or base64, after decoding every pixel."""
    raw = base64.b64decode(data) if isinstance(data, str) else data
    with Image.open(io.BytesIO(raw)) as opened:
        opened.load()
        return str(opened.format), opened.size
