"""Many requests at once, each yielded as it finishes."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING

from routing.errors import LedgerUnavailable, RequestError, RoutingError
from routing.results import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from routing.core.request import ImageRequest


def finish_many(
    begin: Callable[[str | ImageRequest], Future[Result]],
    requests: Iterable[str | ImageRequest],
    parallel: int,
) -> Generator[Outcome, None, None]:
    """Buy ``parallel`` requests at once and yield each as it finishes: its result or its error.

    Takes from ``requests`` only as fast as it buys; stopping early lets calls under way settle and starts no more.
    What is no error of ours (a fault of an adapter) is raised once everything that is under way was yielded. Where
    ``begin`` raises ``LedgerUnavailable``, the router was closed: that is yielded, and nothing more is begun.
    """
    if parallel < 1:
        raise RequestError(f"parallel is at least 1, not {parallel}")
    running: dict[Future[Result], str | ImageRequest] = {}
    faults: list[BaseException] = []
    try:
        for given in requests:
            try:
                running[begin(given)] = given
            except RoutingError as error:
                yield Outcome(request=given, error=error)
                if isinstance(error, LedgerUnavailable):
                    break
            if len(running) >= parallel:
                yield from _finished(running, faults)
            if faults:
                break
        while running:
            yield from _finished(running, faults)
        if faults:
            raise faults[0]
    finally:
        for future in running:
            future.cancel()


def _finished(running: dict[Future[Result], str | ImageRequest], faults: list[BaseException]) -> list[Outcome]:
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    outcomes = []
    for future in done:
        request, error = running.pop(future), future.exception()
        if error is None:
            outcomes.append(Outcome(request=request, result=future.result()))
        elif isinstance(error, RoutingError):
            outcomes.append(Outcome(request=request, error=error))
        else:
            faults.append(error)
    return outcomes
