"""The router: cache, quote, decide, reserve, call, settle; it sees ports only."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from routing.buying.basket import Basket
from routing.buying.moderation import check_prompt
from routing.buying.orders import Order, plan_of, read_order, record_of
from routing.buying.promotions import read_promotion
from routing.buying.purchase import Buyer
from routing.buying.repeats import given_again, look_back
from routing.core.fingerprint import request_fingerprint
from routing.core.request import ImageRequest
from routing.core.retries import DEADLINE_S
from routing.core.spend import spend_query
from routing.errors import RequestError, RequestIdReused, RoutingError
from routing.many import finish_many
from routing.reading.availability import read_deployments
from routing.reading.spending import read_spend
from routing.reading.statuses import read_statuses
from routing.results import Quote, Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from datetime import date, datetime, tzinfo
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

    from routing.buying.shop import Shop
    from routing.core.availability import DeploymentStatus
    from routing.core.picture import Picture
    from routing.core.spend import SpendRow
    from routing.core.status import BudgetStatus
    from routing.ledger.base import Verification
    from routing.options import RequestOptions
    from routing.reload import Reloader
    from routing.results import Outcome

    Image = str | Path | bytes | Picture

T = TypeVar("T")

THREADS_AT_MOST = 256
"""Calls from event loops and from ``generate_many`` that may be under way at once in one router."""
LOOK_EVERY_S = 0.02
"""How often ``close`` looks whether calls of other threads have ended."""


class Router:
    """Sorts each request by importance, buys it within the budgets, and books what it cost.

    Safe from any thread; every method has an ``a...`` twin for event loops, which is one hop to the router's own
    threads: a cancelled ``await`` never skips the settling. Made by ``open_router``.
    """

    def __init__(
        self, shop: Shop, *, on_close: Callable[[], None] = lambda: None, reloader: Reloader | None = None
    ) -> None:
        """Take the ports; ``on_close`` lets go of what the assembly opened, ``reloader`` takes up edited files."""
        self._shop = shop
        self._reloader = reloader
        self._on_close = on_close
        self._pool = ThreadPoolExecutor(THREADS_AT_MOST, thread_name_prefix="routing")
        # Steps of ``agenerate_many`` wait for calls in the pool: in the same pool they could fill it, and wait forever.
        self._steps = ThreadPoolExecutor(THREADS_AT_MOST, thread_name_prefix="routing-many")
        self._under_way: dict[object, int] = {}

    def __enter__(self) -> Self:
        """Use the router in a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Wait for calls that vendors work on, so that each is settled, then let go of ledger and providers.

        Nothing more is sent. A request that waits (for a vendor to recover, for room in its minute, for another call)
        ends at once, with what came of it so far: its pictures, the error of its last attempt, or
        ``LedgerUnavailable``.
        Alerts that no channel took within 5 s stay in the ledger for the next router, or ``routing alerts deliver``.
        """
        self._shop.clock.close()
        self._pool.shutdown(wait=True)
        # A call of this very thread (a signal's handler closes, or an alert channel) cannot end before this does.
        own = threading.get_ident()
        while any(thread != own for thread in list(self._under_way.values())):
            time.sleep(LOOK_EVERY_S)
        self._steps.shutdown(wait=True)
        self._shop.upkeep.close()
        self._on_close()

    # Asking -----------------------------------------------------------------------------------------------------

    def quote(
        self, prompt: str | ImageRequest, *, images: Sequence[Image] = (), **options: Unpack[RequestOptions]
    ) -> Quote:
        """Tell where a request would go, why, and what it would cost at most; spends nothing, writes nothing.

        Raises:
            RequestError: for a request that nobody could serve.
            Refusal: where it would be refused by a rule of the policy, a price cap, an unknown price, or for want of a
                candidate. Moderation is not asked.

        """
        order = self._read(prompt, options, images)
        plan = plan_of(order)
        return Quote(plan=plan, notices=(*order.notices, *plan.notices))

    # Buying -----------------------------------------------------------------------------------------------------

    def generate(self, prompt: str | ImageRequest, **options: Unpack[RequestOptions]) -> Result:
        """Make pictures from words (or buy a ready ``ImageRequest``).

        Raises:
            RequestError, Refusal: before anything was spent.
            ProviderError: where no picture could be had; ``charged`` says what that cost.
            LedgerError: where the ledger cannot be written (nothing was bought), or the ``request_id`` was used.

        """
        return self._buy(self._read(prompt, options))

    def edit(
        self, prompt: str | ImageRequest, *, images: Sequence[Image] = (), **options: Unpack[RequestOptions]
    ) -> Result:
        """Make a picture from words and reference images (paths, bytes or pictures of an earlier result).

        Raises:
            RequestError, Refusal, ProviderError, LedgerError: as for ``generate``.

        """
        if isinstance(prompt, str) and not images:
            raise RequestError("edit needs at least one reference: pass images=[...], or use generate")
        return self._buy(self._read(prompt, options, images))

    def promote(
        self,
        draft: Result | str,
        *,
        prompt: str | None = None,
        picture: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """Make a draft again at another ``importance``, linked to it: same words and references, one picture.

        ``draft`` is a result or a ``request_id``; by id, words and pictures come from the cache. Where the policy says
        ``draft: reference``, its picture goes along as the first reference: the first one, unless ``picture`` counts
        to another.

        Raises:
            RequestError: where the draft is unknown, its words are no longer kept (then pass ``prompt``), or its
                picture is to go along and shows nothing (then pass ``picture``, should it go along all the same).
            Refusal, ProviderError, LedgerError: as for ``generate``.

        """
        return self._buy(read_promotion(self._current(), draft, prompt, picture, options))

    def generate_many(
        self, requests: Iterable[str | ImageRequest], *, parallel: int = 8, **options: Unpack[RequestOptions]
    ) -> Generator[Outcome, None, None]:
        """Buy many requests, ``parallel`` at once, and yield each as it finishes: its result or its error.

        ``options`` are shared by the requests given as prompts. Takes from ``requests`` only as fast as it buys, so
        an endless iterator is fine; stopping early lets calls under way settle and starts no more.
        """

        def begin(given: str | ImageRequest) -> Future[Result]:
            order = self._read(given, {} if isinstance(given, ImageRequest) else options)
            with self._told_as_closed():
                return self._pool.submit(self._buy, order)

        return finish_many(begin, requests, parallel)

    # Reading ----------------------------------------------------------------------------------------------------

    def spend(
        self,
        *,
        since: str | date | datetime | None = None,
        until: str | date | datetime | None = None,
        by: Sequence[str] = ("importance", "deployment"),
        per: str | None = None,
        zone: tzinfo = UTC,
    ) -> list[SpendRow]:
        """Group what was charged since a day or moment, dearest first.

        ``by`` are dimensions (importance, deployment, model, operation, rule, policy, asset, parent, request_id, size,
        quality) or keys of tags. ``per`` (day, week, month) gives each period rows of its own, oldest first. Days are
        those of ``zone``.

        Raises:
            RequestError: for a dimension that is neither, where the policy declares its tags, a date that is none, or
                more than 400 periods.

        """
        query = spend_query(by, since, until, self._current().settings.policy.tags, per=per, zone=zone)
        return read_spend(self._shop.store, query, self._shop.clock.now())

    def budgets(self) -> list[BudgetStatus]:
        """Tell of every budget's window of now: limit, spent, held, left, forecast, and when it starts afresh."""
        return read_statuses(self._current().settings, self._shop.store, self._shop.clock.now())

    def deployments(self) -> list[DeploymentStatus]:
        """Tell of every deployment: health, calls of the last hour, price, limits, when it is shut down."""
        shop = self._current()
        known, elapsed_s = shop.cooling.healths(), shop.clock.elapsed_s()
        return read_deployments(shop.settings, shop.store, shop.clock.now(), known, elapsed_s)

    def verify(self) -> Verification:
        """Fold every entry of the ledger and compare with its counters."""
        return self._shop.store.verify()

    def reload(self) -> str:
        """Read the files again now, and the keys that the environment holds; return the policy's new fingerprint.

        Without it, a changed file is taken up between two requests. A request under way ends by what it began with;
        ledger, cache and alert channels stay as they were opened.

        Raises:
            ConfigError: with every problem of both files; what held before goes on.
            RoutingError: where the router was not opened from files.

        """
        if self._reloader is None:
            raise RoutingError("this router was not opened from files: there is nothing to read again")
        return self._reloader.reload()

    # For event loops --------------------------------------------------------------------------------------------

    async def aquote(
        self, prompt: str | ImageRequest, *, images: Sequence[Image] = (), **options: Unpack[RequestOptions]
    ) -> Quote:
        """``quote`` for event loops."""
        return await self._hop(partial(self.quote, prompt, images=images, **options))

    async def agenerate(self, prompt: str | ImageRequest, **options: Unpack[RequestOptions]) -> Result:
        """``generate`` for event loops; a cancelled ``await`` leaves the purchase to finish and settle by itself."""
        return await self._hop(partial(self.generate, prompt, **options))

    async def aedit(
        self, prompt: str | ImageRequest, *, images: Sequence[Image] = (), **options: Unpack[RequestOptions]
    ) -> Result:
        """``edit`` for event loops."""
        return await self._hop(partial(self.edit, prompt, images=images, **options))

    async def apromote(
        self,
        draft: Result | str,
        *,
        prompt: str | None = None,
        picture: int | None = None,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """``promote`` for event loops."""
        return await self._hop(partial(self.promote, draft, prompt=prompt, picture=picture, **options))

    async def agenerate_many(
        self, requests: Iterable[str | ImageRequest], *, parallel: int = 8, **options: Unpack[RequestOptions]
    ) -> AsyncIterator[Outcome]:
        """``generate_many`` for event loops."""
        outcomes = self.generate_many(requests, parallel=parallel, **options)
        try:
            while (outcome := await self._hop(partial(next, outcomes, None), self._steps)) is not None:
                yield outcome
        finally:
            # A cancelled await leaves the generator running in its thread: then it ends when that step is done.
            with suppress(ValueError):
                outcomes.close()

    async def aspend(
        self,
        *,
        since: str | date | datetime | None = None,
        until: str | date | datetime | None = None,
        by: Sequence[str] = ("importance", "deployment"),
        per: str | None = None,
        zone: tzinfo = UTC,
    ) -> list[SpendRow]:
        """``spend`` for event loops."""
        return await self._hop(partial(self.spend, since=since, until=until, by=by, per=per, zone=zone))

    async def areload(self) -> str:
        """``reload`` for event loops."""
        return await self._hop(self.reload)

    async def aclose(self) -> None:
        """``close`` for event loops."""
        import asyncio  # noqa: PLC0415 - whoever awaits has an event loop and so has paid for this import

        await asyncio.get_running_loop().run_in_executor(None, self.close)

    async def _hop(self, work: Callable[[], T], pool: ThreadPoolExecutor | None = None) -> T:
        import asyncio  # noqa: PLC0415 - as in aclose

        with self._told_as_closed():
            future = asyncio.get_running_loop().run_in_executor(pool or self._pool, work)
        return await future

    @contextmanager
    def _told_as_closed(self) -> Iterator[None]:
        """Say it as everywhere where a pool takes no more work: it would raise an error of its own."""
        try:
            yield
        except RuntimeError:
            self._shop.clock.check()
            raise

    # Inside -----------------------------------------------------------------------------------------------------

    def _current(self) -> Shop:
        return self._reloader.look() if self._reloader else self._shop

    def _read(self, prompt: str | ImageRequest, options: RequestOptions, images: Sequence[Image] = ()) -> Order:
        return read_order(self._current(), prompt, options, images)

    def _buy(self, order: Order) -> Result:
        call = object()
        try:
            # First seen, then asked whether it may: ``close`` says that it closes, then looks for calls.
            self._under_way[call] = threading.get_ident()
            self._shop.clock.check()
            return self._bought(order)
        finally:
            # One step without a lock: an interrupt cannot strike before it is done.
            self._under_way.pop(call, None)

    def _bought(self, order: Order) -> Result:
        shop, request, _ = order
        began_s = shop.clock.elapsed_s()
        shop.upkeep.begin(shop.settings)
        if request.request_id is None:
            return self._bought_alone(order, began_s)
        same = f"{request.request_id} {request_fingerprint(request)}"
        with shop.requests.board([same], request.deadline_s or DEADLINE_S, shop.clock) as boarding:
            if same in boarding.landed:
                return given_again(boarding.landed[same])
            result = self._bought_alone(order, began_s)
            boarding.land(same, result)
            return result

    def _bought_alone(self, order: Order, began_s: float) -> Result:
        """Buy what nobody else of this process is buying under the same ``request_id``."""
        shop, request, notices = order
        again, attempts_before = look_back(shop, request)
        if again is not None:
            return again
        plan = plan_of(order)
        check_prompt(shop.moderation, shop.settings.policy, plan, request.prompt)
        basket = Basket(
            request=request,
            record=record_of(order, plan),
            plan=plan,
            attempts_before=attempts_before,
            notices=[*notices, *plan.notices],
        )
        try:
            return Buyer(shop=shop, basket=basket, began_s=began_s).buy()
        except RequestIdReused:
            # Another process was quicker: the answer is what it brought, or how far it is.
            again, _ = look_back(shop, request)
            if again is None:
                raise
            return again
