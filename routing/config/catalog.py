"""The catalog: what each model can do and what it costs, from ``routing/catalog/*.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from routing.config.document import read_document
from routing.config.pricemap import map_rates
from routing.config.scalars import read_day, read_money
from routing.core.deployment import (
    FormulaTokens,
    FreeSizes,
    ListedSizes,
    Model,
    OutputTokens,
    SizeRule,
    SteppedTokens,
    TokenRule,
    TypicalTime,
)
from routing.core.pacing import Allowance
from routing.core.picture import Size
from routing.core.prices import Rate, Unit
from routing.core.quote import variant_of
from routing.core.request import Operation
from routing.core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

FOLDER = Path(__file__).parents[1] / "catalog"

_MODEL_KEYS = frozenset(
    {
        *("operations", "sizes", "default_size", "qualities", "default_quality", "n", "prompt_chars", "references"),
        *("mask", "backgrounds", "output_formats", "extras", "tokens", "batch", "price_map", "rates", "replaces"),
        *("aliases", "wire", "shutdown", "unconfirmed", "like", "source", "tiers"),
        *("approximate_sizes", "typical_s", "typical_growth"),
    }
)
_NOT_INHERITED = ("replaces", "aliases", "wire", "shutdown", "unconfirmed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A model that is sold no more, or not for long: since when, and what to use instead."""

    name: str
    on: date
    substitute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """How a vendor's models are bought: through which provider kinds, and at which address where not at the kind's own.

    ``why`` says for what reason there is no kind.
    """

    kinds: tuple[str, ...]
    base_url: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class CatalogModel:
    """A model, how it is reached, and where its prices come from.

    ``wire`` is the name it is called by, ``replaces`` are the names of retired models that mean it today. ``own_rates``
    are ours; ``rates`` adds the price map's, read when first needed. ``tiers`` are the vendor's limits a minute by the
    class of customer an account is.
    """

    model: Model
    vendor: Sold
    wire: str
    replaces: tuple[str, ...]
    aliases: tuple[str, ...]
    own_rates: tuple[Rate, ...]
    price_map: object
    tiers: Mapping[str, Allowance]

    @cached_property
    def rates(self) -> tuple[Rate, ...]:
        """Every dated rate, the price map's first: of one day ours wins."""
        return (*self._map_rates(), *self.own_rates)

    def _map_rates(self) -> Iterator[Rate]:
        by_token = self.model.tokens is not None
        if isinstance(self.price_map, str):
            ours = {rate.unit for rate in self.own_rates if not rate.variant}
            if not ours >= (_ALL_TOKENS if by_token else {Unit.IMAGE}):  # else nothing is left that the map could say
                yield from map_rates(self.price_map, by_token=by_token)
        elif isinstance(self.price_map, dict) and isinstance(self.model.sizes, ListedSizes):
            for operation, pattern in self.price_map.items():
                for quality, size in product(self.model.qualities or (None,), self.model.sizes.sizes):
                    key = pattern.format(quality=quality, width=size.width, height=size.height)
                    yield from map_rates(key, by_token=False, variant=variant_of(operation, quality, size))


_ALL_TOKENS = {Unit.TEXT_IN, Unit.TEXT_CACHED_IN, Unit.IMAGE_IN, Unit.IMAGE_CACHED_IN, Unit.IMAGE_OUT}


class Catalog:
    """All vendors' models; a vendor's file is read when one of its models is asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Look into a folder of vendor files."""
        self._texts = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.yaml"))}
        self._vendors: dict[str, Vendor] = {}

    def find(self, name: str) -> CatalogModel | None:
        """Find a model by its name or one of its aliases."""
        mention = name.encode()
        for vendor in [stem for stem, text in self._texts.items() if mention in text]:
            found = self.vendor(vendor).model(name)
            if found:
                return found
        return None

    def replacement(self, name: str) -> CatalogModel | None:
        """Find the model that a retired name means today."""
        return next((model for model in self if name in model.replaces), None)

    def gone(self, name: str) -> Gone | None:
        """Tell what became of a model that is not sold any more."""
        return next((gone for stem in self._texts for gone in self.vendor(stem).gone if gone.name == name), None)

    def vendor(self, stem: str) -> Vendor:
        """Read one vendor's file."""
        if stem not in self._vendors:
            document = read_document(f"routing/catalog/{stem}.yaml", self._texts[stem])
            if document.defects:
                raise ValueError(f"the packaged catalog is damaged: {document.file}: {document.defects[0]}")
            self._vendors[stem] = Vendor(document.data, self)
        return self._vendors[stem]

    def sold_by(self, stem: str) -> list[str]:
        """List the models of a vendor; none where there is no such vendor."""
        return list(self.vendor(stem).entries) if stem in self._texts else []

    def has(self, stem: str, name: str) -> bool:
        """Tell whether a vendor sells a model of this name."""
        return name in self.sold_by(stem)

    def resolved(self, stem: str, name: str) -> dict[str, Any]:
        """Read an entry of a vendor, filled up with what it is like."""
        return self.vendor(stem).resolved(name)

    def may_have(self, name: str) -> bool:  # noqa: ARG002 - the port's shape: every file of the package can be read
        """Tell whether such a model may stand in what cannot be read, which has been said."""
        return False

    def __iter__(self) -> Iterator[CatalogModel]:
        """Go through every model, vendor by vendor."""
        for stem in self._texts:
            vendor = self.vendor(stem)
            yield from (model for name in vendor.entries if (model := vendor.model(name)))

    def names(self) -> list[str]:
        """List every name that a deployment may give as its model."""
        return [name for found in self for name in (found.model.name, *found.aliases)]


class Models(Protocol):
    """Where models are looked up: in the packaged catalog, or in one that a team's own files add to."""

    def find(self, name: str) -> CatalogModel | None:
        """Find a model by its name or one of its aliases."""

    def replacement(self, name: str) -> CatalogModel | None:
        """Find the model that a retired name means today."""

    def gone(self, name: str) -> Gone | None:
        """Tell what became of a model that is not sold any more."""

    def names(self) -> list[str]:
        """List every name that a deployment may give as its model."""

    def may_have(self, name: str) -> bool:
        """Tell whether such a model may stand in what cannot be read, which has been said."""

    def resolved(self, stem: str, name: str) -> dict[str, Any]:
        """Read an entry of a vendor, filled up with what it is like."""


class Vendor:
    """One vendor's file. What is wrong with it is a fault of this package, or was found before."""

    def __init__(self, data: Any, catalog: Models) -> None:  # noqa: ANN401 - data of a file
        """Take what a file says."""
        self.name: str = data["vendor"]
        self.sold = Sold(kinds=tuple(data["kinds"]), base_url=data.get("base_url", ""), why=data.get("why", ""))
        self.entries: Mapping[str, Any] = data["models"]
        self.gone = tuple(
            Gone(name=name, on=read_day(entry["on"]), substitute=entry.get("substitute", ""))
            for name, entry in data.get("gone", {}).items()
        )
        self._aliases = {alias: name for name, entry in self.entries.items() for alias in entry.get("aliases", ())}
        self._catalog = catalog
        self._models: dict[str, CatalogModel] = {}

    def model(self, name: str) -> CatalogModel | None:
        """Read one model; ``None`` where the vendor has none of that name."""
        name = self._aliases.get(name, name)
        if name not in self.entries:
            return None
        if name not in self._models:
            self._models[name] = self._read(name, self.resolved(name))
        return self._models[name]

    def resolved(self, name: str) -> dict[str, Any]:
        """Fill an entry up with what it says it is ``like``."""
        entry: dict[str, Any] = dict(self.entries[name])
        for key in entry:
            if key not in _MODEL_KEYS:
                self._fail(name, f"unknown key {key!r}{did_you_mean(key, _MODEL_KEYS)}")
        if "like" not in entry:
            return entry
        vendor, _, other = entry.pop("like").partition(":")
        base = self._catalog.resolved(vendor, other)
        return {key: value for key, value in base.items() if key not in _NOT_INHERITED} | entry

    def _read(self, name: str, entry: dict[str, Any]) -> CatalogModel:
        shutdown = entry.get("shutdown", {})
        operations = tuple(Operation(word) for word in entry["operations"])
        rates = tuple(_rates(entry.get("rates", ()), operations, entry.get("qualities", ())))
        price_map = entry.get("price_map")
        model = Model(
            name=name,
            vendor=self.name,
            operations=frozenset(operations),
            sizes=_sizes(entry["sizes"]),
            default_size=self._size(name, entry["default_size"]),
            qualities=tuple(entry.get("qualities", ())),
            default_quality=entry.get("default_quality"),
            images_per_call=int(entry["n"]),
            prompt_chars_at_most=int(entry["prompt_chars"]),
            references_at_most=int(entry.get("references", 0)),
            mask=entry.get("mask", False),
            backgrounds=tuple(entry.get("backgrounds", ())),
            output_formats=tuple(entry.get("output_formats", ())),
            extras=MappingProxyType({key: tuple(map(str, known)) for key, known in entry.get("extras", {}).items()}),
            tokens=_token_rule(entry["tokens"]) if "tokens" in entry else None,
            priced_by_variant=isinstance(price_map, dict) or any(rate.variant for rate in rates),
            approximate_sizes=entry.get("approximate_sizes", False),
            typical=_typical(entry),
            batch=entry.get("batch", False),
            unconfirmed=entry.get("unconfirmed", False),
            shutdown=read_day(shutdown["on"]) if shutdown else None,
            substitute=shutdown.get("substitute", ""),
        )
        return CatalogModel(
            model=model,
            vendor=self.sold,
            wire=entry.get("wire", name),
            replaces=tuple(entry.get("replaces", ())),
            aliases=tuple(entry.get("aliases", ())),
            own_rates=rates,
            price_map=price_map,
            tiers=_tiers(entry.get("tiers", {})),
        )

    def _size(self, name: str, text: str) -> Size:
        return Size.parse(text) or self._fail(name, f"{text!r} is no size")

    def _fail(self, where: str, message: str) -> NoReturn:
        raise ValueError(f"the packaged catalog is damaged: {where}: {message}")


@cache
def packaged_catalog() -> Catalog:
    """Open the catalog of this package, once a process."""
    return Catalog()


def _sizes(entry: Any) -> SizeRule:  # noqa: ANN401 - data of a file
    if isinstance(entry, list):
        return ListedSizes(sizes=tuple(size for text in entry if (size := Size.parse(text))))
    return FreeSizes(**{key: int(value) for key, value in entry.items()})


def _tiers(entry: Any) -> Mapping[str, Allowance]:  # noqa: ANN401 - data of a file
    return MappingProxyType(
        {tier: Allowance(**{kind: int(limit) for kind, limit in limits.items()}) for tier, limits in entry.items()}
    )


def _typical(entry: Any) -> TypicalTime:  # noqa: ANN401 - data of a file
    told = entry.get("typical_s", {})
    by_quality = told if isinstance(told, dict) else {None: told}
    seconds = {quality: float(each) for quality, each in by_quality.items()}
    return TypicalTime(seconds=MappingProxyType(seconds), growth=float(entry.get("typical_growth", 0)))


def _token_rule(entry: Any) -> TokenRule:  # noqa: ANN401 - data of a file
    counts = {key: int(value) for key, value in entry.items() if key not in ("grid", "steps")}
    if "grid" in entry:
        grid = MappingProxyType({quality: int(edge) for quality, edge in entry["grid"].items()})
        output: OutputTokens = FormulaTokens(grid=grid)
    else:
        output = SteppedTokens(steps=tuple((int(pixels), int(tokens)) for pixels, tokens in entry["steps"]))
    return TokenRule(output=output, **counts)


def _rates(entries: Any, operations: tuple[Operation, ...], qualities: Any) -> Iterator[Rate]:  # noqa: ANN401 - data
    for entry in entries:
        dated = {"since": read_day(entry["since"]), "source": entry["source"]}
        sizes = [size for text in entry.get("sizes", ()) if (size := Size.parse(text))]
        variants = [variant_of(*parts) for parts in product(operations, qualities or (None,), sizes)] or [""]
        if "per_image" in entry:
            price = read_money(entry["per_image"]) * 1_000_000
            for variant in variants:
                yield Rate(unit=Unit.IMAGE, per_million_nusd=price, variant=variant, **dated)
        for unit in Unit:
            if unit.value in entry:
                yield Rate(unit=unit, per_million_nusd=read_money(entry[unit.value]), **dated)
