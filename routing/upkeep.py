"""What a router does beside its calls: end holds of dead processes, watch budgets, deliver alerts, fold entries."""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from routing.core.watch import forecast_alert, unconfirmed_alerts
from routing.logs import SteadyLog
from routing.reading.statuses import read_statuses
from routing.telling import Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from routing.alerts.base import Subscription
    from routing.core.alerts import Alert
    from routing.core.clock import Clock
    from routing.core.policy import Settings
    from routing.ledger.base import Store
    from routing.logs import Log
    from routing.telling import Told

T = TypeVar("T")

LOOK_EVERY_S = 60.0
RETRY_S = 30.0
"""How soon the worker comes back where a channel did not take an alert."""
CLOSE_WITHIN_S = 5.0
"""How long ``close`` waits for the last alerts; what is not told by then stays in the ledger."""
FOLD_AT_LEAST = 1_000
"""How many entries have to wait until they are folded into the sums that reports read; fewer are read one by one."""
FOLD_AT_MOST = 20_000
"""How many the ledger folds in one step. Only after a whole one the next follows at once; else who writes all the time
would be folded for all the time, few by few."""
REMEMBERED = 10_000
"""Names of alerts that were written, so that what goes on for hours is not written again with every call."""


class Upkeep:
    """The one background worker of a router; ``begin`` starts it with the first purchase.

    Without ``background`` the same is done by the callers themselves, in passing: what is due when a purchase begins,
    and alerts at once. That is for tests, which hold the clock still.
    """

    def __init__(  # noqa: PLR0913 - the ports it works with, by name
        self,
        *,
        settings: Settings,
        store: Store,
        subscriptions: Sequence[Subscription],
        clock: Clock,
        log: Log,
        background: bool,
    ) -> None:
        """Take the ports; nothing is started yet."""
        self._settings = settings
        self._store = store
        self._teller = Teller(store, subscriptions, SteadyLog(log), apart=background)
        self._clock = clock
        self._log = SteadyLog(log)
        self._background = background
        self._looked_at_s = float("-inf")
        self._looking = threading.Lock()
        self._unwritten: deque[Alert] = deque()
        self._written: set[str] = set()
        # By process: a fork copies no threads, so a child that buys needs a worker of its own.
        self._workers: dict[int, _Worker] = {}

    # What the router says ---------------------------------------------------------------------------------------

    def begin(self, settings: Settings) -> None:
        """Say that a purchase begins, and by which settings; never waits for the worker."""
        self._settings = settings
        if not self._background:
            self._look_in_passing()
        elif os.getpid() not in self._workers:
            self._start()

    def tell(self) -> None:
        """Say that there are alerts in the ledger that nobody was told of yet."""
        if not self._background:
            self._try("deliver", self.deliver)
        elif worker := self._workers.get(os.getpid()):
            worker.wake.put(None)

    def note(self, alert: Alert) -> None:
        """Hand over an alert that is not in the ledger yet; one that was noted before costs nothing."""
        if alert.name not in self._written:
            self._remember(alert)
            self._unwritten.append(alert)
            self.tell()

    def close(self) -> None:
        """Tell what there is to tell and end the worker, within 5 s; the rest stays in the ledger for the next one."""
        worker = self._workers.get(os.getpid())
        if worker is None:
            return
        worker.ending = True
        worker.wake.put(None)
        if worker.thread is not threading.current_thread():
            worker.thread.join(CLOSE_WITHIN_S)
            if worker.thread.is_alive():
                self._log.warning("upkeep_cut_short", after_s=CLOSE_WITHIN_S)

    # The steps --------------------------------------------------------------------------------------------------

    def sweep(self, now: datetime) -> None:
        """Resolve holds whose process died.

        Raises:
            LedgerError: where the ledger cannot be written.

        """
        for resolution in self._store.sweep(now, release=self._settings.release_expired):
            self._log.warning("hold_expired", reservation=resolution.reservation_id, reason=resolution.reason)

    def watch(self, now: datetime) -> None:
        """Look for what no single purchase shows: a limit that will be passed, and money in doubt.

        Raises:
            LedgerError: where the ledger cannot be read.

        """
        doubtful = (
            (each.reserve.deployment, each.resolution.at, each.cost_nusd)
            for each in self._store.unconfirmed()
            if each.resolution
        )
        for alert in (*self._forecasts(now), *unconfirmed_alerts(doubtful, now)):
            if alert.name not in self._written:
                self._remember(alert)
                self._unwritten.append(alert)

    def deliver(self, now: datetime) -> tuple[Told, ...]:
        """Write what was noted, then tell every channel what it has not taken yet.

        Raises:
            LedgerError: where the ledger cannot be read or written; nothing is lost by that.

        """
        unwritten = [self._unwritten.popleft() for _ in range(len(self._unwritten))]
        try:
            if unwritten:
                self._store.record_alerts(unwritten)
        except BaseException:
            self._unwritten.extend(unwritten)
            raise
        return self._teller.deliver(now)

    def roll_up(self, _now: datetime) -> bool:
        """Fold one step of entries into the sums that reports read, where many wait; tell whether more may wait.

        Raises:
            LedgerError: where the ledger cannot be read or written.

        """
        return self._store.roll_up(FOLD_AT_LEAST) >= FOLD_AT_MOST

    def _forecasts(self, now: datetime) -> list[Alert]:
        asked = {budget.name: budget for budget in self._settings.budgets if budget.forecast}
        if not asked:
            return []
        found = read_statuses(replace(self._settings, budgets=tuple(asked.values())), self._store, now)
        told = (forecast_alert(status, asked[status.budget].window, now) for status in found)
        return [alert for alert in told if alert is not None]

    # Inside -----------------------------------------------------------------------------------------------------

    def _remember(self, alert: Alert) -> None:
        if len(self._written) >= REMEMBERED:
            self._written.clear()  # the ledger still knows them: they are written once all the same
        self._written.add(alert.name)

    def _start(self) -> None:
        worker = _Worker(self._work)
        # One step without a lock: two purchases at once keep one worker, and a fork finds nothing half done.
        if self._workers.setdefault(os.getpid(), worker) is not worker:
            return
        try:
            worker.thread.start()
        except RuntimeError as error:
            # No thread to be had: the purchase goes on, and the next one tries again.
            self._workers.pop(os.getpid(), None)
            self._log.warning("upkeep_not_started", error=str(error))

    def _work(self, worker: _Worker) -> None:
        while True:
            last = worker.ending
            failed = self._turn()
            if last:
                return
            behind = self._try("roll_up", self.roll_up)
            worker.wait(0 if behind else RETRY_S if failed else LOOK_EVERY_S)

    def _turn(self) -> bool:
        """Do what is due; tell whether a channel or the ledger has to be tried again soon."""
        if self._is_due():
            self._try("sweep", self.sweep)
            self._try("watch", self.watch)
        told = self._try("deliver", self.deliver)
        return told is None or any(each.error for each in told)

    def _is_due(self) -> bool:
        now_s = self._clock.elapsed_s()
        if now_s - self._looked_at_s < LOOK_EVERY_S:
            return False
        self._looked_at_s = now_s
        return True

    def _look_in_passing(self) -> None:
        if self._looking.acquire(blocking=False):
            try:
                if self._is_due():
                    self._try("sweep", self.sweep)
                    self._try("watch", self.watch)
                    self._try("deliver", self.deliver)
                    self._try("roll_up", self.roll_up)
            finally:
                self._looking.release()

    def _try(self, step: str, work: Callable[[datetime], T]) -> T | None:
        """Do one step; what it raises is told to the log, and the next step is done all the same."""
        try:
            return work(self._clock.now())
        except Exception as error:  # noqa: BLE001 - upkeep must neither stop a purchase nor end the worker
            self._log.warning("upkeep_failed", step=step, error=f"{type(error).__name__}: {error}")
            return None


class _Worker:
    """The worker of one process: its thread, and what wakes it."""

    def __init__(self, work: Callable[[_Worker], None]) -> None:
        self.ending = False
        # Safe to put into from a signal's handler, which an event is not.
        self.wake: SimpleQueue[None] = SimpleQueue()
        self.thread = threading.Thread(target=work, args=(self,), name="routing-upkeep", daemon=True)

    def wait(self, seconds: float) -> None:
        """Wait until somebody wakes it or the time is over; many calls are answered by one waking."""
        try:
            self.wake.get(timeout=seconds)
            while True:
                self.wake.get_nowait()
        except Empty:
            return
