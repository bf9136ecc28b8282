"""The attempts that a vendor's bill is compared with: whose they are, and what the ledger has of them now."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from routing.core.bill import model_key
from routing.core.entries import EntryKind
from routing.core.matching import BookedAttempt
from routing.core.suggest import did_you_mean
from routing.errors import ConfigError, RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from routing.ledger.base import AttemptHistory, LedgerReader

LONGEST_CALL = timedelta(hours=1)
"""An attempt that expired ended long after its call; the call itself was at an end by then."""

LOOK_BACK = timedelta(days=2)
"""A request's last attempt may be so much later than the request: a batch takes a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredProvider:
    """A provider as ``router.yaml`` names it; ``base_url`` is ``None`` for the vendor's own address."""

    name: str
    kind: str
    base_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sellers:
    """Who sells what, by ``router.yaml``; models are keys of ``model_key``."""

    providers: dict[str, DeclaredProvider]
    provider_of: dict[str, str]
    """Deployment -> provider."""
    models_of: dict[str, frozenset[str]]
    """Provider -> models."""
    vendors_words: dict[str, str]
    """Model of a team's own catalog -> what its vendor calls it, where that is another name."""

    def provider(self, name: str) -> DeclaredProvider:
        """Find a provider.

        Raises:
            RequestError: where there is none of that name.

        """
        found = self.providers.get(name)
        if found is None:
            known = ", ".join(self.providers) or "none"
            raise RequestError(
                f"router.yaml has no provider {name!r}{did_you_mean(name, self.providers)}; there are: {known}"
            )
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Whose attempts count: one provider's, by its name; ``""`` where only the models tell."""

    name: str
    sellers: Sellers
    models: frozenset[str]

    def sold(self, deployment: str, model: str) -> bool:
        """Tell whether an attempt was bought from it; a deployment that is gone is told by its model."""
        provider = self.sellers.provider_of.get(deployment)
        return provider == self.name if provider is not None else model_key(model) in self.models


def read_sellers(path: Path) -> Sellers:
    """Read providers and deployments from a ``router.yaml``, and look at nothing else in it.

    Raises:
        ConfigError: where the file cannot be read.

    """
    from routing.config.document import read_document
    from routing.config.ledger import open_text

    data = read_document(str(path), open_text(path, str(path))).data
    file: dict[str, Any] = data if isinstance(data, dict) else {}
    providers = {
        name: DeclaredProvider(name=name, kind=str(entry.get("kind", "")), base_url=_base_url(entry))
        for name, entry in _entries(file, "providers")
    }
    words = _vendors_words(path, file)
    provider_of, models_of = {}, dict.fromkeys(providers, frozenset[str]())
    for name, entry in _entries(file, "deployments"):
        provider = str(entry.get("provider", ""))
        provider_of[name] = provider
        names = [str(entry[key]) for key in ("model", "wire_model") if entry.get(key)]
        names += [words[each] for each in names if each in words]
        models_of[provider] = models_of.get(provider, frozenset()) | {model_key(each) for each in names}
    return Sellers(providers=providers, provider_of=provider_of, models_of=models_of, vendors_words=words)


def _vendors_words(path: Path, file: dict[str, Any]) -> dict[str, str]:
    """Read from the files that ``catalog`` names what vendors call their models; what cannot be read says nothing."""
    from routing.config.document import read_document
    from routing.config.ledger import open_text

    words: dict[str, str] = {}
    names = file.get("catalog")
    for name in names if isinstance(names, list) else ():
        try:
            data = read_document(str(name), open_text(path.parent / str(name), str(name))).data
        except ConfigError:
            continue
        for model, entry in _entries(data if isinstance(data, dict) else {}, "models"):
            aliases = entry.get("aliases")
            if entry.get("wire"):
                called = (model, *(aliases if isinstance(aliases, list) else ()))
                words |= dict.fromkeys(map(str, called), str(entry["wire"]))
    return words


def _entries(file: dict[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = file.get(section)
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if isinstance(entry, dict):
            yield str(name), entry


def _base_url(entry: dict[str, Any]) -> str | None:
    outside = os.environ.get(str(entry.get("base_url_env") or ""), "").strip()
    return outside or (str(entry["base_url"]) if entry.get("base_url") else None)


def whose_bill(sellers: Sellers, wanted: str | None, models: frozenset[str]) -> Seller:
    """Find the provider a bill is of: the one that was named, or the only one that sells the bill's models.

    Raises:
        RequestError: where several do, or the named one is not declared.

    """
    if wanted is not None:
        sellers.provider(wanted)
        names = [wanted]
    else:
        names = [name for name in sellers.providers if not models or sellers.models_of[name] & models]
    if len(names) > 1:
        raise RequestError(
            f"this may be the bill of {' or '.join(names)}: say whose with --provider; where it has lines of several,"
            " split it first, or the others' look unlogged"
        )
    name = names[0] if names else ""
    return Seller(name=name, sellers=sellers, models=models | sellers.models_of.get(name, frozenset()))


def booked_attempts(store: LedgerReader, since: datetime, until: datetime, seller: Seller) -> Iterator[BookedAttempt]:
    """Walk the attempts of one seller that touch ``[since, until)``."""
    for history in store.histories(since - LOOK_BACK, until):
        for attempt in history.attempts:
            model = attempt.reserve.model
            if seller.sold(attempt.reserve.deployment, model):
                booked = as_booked(attempt, seller.sellers.vendors_words.get(model, ""))
                if booked.start < until and (booked.end or booked.start) >= since:
                    yield booked


def as_booked(attempt: AttemptHistory, vendor_model: str = "") -> BookedAttempt:
    """Put an attempt as the ledger has it now; ``vendor_model`` is what its vendor calls its model."""
    reserve, resolution = attempt.reserve, attempt.resolution
    end = resolution.at if resolution else None
    if resolution and resolution.kind is EntryKind.EXPIRE:
        end = min(resolution.at, reserve.at + LONGEST_CALL)
    return BookedAttempt(
        id=reserve.reservation_id,
        deployment=reserve.deployment,
        model=reserve.model,
        start=reserve.at,
        end=end,
        held_nusd=reserve.amount_nusd,
        charged_nusd=attempt.cost_nusd,
        unconfirmed=attempt.unconfirmed,
        vendor_request_id=attempt.vendor_request_id,
        reason=resolution.reason if resolution else "",
        vendor_model=vendor_model,
    )
