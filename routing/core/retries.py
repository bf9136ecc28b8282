"""What may follow a call that brought no picture, and what it says of its deployment.

Nothing is sent again where nobody knows how it ended, unless the route takes that on; what the vendor says at once that
it failed, what it had no room for, and what never reached it may be tried again, each time on a hold of its own.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from routing.core.health import Ended
from routing.core.policy import OnUnknown
from routing.errors import (
    Charged,
    ContentRejected,
    ProviderOutOfMoney,
    ProviderRateLimited,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    from routing.errors import ProviderError

DEADLINE_S = 900.0
"""How long a request may wait for rate limits, or for another call, where nobody sets a deadline."""
QUICK_FAULTS = (500, 503)
QUICK_FAULT_S = 10.0
"""A server fault that is told within this time came, most likely, before any work."""
IN_DOUBT_AT_MOST = 3
"""After so many rounds of calls that failed and may have been charged, a request gives up."""
RISKED_AT_MOST = 12
"""The same where the route says ``unknown: retry``."""
UNSENT_AT_MOST = 3
"""How often one deployment is tried that cannot be reached."""


class Then(Enum):
    """What may be done next."""

    STOP = "nothing more"
    NEXT = "another candidate"
    AGAIN = "another candidate, and later this one again"


def then(error: ProviderError, took_s: float, on_unknown: OnUnknown) -> Then:
    """Tell what may follow a failure that came after ``took_s`` seconds.

    A refused content is refused everywhere. Where the vendor charged and sent nothing, the same call again would be
    paid again: that is for the route to say, as it is where nobody knows.
    """
    if isinstance(error, ContentRejected):
        return Then.STOP
    if error.charged is Charged.NO:
        return Then.AGAIN if error.retryable else Then.NEXT
    if on_unknown is OnUnknown.RETRY:
        return Then.AGAIN
    if error.charged is Charged.YES:
        return Then.NEXT
    return Then.AGAIN if error.status_code in QUICK_FAULTS and took_s <= QUICK_FAULT_S else Then.STOP


def in_doubt_at_most(on_unknown: OnUnknown) -> int:
    """Tell after how many rounds that may have been paid for nothing a request gives up."""
    return RISKED_AT_MOST if on_unknown is OnUnknown.RETRY else IN_DOUBT_AT_MOST


def ended_as(error: ProviderError, *, cut_short: bool) -> Ended | None:
    """Tell what a failure says of the deployment's health; ``None``: nothing.

    ``cut_short``: the call had less time than the deployment is given, so that its timeout says nothing. A vendor that
    refuses a request works; what our own side refused to send says nothing.
    """
    if isinstance(error, ProviderRateLimited) or (cut_short and isinstance(error, ProviderTimeout)):
        return None
    if isinstance(error, ProviderRejectedKey | ProviderOutOfMoney):
        return Ended.TURNED_AWAY
    if isinstance(error, ProviderUnavailable | ProviderTimeout):
        return Ended.FAILED
    ours = error.status_code is None and not isinstance(error, ContentRejected)
    return None if ours else Ended.WELL
