"""What a request has so far: pictures, failures, what both cost, and what to tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from routing.buying.attempt import Bought, Failed, as_attempt
from routing.buying.faults import fault_sentences, judged, without_surplus
from routing.core.money import Money
from routing.core.policy import OnBad
from routing.core.prices import Usage
from routing.errors import AllCandidatesFailed, RoutingError
from routing.results import Attempt, Result

if TYPE_CHECKING:
    from routing.cache.base import CachedCall
    from routing.core.entries import RequestRecord
    from routing.core.plan import Candidate, Plan
    from routing.core.request import ImageRequest


@dataclass(slots=True, kw_only=True)
class Basket:
    """Filled call by call; ``served_by`` is who delivered, or the cache in its stead.

    ``degraded`` names the deployment that stands in for the route's own.
    """

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
    degraded: str | None = None

    @property
    def served(self) -> bool:
        """Tell whether any picture is there."""
        return bool(self.bought or self.cached)

    @property
    def missing(self) -> int:
        """How many pictures are still wanted; where the route buys others for bad ones, those do not count."""
        retries = self.plan.route.bad is OnBad.RETRY
        have = sum(bought.good if retries else len(bought.faults) for bought in self.bought)
        return max(0, self.request.n - have - sum(len(call.pictures) for call in self.cached.values()))

    @property
    def bad(self) -> int:
        """How many bad pictures were bought."""
        return sum(len(bought.faults) - bought.good for bought in self.bought)

    @property
    def charged_nusd(self) -> int:
        """What all of it is charged."""
        return sum(bought.cost_nusd for bought in self.bought) + sum(failed.cost_nusd for failed in self.failed)

    @property
    def attempts_made(self) -> int:
        """How many attempts the ledger knows of this request."""
        return self.attempts_before + len(self.bought) + len(self.failed)

    def take(self, outcome: Bought | Failed) -> None:
        """Put in how a call ended."""
        if isinstance(outcome, Bought):
            self.bought.append(outcome)
        else:
            self.failed.append(outcome)

    def result(self, refusal: RoutingError | None) -> Result:
        """Hand over what is there; ``refusal`` is what kept the request from more.

        Raises:
            RoutingError: where no picture is there: what went wrong.

        """
        found = [each for call in self.cached.values() for each in judged(call)]
        found += [each for one in self.bought for each in zip(one.delivery.pictures, one.faults, strict=True)]
        found = without_surplus(found, self.request.n)
        pictures = [picture for picture, _ in found]
        if not pictures or self.served_by is None:
            raise self.error(refusal)
        if len(pictures) < self.request.n:
            why = self.failed[-1].error if self.failed else refusal
            self.notices.append(f"{len(pictures)} of {self.request.n} pictures: {why or 'the vendor sent fewer'}")
        deliveries = [bought.delivery for bought in self.bought]
        usages = [delivery.usage for delivery in deliveries if delivery.usage]
        served = self.served_by
        first = deliveries[0] if deliveries else next(iter(self.cached.values()))
        self.notices += [notice for notice in served.options.notices if notice not in self.notices]
        return Result(
            images=tuple(pictures),
            request=replace(self.request, request_id=self.record.request_id, importance=self.plan.importance),
            request_id=self.record.request_id,
            importance=self.plan.importance,
            deployment=served.deployment.name,
            model=served.deployment.model.name,
            size=pictures[0].size,
            quality=served.quality,
            cost=Money(self.charged_nusd),
            quote=Money(served.quote.price_nusd),
            unconfirmed=Money(sum(f.cost_nusd for f in self.failed if f.unconfirmed)),
            cached=not self.bought,
            settled=all(bought.settled for bought in self.bought),
            saved=Money(self.saved_nusd),
            usage=sum(usages, Usage()) if usages else None,
            lines=tuple(line for bought in self.bought for line in bought.lines),
            revised_prompt=first.revised_prompt,
            seed=first.seed,
            faults=fault_sentences([fault for _, fault in found]),
            degraded=self.degraded,
            notices=tuple(dict.fromkeys((*self.notices, *(note for one in self.bought for note in one.notices)))),
            attempts=self.attempts(),
            plan=self.plan,
        )

    def attempts(self) -> tuple[Attempt, ...]:
        """Tell every call and what became of it, in order."""
        ended: list[Bought | Failed] = [*self.bought, *self.failed]
        ended.sort(key=lambda one: int(one.reservation.id.rpartition("/")[2]))
        return tuple(as_attempt(one) for one in ended)

    def error(self, refusal: RoutingError | None) -> RoutingError:
        """Say why no picture is there."""
        errors = [failed.error for failed in self.failed]
        if not errors:
            return refusal or RoutingError("the plan has no candidate")
        if len(errors) == 1:
            return errors[0]
        return AllCandidatesFailed(errors)
