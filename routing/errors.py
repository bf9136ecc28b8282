"""Every error of the package.

RoutingError
+-- ConfigError          .problems       every problem with file:line:column and a hint
+-- RequestError         the request cannot be made by anyone; nothing was spent
+-- Refusal              we said no before spending
|   +-- BudgetExceeded   .budget .limit .needed .remaining .resets_at
|   +-- PromptRefused    .rule .because
|   +-- PriceCapExceeded .price .cap
|   +-- PriceUnknown     .deployment
|   +-- NoCandidate      .dropped
+-- ProviderError        .deployment .status_code .retryable .charged
|   +-- ProviderTimeout
|   +-- ProviderRateLimited  .retry_after_s
|   +-- ContentRejected
|   +-- ProviderRejectedKey
|   +-- ProviderUnavailable
|   |   +-- ProviderOutOfMoney
|   +-- AllCandidatesFailed  .attempts
+-- LedgerError
    +-- LedgerUnavailable
    +-- AlreadyResolved
    +-- RequestIdReused
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
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
]


class RoutingError(Exception):
    """The root of every error this package raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file, where it is, and the way out."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        """Read as ``file:line:column: path: message; hint``."""
        place = f"{self.file}:{self.line}:{self.column}: "
        path = f"{self.path}: " if self.path else ""
        warning = "warning: " if self.severity == "warning" else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{warning}{path}{self.message}{hint}"


class ConfigError(RoutingError):
    """The YAML cannot be used; ``problems`` lists everything wrong with it at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems in the order of their place."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DroppedCandidate(Protocol):
    """What an error tells of each deployment that was left out; ``str`` of it is a line for a person."""

    @property
    def deployment(self) -> str:
        """The deployment's name."""

    @property
    def detail(self) -> str:
        """Why it was left out, in words."""


class RequestError(RoutingError):
    """The request is impossible as it stands (parameter, prompt, size); nothing was spent.

    ``dropped`` says for each deployment why, where it is the deployments that cannot do it.
    """

    def __init__(self, message: str, *, dropped: Sequence[DroppedCandidate] = ()) -> None:
        """Keep the reasons in the order of the route."""
        super().__init__(message)
        self.dropped = tuple(dropped)


class Refusal(RoutingError):
    """We said no before a cent was spent."""


class BudgetExceeded(Refusal):
    """The worst-case price does not fit into what a budget has left. Amounts in nano-USD."""

    def __init__(  # noqa: PLR0913 - an error that names every figure saves its reader a query
        self,
        message: str,
        *,
        budget: str,
        limit: int,
        needed: int,
        remaining: int,
        resets_at: datetime | None,
    ) -> None:
        """Name the budget, what it allows, what was needed, what is left, and when it starts afresh."""
        super().__init__(message)
        self.budget = budget
        self.limit = limit
        self.needed = needed
        self.remaining = remaining
        self.resets_at = resets_at


class PromptRefused(Refusal):
    """The policy says no to the prompt, or to what comes with it: a rule of `refuse`, or moderation."""

    def __init__(self, message: str, *, rule: str, because: str = "") -> None:
        """Name the rule by its place, and its reason in words."""
        super().__init__(message)
        self.rule = rule
        self.because = because


class PriceCapExceeded(Refusal):
    """Every candidate may cost more than ``max_price``. Amounts in nano-USD."""

    def __init__(self, message: str, *, price: int, cap: int, dropped: Sequence[DroppedCandidate] = ()) -> None:
        """Name the lowest quote, the cap it passes, and what else was left out."""
        super().__init__(message)
        self.price = price
        self.cap = cap
        self.dropped = tuple(dropped)


class PriceUnknown(Refusal):
    """The price book has no price for this; unknown is never free."""

    def __init__(self, message: str, *, deployment: str) -> None:
        """Name the deployment that has no price."""
        super().__init__(message)
        self.deployment = deployment


class NoCandidate(Refusal):
    """No deployment of the route can serve this request; ``dropped`` says why for each."""

    def __init__(self, message: str, *, dropped: Sequence[DroppedCandidate] = ()) -> None:
        """Keep the reasons in the order of the route."""
        super().__init__(message)
        self.dropped = tuple(dropped)


class Charged(StrEnum):
    """Did the vendor charge for the failed call? It decides between settle and release."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ProviderError(RoutingError):
    """The vendor or the way to it failed.

    ``retryable``: another call may succeed. ``usage`` is what the vendor says was consumed, where it charged for a
    failure and told so (a ``routing.core.prices.Usage``). ``vendor_request_id`` is what the vendor calls the request,
    where it said so: what its bill is compared by. ``told`` is what its headers say of rate limits (each a
    ``routing.core.pacing.Told``).
    """

    def __init__(  # noqa: PLR0913 - each is read by whoever decides what happens next
        self,
        message: str,
        *,
        deployment: str = "",
        status_code: int | None = None,
        retryable: bool = False,
        charged: Charged = Charged.UNKNOWN,
        usage: object = None,
        vendor_request_id: str = "",
    ) -> None:
        """Say what failed; ``charged`` is *unknown* unless the caller knows better."""
        super().__init__(message)
        self.vendor_request_id = vendor_request_id
        self.told: Sequence[Any] = ()
        self.usage = usage
        self.deployment = deployment
        self.status_code = status_code
        self.retryable = retryable
        self.charged = charged


class ProviderTimeout(ProviderError):
    """The vendor did not answer in time; whether it worked and charged is unknown."""


class ProviderRateLimited(ProviderError):
    """The vendor asks to wait; nothing was charged."""

    def __init__(
        self,
        message: str,
        *,
        deployment: str = "",
        status_code: int | None = 429,
        retry_after_s: float | None = None,
    ) -> None:
        """``retry_after_s`` is the vendor's own word, ``None`` where it gave none."""
        super().__init__(message, deployment=deployment, status_code=status_code, retryable=True, charged=Charged.NO)
        self.retry_after_s = retry_after_s


class ContentRejected(ProviderError):
    """The vendor's content rules refused the prompt or the picture."""


class ProviderRejectedKey(ProviderError):
    """The vendor refused the API key; nothing was charged."""


class ProviderUnavailable(ProviderError):
    """The vendor could not be reached, failed, or answered something unreadable."""


class ProviderOutOfMoney(ProviderUnavailable):
    """The account with the vendor has no money or quota left; nothing was charged, and waiting does not help."""


class AllCandidatesFailed(ProviderError):
    """Every candidate of the plan was tried; ``attempts`` holds the error of each, in order.

    ``reasons`` says each once, with how often it came.
    """

    def __init__(self, attempts: Sequence[ProviderError]) -> None:
        """Charged is the worst of what the attempts say: unknown before yes before no."""
        times = Counter(map(str, attempts))
        self.reasons = tuple(text if often == 1 else f"{text} ({often} times)" for text, often in times.items())
        charged = {attempt.charged for attempt in attempts}
        worst = next((c for c in (Charged.UNKNOWN, Charged.YES) if c in charged), Charged.NO)
        super().__init__(
            f"{len(attempts)} attempts failed: {'; '.join(self.reasons)}",
            deployment=attempts[-1].deployment if attempts else "",
            status_code=attempts[-1].status_code if attempts else None,
            charged=worst,
        )
        self.attempts = tuple(attempts)


class LedgerError(RoutingError):
    """The ledger refused or failed."""


class LedgerUnavailable(LedgerError):
    """The ledger cannot be read or written; nothing is bought without one."""


class AlreadyResolved(LedgerError):
    """This reservation was settled, released or expired before."""


class RequestIdReused(LedgerError):
    """A ``request_id`` came again and cannot be answered from what was bought under it."""
