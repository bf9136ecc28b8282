"""One connection that writes, and the group commit that lets many threads share it.

Whoever wants to write puts a job into the line and takes the lock. Who gets the lock leads: it runs every job in the
line inside one transaction, each in a savepoint of its own, and commits once for all. The others find their job ended
when their turn comes. A single caller leads itself, without a hand-over between threads.

An interrupt (Ctrl-C) may strike anywhere in the leader. What counts then is only what SQLite knows: as long as the
transaction is open, nothing happened and the jobs stay in the line for the next leader; once it is committed, they have
ended. ``_Batch.ended`` is the one switch that ends all jobs of a batch at once, and ``_recover`` sets it right.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar, cast

from routing.errors import LedgerUnavailable
from routing.ledger.sqlite_file import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from routing.ledger.file_lock import FileLock
    from routing.ledger.handle import Handle

T = TypeVar("T")

PATIENCE_S = 1.0
"""After this long at its gate a caller looks for itself: a leader may have been interrupted before it could wake it."""

_OF_ONE_OPERATION = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Errors of SQLite that lie in what an operation asked for; every other one is of the file, and ends the batch."""


class _Batch:
    """The jobs of one transaction."""

    __slots__ = ("committing", "ended", "jobs")

    def __init__(self) -> None:
        self.jobs: list[_Job] = []
        self.committing = False
        self.ended = False


class _Job:
    """One caller's operation and, once its batch has ended, its outcome."""

    __slots__ = ("batch", "error", "gate", "operation", "value", "withdrawn")

    def __init__(self, operation: Callable[[sqlite3.Cursor], object]) -> None:
        self.operation = operation
        self.value: object = None
        self.error: Exception | None = None
        self.batch: _Batch | None = None
        self.withdrawn = False
        self.gate = threading.Lock()
        self.gate.acquire()

    def wake(self) -> None:
        with suppress(RuntimeError):  # it is awake
            self.gate.release()

    @property
    def ended(self) -> bool:
        return self.batch is not None and self.batch.ended

    def run(self, cursor: sqlite3.Cursor) -> None:
        self.value, self.error = None, None
        self.value = self.operation(cursor)

    def outcome(self) -> object:
        if self.error is not None:
            try:
                raise self.error
            finally:
                self.error = None  # an error and the frames it came through would keep each other alive
        return self.value


class Writer:
    """Runs operations as durable transactions, from any thread, in turn with other processes."""

    def __init__(
        self, connection: sqlite3.Connection, handle: Handle, lock: FileLock | None = None, wait_s: float = 0
    ) -> None:
        """``lock`` is ``None`` for a ledger in memory, which no other process can see."""
        self._connection = connection
        self._cursor = connection.cursor()
        self._handle = handle
        self._file_lock = lock
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._seat = threading.Lock()
        self._line: deque[_Job] = deque()
        self._batch = _Batch()
        self._batch.ended = True

    def run(self, operation: Callable[[sqlite3.Cursor], T]) -> T:
        """Run an operation in a transaction; return when it is on disk, or raise what it raised.

        Raises:
            LedgerUnavailable: where nothing of it was written.

        """
        self._handle.check()
        job = _Job(operation)
        try:
            self._line.append(job)
            self._await(job)
        except BaseException:
            job.withdrawn = True
            self._seat = threading.Lock()  # this caller may have held it
            for other in list(self._line):
                other.wake()
            raise
        return cast("T", job.outcome())

    @contextmanager
    def lending(self) -> Iterator[sqlite3.Cursor]:
        """Lend the connection for reading one state: for a ledger that only this connection can see."""
        self._handle.check()
        with self._lock:
            self._handle.check()
            self._recover()
            yield self._cursor

    def close(self) -> None:
        """Close the connection once the current batch is written; whoever still waits is refused."""
        if self._handle.inherited:
            return  # what was inherited belongs to the parent
        with self._lock:
            if not self._handle.closed:
                self._handle.closed = True
                self._recover()
                self._connection.close()
                if self._file_lock is not None:
                    self._file_lock.close()

    def _await(self, job: _Job) -> None:
        """Lead, or be woken by whoever does.

        Only the holder of the seat waits for the lock; the others wait at gates of their own, which open all at once.
        The leader changes the seat before it looks at the line: who lost the old one is in the line by then.
        """
        while not job.ended:
            if self._seat.acquire(blocking=False) or not job.gate.acquire(timeout=PATIENCE_S):
                # No timeout on this lock: a leader's own waits are bounded.
                with self._lock:
                    self._seat = threading.Lock()
                    self._lead()

    def _lead(self) -> None:
        self._recover()
        if all(job.ended or job.withdrawn for job in list(self._line)):
            return  # the last leader took them along
        batch = self._batch = _Batch()
        try:
            try:
                self._handle.check()
                if self._file_lock is not None:
                    self._file_lock.acquire(self._wait_s)
                self._handle.check_file()
                self._transact(batch)
            finally:
                if self._file_lock is not None:
                    self._file_lock.release()
        except (sqlite3.Error, OSError, LedgerUnavailable) as error:
            self._fail(batch, error)
        finally:
            self._recover()
        for job in batch.jobs:
            job.wake()
        while self._line and (self._line[0].ended or self._line[0].withdrawn):
            self._line.popleft()

    def _transact(self, batch: _Batch) -> None:
        execute = self._cursor.execute
        execute("BEGIN IMMEDIATE")
        self._gather(batch)
        if len(batch.jobs) == 1:
            # Alone, the transaction is its own savepoint.
            try:
                batch.jobs[0].run(self._cursor)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is its caller's
                self._note(batch.jobs[0], error)
                execute("ROLLBACK")
                batch.ended = True
                return
        else:
            for job in batch.jobs:
                execute("SAVEPOINT job")
                try:
                    job.run(self._cursor)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is its caller's
                    self._note(job, error)
                    execute("ROLLBACK TO job")
                execute("RELEASE job")
        batch.committing = True
        try:
            execute("COMMIT")
        except sqlite3.Error:
            batch.committing = False
            raise
        batch.ended = True

    def _gather(self, batch: _Batch) -> None:
        batch.jobs = [job for job in list(self._line) if not (job.ended or job.withdrawn)]
        for job in batch.jobs:
            job.batch = batch

    def _note(self, job: _Job, error: Exception) -> None:
        """Keep what an operation raised for its caller, unless it is the whole transaction that failed."""
        whole = isinstance(error, sqlite3.Error) and not isinstance(error, _OF_ONE_OPERATION)
        if whole or not self._connection.in_transaction:
            raise error
        job.error = unavailable(self._handle.name, error) if isinstance(error, sqlite3.Error) else error

    def _fail(self, batch: _Batch, error: Exception) -> None:
        """Roll back and tell everyone who waits: the next leader would only find the same, one wait later."""
        self._roll_back()
        self._gather(batch)
        for job in batch.jobs:
            told = (
                LedgerUnavailable(str(error))
                if isinstance(error, LedgerUnavailable)
                else unavailable(self._handle.name, error)
            )
            told.__cause__ = error
            job.error = told
        batch.ended = True

    def _recover(self) -> None:
        """Settle what became of a batch whose leader was interrupted."""
        batch = self._batch
        if batch.ended:
            return
        if self._connection.in_transaction:
            self._roll_back()
        elif batch.committing:
            batch.ended = True

    def _roll_back(self) -> None:
        # A rollback that fails leaves the transaction open: the next BEGIN is refused, and says so to its callers.
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._cursor.execute("ROLLBACK")
