"""One round of calls to one candidate: what nobody has yet is reserved together, called once each, and settled."""

from __future__ import annotations

from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING

from routing.buying.attempt import Attempter, Bought
from routing.buying.shop import cached_call
from routing.core.budgets import Purchase, claims_for
from routing.core.entries import CacheHit, Reservation
from routing.core.fingerprint import picture_key
from routing.core.money import usd_text
from routing.core.pacing import Needs
from routing.core.quote import quote_for, usage_of
from routing.errors import Charged, PriceCapExceeded, ProviderTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.buying.attempt import Failed
    from routing.buying.basket import Basket
    from routing.buying.flights import Boarding
    from routing.buying.shop import Shop
    from routing.cache.base import CachedCall
    from routing.core.plan import Candidate
    from routing.core.quote import Quote
    from routing.limits.base import Slot

TOLD_WAIT_S = 1.0
"""Who waited longer for room is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a candidate: its number of pictures, its quote, and the key its pictures are kept under."""

    candidate: Candidate
    n: int
    quote: Quote
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Calls one candidate and puts what comes into the basket.

    ``wait_until_s`` bounds all waiting, ``end_at_s`` the calls, where there is a deadline: moments of ``elapsed_s``.
    """

    shop: Shop
    basket: Basket
    candidate: Candidate
    wait_until_s: float
    end_at_s: float | None

    def at_once(self) -> int | None:
        """Tell how many pictures a minute has room for; ``None`` where nothing is known."""
        deployment = self.candidate.deployment
        return deployment.allowance.pictures_at_once(
            per_call=deployment.model.images_per_call, tokens_each=self._tokens_each()
        )

    def purchase(self) -> Purchase:
        """Tell a budget what would be bought."""
        request = self.basket.request
        return Purchase(
            importance=self.basket.plan.importance,
            deployment=self.candidate.deployment.name,
            operation=request.operation.value,
            tags=request.tags,
        )

    def call(self, n: int) -> Slot | None:
        """Get ``n`` pictures in as many calls as the model needs, once nobody else is buying the same.

        Returns the room that was taken in the vendor's minute; ``None`` where others had it all.

        Raises:
            BudgetExceeded, PriceCapExceeded, ProviderRateLimited, ProviderTimeout: nothing was sent.

        """
        calls = self._calls(n)
        shared = [call.key for call in calls if call.key and not self.basket.request.fresh]
        clock = self.shop.clock
        # What others buy is there at the very end, too.
        wait_s = (self.end_at_s or self.wait_until_s) - clock.elapsed_s()
        with self.shop.flights.board(shared, wait_s, clock, _good) as boarding:
            missing = [call for call in calls if not self._from_cache(call, boarding)]
            if not missing:
                return None
            self._check_cap(missing)
            if self.end_at_s is not None and clock.elapsed_s() > self.wait_until_s:
                told = "not sent, since the deadline was nearly over before"
                raise ProviderTimeout(told, retryable=True, charged=Charged.NO)
            # Room is waited for before money is set aside: no budget stands still for a rate limit.
            slot = self._slot(missing)
            self._send(missing, slot, boarding)
            return slot

    def _check_cap(self, calls: Sequence[Call]) -> None:
        needed = sum(call.quote.price_nusd for call in calls)
        cap, charged = self.basket.request.max_price_nusd, self.basket.charged_nusd
        if cap is not None and charged + needed > cap:
            raise PriceCapExceeded(
                f"another attempt may cost ${usd_text(needed)}; ${usd_text(charged)} of max_price"
                f" ${usd_text(cap)} is charged already",
                price=needed,
                cap=cap,
            )

    def _slot(self, calls: Sequence[Call]) -> Slot:
        deployment, images = self.candidate.deployment, sum(call.n for call in calls)
        slot = self.shop.limiter.take(
            deployment.name,
            Needs(requests=len(calls), images=images, tokens=self._tokens_each() * images),
            allowance=deployment.allowance,
            rank=self.shop.settings.policy.importance.index(self.basket.plan.importance),
            give_up_at_s=self.wait_until_s,
        )
        if slot.waited_s >= TOLD_WAIT_S:
            self.basket.notices.append(f"waited {slot.waited_s:.0f} s for the rate limit of {deployment.name}")
        return slot

    def _tokens_each(self) -> int:
        """Bound the tokens of one picture, as they count against the vendor's minute."""
        candidate, features = self.candidate, self.basket.record.features
        usage = usage_of(
            features, candidate.deployment.model, size=candidate.size, quality=candidate.quality, at_most=True
        )
        return usage.text_in + usage.image_in + usage.text_out + usage.image_out if usage else 0

    def _send(self, calls: Sequence[Call], slot: Slot, boarding: Boarding[CachedCall]) -> None:
        """Reserve all calls together, make them, and hand what they bring to those who wait for the same."""
        try:
            self.shop.clock.check()
            made = self.basket.attempts_made
            reservations = [self._reservation(call, made + number) for number, call in enumerate(calls, start=1)]
            self.shop.store.reserve(self.basket.record, reservations)
        except BaseException:
            self.shop.limiter.give_back(slot)
            raise
        request = self.basket.request
        attempters = [
            Attempter(
                shop=self.shop,
                request=request,
                plan=self.basket.plan,
                candidate=self.candidate,
                n=call.n,
                quote=call.quote,
                reservation=reservation,
                slot=slot,
                end_at_s=self.end_at_s,
            )
            for call, reservation in zip(calls, reservations, strict=True)
        ]
        for call, outcome in zip(calls, _run_all(attempters), strict=True):
            self.basket.take(outcome)
            if isinstance(outcome, Bought):
                self.basket.served_by = self.candidate
                landed = cached_call(outcome.reservation, request, outcome.delivery, outcome.faults)
                boarding.land(call.key, landed)

    def _calls(self, pictures: int) -> list[Call]:
        """Cut pictures into calls, each with a key that stands for no other pictures of this request."""
        basket, candidate = self.basket, self.candidate
        # A bad picture stands under no key: the one that is bought for it takes its place.
        good = (bought for bought in basket.bought if not any(bought.faults))
        taken = {*basket.cached, *(bought.reservation.picture_key for bought in good)}
        calls = []
        for n in candidate.calls(pictures):
            quote = candidate.quote if n == basket.request.n else self._quote(n)
            key = next(key for number in count(1) if (key := self._key(n, number)) not in taken or not key)
            taken.add(key)
            calls.append(Call(candidate=candidate, n=n, quote=quote, key=key))
        return calls

    def _quote(self, n: int) -> Quote:
        candidate = self.candidate
        card = self.shop.settings.prices.card(candidate.deployment.name, self.basket.plan.on)
        features, model = self.basket.record.features, candidate.deployment.model
        return quote_for(features, model, card, size=candidate.size, quality=candidate.quality, n=n)

    def _key(self, n: int, number: int) -> str:
        """Name the pictures; ``number`` keeps the second call for the same words from being answered by the first."""
        if self.shop.cache is None:
            return ""
        candidate = self.candidate
        purchase = {
            "provider": candidate.deployment.provider,
            "address": self.shop.addresses.get(candidate.deployment.provider),
            "model": candidate.deployment.wire_model,
            "size": str(candidate.size),
            "quality": candidate.quality,
            "n": n,
            "number": number,
            **candidate.options.sent,
        }
        return picture_key(self.basket.request, purchase)

    def _reservation(self, call: Call, attempt: int) -> Reservation:
        deployment, settings, now = self.candidate.deployment, self.shop.settings, self.shop.clock.now()
        # A hold must outlive the call it stands for, however long that may take.
        hold_for_s = max(settings.hold_for_s, 2 * deployment.timeout_s)
        return Reservation(
            id=f"{self.basket.record.request_id}/{attempt}",
            request_id=self.basket.record.request_id,
            at=now,
            expires_at=now + timedelta(seconds=hold_for_s),
            deployment=deployment.name,
            model=deployment.model.name,
            size=str(self.candidate.size),
            quality=self.candidate.quality,
            images=call.n,
            amount_nusd=call.quote.price_nusd,
            claims=claims_for(settings.budgets, self.purchase(), settings.policy.importance, now),
            picture_key=call.key,
        )

    def _from_cache(self, call: Call, boarding: Boarding[CachedCall]) -> bool:
        basket = self.basket
        found = None if basket.request.fresh else boarding.landed.get(call.key) or self.shop.find(call.key)
        if found is None:
            return False
        boarding.land(call.key, found)
        basket.cached[call.key] = found
        basket.served_by = basket.served_by or call.candidate
        if found.bought_by.rpartition("/")[0] == basket.record.request_id:
            return True  # this very request, asked twice at once: it is booked already
        hit = CacheHit(
            request_id=basket.record.request_id,
            at=self.shop.clock.now(),
            deployment=call.candidate.deployment.name,
            model=call.candidate.deployment.model.name,
            images=len(found.pictures),
            saved_nusd=call.quote.expected_nusd,
            picture_key=f"{call.key}:{found.bought_by}",
            size=str(call.candidate.size),
            quality=call.candidate.quality,
            reason=basket.plan.stands_in(call.candidate),
        )
        self.shop.store.record_cached(basket.record, hit)
        basket.saved_nusd += call.quote.expected_nusd
        return True


def _good(found: CachedCall) -> bool:
    """Tell whether pictures that others bought just now will do."""
    return not found.faults


def _run_all(attempters: Sequence[Attempter]) -> list[Bought | Failed]:
    """Make calls side by side, and wait until each has ended before what one of them raised, or an interrupt, goes on.

    Each has a thread of its own. A pool that runs out of threads cannot tell which of its calls it will still make, and
    a call must be made exactly once: here one without a thread is made in turn.
    """
    if len(attempters) == 1:
        return [attempters[0].run()]
    under_way: list[Future[Bought | Failed]] = []

    def run(attempter: Attempter, future: Future[Bought | Failed]) -> None:
        try:
            future.set_result(attempter.run())
        except BaseException as error:  # noqa: BLE001 - whoever waits raises it
            future.set_exception(error)

    try:
        for attempter in attempters:
            future: Future[Bought | Failed] = Future()
            try:
                Thread(target=run, args=(attempter, future), name="routing-call").start()
            except RuntimeError:
                run(attempter, future)
            under_way.append(future)
        wait(under_way)
    finally:
        wait(under_way)
    return [future.result() for future in under_way]
