"""What the catalog sells of OpenAI's models is what OpenAI takes: each choice goes out, and is held to the rules."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.config.catalog import packaged_catalog
from routing.core.deployment import Deployment
from routing.core.picture import Picture, Size
from routing.core.request import Operation
from routing.errors import Charged, ProviderError
from routing.providers.base import ImageCall, ProviderSpec
from routing.providers.registry import make_provider
from tests.providers.buying import PROMPT, Heard, Said, parrot, picture, png
from tests.wire.rules import KINDS, is_size, problems_of_body, problems_of_headers, read_body
from tests.wire.witness import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from routing.core.deployment import Model

MODELS = {
    found.wire: found.model
    for found in packaged_catalog()
    if found.model.vendor == "openai" and not found.model.unconfirmed
}
GOOD = {"data": [{"b64_json": base64.b64encode(png()).decode()}]}
EXTRAS = {"complexity": "high", "moderation": "low", "output_compression": "80", "user": "team 7"}
REFERENCES = tuple(
    Picture(data=png(kind=kind), format=kind, size=Size(width=64, height=64)) for kind in ("png", "jpeg", "webp")
)

each_model = pytest.mark.parametrize("name", MODELS)


def call(name: str, quality: str | None = "low") -> ImageCall:
    model = MODELS[name]
    return ImageCall(
        deployment=Deployment(name="shop", provider="vendor", model=model, wire_model=name),
        prompt=PROMPT,
        operation=Operation.GENERATE,
        size=model.default_size,
        quality=quality,
        n=1,
        timeout_s=5.0,
    )


def edit(order: ImageCall, *images: Picture) -> ImageCall:
    return replace(order, operation=Operation.EDIT, images=images)


def sent(*orders: ImageCall) -> list[Heard]:
    """Buy each and tell what arrived."""
    with parrot(Said(GOOD)) as vendor:
        spec = ProviderSpec(name="shop", kind="openai", base_url=f"{vendor.url}/v1")
        provider = make_provider(spec, KEY)
        try:
            for order in orders:
                provider.buy(order)
        finally:
            provider.close()
    assert len(vendor.heard) == len(orders)
    return vendor.heard


def problems(heard: Heard) -> list[str]:
    body = read_body(heard.path, heard.headers, heard.body)
    return [*problems_of_headers(heard.headers, KEY), *problems_of_body(KINDS[heard.path], body)]


def choices(name: str) -> Iterator[ImageCall]:
    model: Model = MODELS[name]
    for quality in (None, *model.qualities):
        yield call(name, quality)
    for output_format in model.output_formats:
        yield replace(call(name), output_format=output_format)
    for background in model.backgrounds:
        yield replace(call(name), background=background)
    for word, values in model.extras.items():
        for value in values or (EXTRAS[word],):
            yield replace(call(name), output_format="jpeg", extras={word: value})
    yield replace(call(name), n=model.images_per_call)


@each_model
def test_every_choice_of_a_model_is_one_the_vendor_takes(name: str) -> None:
    orders = list(choices(name))
    assert len(orders) > 10
    assert [problems(heard) for heard in sent(*orders)] == [[]] * len(orders)


@each_model
def test_every_choice_of_an_edit_is_one_the_vendor_takes(name: str) -> None:
    orders = [edit(order, *REFERENCES) for order in choices(name) if "moderation" not in order.extras]
    orders.append(edit(call(name), *[picture(64, 64)] * MODELS[name].references_at_most))
    orders.append(replace(edit(call(name), picture(64, 64)), mask=picture(64, 64)))
    assert [problems(heard) for heard in sent(*orders)] == [[]] * len(orders)


@each_model
@given(width=st.integers(1, 260), height=st.integers(1, 260), step=st.sampled_from([8, 16]))
def test_the_catalog_allows_the_sizes_that_the_vendor_makes_and_no_others(
    name: str, width: int, height: int, step: int
) -> None:
    size = Size(width=width * step, height=height * step)
    assert MODELS[name].sizes.allows(size) == is_size(str(size))


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (
            replace(edit(call("gpt-image-2"), picture(64, 64)), extras={"moderation": "low"}),
            "moderation has no place in an edit",
        ),
        (replace(call("gpt-image-2"), extras={"output_compression": "80"}), "output_format jpeg or webp"),
        (
            replace(call("gpt-image-2"), output_format="png", extras={"output_compression": "80"}),
            "output_format jpeg or webp",
        ),
        (
            replace(call("gpt-image-2"), output_format="webp", extras={"output_compression": "101"}),
            "whole number from 0 to 100, not 101",
        ),
        (
            replace(call("gpt-image-2"), output_format="webp", extras={"output_compression": "much"}),
            "whole number from 0 to 100, not much",
        ),
    ],
    ids=["moderation of an edit", "compression alone", "compression of png", "too much of it", "no number"],
)
def test_what_the_vendor_would_refuse_is_refused_here_and_not_sent(order: ImageCall, told: str) -> None:
    with parrot(Said(GOOD)) as vendor:
        provider = make_provider(ProviderSpec(name="shop", kind="openai", base_url=f"{vendor.url}/v1"), KEY)
        try:
            with pytest.raises(ProviderError, match=told) as refused:
                provider.buy(order)
        finally:
            provider.close()
    assert (refused.value.charged, refused.value.retryable) == (Charged.NO, False)
    assert vendor.heard == []
