"""Models, deployments and policies for tests, each with only what a test cares about."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Any

from routing.core.deployment import Deployment, FormulaTokens, FreeSizes, ListedSizes, Model, TokenRule
from routing.core.picture import Picture, Size
from routing.core.policy import Policy, Route, Settings, SortRule
from routing.core.prices import PER_MILLION, PriceBook, Rate, Unit
from routing.core.request import ImageRequest, Operation

TODAY = date(2026, 11, 21)
SQUARE = Size(width=1024, height=1024)
GRID = MappingProxyType({"low": 16, "medium": 48, "high": 96})
OPENAI_SIZES = FreeSizes(
    multiple_of=16, edge_at_most=3840, ratio_at_most=3, pixels_at_least=655_360, pixels_at_most=8_294_400
)
USD = 1_000_000_000


def picture(size: Size = SQUARE) -> Picture:
    """A reference of some size."""
    return Picture(data=b"", format="png", size=size)


def piece_model(name: str = "by-piece", **changes: Any) -> Model:
    """A model that is paid by the picture and only generates."""
    fields: dict[str, Any] = {
        "name": name,
        "vendor": "acme",
        "operations": frozenset({Operation.GENERATE}),
        "sizes": ListedSizes(sizes=(SQUARE, Size(width=512, height=512))),
        "default_size": SQUARE,
    }
    return Model(**fields | changes)


def token_model(name: str = "by-token", **changes: Any) -> Model:
    """A model like gpt-image-2."""
    fields: dict[str, Any] = {
        "name": name,
        "vendor": "acme",
        "operations": frozenset(Operation),
        "sizes": OPENAI_SIZES,
        "default_size": SQUARE,
        "qualities": tuple(GRID),
        "default_quality": "medium",
        "images_per_call": 10,
        "references_at_most": 16,
        "mask": True,
        "tokens": TokenRule(output=FormulaTokens(grid=GRID), reference_at_most=1536, reference_patch=32),
    }
    return Model(**fields | changes)


def deployment(name: str, model: Model, **changes: Any) -> Deployment:
    """A deployment of a model."""
    fields: dict[str, Any] = {"name": name, "provider": "acme", "model": model, "wire_model": model.name}
    return Deployment(**fields | changes)


def per_image(price_usd: float, since: date = date(2026, 1, 1), variant: str = "") -> Rate:
    """A price of a picture."""
    price = round(price_usd * USD) * PER_MILLION
    return Rate(unit=Unit.IMAGE, per_million_nusd=price, since=since, source="test", variant=variant)


def token_rates(since: date = date(2026, 1, 1)) -> list[Rate]:
    """The prices of gpt-image-2."""
    prices = {Unit.TEXT_IN: 5, Unit.IMAGE_IN: 8, Unit.IMAGE_OUT: 30}
    return [Rate(unit=unit, per_million_nusd=price * USD, since=since, source="test") for unit, price in prices.items()]


def policy(*routes: Route, **changes: Any) -> Policy:
    """A policy with one importance and these variants of its route."""
    fields: dict[str, Any] = {
        "name": "test.yaml",
        "importance": ("draft",),
        "sort": (SortRule(importance="draft", label="test.yaml:1"),),
        "routes": {"draft": routes},
    }
    return Policy(**fields | changes)


def settings(
    deployments: list[Deployment],
    *routes: Route,
    prices: dict[str, list[Rate]] | None = None,
    **changes: Any,
) -> Settings:
    """Settings where every deployment has the usual price of its kind."""
    usual = {each.name: token_rates() if each.model.tokens else [per_image(0.003)] for each in deployments}
    return Settings(
        policy=policy(*(routes or (Route(use=tuple(each.name for each in deployments)),)), **changes),
        deployments={each.name: each for each in deployments},
        prices=PriceBook(usual if prices is None else usual | prices),
    )


def ask(prompt: str = "a fox", **changes: Any) -> ImageRequest:
    """A request."""
    return ImageRequest(prompt=prompt, **changes)
