"""The catalog's data is consistent in itself, and with the adapters that buy by it."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import TYPE_CHECKING

import pytest

from routing.config.catalog import FOLDER, Catalog, CatalogModel, packaged_catalog
from routing.core.deployment import FormulaTokens, ListedSizes
from routing.core.features import features_of
from routing.core.picture import Picture, Size
from routing.core.prices import PriceBook, Unit
from routing.core.quote import quote_for, variant_of
from routing.core.request import ImageRequest, Operation
from routing.errors import PriceUnknown
from routing.providers.litellm_routes import ROUTES
from routing.providers.sizes import APIMART, NANO_BANANA

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
EVERY = list(packaged_catalog())
VENDORS = ("apimart", "azure", "black_forest_labs", "fal", "google", "openai", "recraft", "stability", "xai")

PRICED = [found for found in EVERY if not found.model.unconfirmed]
"""An unconfirmed model has no price on purpose."""


def over(models: list[CatalogModel]) -> pytest.MarkDecorator:
    """Try every one of these models."""
    return pytest.mark.parametrize("found", models, ids=[found.model.name for found in models])


each_model = over(EVERY)


def test_there_is_one_file_a_vendor_that_says_first_where_its_facts_are_from() -> None:
    assert tuple(sorted(path.stem for path in FOLDER.glob("*.yaml"))) == VENDORS
    for path in FOLDER.glob("*.yaml"):
        assert path.read_text(encoding="utf-8").startswith("# "), path


@each_model
def test_a_model_can_make_what_it_makes_by_default(found: CatalogModel) -> None:
    model = found.model
    assert model.sizes.allows(model.default_size)
    assert model.default_quality in model.qualities or not model.qualities
    assert model.operations
    assert 1 <= model.images_per_call <= 10


@each_model
def test_a_model_that_edits_takes_references(found: CatalogModel) -> None:
    assert (Operation.EDIT in found.model.operations) == (found.model.references_at_most > 0)


@each_model
def test_every_quality_has_a_token_count(found: CatalogModel) -> None:
    rule = found.model.tokens
    if rule and isinstance(rule.output, FormulaTokens):
        assert tuple(rule.output.grid) == found.model.qualities


@over(PRICED)
def test_every_listed_size_and_quality_has_a_price(found: CatalogModel) -> None:
    model = found.model
    card = PriceBook({model.name: found.rates}).card(model.name, TODAY)
    sizes = model.sizes.sizes if isinstance(model.sizes, ListedSizes) else (model.default_size,)
    pictures = (Picture(data=b"", format="png", size=Size(width=512, height=512)),)
    for operation, size, quality in product(model.operations, sizes, model.qualities or (None,)):
        images = pictures if operation is Operation.EDIT else ()
        request = ImageRequest(prompt="a fox", operation=operation, images=images)
        assert quote_for(features_of(request), model, card, size=size, quality=quality, n=1).price_nusd > 0


@each_model
def test_a_substitute_is_in_the_catalog(found: CatalogModel) -> None:
    if found.model.substitute:
        assert packaged_catalog().find(found.model.substitute)


def test_names_and_aliases_are_unique() -> None:
    names = packaged_catalog().names()
    assert len(names) == len(set(names))


def test_every_retired_model_says_what_to_use_instead() -> None:
    for vendor in VENDORS:
        for gone in packaged_catalog().vendor(vendor).gone:
            assert packaged_catalog().find(gone.substitute), gone
            assert packaged_catalog().find(gone.name) is None


@pytest.mark.parametrize("old", ["dall-e-2", "dall-e-3", "gpt-image-1"])
def test_an_old_name_means_gpt_image_2(old: str) -> None:
    replacement = packaged_catalog().replacement(old)
    assert replacement is not None
    assert replacement.model.name == "gpt-image-2"


def test_an_alias_finds_its_model() -> None:
    found = packaged_catalog().find("fal-ai/flux/schnell")
    assert found is not None
    assert found.model.name == "fal_ai/fal-ai/flux/schnell"


def test_a_price_by_size_and_quality_is_never_the_flat_one() -> None:
    found = packaged_catalog().find("fal_ai/openai/gpt-image-2")
    assert found is not None
    assert found.model.priced_by_variant
    assert all(rate.unit is Unit.IMAGE and rate.variant for rate in found.rates)
    card = PriceBook({"fal": found.rates}).card("fal", TODAY)
    with pytest.raises(PriceUnknown, match="generate/high/1000x1000"):
        quote_for(
            features_of(ImageRequest(prompt="x")),
            found.model,
            card,
            size=Size(width=1000, height=1000),
            quality="high",
            n=1,
        )


def test_an_edit_at_fal_costs_its_own_price() -> None:
    found = packaged_catalog().find("fal_ai/openai/gpt-image-2")
    assert found is not None
    square = Size(width=1024, height=1024)
    prices = {rate.variant: rate.per_million_nusd // 1_000_000 for rate in found.rates}
    assert prices[variant_of("generate", "low", square)] == 6_000_000
    assert prices[variant_of("edit", "low", square)] == 15_000_000


@over([found for found in EVERY if found.vendor.kinds == ("litellm",)])
def test_what_goes_through_litellm_has_a_row_in_the_adapters_table(found: CatalogModel) -> None:
    if found.wire.startswith("gemini/"):
        assert isinstance(found.model.sizes, ListedSizes)
        assert set(found.model.sizes.sizes) <= set(NANO_BANANA)
        return
    for operation in found.model.operations:
        route = ROUTES[found.wire, operation]
        assert isinstance(found.model.sizes, ListedSizes)
        assert route.sizes is None or set(found.model.sizes.sizes) <= set(route.sizes)
        for parameter, values in (
            ("n", found.model.images_per_call > 1),
            ("quality", found.model.qualities),
            ("output_format", found.model.output_formats),
            *((extra, True) for extra in found.model.extras),
        ):
            assert not values or parameter in route.takes, (found.model.name, parameter)


def test_apimarts_sizes_have_words_there() -> None:
    found = packaged_catalog().find("apimart/gpt-image-2")
    assert found is not None
    assert isinstance(found.model.sizes, ListedSizes)
    assert set(found.model.sizes.sizes) <= set(APIMART)


def test_a_damaged_catalog_file_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(
        "vendor: acme\nkinds: [openai]\nmodels:\n  a:\n    sizs: [1x1]\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"unknown key 'sizs' \(did you mean 'sizes'\?\)"):
        Catalog(tmp_path).find("a")


@each_model
def test_how_long_a_call_takes_is_said_by_the_qualities_there_are_or_not_at_all(found: CatalogModel) -> None:
    typical, qualities = found.model.typical, found.model.qualities
    assert set(typical.seconds) in (set(), set(qualities or (None,)))
    ordered = [typical.seconds[quality] for quality in qualities if typical.seconds]
    assert ordered == sorted(ordered)
    assert all(0 < seconds < 600 for seconds in typical.seconds.values())
    assert 0 <= typical.growth <= 1


def test_a_model_of_which_nothing_is_known_says_nothing() -> None:
    known = {found.model.name for found in EVERY if found.model.typical.seconds}
    assert known == {
        "gpt-image-2",
        "gpt-image-2-2026-04-21",
        "gemini/gemini-2.5-flash-image",
        "fal_ai/fal-ai/flux/schnell",
        "fal_ai/fal-ai/nano-banana",
    }
