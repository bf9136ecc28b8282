"""One request from plan to pictures: candidate by candidate, and again where that is safe, until all are there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from routing.buying.calls import Caller
from routing.buying.cooling import LOOK_AGAIN_S
from routing.buying.degrade import buy_instead, may_degrade, shown_instead
from routing.core.backoff import backoff_s
from routing.core.budgets import OnBudget
from routing.core.policy import OnBad
from routing.core.retries import DEADLINE_S, UNSENT_AT_MOST, Then, in_doubt_at_most, then
from routing.errors import (
    BudgetExceeded,
    Charged,
    LedgerUnavailable,
    PriceCapExceeded,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    RequestIdReused,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.buying.attempt import Failed
    from routing.buying.basket import Basket
    from routing.buying.cooling import Admission
    from routing.buying.shop import Shop
    from routing.core.plan import Candidate
    from routing.errors import LedgerError, RoutingError
    from routing.results import Result

WAITS_AT_MOST = 3
"""How often one candidate's rate limit is waited for while there are others."""
PATIENCE_S = 15.0
"""How long a request without a deadline waits for a deployment to recover: nobody can tell whether that takes days.

Calls do not count.
"""
BAD_ROUNDS_AT_MOST = 2
"""A bad picture is bought again once: where the second is bad too, it is likely the prompt."""
LEAST_LEFT_S = 1.0
"""With less time than this nothing is sent any more: it would be paid for and cut off.

Of a deadline below two seconds it is the half.
"""


@dataclass(slots=True, kw_only=True)
class Buyer:
    """One request while it is being bought; ``began_s`` is when its deadline began to count, by ``elapsed_s``.

    ``_doubts`` are the rounds of calls that may have been paid for nothing, ``_bad_rounds`` those that brought bad
    pictures where the route buys others for them. ``_unsent`` counts by deployment those that never reached it.
    ``_over``: nothing may be bought any more; ``_refused``: a budget says so.
    """

    shop: Shop
    basket: Basket
    began_s: float
    _waited_s: float = field(default=0.0, init=False)
    _refusal: RoutingError | None = field(default=None, init=False)
    _turned_away: tuple[Candidate, BudgetExceeded] | None = field(default=None, init=False)
    _ceiling_nusd: int | None = field(default=None, init=False)
    _doubts: int = field(default=0, init=False)
    _bad_rounds: int = field(default=0, init=False)
    _unsent: Counter[str] = field(default_factory=Counter, init=False)
    _over: bool = field(default=False, init=False)
    _refused: bool = field(default=False, init=False)

    def buy(self) -> Result:
        """Walk the plan until every picture is there, or until going on would be wrong.

        Candidates are tried in turn, those that cool down left out; then again those that may be, after a wait.

        Raises:
            BudgetExceeded: where no candidate fits into the budgets; nothing was spent.
            PriceCapExceeded: where what is left under ``max_price`` does not cover another attempt.
            ProviderError: where the pictures could not be had; ``charged`` says what that cost.
            ProviderRateLimited: also where no rate limit has room before the deadline; then nothing was sent.
            LedgerUnavailable: where the ledger is away, or the router was closed, before anything was sent.
            RequestIdReused: where another process has made the next attempt of the same request meanwhile.

        """
        basket = self.basket
        candidates: Sequence[Candidate] = basket.plan.candidates
        tries = 0
        while candidates:
            candidates, tried = self._walk(candidates, alone=len(candidates) == 1)
            if not candidates or not self._wait(backoff_s(tries, basket.record.request_id) if tried else LOOK_AGAIN_S):
                break
            tries += tried
        if self._degrades():
            buy_instead(self.shop, basket, self._buy_instead)
        if self._turned_away:
            wanted, why = self._turned_away
            served_by = basket.served_by.deployment.name if basket.served_by else None
            self.shop.tell_action(self._caller(wanted).purchase(), why, served_by)
        shown = shown_instead(self.shop, basket, basket.error(self._refusal)) if self._degrades() else None
        return shown or basket.result(self._refusal)

    def _degrades(self) -> bool:
        if self.basket.served or self.shop.clock.closed:
            return False
        return may_degrade(self.basket.plan, self.basket.error(self._refusal))

    def _buy_instead(self, candidate: Candidate) -> None:
        """Try a stand-in once, whatever budgets said of others before, and however often others failed."""
        self._refused, self._ceiling_nusd, self._doubts = False, None, 0
        self._walk([candidate], alone=False)

    def _walk(self, candidates: Sequence[Candidate], *, alone: bool) -> tuple[list[Candidate], bool]:
        """Try each once; return those that may be tried again, and whether any was tried: the others are left alone."""
        again: list[Candidate] = []
        tried = False
        for candidate in candidates:
            if self._done or self._too_late():
                return [], tried
            if self._ceiling_nusd is not None and candidate.quote.price_nusd >= self._ceiling_nusd:
                continue
            admission = self.shop.cooling.admit(candidate.deployment.name, self.shop.clock.elapsed_s())
            try:
                if admission.wait_s:
                    may_follow = self._set_aside(candidate, admission)
                else:
                    tried, may_follow = True, self._try(candidate, alone=alone)
                if may_follow:
                    again.append(candidate)
            finally:
                self.shop.cooling.leave(admission)
        return [] if self._done else again, tried

    @property
    def _done(self) -> bool:
        """Tell whether all is there, or nothing more may be bought."""
        doubtful = self._doubts >= in_doubt_at_most(self.basket.plan.route.unknown)
        return not self.basket.missing or self._over or self._refused or doubtful

    def _try(self, candidate: Candidate, *, alone: bool) -> bool:
        """Buy from a candidate; tell whether it may be tried again."""
        bad_before = self.basket.bad
        try:
            failed = self._buy_from(candidate, alone=alone)
        except (BudgetExceeded, PriceCapExceeded, ProviderRateLimited, ProviderTimeout) as no:
            self._refusal = self._refusal or no
            if isinstance(no, BudgetExceeded):
                self._turned_away = self._turned_away or (candidate, no)
                self._refused = self._refused or self._on_budget(no) is OnBudget.REFUSE
                self._ceiling_nusd = candidate.quote.price_nusd
            self.basket.notices.append(f"not {candidate.deployment.name}: {no}")
            return False
        except (LedgerUnavailable, RequestIdReused) as away:
            if not self.basket.bought and not self.shop.clock.closed:
                raise
            # What is there was paid for: it is handed over, and nothing more is bought without a ledger.
            self._end(away)
            return False
        finally:
            bad = self.basket.plan.route.bad is OnBad.RETRY and self.basket.bad > bad_before
            self._bad_rounds += bad
            self._over = self._over or self._bad_rounds >= BAD_ROUNDS_AT_MOST
        return (bad and not failed) or self._may_follow(candidate, failed)

    def _buy_from(self, candidate: Candidate, *, alone: bool) -> list[Failed]:
        """Buy in rounds of what a minute has room for; return what failed in the last one.

        A vendor's "too many" makes everybody wait, this buyer too: as often as it takes where there is nobody else.
        """
        caller = self._caller(candidate)
        bad_before, waits = self.basket.bad, 0
        while True:
            before = len(self.basket.failed)
            wanted = self._wanted(bad_before)
            n = min(wanted, caller.at_once() or wanted)
            rest = wanted - n
            slot = caller.call(n)
            failed = self.basket.failed[before:]
            limited = [each.error for each in failed if isinstance(each.error, ProviderRateLimited)]
            if limited and slot:
                told = [error.retry_after_s for error in limited if error.retry_after_s is not None]
                if not told or waits >= WAITS_AT_MOST:  # a vendor that says "at once" for ever is not believed for ever
                    told.append(backoff_s(waits, self.basket.record.request_id))
                self.shop.limiter.hear(slot, (), wait_s=max(told))
                waits += 1
            if not (limited or rest) or not self._wanted(bad_before) or self._too_late():
                return failed
            if len(limited) < len(failed) or (waits > WAITS_AT_MOST and not alone):
                return failed

    def _wanted(self, bad_before: int) -> int:
        """How many pictures one candidate is still to bring: others for its bad ones are bought in the next walk."""
        bad = self.basket.bad - bad_before if self.basket.plan.route.bad is OnBad.RETRY else 0
        return max(0, self.basket.missing - bad)

    def _may_follow(self, candidate: Candidate, failed: Sequence[Failed]) -> bool:
        """Draw the conclusion of a round: whether all is over, and whether this candidate may be tried again."""
        if not failed:
            return False  # it sent fewer than asked: the rest is for the next one
        on_unknown = self.basket.plan.route.unknown
        verdicts = {then(each.error, each.took_s, on_unknown) for each in failed}
        self._doubts += any(each.error.charged is not Charged.NO for each in failed)
        name = candidate.deployment.name
        limited = any(isinstance(each.error, ProviderRateLimited) for each in failed)
        self._unsent[name] += not limited and any(each.error.charged is Charged.NO for each in failed)
        self._over = self._over or Then.STOP in verdicts
        return Then.NEXT not in verdicts and self._unsent[name] < UNSENT_AT_MOST

    @property
    def _end_at_s(self) -> float | None:
        """The moment of ``elapsed_s`` that ends calls too; ``None`` without a deadline."""
        deadline_s = self.basket.plan.deadline_s
        return None if deadline_s is None else self.began_s + deadline_s

    @property
    def _wait_until_s(self) -> float:
        """The moment until which there may be waited for anything, so that a call still has time."""
        deadline_s = self.basket.plan.deadline_s
        if deadline_s is None:
            return self.began_s + DEADLINE_S
        return self.began_s + deadline_s - min(LEAST_LEFT_S, deadline_s / 2)

    def _too_late(self) -> bool:
        """Tell whether the deadline leaves no time for another attempt."""
        if self._end_at_s is None or self.shop.clock.elapsed_s() <= self._wait_until_s:
            return False
        self._refusal = self._refusal or ProviderTimeout(
            "not sent, since the deadline was nearly over before", retryable=True, charged=Charged.NO
        )
        return True

    def _wait(self, wait_s: float) -> bool:
        """Wait before the plan is walked again; ``False`` where that would be too long."""
        clock = self.shop.clock
        patient = self._end_at_s is not None or self._waited_s + wait_s < PATIENCE_S
        if not patient or clock.elapsed_s() + wait_s > self._wait_until_s:
            return False
        try:
            clock.sleep(wait_s)
        except LedgerUnavailable as closed:
            self._end(closed)
            return False
        self._waited_s += wait_s
        return True

    def _end(self, why: LedgerError) -> None:
        """Buy nothing more: the ledger does not let us, or the router was closed; what failed before is told first."""
        self._refusal, self._over = why, True
        self.basket.notices.append(f"nothing more was bought: {why}")
        if self.basket.failed:
            self.basket.failed[-1].error.add_note(f"it was not tried again: {why}")

    def _set_aside(self, candidate: Candidate, admission: Admission) -> bool:
        """Note that a candidate is left alone; tell whether it may recover by itself."""
        name = candidate.deployment.name
        health = self.shop.cooling.health(name)
        told = (
            f"{name}: nothing was sent, it is left alone for another {admission.wait_s:.0f} s after"
            f" {health.failures} failures in a row (the last: {health.why})"
        )
        self._refusal = self._refusal or ProviderUnavailable(
            told, deployment=name, retryable=not health.turned_away, charged=Charged.NO
        )
        if not any(note.startswith(f"not {name}: nothing was sent") for note in self.basket.notices):
            self.basket.notices.append(f"not {told}")
        return not health.turned_away

    def _caller(self, candidate: Candidate) -> Caller:
        return Caller(
            shop=self.shop,
            basket=self.basket,
            candidate=candidate,
            wait_until_s=self._wait_until_s,
            end_at_s=self._end_at_s,
        )

    def _on_budget(self, refusal: BudgetExceeded) -> OnBudget:
        budget = next((b for b in self.shop.settings.budgets if b.name == refusal.budget), None)
        return self.basket.plan.route.on_budget or (budget and budget.on_budget) or self.shop.settings.policy.on_budget
