"""What a caller asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from routing.core.picture import Picture, Size
from routing.errors import RequestError

IMAGES_AT_MOST = 10
"""``n`` of one request; the vendors' own bound."""
NAME_CHARS_AT_MOST = 200
"""Longest request id, asset, tag key or tag value: they are index keys of the ledger."""
TAGS_AT_MOST = 32

COMPRESSED = ("jpeg", "webp")
"""Formats that ``output_compression`` goes with."""
COMPRESSION_AT_MOST = 100

NO_TAGS: Mapping[str, str] = MappingProxyType({})

OLD_QUALITIES = {"standard": "medium", "hd": "high"}
"""Words of older guides for ``quality`` and what they mean today."""
QUALITIES = ("low", "medium", "high", *OLD_QUALITIES, "auto")
"""Words for ``quality`` that are known everywhere, also where no model has the choice."""

PASSED_ON = ("seed", "complexity", "reasoning", "output_compression", "moderation", "user", "partial_images")
"""Parameters that only some models know; the catalog says which."""
PARTIAL_IMAGES = "partial_images"
"""How many pictures are shown of one that is being made."""
SHAPING = ("background", "output_format")
"""Options that every model has a list for, be it empty."""
OPTIONS = (*SHAPING, *PASSED_ON)
"""All that a call may ask for besides size and quality, by the names that callers use."""
OPTION_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "background": ("transparent", "opaque"),
        "output_format": ("png", "jpeg", "webp"),
        "complexity": ("low", "medium", "high"),
        "reasoning": ("auto", "force"),
        "moderation": ("auto", "low"),
    }
)
"""Words of options that are known everywhere, also where no model has the choice; other options take any value."""


class Operation(StrEnum):
    """What is done: a picture from words, or from words and pictures."""

    GENERATE = "generate"
    EDIT = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """One request as the router understands it; ``read_options`` makes it from a caller's keywords.

    ``size`` and ``quality`` are wishes: the route's ``ask`` goes first. ``max_price_nusd`` caps the whole request.
    ``extras`` are parameters only some models know (``seed``, ``complexity``), as text. With ``images`` it is an edit,
    whatever ``operation`` says. ``parent_picture`` says which picture of the parent, from 1, is the first of them.
    ``on_partial`` is called with each partial image, while the picture is being made.
    """

    prompt: str = field(repr=False)
    importance: str | None = None
    operation: Operation = Operation.GENERATE
    size: Size | None = None
    quality: str | None = None
    n: int = 1
    images: tuple[Picture, ...] = ()
    mask: Picture | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    asset: str | None = None
    parent: str | None = None
    parent_picture: int | None = None
    request_id: str | None = None
    max_price_nusd: int | None = None
    deadline_s: float | None = None
    deployment: str | None = None
    background: str | None = None
    output_format: str | None = None
    extras: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    fresh: bool = False
    on_partial: Callable[[Picture], object] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what no vendor could read and no ledger could write.

        Raises:
            RequestError: for the first field that cannot be, naming it.

        """
        _check_prompt(self.prompt)
        if isinstance(self.n, bool) or not isinstance(self.n, int) or not 1 <= self.n <= IMAGES_AT_MOST:
            raise RequestError(f"n is 1 to {IMAGES_AT_MOST} pictures, not {self.n!r}: make several requests for more")
        self._check_pictures()
        for name in ("importance", "quality", "deployment", "background", "output_format"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise RequestError(f"{name} is text, not {value!r}")
        for name in ("asset", "parent", "request_id"):
            check_name(name, getattr(self, name))
        check_tags(self.tags)
        if not isinstance(self.extras, Mapping) or not all(map(_is_text, (*self.extras, *self.extras.values()))):
            raise RequestError("extras are text to text")
        if isinstance(self.max_price_nusd, bool) or not isinstance(self.max_price_nusd, int | None):
            raise RequestError(f"max_price_nusd is a whole number of nano-dollars, not {self.max_price_nusd!r}")
        if self.deadline_s is not None and not _is_duration(self.deadline_s):
            raise RequestError(f"deadline is a number of seconds above 0, not {self.deadline_s!r}")

    def _check_pictures(self) -> None:
        if self.size is not None and not (isinstance(self.size, Size) and self.size.width > 0 < self.size.height):
            raise RequestError(f"size is width x height in pixels, not {self.size!r}")
        pictures = (*self.images, self.mask) if self.mask is not None else self.images
        if not isinstance(self.images, tuple) or not all(isinstance(picture, Picture) for picture in pictures):
            raise RequestError("references and the mask of a request are pictures: load them with edit(images=[...])")
        if not self.images and (self.operation != Operation.GENERATE or self.mask is not None):
            raise RequestError("an edit needs at least one reference: pass images=[...], or generate")
        number = self.parent_picture
        counts = isinstance(number, int) and not isinstance(number, bool) and number >= 1
        if number is not None and not (counts and self.parent and self.images):
            raise RequestError("parent_picture counts a parent's pictures from 1, and that is the first reference")
        # Sent as a generation, references would be left out without a word.
        object.__setattr__(self, "operation", Operation.EDIT if self.images else Operation.GENERATE)


def check_options(request: ImageRequest) -> None:
    """Refuse options that could never be bought, or would be paid for in vain."""
    _check_partials(request)
    compression = request.extras.get("output_compression")
    if compression is None:
        return
    if not (compression.isdecimal() and int(compression) <= COMPRESSION_AT_MOST):
        raise RequestError(f"output_compression is a whole number from 0 to {COMPRESSION_AT_MOST}, not {compression}")
    if request.output_format not in COMPRESSED:
        raise RequestError(f"output_compression needs output_format {' or '.join(COMPRESSED)} beside it")


def _check_partials(request: ImageRequest) -> None:
    """Refuse partial images that nobody would see, or of more than one picture: each costs like a part of it."""
    asked, shows = PARTIAL_IMAGES in request.extras, request.on_partial is not None
    if asked and not shows:
        raise RequestError(
            "partial_images are paid for and shown to nobody: pass on_partial=, which is called with each"
        )
    if shows and not asked:
        raise RequestError("on_partial needs to know how many: pass partial_images=1 to 3 with it")
    if asked and request.n != 1:
        raise RequestError(f"partial_images are those of one picture: ask for n=1, not {request.n}")


def _check_prompt(prompt: object) -> None:
    if not isinstance(prompt, str):
        raise RequestError(f"the prompt is text, not {type(prompt).__name__}")
    if not prompt.strip():
        raise RequestError("the prompt is empty: say what the picture shows")
    try:
        prompt.encode()
    except UnicodeEncodeError as bad:
        raise RequestError(f"the prompt holds half a character at position {bad.start}: decode it as UTF-8") from None


def check_tags(tags: object) -> None:
    """Refuse labels that no ledger could keep: text to text, not too many, none too long."""
    if not isinstance(tags, Mapping):
        raise RequestError(f"tags are text to text, like {{'campaign': 'spring'}}, not {type(tags).__name__}")
    if len(tags) > TAGS_AT_MOST:
        raise RequestError(f"{len(tags)} tags are too many: at most {TAGS_AT_MOST}")
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str) or not key:
            raise RequestError(f"tags are text to text; {key!r}: {value!r} is not")
        check_name(f"tag {key[:NAME_CHARS_AT_MOST]!r}", value)
        check_name("tag key", key)


def check_name(what: str, name: object) -> None:
    """Refuse a label that could not be an index key of every ledger: empty, too long, or not legible."""
    if name is None:
        return
    if not isinstance(name, str) or not name.strip():
        raise RequestError(f"{what} is text that is not empty, not {name!r}")
    if len(name) > NAME_CHARS_AT_MOST or not _is_text(name) or any(char < " " for char in name):
        raise RequestError(f"{what} is at most {NAME_CHARS_AT_MOST} characters without control characters")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _is_duration(seconds: object) -> bool:
    return isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < math.inf
