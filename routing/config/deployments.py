"""Providers, deployments and their prices, from ``router.yaml`` and the catalog."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from routing.config.limits import read_allowance
from routing.config.scalars import Bad, read_url, shown
from routing.config.specs import NO_OPTIONS, ProviderSpec
from routing.core.deployment import Deployment
from routing.core.features import Features
from routing.core.money import usd_text
from routing.core.prices import PER_MILLION, PriceBook, Rate, Unit
from routing.core.quote import quote_for
from routing.core.suggest import did_you_mean
from routing.errors import PriceUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from routing.config.catalog import CatalogModel, Models
    from routing.config.document import Path
    from routing.config.parsing import Parsed
    from routing.config.problems import Problems
    from routing.config.schema import DeploymentEntry, PriceEntry, ProviderEntry, RouterFile

WARN_DAYS = 90
"""How long before a model ends it is said."""
USUAL_PROMPT = 200
"""Characters of the prompt that prices of two models are compared by."""

_OPTIONS = {"api_version": "azure"}
"""What only one kind of provider knows, and which."""


class Shelf:
    """What a ``router.yaml`` can buy: providers, deployments, prices."""

    def __init__(
        self,
        parsed: Parsed[RouterFile],
        problems: Problems,
        *,
        env: Mapping[str, str],
        today: date,
        catalog: Models,
    ) -> None:
        """Read it all and note every problem."""
        self._parsed = parsed
        self._problems = problems
        self._env = env
        self._today = today
        self._catalog = catalog
        self.providers = {name: self._provider(name, entry) for name, entry in parsed.file.providers.items()}
        self._models: dict[str, CatalogModel] = {}
        self.deployments: dict[str, Deployment] = {}
        for name, entry in parsed.file.deployments.items():
            self._read_deployment(name, entry)
        self.prices = self._price_book()

    # --- providers ------------------------------------------------------------------------------------------------

    def _provider(self, name: str, entry: ProviderEntry) -> ProviderSpec:
        path = ("providers", name)
        base_url = entry.base_url
        outside = self._env.get(entry.base_url_env, "").strip() if entry.base_url_env else ""
        if outside:
            try:
                base_url = read_url(outside)
            except Bad as bad:
                message = f"the environment's {entry.base_url_env} cannot be used: {bad}"
                self._problems.error((*path, "base_url_env"), message, bad.hint)
        if entry.kind == "azure" and not (entry.base_url or entry.base_url_env):
            hint = "add base_url: https://<resource>.openai.azure.com, or base_url_env"
            self._problems.error(path, "an azure provider needs the address of its resource", hint)
        options = {key: value for key in _OPTIONS if (value := getattr(entry, key)) is not None}
        for key in options:
            if entry.kind != _OPTIONS[key]:
                hint = f"delete it, or is the kind {_OPTIONS[key]}?"
                self._problems.error((*path, key), f"kind {entry.kind} has no {key}", hint, key=True)
        return ProviderSpec(
            name=name,
            kind=entry.kind,
            api_key_env=entry.api_key_env,
            base_url=base_url,
            base_url_env=entry.base_url_env,
            timeout_s=entry.timeout,
            options=MappingProxyType(options) if options else NO_OPTIONS,
        )

    # --- deployments ----------------------------------------------------------------------------------------------

    def _read_deployment(self, name: str, entry: DeploymentEntry) -> None:
        path = ("deployments", name)
        known = self._parsed.names("providers")
        if entry.provider not in known and ("providers",) not in self._parsed.damaged:
            self._problems.unknown((*path, "provider"), "provider", entry.provider, known)
        found = self._find_model(entry.model, (*path, "model"))
        if found is None:
            return
        self._check_lifecycle(found, (*path, "model"))
        self._check_defaults(found, entry, path)
        provider = self.providers.get(entry.provider)
        if provider:
            self._check_way(found, provider, path)
        key_env = provider.api_key_env if provider else ""
        self._models[name] = found
        self.deployments[name] = Deployment(
            name=name,
            provider=entry.provider,
            model=found.model,
            wire_model=entry.wire_model or found.wire,
            quality=entry.quality,
            size=entry.size,
            timeout_s=entry.timeout or (provider.timeout_s if provider else 360.0),
            allowance=read_allowance(
                found, entry, self._parsed.file.providers.get(entry.provider), path, self._problems
            ),
            missing_key=key_env if key_env and not self._env.get(key_env, "").strip() else None,
        )

    def _check_way(self, found: CatalogModel, provider: ProviderSpec, path: Path) -> None:
        name, vendor = found.model.name, found.vendor
        if not vendor.kinds:
            self._problems.error((*path, "model"), f"{name} cannot be bought yet: {vendor.why}", "use another model")
        elif provider.kind not in vendor.kinds:
            hint = f"it needs a provider of kind {' or '.join(vendor.kinds)}"
            message = f"{name} cannot be bought through a provider of kind {provider.kind}"
            self._problems.error((*path, "provider"), message, hint)
        elif vendor.base_url and not (provider.base_url or provider.base_url_env):
            message = f"provider {provider.name} goes to OpenAI, which does not sell {name}"
            self._problems.error((*path, "provider"), message, f"give that provider base_url: {vendor.base_url}")

    def _find_model(self, name: str, path: Path) -> CatalogModel | None:
        found = self._catalog.find(name)
        if found or self._catalog.may_have(name):
            return found
        gone = self._catalog.gone(name)
        replacement = self._catalog.replacement(name)
        if replacement and gone and gone.on <= self._today:
            today = replacement.model.name
            message = f"{name} was shut down on {gone.on.isoformat()}; {today} is bought instead"
            self._problems.warn(path, message, f"write model: {today}")
            return replacement
        if gone:
            tense = "was shut down" if gone.on <= self._today else "shuts down"
            message = f"{name} {tense} on {gone.on.isoformat()} and is not in the catalog any more"
            self._problems.error(path, message, f"use {gone.substitute}" if gone.substitute else "")
            return None
        known = self._catalog.names()
        close = did_you_mean(name, known)
        own = "`catalog: [FILE.yaml]` adds a model of your own"
        hint = own if close else f"{own}; the catalog has {', '.join(known)}"
        self._problems.error(path, f"unknown model {shown(name)}{close}", hint)
        return None

    def _check_lifecycle(self, found: CatalogModel, path: Path) -> None:
        model = found.model
        hint = f"use {model.substitute}{self._price_change(found)}" if model.substitute else ""
        if model.shutdown and model.shutdown <= self._today:
            self._problems.error(path, f"{model.name} was shut down on {model.shutdown.isoformat()}", hint)
        elif model.shutdown and (model.shutdown - self._today).days <= WARN_DAYS:
            days = (model.shutdown - self._today).days
            message = f"{model.name} shuts down on {model.shutdown.isoformat()}, in {days} days"
            self._problems.warn(path, message, hint)
        if model.unconfirmed:
            hint = "check the vendor's page, and state its price under `prices`"
            self._problems.warn(path, f"{model.name} is announced, but nothing about it is confirmed", hint)

    def _price_change(self, found: CatalogModel) -> str:
        """Say what a picture costs with the substitute, beside what it costs now, each as its model makes it."""
        heir = self._catalog.find(found.model.substitute)
        before, after = (self._usual_price(each) if each else None for each in (found, heir))
        if before is None or after is None:
            return ""
        change = f"{(after - before) / before:+.0%}" if before != after else "the same"
        return f": a picture is ${usd_text(after)} instead of ${usd_text(before)} ({change})"

    def _usual_price(self, found: CatalogModel) -> int | None:
        model = found.model
        usual = Features(prompt_chars=USUAL_PROMPT, prompt_bytes=USUAL_PROMPT)
        try:
            card = PriceBook({model.name: found.rates}).card(model.name, self._today)
            size, quality = model.default_size, model.default_quality
            return quote_for(usual, model, card, size=size, quality=quality, n=1).expected_nusd
        except PriceUnknown:
            return None

    def _check_defaults(self, found: CatalogModel, entry: DeploymentEntry, path: Path) -> None:
        model = found.model
        if entry.quality and entry.quality not in model.qualities:
            known = (
                f"it has {', '.join(model.qualities)}" if model.qualities else "delete it; the model has no qualities"
            )
            message = (
                f"{model.name} has no quality {shown(entry.quality)}{did_you_mean(entry.quality, model.qualities)}"
            )
            self._problems.error((*path, "quality"), message, known)
        if entry.size and not model.sizes.allows(entry.size):
            message = f"{model.name} cannot make {entry.size}"
            self._problems.error((*path, "size"), message, f"nearest is {model.sizes.nearest(entry.size)}")

    # --- prices ---------------------------------------------------------------------------------------------------

    def _price_book(self) -> PriceBook:
        rates = {name: list(found.rates) for name, found in self._models.items()}
        agreed: set[tuple[str, date]] = set()
        for at, entry in self._parsed.entries(("prices",), self._parsed.file.prices):
            path: Path = ("prices", at)
            self._check_price(entry, path)
            if (entry.deployment, entry.since) in agreed:
                message = f"a second price of {entry.deployment} since {entry.since.isoformat()}"
                self._problems.error(path, message, "put both into one entry")
            agreed.add((entry.deployment, entry.since))
            if entry.deployment in rates:
                rates[entry.deployment] += _rates(entry)
        return PriceBook(rates)

    def _check_price(self, entry: PriceEntry, path: Path) -> None:
        known = self._parsed.names("deployments")
        if entry.deployment not in known and ("deployments",) not in self._parsed.damaged:
            self._problems.unknown((*path, "deployment"), "deployment", entry.deployment, known)
        tokens = [unit.value for unit in entry.by_tokens()]
        if entry.per_image is None and not tokens:
            self._problems.error(path, "no price is given", "add per_image, or text_in, image_in, image_out, ...")
        if entry.per_image is not None and tokens:
            message = f"per_image and {', '.join(tokens)} exclude each other"
            self._problems.error((*path, tokens[0]), message, "a picture is paid by piece or by tokens", key=True)
        deployment = self.deployments.get(entry.deployment)
        if deployment and tokens and deployment.model.tokens is None:
            message = f"{deployment.model.name} is not billed by tokens"
            self._problems.error((*path, tokens[0]), message, "write per_image", key=True)


def _rates(entry: PriceEntry) -> list[Rate]:
    if entry.per_image is not None:
        price = entry.per_image * PER_MILLION
        return [Rate(unit=Unit.IMAGE, per_million_nusd=price, since=entry.since, source=entry.source)]
    return [
        Rate(unit=unit, per_million_nusd=price, since=entry.since, source=entry.source)
        for unit, price in entry.by_tokens().items()
    ]
