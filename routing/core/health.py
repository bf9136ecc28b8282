"""The health of a deployment by how its calls ended: after failures in a row it is left alone for a while.

Then a single call tries whether it works again; until that has ended, nobody else does. Pure: seconds are those of
whatever clock the caller reads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

FAILURES_IN_A_ROW = 5
FAILING_FOR_S = 10.0
FAILURES_AT_ONCE = 20
"""A deployment cools down after five failures in a row that took ten seconds or longer, or after twenty.

Where hundreds of calls are under way, five in a row are soon there by chance: at a vendor that fails every other call
they come every second, twenty once in a million calls.
"""
COOL_FIRST_S = 2.0
COOL_AT_MOST_S = 30.0
"""How long it does: twice as long after every probe that failed, up to half a minute."""
TURNED_AWAY_S = 600.0
"""How long where it takes a person to mend: a key that is refused, an account without money."""


class Ended(StrEnum):
    """How a call ended, as far as that tells of the deployment's health."""

    WELL = "well"
    FAILED = "failed"
    TURNED_AWAY = "turned_away"


class State(StrEnum):
    """What the health of a deployment means for the next call."""

    WELL = "well"
    FAILING = "failing"
    COOLING = "cooling"
    PROBE_DUE = "probe_due"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Failures since the last success and from when on, how often it has cooled down since, and until when it does.

    ``why`` is what the last failure said; ``turned_away``: it takes a person to mend that.
    """

    failures: int = 0
    since_s: float = 0.0
    coolings: int = 0
    cool_until_s: float = 0.0
    turned_away: bool = False
    why: str = ""

    def state(self, now_s: float) -> State:
        """Tell what holds at a time."""
        if self.coolings:
            return State.COOLING if now_s < self.cool_until_s else State.PROBE_DUE
        return State.FAILING if self.failures else State.WELL

    def after(self, ended: Ended, at_s: float, why: str = "") -> Health:
        """Count a call that ended at a time.

        What fails while it cools down was sent before: that is no news. What succeeds then is.
        """
        if ended is Ended.WELL:
            return WELL
        failures, since_s = self.failures + 1, self.since_s if self.failures else at_s
        if ended is Ended.TURNED_AWAY:
            return replace(
                self,
                failures=failures,
                since_s=since_s,
                coolings=max(1, self.coolings),
                cool_until_s=at_s + TURNED_AWAY_S,
                turned_away=True,
                why=why,
            )
        if self.state(at_s) is State.COOLING:
            return self
        counted = Health(failures=failures, since_s=since_s, coolings=self.coolings, why=why)
        lasting = failures >= FAILURES_IN_A_ROW and at_s - since_s >= FAILING_FOR_S
        if not (lasting or failures >= FAILURES_AT_ONCE or self.coolings):
            return counted
        cool_s = min(COOL_AT_MOST_S, COOL_FIRST_S * 2**self.coolings)
        return replace(counted, coolings=self.coolings + 1, cool_until_s=at_s + cool_s)


WELL = Health()
