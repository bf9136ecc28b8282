"""LiteLLM's packaged price map, read as data: importing the package would take seconds and try the network."""

from __future__ import annotations

import importlib.util
import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routing.core.money import NUSD_PER_USD
from routing.core.prices import PER_MILLION, Rate, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

MAP_FILE = "model_prices_and_context_window_backup.json"
MAP_SINCE = date(1970, 1, 1)
"""The map has no dates: its prices hold until one of ours begins."""

_TOKEN_UNITS = {
    "input_cost_per_token": Unit.TEXT_IN,
    "cache_read_input_token_cost": Unit.TEXT_CACHED_IN,
    "input_cost_per_image_token": Unit.IMAGE_IN,
    "cache_read_input_image_token_cost": Unit.IMAGE_CACHED_IN,
    "output_cost_per_token": Unit.TEXT_OUT,
    "output_cost_per_image_token": Unit.IMAGE_OUT,
}
_PICTURE_KEYS = ("output_cost_per_image", "input_cost_per_image")
"""The map writes a flat price per picture under either; both mean one picture made."""


def map_rates(key: str, *, by_token: bool, variant: str = "") -> tuple[Rate, ...]:
    """Read the rates of one entry of the map: per token kind, or per picture. Empty where the map has none."""
    entry = map_entry(key)
    source = f"litellm price map: {key}"
    if entry is None:
        return ()
    if by_token:
        found = {unit: entry[name] for name, unit in _TOKEN_UNITS.items() if entry.get(name) is not None}
    else:
        prices = [entry[name] for name in _PICTURE_KEYS if entry.get(name) is not None]
        found = {Unit.IMAGE: prices[0]} if prices else {}
    return tuple(
        Rate(unit=unit, per_million_nusd=_per_million(price), since=MAP_SINCE, source=source, variant=variant)
        for unit, price in found.items()
    )


def map_entry(key: str) -> Mapping[str, Any] | None:
    """Find one entry without parsing the whole file; ``None`` where the map does not know the key.

    The file is 3 MB and parsing it takes 40 ms, finding one entry by its text 1 ms.
    """
    text = _map_text()
    start = text.find(f"\n    {json.dumps(key)}: {{")
    if start >= 0:
        entry: Mapping[str, Any] = _DECODER.raw_decode(text, text.index("{", start))[0]
        return entry
    return None if text.startswith(_LAYOUT) else _whole_map().get(key)


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)
_LAYOUT = '{\n    "'
"""How the file begins while its entries are indented by four, one key a line."""


@cache
def _map_text() -> str:
    path = map_path()
    return path.read_text(encoding="utf-8") if path and path.is_file() else "{}"


@cache
def _whole_map() -> Mapping[str, Any]:
    whole: Mapping[str, Any] = _DECODER.decode(_map_text())
    return whole


def map_path() -> Path | None:
    """Find the file in the installed package without importing that."""
    spec = importlib.util.find_spec("litellm")
    return Path(spec.submodule_search_locations[0]) / MAP_FILE if spec and spec.submodule_search_locations else None


def _per_million(price_usd: Decimal) -> int:
    """Nano-USD for a million units of a price in USD for one."""
    exact = price_usd * NUSD_PER_USD * PER_MILLION
    return int(exact.to_integral_value())
