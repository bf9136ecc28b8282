"""What every purchase needs: settings, ledger, providers, limiter, clock, log, upkeep and cache, as ports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from routing.buying.cooling import CoolDowns
from routing.buying.flights import Flights
from routing.cache.base import CachedCall, PictureCache
from routing.core.alerts import action_alert
from routing.core.budgets import claims_for
from routing.core.fingerprint import key_of_owner
from routing.core.request import NO_TAGS
from routing.logs import SteadyLog
from routing.own_lock import OwnLock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.buying.moderation import Moderation
    from routing.closing import ClosingClock
    from routing.core.alerts import Alert
    from routing.core.budgets import Purchase
    from routing.core.entries import Entry, Reservation
    from routing.core.policy import Settings
    from routing.core.request import ImageRequest
    from routing.errors import BudgetExceeded
    from routing.ledger.base import Store
    from routing.limits.base import Limiter
    from routing.logs import Log
    from routing.providers.base import Delivery, Provider
    from routing.results import Result
    from routing.upkeep import Upkeep

_REQUESTS: WeakValueDictionary[str, Flights[Result]] = WeakValueDictionary()
_REQUESTS_LOCK = OwnLock()


def requests_of(ledger: str | None) -> Flights[Result]:
    """Find which requests are under way on a ledger, in whichever router of this process."""
    if ledger is None:
        return Flights()
    with _REQUESTS_LOCK:
        return _REQUESTS.setdefault(ledger, Flights())


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Everything a purchase needs.

    ``addresses`` are the providers' base URLs, by name: pictures from one address are never given for another's.
    ``keep_prompts``: the ledger is told the words of prompts.
    """

    settings: Settings
    store: Store
    providers: Mapping[str, Provider]
    limiter: Limiter
    clock: ClosingClock
    log: Log
    upkeep: Upkeep
    cache: PictureCache | None = None
    moderation: Moderation | None = None
    keep_prompts: bool = False
    addresses: Mapping[str, str | None] = field(default_factory=lambda: NO_TAGS)
    flights: Flights[CachedCall] = field(default_factory=Flights)
    requests: Flights[Result] = field(default_factory=Flights)
    cooling: CoolDowns = field(default_factory=CoolDowns)

    def __post_init__(self) -> None:
        """Take the log so that it cannot raise."""
        if not isinstance(self.log, SteadyLog):
            object.__setattr__(self, "log", SteadyLog(self.log))

    def find(self, key: str) -> CachedCall | None:
        """Look pictures up; a cache that fails is one that has none."""
        try:
            return self.cache.get(key) if self.cache and key else None
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the picture can still be bought
            self.log.warning("cache_failed", key=key, error=type(error).__name__)
            return None

    def find_bought(self, entry: Entry) -> CachedCall | None:
        """Look up the very pictures an entry stands for, also where newer ones have taken their place since."""
        key, _, owner = entry.picture_key.partition(":")
        owner = owner or entry.reservation_id
        found = self.find(key)
        return found if found is not None and found.bought_by == owner else self.find(key_of_owner(key, owner))

    def keep(self, call: CachedCall, key: str) -> bool:
        """Put delivered pictures into the cache; ``False`` where that failed. Older ones of the key stay findable.

        Bad pictures are kept for their own request alone, which may be repeated: nobody else is answered with them.
        """
        if self.cache is None:
            return False
        older = None if call.faults else self.find(key)
        try:
            if call.faults:
                return self.cache.put(key_of_owner(key, call.bought_by), call)
            if older is not None:
                self.cache.put(key_of_owner(key, older.bought_by), older)
            return self.cache.put(key, call)
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the picture was paid for and is delivered
            self.log.warning("cache_failed", key=key, error=type(error).__name__)
            return False

    def tell_action(self, purchase: Purchase, refusal: BudgetExceeded, served_by: str | None) -> None:
        """Have an alert written of a purchase that a budget refused, or that went to another deployment for it."""
        settings, now = self.settings, self.clock.now()
        claims = claims_for(settings.budgets, purchase, settings.policy.importance, now)
        # The very counter, where a budget has several: only it has the limit that was told.
        likely = sorted(claims, key=lambda claim: claim.limit_nusd != refusal.limit)
        claim = next((claim for claim in likely if claim.key.budget == refusal.budget), None)
        if claim is not None:
            self.upkeep.note(action_alert(claim, purchase, served_by, now))

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Have alerts delivered that settling wrote; nobody waits for a channel."""
        if alerts:
            self.upkeep.tell()


def cached_call(
    reservation: Reservation, request: ImageRequest, delivery: Delivery, faults: tuple[str, ...]
) -> CachedCall:
    """Put together what a cache keeps of a delivery."""
    return CachedCall(
        pictures=delivery.pictures,
        request=request,
        revised_prompt=delivery.revised_prompt,
        seed=delivery.seed,
        bought_by=reservation.id,
        faults=faults if any(faults) else (),
    )
