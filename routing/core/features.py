"""What rules, routes and prices read of a request: enough to decide, and nothing that must stay secret.

The ledger keeps it, so that an edited policy can be tried on what was asked last month.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.core.quoted import quoted_text, script_of
from routing.core.request import NO_TAGS, ImageRequest, Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from routing.core.picture import Size

MEGAPIXEL = 1024 * 1024
"""As vendors sell it: 1024x1024 is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A request without its words and pictures. ``None`` is undefined and never matches.

    ``references`` and ``mask`` are the dimensions of what comes with the request; the first reference is the parent's
    picture where ``parent_picture`` numbers one. ``text_chars`` counts what stands in quotation marks, ``script`` names
    its writing; ``max_price_nusd`` caps the whole request.
    """

    prompt_chars: int
    prompt_bytes: int
    text_chars: int = 0
    script: str | None = None
    importance: str | None = None
    operation: Operation = Operation.GENERATE
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    size: Size | None = None
    quality: str | None = None
    n: int = 1
    references: tuple[Size, ...] = ()
    mask: Size | None = None
    deployment: str | None = None
    background: str | None = None
    output_format: str | None = None
    extras: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    max_price_nusd: int | None = None
    deadline_s: float | None = None
    parent_picture: int | None = None

    @property
    def options(self) -> dict[str, str]:
        """Everything asked for besides size and quality, by the names that callers use."""
        shape = {"background": self.background, "output_format": self.output_format}
        return {name: value for name, value in shape.items() if value} | dict(self.extras)

    @property
    def megapixels(self) -> float | None:
        """Megapixels asked for, of 1024 x 1024 pixels each."""
        return self.size.pixels / MEGAPIXEL if self.size else None


def features_of(request: ImageRequest) -> Features:
    """Read a request the way a policy does."""
    words = quoted_text(request.prompt)
    return Features(
        prompt_chars=len(request.prompt),
        prompt_bytes=len(request.prompt.encode()),
        text_chars=len(words),
        script=script_of(words),
        importance=request.importance,
        operation=request.operation,
        tags=request.tags,
        size=request.size,
        quality=request.quality,
        n=request.n,
        references=tuple(picture.size for picture in request.images),
        mask=request.mask.size if request.mask else None,
        deployment=request.deployment,
        background=request.background,
        output_format=request.output_format,
        extras=request.extras,
        max_price_nusd=request.max_price_nusd,
        deadline_s=request.deadline_s,
        parent_picture=request.parent_picture,
    )
