"""Which deployments are left alone for a while: the health of each, as this process has seen it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from routing.core.health import WELL, Health, State
from routing.own_lock import OwnLock

if TYPE_CHECKING:
    from routing.core.health import Ended

LOOK_AGAIN_S = 1.0
"""How often to look whether a deployment may be asked again: it recovers with whoever's call succeeds first."""
PROBE_AT_MOST_S = 60.0
"""How long others wait for that: an interrupt can strike before it is known who tries, and a call can take long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a deployment may be asked now: not while there is a wait. A ``probe`` is the only one who may."""

    deployment: str
    wait_s: float = 0.0
    probe: bool = False


class CoolDowns:
    """The health of every deployment. Safe from any thread; a forked child begins with what its parent knew."""

    def __init__(self) -> None:
        """Begin with all of them well."""
        self._healths: dict[str, Health] = {}
        self._probes: dict[str, tuple[Admission, float]] = {}
        # Whoever of the parent's threads was trying a deployment out did not come along.
        self._lock = OwnLock(on_fork=self._probes.clear)

    def health(self, deployment: str) -> Health:
        """Tell how a deployment is."""
        return self._healths.get(deployment, WELL)

    def healths(self) -> dict[str, Health]:
        """List the deployments of which anything was heard."""
        with self._lock:
            return dict(self._healths)

    def admit(self, deployment: str, now_s: float) -> Admission:
        """Ask for one purchase. Whoever is admitted says ``leave`` in the end."""
        with self._lock:
            health = self.health(deployment)
            state = health.state(now_s)
            if state is State.COOLING:
                return Admission(deployment=deployment, wait_s=health.cool_until_s - now_s)
            if state is not State.PROBE_DUE:
                return Admission(deployment=deployment)
            _, since_s = self._probes.get(deployment, (None, -math.inf))
            if now_s - since_s < PROBE_AT_MOST_S:
                return Admission(deployment=deployment, wait_s=LOOK_AGAIN_S)
            probe = Admission(deployment=deployment, probe=True)
            self._probes[deployment] = probe, now_s
            return probe

    def leave(self, admission: Admission) -> None:
        """End what ``admit`` began; where a probe learnt nothing (its budget had no room), the next one tries."""
        if admission.probe:
            with self._lock:
                latest, _ = self._probes.get(admission.deployment, (None, 0.0))
                if latest is admission:  # else it took so long that another tries by now
                    del self._probes[admission.deployment]

    def hear(self, deployment: str, ended: Ended, at_s: float, why: str = "") -> Health:
        """Count how a call ended; return the health since."""
        with self._lock:
            health = self.health(deployment).after(ended, at_s, why)
            self._healths[deployment] = health
            return health
