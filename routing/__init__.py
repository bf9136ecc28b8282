"""A cost-aware router for image generation: importance in, the right image out, every cent in the ledger.

A name is loaded when it is first used: making all these classes takes longer than a whole ``routing spend``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from routing.assembly import open_router
    from routing.core.availability import DeploymentStatus
    from routing.core.money import Money, usd
    from routing.core.picture import Picture, Size
    from routing.core.plan import Candidate, Dropped, Plan
    from routing.core.prices import Usage
    from routing.core.request import ImageRequest
    from routing.core.spend import SpendRow
    from routing.core.status import BudgetStatus
    from routing.errors import (
        AllCandidatesFailed,
        AlreadyResolved,
        BudgetExceeded,
        Charged,
        ConfigError,
        ContentRejected,
        LedgerError,
        LedgerUnavailable,
        NoCandidate,
        PriceCapExceeded,
        PriceUnknown,
        Problem,
        PromptRefused,
        ProviderError,
        ProviderOutOfMoney,
        ProviderRateLimited,
        ProviderRejectedKey,
        ProviderTimeout,
        ProviderUnavailable,
        Refusal,
        RequestError,
        RequestIdReused,
        RoutingError,
    )
    from routing.options import RequestOptions
    from routing.results import Attempt, Outcome, Quote, Result
    from routing.router import Router

__all__ = [
    "AllCandidatesFailed",
    "AlreadyResolved",
    "Attempt",
    "BudgetExceeded",
    "BudgetStatus",
    "Candidate",
    "Charged",
    "ConfigError",
    "ContentRejected",
    "DeploymentStatus",
    "Dropped",
    "ImageRequest",
    "LedgerError",
    "LedgerUnavailable",
    "Money",
    "NoCandidate",
    "Outcome",
    "Picture",
    "Plan",
    "PriceCapExceeded",
    "PriceUnknown",
    "Problem",
    "PromptRefused",
    "ProviderError",
    "ProviderOutOfMoney",
    "ProviderRateLimited",
    "ProviderRejectedKey",
    "ProviderTimeout",
    "ProviderUnavailable",
    "Quote",
    "Refusal",
    "RequestError",
    "RequestIdReused",
    "RequestOptions",
    "Result",
    "Router",
    "RoutingError",
    "Size",
    "SpendRow",
    "Usage",
    "open_router",
    "usd",
]

_NAMES = {
    "routing.assembly": ("open_router",),
    "routing.core.availability": ("DeploymentStatus",),
    "routing.core.money": ("Money", "usd"),
    "routing.core.picture": ("Picture", "Size"),
    "routing.core.plan": ("Candidate", "Dropped", "Plan"),
    "routing.core.prices": ("Usage",),
    "routing.core.request": ("ImageRequest",),
    "routing.core.spend": ("SpendRow",),
    "routing.core.status": ("BudgetStatus",),
    "routing.errors": (
        "AllCandidatesFailed",
        "AlreadyResolved",
        "BudgetExceeded",
        "Charged",
        "ConfigError",
        "ContentRejected",
        "LedgerError",
        "LedgerUnavailable",
        "NoCandidate",
        "PriceCapExceeded",
        "PriceUnknown",
        "Problem",
        "PromptRefused",
        "ProviderError",
        "ProviderOutOfMoney",
        "ProviderRateLimited",
        "ProviderRejectedKey",
        "ProviderTimeout",
        "ProviderUnavailable",
        "Refusal",
        "RequestError",
        "RequestIdReused",
        "RoutingError",
    ),
    "routing.options": ("RequestOptions",),
    "routing.results": ("Attempt", "Outcome", "Quote", "Result"),
    "routing.router": ("Router",),
}
"""Where each name is defined."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names}


if not TYPE_CHECKING:  # type checkers read the imports above, and must see a name that is not there

    def __getattr__(name: str) -> object:
        """Load a name from its home, once."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(_HOMES[name]), name)
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        """List the public names, loaded or not."""
        return sorted({*globals(), *__all__})
