"""Looking at a prompt before anything is reserved: what is flagged is not bought, nor what nobody could look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from routing.core.backoff import backoff_s
from routing.core.fingerprint import prompt_hash
from routing.errors import (
    Charged,
    PromptRefused,
    ProviderError,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    from routing.core.clock import Clock
    from routing.core.plan import Plan
    from routing.core.policy import Policy
    from routing.logs import Log
    from routing.providers.base import Moderator, Verdict

LOOK_S = 10.0
"""How long one look may take; it usually takes a fraction of a second."""
LOOKS_AT_MOST = 3
DEADLINE_S = 40.0
"""For all looks at a prompt together, where the request has no deadline."""
WAIT_AT_MOST_S = 5.0
"""Who is told to wait longer is refused at once: nobody waits a minute to learn that nothing was bought."""
_DOUBT = re.compile(r"; whether it (?:was )?charged is unknown")
"""What errors say of a purchase; a look is free."""
REMEMBERED_AT_MOST = 10_000
"""Verdicts kept in this process, by the prompts' hashes."""


class Moderation:
    """Remembers what was said of each prompt, and asks again where an answer did not come. Safe from any thread."""

    def __init__(self, moderator: Moderator, clock: Clock, log: Log) -> None:
        """Begin with nothing remembered."""
        self._moderator = moderator
        self._clock = clock
        self._log = log
        self._known: dict[str, Verdict] = {}

    def verdict_of(self, prompt: str, deadline_s: float | None = None) -> Verdict:
        """Tell what moderation says of a prompt, within a time.

        Raises:
            ProviderRejectedKey: where the vendor refuses the key.
            ProviderUnavailable: where there is no verdict; ``charged`` is no.

        """
        name = prompt_hash(prompt)
        known = self._known.get(name)
        if known is not None:
            return known
        verdict = self._look(prompt, name, deadline_s or DEADLINE_S)
        if len(self._known) >= REMEMBERED_AT_MOST:
            self._known.clear()
        self._known[name] = verdict
        self._log.info("moderated", prompt_hash=name, flagged=verdict.flagged, categories=verdict.categories)
        return verdict

    def close(self) -> None:
        """Let go of connections."""
        self._moderator.close()

    def _look(self, prompt: str, name: str, within_s: float) -> Verdict:
        end_s = self._clock.elapsed_s() + within_s
        for looks in range(1, LOOKS_AT_MOST + 1):
            left_s = end_s - self._clock.elapsed_s()
            try:
                return self._moderator.look(prompt, min(LOOK_S, left_s))
            except ProviderRejectedKey:
                raise
            except ProviderError as error:
                wait_s = backoff_s(looks - 1, name)
                if isinstance(error, ProviderRateLimited) and error.retry_after_s is not None:
                    wait_s = error.retry_after_s
                too_late = self._clock.elapsed_s() + wait_s >= end_s
                if not error.retryable or looks == LOOKS_AT_MOST or wait_s > WAIT_AT_MOST_S or too_late:
                    raise _unseen(str(error), status_code=error.status_code, retryable=error.retryable) from error
                self._clock.sleep(wait_s)
        raise AssertionError("the last look returns or raises")


def check_prompt(moderation: Moderation | None, policy: Policy, plan: Plan, prompt: str) -> None:
    """Have a prompt looked at, where the policy says so for the importance of its plan.

    Raises:
        PromptRefused: where it is flagged.
        ProviderRejectedKey, ProviderUnavailable: where nobody could look at it; it is never let through unseen.

    """
    if plan.importance not in policy.moderate:
        return
    if moderation is None:
        raise _unseen("no provider does: name one with `moderation: {provider: ...}` in router.yaml")
    verdict = moderation.verdict_of(prompt, plan.deadline_s)
    if verdict.flagged:
        because = f"moderation found {', '.join(verdict.categories) or 'something that it does not name'}"
        message = f"refused by {policy.moderate_label}, {because}: change the wording; nothing was spent"
        raise PromptRefused(message, rule=policy.moderate_label, because=because)


def _unseen(why: str, *, status_code: int | None = None, retryable: bool = False) -> ProviderUnavailable:
    told = _DOUBT.sub("", why)
    return ProviderUnavailable(
        f"the policy has prompts like this looked at first, and that failed, so nothing was reserved or sent: {told}",
        status_code=status_code,
        retryable=retryable,
        charged=Charged.NO,
    )
