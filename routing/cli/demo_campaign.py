"""The requests of the demo: two small campaigns of ours, from moodboard to final."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SQUARE, WIDE, TALL = "1024x1024", "1536x1024", "1024x1536"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request. ``references`` and ``promotes`` name earlier steps; ``again`` repeats one to the letter."""

    name: str
    prompt: str = ""
    importance: str | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    size: str = SQUARE
    n: int = 1
    asset: str | None = None
    references: tuple[str, ...] = ()
    promotes: str = ""
    again: str = ""


def _lights(**tags: str) -> dict[str, str]:
    return {"campaign": "harbour-lights", **tags}


def _tea(**tags: str) -> dict[str, str]:
    return {"campaign": "winter-tea", **tags}


CAMPAIGN = (
    Step(
        name="harbour",
        prompt="A fishing harbour at dusk, paper lanterns strung above the quay, watercolour on rough paper",
        tags=_lights(stage="draft", kind="moodboard"),
    ),
    Step(
        name="rowing-boat",
        prompt="Lanterns drifting on black water, seen from a rowing boat, long exposure",
        tags=_lights(stage="draft", kind="moodboard"),
        n=2,
    ),
    Step(
        name="palette",
        prompt="A palette of nine colours at nightfall: ink, petrol, brass, apricot; flat gouache swatches",
        importance="draft",
        tags=_lights(kind="moodboard"),
    ),
    Step(
        name="ferry",
        prompt="A small ferry dressed with flags leaving the pier, crowd waving, linocut in two colours",
        importance="draft",
        tags=_lights(kind="illustration"),
        asset="ferry",
    ),
    Step(name="harbour-again", again="harbour"),
    Step(
        name="poster",
        prompt='Festival poster: the words "HARBOUR LIGHTS" and "9 December" above a row of glowing lanterns',
        importance="draft",
        tags=_lights(kind="poster"),
        asset="poster",
    ),
    Step(
        name="teapot",
        prompt="A teapot pouring a small river through a snowy pine forest, miniature landscape, soft morning light",
        tags=_tea(stage="draft", kind="moodboard"),
        asset="teapot",
    ),
    Step(
        name="leaves",
        prompt="Six tea leaves pressed like botanical specimens on cream paper, fine ink outlines",
        importance="draft",
        tags=_tea(kind="illustration"),
    ),
    Step(name="teapot-again", again="teapot"),
    Step(
        name="blend",
        prompt="Keep the harbour of image 1, repaint it in the palette of image 2",
        importance="draft",
        tags=_lights(kind="moodboard"),
        references=("harbour", "palette"),
    ),
    Step(
        name="poster-review",
        prompt='Festival poster: the words "HARBOUR LIGHTS" and "9 December" above a row of glowing lanterns, tall',
        importance="review",
        tags=_lights(kind="poster"),
        size=TALL,
        asset="poster",
    ),
    Step(
        name="tin",
        prompt='Label of a tea tin: "WINTER SMOKE", a fox asleep under a pine branch, three colours, flat shapes',
        tags=_tea(audience="customer", kind="packaging"),
        asset="tin",
    ),
    Step(name="palette-again", again="palette"),
    Step(name="ferry-final", promotes="ferry", importance="final"),
    Step(
        name="tin-final",
        prompt='Label of a tea tin: "WINTER SMOKE", a fox asleep under a pine branch, three colours, wide, print ready',
        tags=_tea(stage="final", kind="packaging"),
        size=WIDE,
        asset="tin",
    ),
    Step(name="poster-final", promotes="poster-review", importance="final"),
)
