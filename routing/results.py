"""What a caller gets back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from routing.core.money import Money
from routing.pictures import convert

if TYPE_CHECKING:
    from routing.core.picture import Picture, Size
    from routing.core.plan import Candidate, Dropped, Plan
    from routing.core.prices import Line, Usage
    from routing.core.request import ImageRequest
    from routing.errors import RoutingError

SUFFIXES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
"""File endings that name a picture format."""
DELIVERED = "delivered"
"""The status of an attempt that brought good pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a request would cost and where it would go; nothing was bought or written.

    ``price`` is the upper bound that would be reserved, ``expected`` the likely cost; ``notices`` tell what of the call
    was read differently than written.
    """

    plan: Plan
    notices: tuple[str, ...] = ()

    @property
    def _first(self) -> Candidate:
        return self.plan.candidates[0]

    @property
    def deployment(self) -> str:
        """Name of the deployment that would be called first."""
        return self._first.deployment.name

    @property
    def model(self) -> str:
        """Its model."""
        return self._first.deployment.model.name

    @property
    def size(self) -> Size:
        """The size that would be asked for."""
        return self._first.size

    @property
    def quality(self) -> str | None:
        """The quality that would be asked for; ``None`` where the model has no such choice."""
        return self._first.quality

    @property
    def price(self) -> Money:
        """The most it can cost."""
        return Money(self._first.quote.price_nusd)

    @property
    def expected(self) -> Money:
        """What it is expected to cost."""
        return Money(self._first.quote.expected_nusd)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The upper bound, taken apart."""
        return self._first.quote.lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to one candidate, and what became of it. Amounts are what is booked.

    ``status`` is ``delivered``, or what is bad about its pictures, or why there are none.
    """

    reservation_id: str
    deployment: str
    quote: Money
    cost: Money
    images: int
    status: str
    unconfirmed: bool = False
    settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The pictures, what they really are, and what they really cost.

    ``cost`` is everything charged for this request, failed attempts included; ``unconfirmed`` is the part of it whose
    outcome is unknown; ``quote`` is what was held at most. ``lines`` are the rates that priced the delivered pictures.
    ``cached``: nothing was bought now. ``settled`` is ``False`` where the ledger could not be written after the
    pictures came: the money stays held. ``plan`` is ``None`` for an answer to a repeated ``request_id``. ``faults`` are
    sentences on what is bad about the pictures (blank, too small, another format); empty where all is well.

    ``degraded`` is set where nothing could be had from the route's own deployments: the name of the one that stands in
    for them, or what is shown without having been bought: ``last`` or ``placeholder``.
    """

    images: tuple[Picture, ...]
    request: ImageRequest = field(repr=False)
    request_id: str
    importance: str
    deployment: str
    model: str
    size: Size
    quality: str | None
    cost: Money
    quote: Money
    unconfirmed: Money = Money(0)
    cached: bool = False
    settled: bool = True
    saved: Money = Money(0)
    usage: Usage | None = None
    lines: tuple[Line, ...] = ()
    revised_prompt: str | None = None
    seed: int | None = None
    faults: tuple[str, ...] = ()
    degraded: str | None = None
    notices: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    plan: Plan | None = field(default=None, repr=False)

    @property
    def asset(self) -> str | None:
        """The picture the team is after."""
        return self.request.asset

    @property
    def dropped(self) -> tuple[Dropped, ...]:
        """Deployments that were left out, and why."""
        return self.plan.dropped if self.plan else ()

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the pictures and return where: one under ``path``, several as ``name-1.png``, ``name-2.png`` ...

        A file ending that names another format than was delivered converts the picture, so that it is what its name
        says.
        """
        path = Path(path)
        many = len(self.images) > 1
        paths = []
        for number, image in enumerate(self.images, start=1):
            place = path.with_name(f"{path.stem}-{number}{path.suffix}") if many else path
            wanted = SUFFIXES.get(path.suffix.lower(), image.format)
            place.write_bytes((image if wanted == image.format else convert(image, wanted)).data)
            paths.append(place)
        return tuple(paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One finished request of ``generate_many``: either its result or its error. ``request`` is as it was given."""

    request: ImageRequest | str = field(repr=False)
    result: Result | None = None
    error: RoutingError | None = None
