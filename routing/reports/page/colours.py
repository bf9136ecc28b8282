"""Colours of importances: a ramp of steady lightness, so that its order shows without seeing hues, and in print.

Computed in OKLCH (https://bottosson.github.io/posts/oklab/), where equal steps look equal. The least important stands
out least from the paper, at a contrast of 3 : 1 or more; hues run alike in both modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ramp:
    """Lightness, chroma and hue in degrees, from the least important to the most."""

    lightness: tuple[float, float]
    chroma: tuple[float, float]
    hue: tuple[float, float]


LIGHT = _Ramp(lightness=(0.655, 0.37), chroma=(0.085, 0.175), hue=(195, 312))
DARK = _Ramp(lightness=(0.52, 0.83), chroma=(0.08, 0.115), hue=(195, 312))


STRAIGHT_UP_TO = 0.0031308
"""Where the curve of sRGB begins: https://www.w3.org/TR/css-color-4/#color-conversion-code."""


def ramp(count: int, kind: _Ramp) -> tuple[str, ...]:
    """Make ``count`` colours as ``#rrggbb``, least important first; a single one is the middle of the ramp."""
    places = [0.5] if count == 1 else [place / (count - 1) for place in range(count)]
    return tuple(
        _hex(_between(kind.lightness, place), _between(kind.chroma, place), _between(kind.hue, place))
        for place in places
    )


def _between(ends: tuple[float, float], place: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * place


def _hex(lightness: float, chroma: float, hue: float) -> str:
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{_channel(part):02x}" for part in linear)


def _channel(linear: float) -> int:
    linear = min(1.0, max(0.0, linear))
    curved = 12.92 * linear if linear <= STRAIGHT_UP_TO else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * curved)
