"""One attempt: one call to one candidate under one reservation, and exactly one resolution of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from routing.buying.faults import fault_reason, faults_of
from routing.buying.shop import cached_call
from routing.core.costing import cost_of_call
from routing.core.entries import Adjustment, EntryKind, Resolution
from routing.core.fingerprint import prompt_hash
from routing.core.health import Ended
from routing.core.money import Money, usd_text
from routing.core.prices import Usage
from routing.core.quote import variant_of
from routing.core.retries import ended_as
from routing.core.slowness import why_slow
from routing.errors import AlreadyResolved, Charged, ProviderError, ProviderTimeout, ProviderUnavailable
from routing.providers.base import Delivery, ImageCall
from routing.results import DELIVERED, Attempt

if TYPE_CHECKING:
    from routing.buying.shop import Shop
    from routing.core.alerts import Alert
    from routing.core.costing import Cost
    from routing.core.entries import Reservation
    from routing.core.picture import Picture
    from routing.core.plan import Candidate, Plan
    from routing.core.prices import Line
    from routing.core.quote import Quote
    from routing.core.request import ImageRequest
    from routing.limits.base import Slot

ID_CHARS_AT_MOST = 200
"""Of what a vendor calls a request; longer names are no names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A call that brought pictures, and what it cost in nano-USD.

    ``faults`` say of each picture what is bad about it, ``""`` where all is well; a bad one is paid for like any.
    """

    reservation: Reservation
    delivery: Delivery
    faults: tuple[str, ...]
    cost_nusd: int
    lines: tuple[Line, ...]
    notices: tuple[str, ...]
    settled: bool

    @property
    def good(self) -> int:
        """How many of its pictures are not bad."""
        return self.faults.count("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A call that brought no picture; ``cost_nusd`` is charged all the same where the vendor charged or may have."""

    reservation: Reservation
    error: ProviderError
    cost_nusd: int
    unconfirmed: bool
    settled: bool
    took_s: float


def as_attempt(ended: Bought | Failed) -> Attempt:
    """Tell a call to the caller."""
    if isinstance(ended, Bought):
        images, status, unconfirmed = len(ended.delivery.pictures), fault_reason(ended.faults) or DELIVERED, False
    else:
        images, status, unconfirmed = 0, str(ended.error), ended.unconfirmed
    return Attempt(
        reservation_id=ended.reservation.id,
        deployment=ended.reservation.deployment,
        quote=Money(ended.reservation.amount_nusd),
        cost=Money(ended.cost_nusd),
        images=images,
        status=status,
        unconfirmed=unconfirmed,
        settled=ended.settled,
    )


@dataclass(slots=True, kw_only=True)
class Attempter:
    """Makes one reserved call and resolves its reservation, whatever happens."""

    shop: Shop
    request: ImageRequest
    plan: Plan
    candidate: Candidate
    n: int
    quote: Quote
    reservation: Reservation
    slot: Slot
    end_at_s: float | None = None
    """A moment of the clock's ``elapsed_s`` that ends the call; without it, the deployment's own timeout does."""
    _started_s: float = field(default=0.0, init=False)

    def run(self) -> Bought | Failed:
        """Call the provider once; settle what is known, book as unconfirmed what is not.

        An interrupt (Ctrl-C, a killed thread) after the request was sent is an unknown outcome like a timeout: it is
        booked at its quote before the interrupt goes on.
        """
        self._started_s = self.shop.clock.elapsed_s()
        deployment = self.candidate.deployment
        too_late = self._too_late()
        if too_late is not None:
            self.shop.limiter.give_back(self.slot)
            return self._failed(too_late)
        try:
            call = self._image_call()
            delivery = self.shop.providers[deployment.provider].buy(call)
            faults = faults_of(delivery.pictures, call)
        except ProviderError as error:
            failed = self._failed(error)
            self._hear(ended_as(error, cut_short=self._timeout_s() < deployment.timeout_s), str(error))
            self.shop.limiter.hear(self.slot, error.told)
            return failed
        except BaseException as error:
            # A fault of an adapter ends here too: the money is booked, and the caller sees the fault as what it is.
            told = f"{deployment.name}: interrupted by {type(error).__name__}"
            self._failed(ProviderUnavailable(told, deployment=deployment.name))
            raise
        bought = self._delivered(delivery, faults)
        self._hear(Ended.WELL)
        self.shop.limiter.hear(self.slot, delivery.told)
        return bought

    def _too_late(self) -> ProviderError | None:
        name = self.candidate.deployment.name
        if self.shop.clock.now() >= self.reservation.expires_at:
            # This process stood still for long: a sweep may have ended the hold, and nothing is bought without one.
            told = f"{name}: not sent, since its hold ran out before"
            return ProviderUnavailable(told, deployment=name, charged=Charged.NO)
        if self.end_at_s is not None and self._started_s >= self.end_at_s:
            told = f"{name}: not sent, since the deadline was over before"
            return ProviderTimeout(told, deployment=name, charged=Charged.NO)
        return None

    def _timeout_s(self) -> float:
        timeout_s = self.candidate.deployment.timeout_s
        return timeout_s if self.end_at_s is None else min(timeout_s, self.end_at_s - self._started_s)

    def _hear(self, ended: Ended | None, why: str = "") -> None:
        """Let everybody know how the deployment is; tell when it is left alone from now on."""
        if ended is None:
            return
        name, now_s = self.candidate.deployment.name, self.shop.clock.elapsed_s()
        before = self.shop.cooling.health(name)
        health = self.shop.cooling.hear(name, ended, now_s, why)
        if health.coolings > before.coolings or (health.turned_away and not before.turned_away):
            self.shop.log.warning(
                "cooling_down",
                deployment=name,
                failures=health.failures,
                again_s=round(health.cool_until_s - now_s, 3),
                why=_printable(why),
            )

    def _image_call(self) -> ImageCall:
        request, candidate = self.request, self.candidate
        return ImageCall(
            deployment=candidate.deployment,
            prompt=request.prompt,
            operation=request.operation,
            size=candidate.size,
            quality=candidate.quality,
            n=self.n,
            timeout_s=self._timeout_s(),
            ends_in_s=math.inf if self.end_at_s is None else self.end_at_s - self._started_s,
            images=request.images,
            mask=request.mask,
            background=candidate.options.background,
            output_format=candidate.options.output_format,
            extras=candidate.options.extras,
            on_send=partial(self.shop.limiter.send, self.slot),
            on_partial=self._show,
        )

    def _show(self, picture: Picture) -> None:
        """Show a partial image; whatever that raises is the caller's, and the picture is still on its way."""
        try:
            if self.request.on_partial is not None:
                self.request.on_partial(picture)
        except Exception as error:  # noqa: BLE001 - the caller's own function may raise anything
            self.shop.log.warning("partial_not_shown", reservation=self.reservation.id, error=type(error).__name__)

    def _delivered(self, delivery: Delivery, faults: tuple[str, ...]) -> Bought:
        cost = self._cost(delivery.usage, len(delivery.pictures))
        bad, stands_in, slow = fault_reason(faults), self.plan.stands_in(self.candidate), self._slow()
        kept_as = cached_call(self.reservation, self.request, delivery, faults)
        resolution = Resolution(
            reservation_id=self.reservation.id,
            kind=EntryKind.SETTLE,
            at=self.shop.clock.now(),
            amount_nusd=cost.nusd,
            basis=cost.basis,
            images=len(delivery.pictures),
            usage=delivery.usage,
            reason="; ".join(filter(None, (stands_in, bad, cost.reason))),
            vendor_request_id=_printable(delivery.vendor_request_id or "")[:ID_CHARS_AT_MOST],
        )
        try:
            # Kept before it is settled: what another process finds settled it can have, and what is paid survives us.
            kept = self.shop.keep(kept_as, self.reservation.picture_key)
        finally:
            settled = self._resolve(resolution)
        if cost.nusd > self.reservation.amount_nusd:
            self.shop.log.warning(
                "overrun",
                reservation=self.reservation.id,
                quote_usd=usd_text(self.reservation.amount_nusd),
                cost_usd=usd_text(cost.nusd),
            )
        notices = [
            *delivery.notices,
            *filter(None, (bad and f"{bad}; it is paid for all the same", cost.reason, slow)),
        ]
        if not settled:
            notices.append(
                f"the ledger could not be written: ${usd_text(self.reservation.amount_nusd)} stays held for"
                f" {self.reservation.id} until it expires"
            )
        if self.shop.cache is not None and not kept:
            notices.append("the pictures could not be kept in the cache; a repeat will be bought again")
        if bad:
            self.shop.log.warning("bad_picture", reservation=self.reservation.id, faults=bad)
        self._log("bad_picture" if bad else "delivered", Charged.YES, cost.nusd)
        return Bought(
            reservation=self.reservation,
            delivery=delivery,
            faults=faults,
            cost_nusd=cost.nusd,
            lines=cost.lines,
            notices=tuple(notices),
            settled=settled,
        )

    def _failed(self, error: ProviderError) -> Failed:
        now = self.shop.clock.now()
        reason = _printable(f"{type(error).__name__}: {error}")
        known_as = _printable(error.vendor_request_id)[:ID_CHARS_AT_MOST]
        unconfirmed = error.charged is Charged.UNKNOWN
        if error.charged is Charged.NO:
            resolution = Resolution(
                reservation_id=self.reservation.id,
                kind=EntryKind.RELEASE,
                at=now,
                reason=reason,
                vendor_request_id=known_as,
            )
        else:
            usage = error.usage if isinstance(error.usage, Usage) and not unconfirmed else None
            cost = self._cost(usage, 0)
            resolution = Resolution(
                reservation_id=self.reservation.id,
                kind=EntryKind.SETTLE,
                at=now,
                amount_nusd=cost.nusd,
                basis=cost.basis,
                unconfirmed=unconfirmed,
                usage=usage,
                reason=reason,
                vendor_request_id=known_as,
            )
        settled = self._resolve(resolution)
        self._slow()
        self._log(type(error).__name__, error.charged, resolution.amount_nusd, error.status_code)
        return Failed(
            reservation=self.reservation,
            error=error,
            cost_nusd=resolution.amount_nusd,
            unconfirmed=unconfirmed,
            settled=settled,
            took_s=self.shop.clock.elapsed_s() - self._started_s,
        )

    def _cost(self, usage: Usage | None, pictures: int) -> Cost:
        deployment, candidate = self.candidate.deployment, self.candidate
        operation = self.request.operation.value
        by_variant = deployment.model.priced_by_variant
        return cost_of_call(
            self.quote,
            self.shop.settings.prices.card(deployment.name, self.plan.on),
            usage,
            n=self.n,
            pictures=pictures,
            variant=variant_of(operation, candidate.quality, candidate.size) if by_variant else "",
        )

    def _resolve(self, resolution: Resolution) -> bool:
        """Write the resolution; ``False`` where the ledger failed (then the hold stays and a sweep will find it)."""
        store = self.shop.store
        try:
            try:
                alerts = store.resolve(resolution)
            except AlreadyResolved:
                # A sweep took the hold for dead and charged it: what really happened corrects that.
                alerts = self._correct(resolution)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the picture was paid for and is delivered
            self.shop.log.warning("not_settled", reservation=self.reservation.id, error=str(error))
            return False
        self.shop.tell(alerts)
        return True

    def _correct(self, resolution: Resolution) -> tuple[Alert, ...]:
        history = self.shop.store.history(self.reservation.request_id)
        booked = (
            next(a for a in history.attempts if a.reserve.reservation_id == self.reservation.id) if history else None
        )
        if booked is None or booked.resolution is None or booked.resolution.kind is not EntryKind.EXPIRE:
            raise AlreadyResolved(f"reservation {self.reservation.id} was resolved by somebody else")
        if booked.adjustments and not booked.unconfirmed and not resolution.images:
            return ()  # no picture came, and what the vendor's bill has said since is the last word
        return self.shop.store.adjust(
            Adjustment(
                reservation_id=self.reservation.id,
                at=resolution.at,
                cost_nusd=resolution.amount_nusd,
                reason=f"answered after its hold expired; {resolution.reason}".rstrip("; "),
                confirmed=not resolution.unconfirmed,
                vendor_request_id=resolution.vendor_request_id,
            )
        )

    def _slow(self) -> str:
        """Tell of a call that took far longer than such calls do."""
        candidate, seconds = self.candidate, self.shop.clock.elapsed_s() - self._started_s
        model, size, quality = candidate.deployment.model, candidate.size, candidate.quality
        slow = why_slow(model, self.request, size=size, quality=quality, n=self.n, seconds=seconds)
        if slow is None:
            return ""
        told = {"seconds": round(slow.seconds, 1), "typical_s": round(slow.typical_s, 1), "causes": slow.causes}
        self.shop.log.warning("slow", reservation=self.reservation.id, deployment=candidate.deployment.name, **told)
        return str(slow)

    def _log(self, status: str, charged: Charged, cost_nusd: int, status_code: int | None = None) -> None:
        candidate = self.candidate
        self.shop.log.info(
            "attempt",
            request_id=self.reservation.request_id,
            reservation=self.reservation.id,
            importance=self.plan.importance,
            rule=self.plan.rule,
            deployment=candidate.deployment.name,
            model=candidate.deployment.model.name,
            size=str(candidate.size),
            quality=candidate.quality,
            n=self.n,
            prompt_hash=prompt_hash(self.request.prompt),
            latency_ms=round((self.shop.clock.elapsed_s() - self._started_s) * 1000, 3),
            status=status,
            status_code=status_code,
            charged=charged.value,
            quote_usd=usd_text(self.quote.price_nusd),
            cost_usd=usd_text(cost_nusd),
        )


def _printable(text: str) -> str:
    """Take from a vendor's words what no ledger can write: control characters, half characters."""
    return "".join(char if char.isprintable() else " " for char in text)
