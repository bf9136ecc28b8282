"""A picture as a value: bytes whose format and dimensions are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

MEDIA_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
"""The picture formats we take and give, and their media types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        """Read as ``1536x1024``."""
        return f"{self.width}x{self.height}"

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.width * self.height

    @classmethod
    def parse(cls, text: str) -> Size | None:
        """Read ``1536x1024``; ``None`` where the text is no size."""
        width, x, height = text.strip().lower().replace("×", "x").partition("x")
        if not (x and width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
            return None
        if max(len(width), len(height)) > 6 or not int(width) or not int(height):  # noqa: PLR2004 - digits of an edge
            return None
        return cls(width=int(width), height=int(height))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Checked picture bytes; ``format`` is ``png``, ``jpeg`` or ``webp``."""

    data: bytes = field(repr=False)
    format: str
    size: Size
    name: str = ""

    @property
    def media_type(self) -> str:
        """The type to send it as."""
        return MEDIA_TYPES[self.format]

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()
