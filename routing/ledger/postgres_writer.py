"""The one connection of a process that writes, and the thread that writes everything the process has waiting at once.

Two trips to the server make a batch, however many calls are in it: begin, take the turn, read; then write and commit.
A thread of its own does that, because an interrupt (Ctrl-C) strikes a caller's thread and must not tear a batch apart.

The answer to a COMMIT can be lost with the connection. Every batch therefore leaves its number in ``writers``, and
after reconnecting that number tells whether the batch was written. Only a batch that was not is run again.

An operation that is too rare to have its rows read beforehand runs alone, on a cursor of the server, as a batch of one.
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar, cast

import psycopg
from psycopg import errors, pq

from routing.errors import LedgerUnavailable
from routing.ledger.postgres_connection import BATCH, WRITE_S, SharedCursor, translated
from routing.ledger.postgres_desk import Desk, reads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from routing.ledger.handle import Handle
    from routing.ledger.postgres_connection import Connection, Place
    from routing.ledger.postgres_desk import Reach, Record

    Outcomes = list[tuple[object, Exception | None]]

T = TypeVar("T")

JOBS_AT_MOST = 500
LINGER_S = 0.002
PATIENCE_S = 1.0
PAUSE_S = 0.1
"""Between two tries to reach a server that is gone."""

_OPEN = (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

_OF_ONE_JOB = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, ValueError, TypeError)
"""Errors that lie in what one operation asked to write; the others of its batch must not suffer for it."""


class _Job:
    """One caller's operation and, once its batch has ended, its outcome."""

    __slots__ = ("error", "gate", "operation", "reach", "value", "withdrawn")

    def __init__(self, operation: Callable[..., object], reach: Reach | None) -> None:
        self.operation = operation
        self.reach = reach
        self.value: object = None
        self.error: Exception | None = None
        self.withdrawn = False
        self.gate = threading.Lock()
        self.gate.acquire()

    def end(self, value: object, error: Exception | None) -> None:
        self.value, self.error = value, error
        self.gate.release()

    def outcome(self) -> object:
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None  # an error and the frames it came through would keep each other alive
        return self.value


class Writer:
    """Runs operations as durable transactions, from any thread, in turn with other processes and machines."""

    def __init__(self, connection: Connection, place: Place, handle: Handle, wait_s: float) -> None:
        """``wait_s`` is how long a batch tries to reach a server that is gone."""
        self._connection: Connection | None = connection
        self._place = place
        self._handle = handle
        self._wait_s = wait_s
        self._name = uuid.uuid4().hex
        self._batch = 0
        self._doubtful: tuple[int, Outcomes] | None = None
        self._line: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        self._served = 0
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    def run(self, operation: Callable[[Desk], T], reach: Reach) -> T:
        """Run an operation on the rows it reaches; return when it is committed, or raise what it raised.

        Raises:
            LedgerUnavailable: where nothing of it was written, or the server was gone for so long that nobody knows.

        """
        return cast("T", self._outcome_of(_Job(operation, reach)))

    def run_alone(self, operation: Callable[[SharedCursor], T]) -> T:
        """Run an operation in a transaction of its own, on a cursor of the server, while all other writers wait.

        Every statement is a trip to the server. Where the connection is cut before the commit, it is run again.

        Raises:
            LedgerUnavailable: as for ``run``.

        """
        return cast("T", self._outcome_of(_Job(operation, None)))

    def close(self) -> None:
        """Close the connection once everything that waits is written."""
        if self._handle.inherited:
            return  # what was inherited belongs to the parent
        self._handle.closed = True
        self._line.put(None)
        self._thread.join()

    def _outcome_of(self, job: _Job) -> object:
        self._handle.check()
        try:
            self._line.put(job)
            self._await(job)
        except BaseException:
            job.withdrawn = True
            raise
        return job.outcome()

    def _await(self, job: _Job) -> None:
        while not job.gate.acquire(timeout=PATIENCE_S):
            if not self._thread.is_alive():
                raise LedgerUnavailable(f"the ledger {self._handle.name} was closed")

    # --- In the thread ----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing:
            jobs = self._gather(wait=True)
            for batch in _batches(jobs):
                self._write(batch)
        if self._connection is not None:
            self._connection.close()
        for late in self._gather(wait=False):
            late.end(None, LedgerUnavailable(f"the ledger {self._handle.name} was closed"))

    def _gather(self, *, wait: bool) -> list[_Job]:
        """Take what stands in the line; ``None`` in it says that there will be no more.

        Those who were served last time are likely to come again at once: so many are waited for, for a moment, beside
        those who stand there already. Else callers that came apart once would stay in two halves, each with a turn of
        its own, and get half of what another process gets.
        """
        jobs: list[_Job] = []
        until = None
        likely = self._served + self._line.qsize()
        with suppress(Empty):
            while len(jobs) < JOBS_AT_MOST:
                linger_s = until - time.monotonic() if until and len(jobs) < likely else 0
                job = self._line.get(wait and (not jobs or linger_s > 0), linger_s if jobs else None)
                if job is None:
                    self._closing = True
                    break
                if not job.withdrawn:
                    jobs.append(job)
                until = until or time.monotonic() + LINGER_S
        self._served = len(jobs)
        return jobs

    def _write(self, jobs: list[_Job]) -> None:
        """End every job, one way or the other: someone waits for each."""
        try:
            outcomes = self._outcomes(jobs)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to those who wait
            if len(jobs) > 1 and isinstance(error, _OF_ONE_JOB):
                for job in jobs:
                    self._write([job])
                return
            if self._connection is None:  # whoever came meanwhile would only find the same, one wait later
                jobs = [*jobs, *self._gather(wait=False)]
            outcomes = [(None, self._told(error)) for _ in jobs]
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.end(*outcome)

    def _told(self, error: Exception) -> LedgerUnavailable:
        told = error if isinstance(error, LedgerUnavailable) else self._place.unavailable(error)
        copy = LedgerUnavailable(str(told))  # each caller raises its own
        copy.__cause__ = error
        return copy

    def _outcomes(self, jobs: list[_Job]) -> Outcomes:
        """Run a batch until it is known what became of it, or until patience ends.

        Only who finds the server gone waits for it; as long as it stays away, those who come later are told at once.
        """
        until = time.monotonic() + (self._wait_s if self._connection is not None else 0)
        self._doubtful = None
        while True:
            gone = self._connection is None
            try:
                return self._transact(jobs)
            except BaseException as error:
                cut = self._reset(error)
                if not (cut or self._doubtful is not None or _may_pass(error)):
                    raise
                if time.monotonic() >= until:
                    raise self._lost(error) from error
                time.sleep(PAUSE_S if gone else 0)

    def _reset(self, error: BaseException) -> bool:
        """Leave the transaction that failed; tell whether the connection is gone."""
        if self._connection is None:
            return True
        cut = False
        try:
            self._connection.execute("ROLLBACK")
        except psycopg.Error:
            cut = True
        if cut or isinstance(error, errors.ReadOnlySqlTransaction):  # the next connection may find the primary
            self._connection.close()
            self._connection = None
        return cut

    def _lost(self, error: BaseException) -> LedgerUnavailable:
        told = str(self._place.unavailable(error)) if isinstance(error, Exception) else str(error)
        if self._doubtful is not None:
            told += "; whether the last batch was written is not known, what it held will expire"
        return LedgerUnavailable(told)

    def _transact(self, jobs: list[_Job]) -> Outcomes:
        if self._connection is None:
            self._connection = self._place.connect()
        found = self._read(self._connection, [job.reach for job in jobs if job.reach is not None])
        if self._doubtful is not None:
            number, outcomes = self._doubtful
            # This batch has its turn, so the one in doubt has ended, one way or the other.
            if any(row["batch"] == number for row in found["batch_of"]):
                self._connection.execute("ROLLBACK")
                return outcomes
            self._doubtful = None
        writes: list[tuple[str, Record]] | None = None
        if jobs[0].reach is None:
            outcomes = [_outcome_alone(SharedCursor(self._connection), jobs[0])]
            writes = [] if outcomes[0][1] is None else None
        else:
            desk = Desk(found)
            outcomes = [_outcome(desk, job) for job in jobs]
            writes = list(desk.writes()) or None
        if writes is None:
            self._connection.execute("ROLLBACK")
            return outcomes
        self._batch += 1
        self._doubtful = (self._batch, outcomes)
        try:
            self._commit(self._connection, writes)
        except BaseException:
            if self._connection.info.transaction_status in _OPEN:
                self._doubtful = None  # the COMMIT was not reached
            raise
        self._doubtful = None
        return outcomes

    def _read(self, connection: Connection, reaches: list[Reach]) -> dict[str, list[Record]]:
        """Begin, wait for the turn, and read what the operations may ask for: one trip."""
        wanted: list[tuple[str, Record]] = [
            ("settings", self._place.settings(statement_s=WRITE_S)),
            ("turn", {"schema": self._place.schema}),
            *([("batch_of", {"writer": self._name})] if self._doubtful is not None else []),
            *reads(reaches),
        ]
        with connection.pipeline():
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            cursors = {name: connection.execute(translated(BATCH[name]), given) for name, given in wanted}
        return {name: cursor.fetchall() for name, cursor in cursors.items()}

    def _commit(self, connection: Connection, writes: Iterable[tuple[str, Record]]) -> None:
        """Write and commit: one trip. The server skips the rest after the first error, and with it the COMMIT."""
        with connection.pipeline():
            for name, given in writes:
                connection.execute(translated(BATCH[name]), given)
            if self._batch == 1:
                connection.execute(translated(BATCH["forget_writers"]))
            connection.execute(translated(BATCH["sign"]), {"writer": self._name, "batch": self._batch})
            connection.execute("COMMIT")


def _outcome(desk: Desk, job: _Job) -> tuple[object, Exception | None]:
    try:
        return desk.run(job.operation), None
    except Exception as error:  # noqa: BLE001 - whatever it is, it is its caller's
        return None, error


def _outcome_alone(cursor: SharedCursor, job: _Job) -> tuple[object, Exception | None]:
    try:
        return job.operation(cursor), None
    except psycopg.Error:
        raise  # whether to try again is for the batch to say
    except Exception as error:  # noqa: BLE001 - whatever it is, it is its caller's
        return None, error


def _batches(jobs: list[_Job]) -> Iterator[list[_Job]]:
    """Cut a line into what is written together: whatever reads its rows beforehand, but each that runs alone alone."""
    for alone, group in groupby(jobs, key=lambda job: job.reach is None):
        together = list(group)
        yield from [[job] for job in together] if alone else [together]


def _may_pass(error: BaseException) -> bool:
    """Tell whether what was surely not written is worth another try."""
    if isinstance(error, errors.NotNullViolation):  # what `update_counters` makes of a counter that someone else moved
        return (error.diag.table_name, error.diag.column_name) == ("counters", "held_nusd")
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)
