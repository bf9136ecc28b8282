"""Vendors that take a shape and a resolution instead of pixels: explicit tables from pixels to their words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from routing.core.picture import Size

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[str, str]
"""Aspect ratio and resolution, in the vendor's words."""


def _table(rows: Mapping[str, Mapping[str, str]]) -> Mapping[Size, Shape]:
    """Turn ``ratio: {resolution: sizes}`` into a look-up by size."""
    table: dict[Size, Shape] = {}
    for ratio, by_resolution in rows.items():
        for resolution, listed in by_resolution.items():
            for text in listed.split():
                size = Size.parse(text)
                if size is not None:
                    table[size] = (ratio, resolution)
    return table


def _multiples(ratio_sizes: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    def times(listed: str, factor: int) -> str:
        return " ".join("x".join(str(int(edge) * factor) for edge in text.split("x")) for text in listed.split())

    return {
        ratio: {f"{factor}K": times(listed, factor) for factor in (1, 2, 4)} for ratio, listed in ratio_sizes.items()
    }


NANO_BANANA: Mapping[Size, Shape] = _table(
    _multiples(
        {
            # Both generations of the model: the first size is 2.5-flash-image's, the second its successors'.
            "1:1": "1024x1024",
            "2:3": "832x1248 848x1264",
            "3:2": "1248x832 1264x848",
            "3:4": "864x1184 896x1200",
            "4:3": "1184x864 1200x896",
            "4:5": "896x1152 928x1152",
            "5:4": "1152x896 1152x928",
            "9:16": "768x1344 768x1376",
            "16:9": "1344x768 1376x768",
            "21:9": "1536x672 1584x672",
        }
    )
)
"""https://ai.google.dev/gemini-api/docs/image-generation, as of 2026-11; 2K and 4K are twice and four times 1K."""

APIMART: Mapping[Size, Shape] = _table(
    {
        "1:1": {"1k": "1024x1024", "2k": "2048x2048", "4k": "2880x2880"},
        "3:2": {"1k": "1536x1024", "2k": "2048x1360", "4k": "3520x2336"},
        "2:3": {"1k": "1024x1536", "2k": "1360x2048", "4k": "2336x3520"},
        "4:3": {"1k": "1024x768", "2k": "2048x1536", "4k": "3312x2480"},
        "3:4": {"1k": "768x1024", "2k": "1536x2048", "4k": "2480x3312"},
        "5:4": {"1k": "1280x1024", "2k": "2560x2048", "4k": "3216x2576"},
        "4:5": {"1k": "1024x1280", "2k": "2048x2560", "4k": "2576x3216"},
        "16:9": {"1k": "1536x864", "2k": "2048x1152", "4k": "3840x2160"},
        "9:16": {"1k": "864x1536", "2k": "1152x2048", "4k": "2160x3840"},
        "2:1": {"1k": "2048x1024", "2k": "2688x1344", "4k": "3840x1920"},
        "1:2": {"1k": "1024x2048", "2k": "1344x2688", "4k": "1920x3840"},
        "3:1": {"2k": "3072x1024", "4k": "3840x1280"},
        "1:3": {"2k": "1024x3072", "4k": "1280x3840"},
        "21:9": {"1k": "2016x864", "2k": "2688x1152", "4k": "3840x1648"},
        "9:21": {"1k": "864x2016", "2k": "1152x2688", "4k": "1648x3840"},
    }
)
"""https://docs.apimart.ai, GPT-Image-2, as of 2026-11; 3:1 and 1:3 at 1k have no even size and are left out."""

XAI: Mapping[Size, Shape] = _table({"1:1": {"1k": "1024x1024"}})
"""Only the square is published in pixels: https://docs.x.ai/developers/model-capabilities/images/generation."""
