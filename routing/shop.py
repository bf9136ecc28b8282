"""What every purchase needs: settings, ledger, providers, clock, log, cache and alert channels, as ports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.cache.base import CachedCall, PictureCache
from routing.core.fingerprint import key_of_owner
from routing.core.request import NO_TAGS
from routing.logs import SteadyLog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from routing.alerts.base import AlertChannel
    from routing.core.clock import Clock
    from routing.core.entries import Alert, Entry, Reservation
    from routing.core.policy import Settings
    from routing.core.request import ImageRequest
    from routing.ledger.base import Store
    from routing.logs import Log
    from routing.providers.base import Delivery, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Everything a purchase needs.

    ``addresses`` are the providers' base URLs, by name: pictures from one address are never given for another's.
    """

    settings: Settings
    store: Store
    providers: Mapping[str, Provider]
    clock: Clock
    log: Log
    cache: PictureCache | None = None
    channels: Sequence[AlertChannel] = ()
    addresses: Mapping[str, str | None] = field(default_factory=lambda: NO_TAGS)

    def __post_init__(self) -> None:
        """Take the log so that it cannot raise."""
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

    def keep(self, reservation: Reservation, request: ImageRequest, delivery: Delivery) -> bool:
        """Put delivered pictures into the cache; ``False`` where that failed. Older ones of the key stay findable."""
        key = reservation.picture_key
        if self.cache is None:
            return False
        call = CachedCall(
            pictures=delivery.pictures,
            request=request,
            revised_prompt=delivery.revised_prompt,
            seed=delivery.seed,
            bought_by=reservation.id,
        )
        older = self.find(key)
        try:
            if older is not None:
                self.cache.put(key_of_owner(key, older.bought_by), older)
            return self.cache.put(key, call)
        except Exception as error:  # noqa: BLE001 - whatever a cache raises, the picture was paid for and is delivered
            self.log.warning("cache_failed", key=key, error=type(error).__name__)
            return False

    def tell(self, alerts: Sequence[Alert]) -> None:
        """Deliver alerts to every channel; those that a channel does not take, or nobody hears, stay pending."""
        if not self.channels:
            return
        taken = []
        for alert in alerts:
            try:
                for channel in self.channels:
                    channel.send(alert)
            except Exception as error:  # noqa: BLE001 - a broken channel must neither stop a purchase nor lose the alert
                self.log.warning("alert_not_delivered", budget=alert.key.budget, error=type(error).__name__)
            else:
                taken.append(alert)
        if taken:
            try:
                self.store.acknowledge(taken)
            except Exception as error:  # noqa: BLE001 - as above: the alerts stay pending
                self.log.warning("alert_not_acknowledged", error=str(error))
