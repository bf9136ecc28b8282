"""The port of a provider: one call, one purchase."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from routing.core.request import NO_TAGS, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from routing.core.deployment import Deployment
    from routing.core.pacing import Told
    from routing.core.picture import Picture, Size
    from routing.core.prices import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """A vendor account as ``router.yaml`` describes it; ``options`` are the kind's own (``api_version``).

    ``base_url`` is ``None`` for the vendor's usual address. ``api_key_env`` names the key's variable in messages; the
    key itself is never part of a description.
    """

    name: str
    kind: str
    api_key_env: str = ""
    base_url: str | None = None
    timeout_s: float = 360.0
    options: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCall:
    """One call to one deployment, with everything decided. ``timeout_s`` bounds the whole call.

    ``ends_in_s`` is what is left of the request's deadline, if it has one: getting ready is part of that.
    ``on_send`` is called when the request is about to leave: the vendor's minute begins then, not while libraries load.
    ``on_partial`` is called with each partial image that the vendor sends of the picture.
    """

    deployment: Deployment
    prompt: str = field(repr=False)
    operation: Operation
    size: Size
    quality: str | None
    n: int
    timeout_s: float
    ends_in_s: float = math.inf
    images: tuple[Picture, ...] = ()
    mask: Picture | None = None
    background: str | None = None
    output_format: str | None = None
    extras: Mapping[str, str] = field(default_factory=lambda: NO_TAGS)
    on_send: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    on_partial: Callable[[Picture], None] = field(default=lambda _: None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What came back: checked pictures, at least one. ``usage`` is ``None`` where the vendor reported none.

    ``notices`` tell what differs from what was asked (fewer pictures, another size), ``told`` what the vendor's headers
    say of rate limits.
    """

    pictures: tuple[Picture, ...]
    usage: Usage | None
    revised_prompt: str | None = None
    seed: int | None = None
    vendor_request_id: str | None = None
    notices: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What moderation says of a prompt; ``categories`` are what it is flagged for, in the vendor's words."""

    flagged: bool
    categories: tuple[str, ...] = ()


class Moderator(Protocol):
    """Whoever looks at prompts before anything is bought. Safe to use from many threads at once."""

    def look(self, prompt: str, timeout_s: float) -> Verdict:
        """Send exactly one request, and tell what is said of the prompt.

        Raises:
            ProviderError: where there is no verdict; ``retryable`` where another look may bring one.

        """

    def close(self) -> None:
        """Let go of connections."""


class Provider(Protocol):
    """A vendor account. Safe to use from many threads at once."""

    def buy(self, call: ImageCall) -> Delivery:
        """Send exactly one request (or one task and its polls) and return the pictures.

        Raises:
            ProviderError: of the kind that tells what happened, with ``charged`` as far as it is known; a
                parameter this provider has no word for is refused before anything is sent (``charged`` no).

        """

    def close(self) -> None:
        """Let go of connections."""
