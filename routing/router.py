"""The router: cache, quote, decide, reserve, call, settle; it sees ports only."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from routing.core.entries import RequestRecord
from routing.core.fingerprint import prompt_hash, request_fingerprint
from routing.core.plan import decide
from routing.core.request import ImageRequest, features_of
from routing.core.spend import spend_query
from routing.core.status import budget_status
from routing.core.suggest import did_you_mean
from routing.errors import LedgerError, LedgerUnavailable, RequestError
from routing.many import finish_many
from routing.options import RequestOptions, read_options
from routing.purchase import Buyer
from routing.repeats import answer_again, inherit, recipe_of
from routing.results import Quote, Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
    from datetime import date, datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

    from routing.core.picture import Picture
    from routing.core.plan import Plan
    from routing.core.spend import SpendRow
    from routing.core.status import BudgetStatus
    from routing.ledger.base import Verification
    from routing.results import Outcome
    from routing.shop import Shop

    Image = str | Path | bytes | Picture

T = TypeVar("T")

THREADS_AT_MOST = 256
"""Calls from event loops and from ``generate_many`` that may be under way at once in one router."""
SWEEP_EVERY_S = 60.0
LOOK_EVERY_S = 0.02
"""How often ``close`` looks whether calls of other threads have ended."""


class Router:
    """Sorts each request by importance, buys it within the budgets, and books what it cost.

    Safe from any thread; every method has an ``a...`` twin for event loops, which is one hop to the router's own
    threads: a cancelled ``await`` never skips the settling. Made by ``open_router``.
    """

    def __init__(self, shop: Shop, *, on_close: Callable[[], None] = lambda: None) -> None:
        """Take the ports; ``on_close`` lets go of what the assembly opened."""
        self._shop = shop
        self._on_close = on_close
        self._pool = ThreadPoolExecutor(THREADS_AT_MOST, thread_name_prefix="routing")
        # Steps of ``agenerate_many`` wait for calls in the pool: in the same pool they could fill it, and wait forever.
        self._steps = ThreadPoolExecutor(THREADS_AT_MOST, thread_name_prefix="routing-many")
        self._closed = False
        self._under_way: dict[object, int] = {}
        self._swept_at_s = float("-inf")
        self._sweep_lock = threading.Lock()

    def __enter__(self) -> Self:
        """Use the router in a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Wait for calls under way in any thread, so that each is settled, then let go of ledger and providers."""
        self._pool.shutdown(wait=True)
        self._closed = True
        # A call of this very thread (a signal's handler closes, or an alert channel) cannot end before this does.
        own = threading.get_ident()
        while any(thread != own for thread in list(self._under_way.values())):
            time.sleep(LOOK_EVERY_S)
        self._steps.shutdown(wait=True)
        self._on_close()

    # Asking -----------------------------------------------------------------------------------------------------

    def quote(
        self, prompt: str | ImageRequest, *, images: Sequence[Image] = (), **options: Unpack[RequestOptions]
    ) -> Quote:
        """Tell where a request would go, why, and what it would cost at most; spends nothing, writes nothing.

        Raises:
            RequestError: for a request that nobody could serve.
            Refusal: where it would be refused by a price cap, an unknown price, or for want of a candidate.

        """
        request, notices = self._read(prompt, options, images)
        plan = self._decide(request)
        return Quote(plan=plan, notices=(*notices, *plan.notices))

    # Buying -----------------------------------------------------------------------------------------------------

    def generate(self, prompt: str | ImageRequest, **options: Unpack[RequestOptions]) -> Result:
        """Make pictures from words (or buy a ready ``ImageRequest``).

        Raises:
            RequestError, Refusal: before anything was spent.
            ProviderError: where no picture could be had; ``charged`` says what that cost.
            LedgerError: where the ledger cannot be written (nothing was bought), or the ``request_id`` was used.

        """
        return self._buy(*self._read(prompt, options))

    def edit(
        self, prompt: str | ImageRequest, *, images: Sequence[Image] = (), **options: Unpack[RequestOptions]
    ) -> Result:
        """Make a picture from words and reference images (paths, bytes or pictures of an earlier result).

        Raises:
            RequestError, Refusal, ProviderError, LedgerError: as for ``generate``.

        """
        if isinstance(prompt, str) and not images:
            raise RequestError("edit needs at least one reference: pass images=[...], or use generate")
        return self._buy(*self._read(prompt, options, images))

    def promote(
        self,
        draft: Result | str,
        *,
        prompt: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """Make a draft again at another ``importance``, linked to it: same words and references, one picture.

        ``draft`` is a result or a ``request_id``; by id, words and references come from the cache.

        Raises:
            RequestError: where the draft is unknown or its words are no longer kept (then pass ``prompt``).
            Refusal, ProviderError, LedgerError: as for ``generate``.

        """
        if not options.get("importance"):
            raise RequestError('promote needs the importance to make it at: promote(draft, importance="final")')
        recipe = draft.request if isinstance(draft, Result) else recipe_of(self._shop, draft, prompt)
        parent = draft.request_id if isinstance(draft, Result) else draft
        wishes: RequestOptions = {"tags": recipe.tags, "asset": recipe.asset, "mask": recipe.mask, **options}
        words = recipe.prompt if prompt is None else prompt
        asked = read_options(words, wishes, images=recipe.images, parent=parent)
        request, notices = self._name_deployment(asked.request, asked.notices, asked.model)
        request, dropped = inherit(request, recipe, options, self._decide(request))
        return self._buy(request, (*notices, *dropped))

    def generate_many(
        self, requests: Iterable[str | ImageRequest], *, parallel: int = 8, **options: Unpack[RequestOptions]
    ) -> Generator[Outcome, None, None]:
        """Buy many requests, ``parallel`` at once, and yield each as it finishes: its result or its error.

        ``options`` are shared by the requests given as prompts. Takes from ``requests`` only as fast as it buys, so
        an endless iterator is fine; stopping early lets calls under way settle and starts no more.
        """

        def read(given: str | ImageRequest) -> tuple[ImageRequest, tuple[str, ...]]:
            return (given, ()) if isinstance(given, ImageRequest) else self._read(given, options)

        return finish_many(self._pool, read, self._buy, requests, parallel)

    # Reading ----------------------------------------------------------------------------------------------------

    def spend(
        self,
        *,
        since: str | date | datetime | None = None,
        until: str | date | datetime | None = None,
        by: Sequence[str] = ("importance", "deployment"),
    ) -> list[SpendRow]:
        """Group what was charged since a day or moment (UTC), dearest first.

        ``by`` are dimensions (importance, deployment, model, operation, rule, policy, asset, request_id, size,
        quality) or keys of tags.

        Raises:
            RequestError: for a dimension that is neither, where the policy declares its tags, or a date that is none.

        """
        query = spend_query(by, since, until, self._shop.settings.policy.tags)
        return self._shop.store.spend(query)

    def budgets(self) -> list[BudgetStatus]:
        """Tell of every budget's window of now: limit, spent, held, left, and when it starts afresh."""
        now, settings = self._shop.clock.now(), self._shop.settings
        found: list[BudgetStatus] = []
        for budget in settings.budgets:
            balances = self._shop.store.balances(budget.name, budget.window.span(now).start)
            found += budget_status(budget, balances, settings.policy.importance, now)
        return found

    def verify(self) -> Verification:
        """Fold every entry of the ledger and compare with its counters."""
        return self._shop.store.verify()

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
        **options: Unpack[RequestOptions],
    ) -> Result:
        """``promote`` for event loops."""
        return await self._hop(partial(self.promote, draft, prompt=prompt, **options))

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
    ) -> list[SpendRow]:
        """``spend`` for event loops."""
        return await self._hop(partial(self.spend, since=since, until=until, by=by))

    async def aclose(self) -> None:
        """``close`` for event loops."""
        import asyncio  # noqa: PLC0415 - whoever awaits has an event loop and so has paid for this import

        await asyncio.get_running_loop().run_in_executor(None, self.close)

    async def _hop(self, work: Callable[[], T], pool: ThreadPoolExecutor | None = None) -> T:
        import asyncio  # noqa: PLC0415 - as in aclose

        return await asyncio.get_running_loop().run_in_executor(pool or self._pool, work)

    # Inside -----------------------------------------------------------------------------------------------------

    def _read(
        self, prompt: str | ImageRequest, options: RequestOptions, images: Sequence[Image] = ()
    ) -> tuple[ImageRequest, tuple[str, ...]]:
        if isinstance(prompt, ImageRequest):
            if options or images:
                raise RequestError("an ImageRequest is complete: pass keywords with a prompt, or none")
            return prompt, ()
        asked = read_options(prompt, options, images=images)
        return self._name_deployment(asked.request, asked.notices, asked.model)

    def _name_deployment(
        self, request: ImageRequest, notices: tuple[str, ...], model: str | None
    ) -> tuple[ImageRequest, tuple[str, ...]]:
        """Read ``model=``: a deployment's name or model narrows the route, a retired name is told and not sent."""
        if model is None:
            return request, notices
        deployments = self._shop.settings.deployments
        named = next((d.name for d in deployments.values() if model in (d.name, d.model.name)), None)
        if named:
            return replace(request, deployment=request.deployment or named), notices
        heir = next((d.model.name for d in deployments.values() if model in d.model.replaces), None)
        if heir:
            told = f"model {model} is gone, {heir} replaced it; the policy chooses by importance"
            return request, (*notices, told)
        raise RequestError(
            f"unknown model {model!r}{did_you_mean(model, deployments)}: deployments are {', '.join(deployments)}; "
            "leave it out and the policy chooses by importance"
        )

    def _decide(self, request: ImageRequest) -> Plan:
        return decide(self._shop.settings, request, self._shop.clock.now().date())

    def _buy(self, request: ImageRequest, notices: tuple[str, ...]) -> Result:
        call = object()
        try:
            # First seen, then asked whether it may: ``close`` says that it closes, then looks for calls.
            self._under_way[call] = threading.get_ident()
            if self._closed:
                raise LedgerUnavailable("the router was closed: open another")
            return self._bought(request, notices)
        finally:
            # One step without a lock: an interrupt cannot strike before it is done.
            self._under_way.pop(call, None)

    def _bought(self, request: ImageRequest, notices: tuple[str, ...]) -> Result:
        self._sweep()
        attempts_before = 0
        if request.request_id is not None:
            history = self._shop.store.history(request.request_id)
            if history is not None:
                again = answer_again(self._shop, request, history)
                if again is not None:
                    return again
                attempts_before = len(history.attempts)
        plan = self._decide(request)
        return Buyer(
            shop=self._shop,
            request=request,
            record=self._record(request, plan),
            plan=plan,
            attempts_before=attempts_before,
            notices=[*notices, *plan.notices],
        ).buy()

    def _record(self, request: ImageRequest, plan: Plan) -> RequestRecord:
        features = features_of(request)
        now = self._shop.clock.now()
        return RequestRecord(
            # Begins with the time, so that neighbours in time are neighbours in the index.
            request_id=request.request_id or f"{int(now.timestamp() * 1000):011x}-{secrets.token_hex(5)}",
            fingerprint=request_fingerprint(request),
            at=now,
            importance=plan.importance,
            rule=plan.rule,
            policy=self._shop.settings.policy.fingerprint,
            operation=features.operation,
            prompt_hash=prompt_hash(request.prompt),
            prompt_chars=features.prompt_chars,
            text_chars=features.text_chars,
            n=request.n,
            references=features.references,
            size=str(request.size) if request.size else None,
            named_importance=request.importance,
            asset=request.asset,
            parent=request.parent,
            tags=request.tags,
        )

    def _sweep(self) -> None:
        """Once in a while, resolve holds whose process died, and deliver alerts that nobody took."""
        now_s = self._shop.clock.elapsed_s()
        if now_s - self._swept_at_s < SWEEP_EVERY_S or not self._sweep_lock.acquire(blocking=False):
            return
        try:
            self._swept_at_s = now_s
            store = self._shop.store
            for resolution in store.sweep(self._shop.clock.now(), release=self._shop.settings.release_expired):
                self._shop.log.warning("hold_expired", reservation=resolution.reservation_id, reason=resolution.reason)
            # Younger ones are being told right now by whoever wrote them.
            settled_before = self._shop.clock.now() - timedelta(seconds=SWEEP_EVERY_S)
            self._shop.tell([alert for alert in store.pending_alerts() if alert.at <= settled_before])
        except LedgerError as error:
            # The purchase itself will meet the same ledger and refuse; a sweep alone must not.
            self._shop.log.warning("not_swept", error=str(error))
        finally:
            self._sweep_lock.release()
