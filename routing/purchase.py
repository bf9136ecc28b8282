"""One request from plan to pictures: reserve, call once, settle; then, where it is safe, the next candidate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from routing.attempt import Attempter, Bought, Failed, as_attempt, run_all
from routing.core.budgets import OnBudget, Purchase, claims_for
from routing.core.entries import CacheHit, Reservation
from routing.core.features import features_of
from routing.core.fingerprint import picture_key
from routing.core.money import Money, usd_text
from routing.core.pacing import Needs
from routing.core.prices import Usage
from routing.core.quote import quote_for, usage_of
from routing.errors import (
    AllCandidatesFailed,
    BudgetExceeded,
    Charged,
    ContentRejected,
    PriceCapExceeded,
    ProviderRateLimited,
    ProviderTimeout,
    RoutingError,
)
from routing.results import Attempt, Result
from routing.shop import cached_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.cache.base import CachedCall
    from routing.core.entries import RequestRecord
    from routing.core.plan import Candidate, Plan
    from routing.core.quote import Quote
    from routing.core.request import ImageRequest
    from routing.flights import Boarding
    from routing.limits.base import Slot
    from routing.shop import Shop

WAITS_AT_MOST = 3
"""How often one candidate's rate limit is waited for."""
TOLD_WAIT_S = 1.0
"""Who waited longer for room is told."""
FIRST_WAIT_S = 1.0
"""Where a rate limit comes without the vendor's word how long to wait; doubles with each wait."""
QUICK_FAULTS = (500, 503)
QUICK_FAULT_S = 10.0
"""A server fault that is told within this time came, most likely, before any work."""
IN_DOUBT_AT_MOST = 3
"""After so many deployments that failed so, each charged at its quote, no other is tried."""
DEADLINE_S = 900.0
"""How long a request may wait for rate limits where the caller sets no deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a candidate: its number of pictures, its quote, and the key its pictures are kept under."""

    candidate: Candidate
    n: int
    quote: Quote
    key: str


@dataclass(slots=True, kw_only=True)
class Buyer:
    """The state of one request while it is being bought."""

    shop: Shop
    request: ImageRequest
    record: RequestRecord
    plan: Plan
    attempts_before: int = 0
    notices: list[str] = field(default_factory=list)
    bought: list[Bought] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    cached: dict[str, CachedCall] = field(default_factory=dict)
    saved_nusd: int = 0
    served_by: Candidate | None = None
    turned_away: tuple[Candidate, BudgetExceeded] | None = None

    def buy(self) -> Result:
        """Walk the plan until every picture is there, or until going on would be wrong.

        Raises:
            BudgetExceeded: where no candidate fits into the budgets; nothing was spent.
            PriceCapExceeded: where what is left under ``max_price`` does not cover another attempt.
            ProviderError: where the pictures could not be had; ``charged`` says what that cost.
            ProviderRateLimited: also where no rate limit has room before the deadline; then nothing was sent.

        """
        refusal: RoutingError | None = None
        ceiling: int | None = None
        give_up_at = self.shop.clock.elapsed_s() + (self.plan.deadline_s or DEADLINE_S)
        for candidate in self.plan.candidates:
            if not self._missing:
                break
            if ceiling is not None and candidate.quote.price_nusd >= ceiling:
                continue
            try:
                self._buy_from(candidate, give_up_at)
            except (BudgetExceeded, PriceCapExceeded, ProviderRateLimited, ProviderTimeout) as no:
                refusal = refusal or no
                if isinstance(no, BudgetExceeded):
                    self.turned_away = self.turned_away or (candidate, no)
                    if self._on_budget(no) is OnBudget.REFUSE:
                        break
                    ceiling = candidate.quote.price_nusd
                self.notices.append(f"not {candidate.deployment.name}: {no}")
            if not all(map(self._may_go_on, self.failed)) or self._in_doubt >= IN_DOUBT_AT_MOST:
                break
        if self.turned_away:
            wanted, why = self.turned_away
            self.shop.tell_action(
                self._purchase(wanted), why, self.served_by.deployment.name if self.served_by else None
            )
        return self._result(refusal)

    @property
    def _missing(self) -> int:
        have = sum(len(bought.delivery.pictures) for bought in self.bought)
        return max(0, self.request.n - have - sum(len(call.pictures) for call in self.cached.values()))

    @property
    def _charged_nusd(self) -> int:
        return sum(bought.cost_nusd for bought in self.bought) + sum(failed.cost_nusd for failed in self.failed)

    @property
    def _in_doubt(self) -> int:
        return len({each.reservation.deployment for each in self.failed if each.unconfirmed})

    def _buy_from(self, candidate: Candidate, give_up_at: float) -> None:
        """Buy in rounds of what a minute has room for. A vendor's "too many" makes everybody wait, this buyer too."""
        tokens_each = self._tokens_each(candidate)
        waits = 0
        while self._missing:
            failed_before = len(self.failed)
            n = min(self._missing, _at_once(candidate, tokens_each) or self._missing)
            rest = self._missing - n
            slot = self._buy_once(candidate, n, tokens_each, give_up_at)
            failed = [each.error for each in self.failed[failed_before:]]
            limited = [error for error in failed if isinstance(error, ProviderRateLimited)]
            if limited and slot:
                told = [error.retry_after_s for error in limited if error.retry_after_s is not None]
                self.shop.limiter.hear(slot, (), wait_s=max(told, default=FIRST_WAIT_S * 2**waits))
                waits += 1
            if len(limited) < len(failed) or not (limited or rest) or waits > WAITS_AT_MOST:
                return

    def _buy_once(self, candidate: Candidate, n: int, tokens_each: int, give_up_at: float) -> Slot | None:
        """One round: ``n`` pictures in as many calls as the model needs, once nobody else is buying the same."""
        calls = self._calls(candidate, n)
        shared = [call.key for call in calls if call.key and not self.request.fresh]
        with self.shop.flights.board(shared, give_up_at - self.shop.clock.elapsed_s()) as boarding:
            missing = [call for call in calls if not self._from_cache(call, boarding)]
            if not missing:
                return None
            self._check_cap(missing)
            # Room is waited for before money is set aside: no budget stands still for a rate limit.
            slot = self._slot(missing, tokens_each, give_up_at)
            self._buy_calls(candidate, missing, slot, boarding)
            return slot

    def _check_cap(self, calls: Sequence[Call]) -> None:
        needed = sum(call.quote.price_nusd for call in calls)
        cap = self.request.max_price_nusd
        if cap is not None and self._charged_nusd + needed > cap:
            raise PriceCapExceeded(
                f"another attempt may cost ${usd_text(needed)}; ${usd_text(self._charged_nusd)} of max_price"
                f" ${usd_text(cap)} is charged already",
                price=needed,
                cap=cap,
            )

    def _slot(self, calls: Sequence[Call], tokens_each: int, give_up_at: float) -> Slot:
        deployment, images = calls[0].candidate.deployment, sum(call.n for call in calls)
        slot = self.shop.limiter.take(
            deployment.name,
            Needs(requests=len(calls), images=images, tokens=tokens_each * images),
            allowance=deployment.allowance,
            rank=self.shop.settings.policy.importance.index(self.plan.importance),
            give_up_at_s=give_up_at,
        )
        if slot.waited_s >= TOLD_WAIT_S:
            self.notices.append(f"waited {slot.waited_s:.0f} s for the rate limit of {deployment.name}")
        return slot

    def _tokens_each(self, candidate: Candidate) -> int:
        """Bound the tokens of one picture, as they count against the vendor's minute."""
        model, features = candidate.deployment.model, features_of(self.request)
        usage = usage_of(features, model, size=candidate.size, quality=candidate.quality, at_most=True)
        return usage.text_in + usage.image_in + usage.text_out + usage.image_out if usage else 0

    def _buy_calls(self, candidate: Candidate, calls: Sequence[Call], slot: Slot, boarding: Boarding) -> None:
        """Reserve all calls together, make them, and hand what they bring to those who wait for the same."""
        try:
            made = self.attempts_before + len(self.bought) + len(self.failed)
            reservations = [self._reservation(call, made + number) for number, call in enumerate(calls, start=1)]
            self.shop.store.reserve(self.record, reservations)
        except BaseException:
            self.shop.limiter.give_back(slot)
            raise
        self.served_by = candidate
        attempters = [
            Attempter(shop=self.shop, request=self.request, plan=self.plan, candidate=candidate, n=call.n,
                      quote=call.quote, reservation=reservation, slot=slot)
            for call, reservation in zip(calls, reservations, strict=True)
        ]  # fmt: skip
        for call, outcome in zip(calls, run_all(attempters), strict=True):
            if isinstance(outcome, Bought):
                self.bought.append(outcome)
                boarding.land(call.key, cached_call(outcome.reservation, self.request, outcome.delivery))
            else:
                self.failed.append(outcome)

    def _calls(self, candidate: Candidate, pictures: int) -> list[Call]:
        """Cut pictures into calls, each with a key that stands for no other pictures of this request."""
        taken = {*self.cached, *(bought.reservation.picture_key for bought in self.bought)}
        calls = []
        for n in candidate.calls(pictures):
            quote = candidate.quote if n == self.request.n else self._quote(candidate, n)
            key = next(key for number in count(1) if (key := self._key(candidate, n, number)) not in taken or not key)
            taken.add(key)
            calls.append(Call(candidate=candidate, n=n, quote=quote, key=key))
        return calls

    def _quote(self, candidate: Candidate, n: int) -> Quote:
        card = self.shop.settings.prices.card(candidate.deployment.name, self.plan.on)
        model = candidate.deployment.model
        return quote_for(features_of(self.request), model, card, size=candidate.size, quality=candidate.quality, n=n)

    def _key(self, candidate: Candidate, n: int, number: int) -> str:
        """Name the pictures; ``number`` keeps the second call for the same words from being answered by the first."""
        if self.shop.cache is None:
            return ""
        purchase = {
            "provider": candidate.deployment.provider,
            "address": self.shop.addresses.get(candidate.deployment.provider),
            "model": candidate.deployment.wire_model,
            "size": str(candidate.size),
            "quality": candidate.quality,
            "n": n,
            "number": number,
        }
        return picture_key(self.request, purchase)

    def _reservation(self, call: Call, attempt: int) -> Reservation:
        deployment, settings, now = call.candidate.deployment, self.shop.settings, self.shop.clock.now()
        purchase = self._purchase(call.candidate)
        # A hold must outlive the call it stands for, however long that may take.
        hold_for_s = max(settings.hold_for_s, 2 * deployment.timeout_s)
        return Reservation(
            id=f"{self.record.request_id}/{attempt}",
            request_id=self.record.request_id,
            at=now,
            expires_at=now + timedelta(seconds=hold_for_s),
            deployment=deployment.name,
            model=deployment.model.name,
            size=str(call.candidate.size),
            quality=call.candidate.quality,
            images=call.n,
            amount_nusd=call.quote.price_nusd,
            claims=claims_for(settings.budgets, purchase, settings.policy.importance, now),
            picture_key=call.key,
        )

    def _purchase(self, candidate: Candidate) -> Purchase:
        return Purchase(
            importance=self.plan.importance,
            deployment=candidate.deployment.name,
            operation=self.request.operation.value,
            tags=self.request.tags,
        )

    def _from_cache(self, call: Call, boarding: Boarding) -> bool:
        found = None if self.request.fresh else boarding.landed.get(call.key) or self.shop.find(call.key)
        if found is None:
            return False
        boarding.land(call.key, found)
        self.cached[call.key] = found
        self.served_by = self.served_by or call.candidate
        if found.bought_by.rpartition("/")[0] == self.record.request_id:
            return True  # this very request, asked twice at once: it is booked already
        hit = CacheHit(
            request_id=self.record.request_id,
            at=self.shop.clock.now(),
            deployment=call.candidate.deployment.name,
            model=call.candidate.deployment.model.name,
            images=len(found.pictures),
            saved_nusd=call.quote.expected_nusd,
            picture_key=f"{call.key}:{found.bought_by}",
            size=str(call.candidate.size),
            quality=call.candidate.quality,
        )
        self.shop.store.record_cached(self.record, hit)
        self.saved_nusd += call.quote.expected_nusd
        return True

    def _on_budget(self, refusal: BudgetExceeded) -> OnBudget:
        budget = next((b for b in self.shop.settings.budgets if b.name == refusal.budget), None)
        return self.plan.route.on_budget or (budget and budget.on_budget) or self.shop.settings.policy.on_budget

    @staticmethod
    def _may_go_on(failed: Failed) -> bool:
        """Tell whether the next candidate may be tried after this.

        A refused content is refused everywhere. An unknown outcome is not followed by another purchase, unless the
        vendor said at once that it failed: then most likely no work was done.
        """
        if isinstance(failed.error, ContentRejected):
            return False
        if failed.error.charged is Charged.UNKNOWN:
            return failed.error.status_code in QUICK_FAULTS and failed.took_s <= QUICK_FAULT_S
        return True

    def _result(self, refusal: RoutingError | None) -> Result:
        pictures = [p for call in self.cached.values() for p in call.pictures]
        pictures += [p for bought in self.bought for p in bought.delivery.pictures]
        if not pictures or self.served_by is None:
            raise self._error(refusal)
        if len(pictures) < self.request.n:
            why = self.failed[-1].error if self.failed else refusal
            self.notices.append(f"{len(pictures)} of {self.request.n} pictures: {why or 'the vendor sent fewer'}")
        deliveries = [bought.delivery for bought in self.bought]
        usages = [delivery.usage for delivery in deliveries if delivery.usage]
        served = self.served_by
        first = deliveries[0] if deliveries else next(iter(self.cached.values()))
        return Result(
            images=tuple(pictures),
            request=replace(self.request, request_id=self.record.request_id, importance=self.plan.importance),
            request_id=self.record.request_id,
            importance=self.plan.importance,
            deployment=served.deployment.name,
            model=served.deployment.model.name,
            size=pictures[0].size,
            quality=served.quality,
            cost=Money(self._charged_nusd),
            quote=Money(served.quote.price_nusd),
            unconfirmed=Money(sum(f.cost_nusd for f in self.failed if f.unconfirmed)),
            cached=not self.bought,
            settled=all(bought.settled for bought in self.bought),
            saved=Money(self.saved_nusd),
            usage=sum(usages, Usage()) if usages else None,
            lines=tuple(line for bought in self.bought for line in bought.lines),
            revised_prompt=first.revised_prompt,
            seed=first.seed,
            notices=(*self.notices, *(note for bought in self.bought for note in bought.notices)),
            attempts=self._attempts(),
            plan=self.plan,
        )

    def _attempts(self) -> tuple[Attempt, ...]:
        ended: list[Bought | Failed] = [*self.bought, *self.failed]
        ended.sort(key=lambda one: int(one.reservation.id.rpartition("/")[2]))
        return tuple(as_attempt(one) for one in ended)

    def _error(self, refusal: RoutingError | None) -> RoutingError:
        errors = [failed.error for failed in self.failed]
        if not errors:
            return refusal or RoutingError("the plan has no candidate")
        if len(errors) == 1:
            return errors[0]
        told = "; ".join(str(error) for error in errors)
        return AllCandidatesFailed(f"{len(errors)} attempts failed: {told}", attempts=errors)


def _at_once(candidate: Candidate, tokens_each: int) -> int | None:
    """Tell how many pictures a minute of the candidate has room for; ``None`` where nothing is known."""
    deployment = candidate.deployment
    return deployment.allowance.pictures_at_once(per_call=deployment.model.images_per_call, tokens_each=tokens_each)
