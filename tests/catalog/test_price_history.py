"""Prices are dated data: past spend is explained by them, so a line once written stays.

``REWRITE_GOLDEN=1 pytest tests/catalog`` writes the prices in force anew and appends new lines to the history; it never
takes one away.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from routing.config.catalog import packaged_catalog
from routing.config.pricemap import MAP_SINCE, map_rates
from routing.core.money import usd_text
from routing.core.prices import PriceBook, Rate
from routing.errors import PriceUnknown

GOLDEN = Path(__file__).parents[1] / "golden" / "catalog"
TODAY = date(2026, 11, 21)


def compare(name: str, lines: list[str], *, append: bool = False) -> list[str]:
    """Read a golden file, written anew or appended to first where that is asked for."""
    golden = GOLDEN / name
    if os.environ.get("REWRITE_GOLDEN"):
        kept = golden.read_text(encoding="utf-8").splitlines() if append and golden.is_file() else []
        lines = [*kept, *(line for line in lines if line not in kept)]
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return golden.read_text(encoding="utf-8").splitlines()


def said(model: str, rate: Rate) -> str:
    """One rate as a line: since when, of what, and what a million units (or one picture) cost in USD."""
    price = rate.per_million_nusd // 1_000_000 if rate.unit.value == "image" else rate.per_million_nusd
    what = f"{rate.unit.value} {rate.variant}".strip()
    return f"{model} | {rate.since.isoformat()} | {what} | {usd_text(price)}"


def test_no_dated_price_of_ours_was_changed_or_taken_away() -> None:
    ours = [f"{said(m.model.name, rate)} | {rate.source}" for m in packaged_catalog() for rate in m.own_rates]
    assert ours, "the catalog has no price of its own"
    missing = sorted(set(compare("price_history.txt", ours, append=True)) - set(ours))
    assert not missing, "append a new dated rate instead of changing an old one"


def test_every_dated_price_of_ours_is_in_the_golden_file() -> None:
    ours = {f"{said(m.model.name, rate)} | {rate.source}" for m in packaged_catalog() for rate in m.own_rates}
    assert ours == set((GOLDEN / "price_history.txt").read_text(encoding="utf-8").splitlines())


def test_the_prices_in_force_are_the_agreed_ones() -> None:
    """A new LiteLLM that moves a price shows here."""
    effective = []
    for found in packaged_catalog():
        name = found.model.name
        try:
            card = PriceBook({name: found.rates}).card(name, TODAY)
        except PriceUnknown:
            effective.append(f"{name} | no price")
            continue
        effective += [said(name, rate) for rate in card.rates.values()]
    assert effective == compare("effective_prices.txt", effective)


def test_where_the_price_map_states_a_price_too_it_says_the_same_as_ours() -> None:
    for found in packaged_catalog():
        if isinstance(found.price_map, str):
            theirs = map_rates(found.price_map, by_token=found.model.tokens is not None)
            prices = {rate.unit: rate.per_million_nusd for rate in theirs}
            for rate in found.own_rates:
                assert prices.get(rate.unit, rate.per_million_nusd) == rate.per_million_nusd, (found.model.name, rate)


def test_every_price_of_ours_has_a_date_after_the_maps_and_a_source() -> None:
    for found in packaged_catalog():
        for rate in found.own_rates:
            assert MAP_SINCE < rate.since <= TODAY
            assert rate.source
