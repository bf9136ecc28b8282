"""A ``request_id`` that comes again: the first answer, and nothing bought."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from routing.buying.faults import fault_sentences, judged, without_surplus
from routing.core.entries import STANDS_IN, EntryKind
from routing.core.fingerprint import request_fingerprint
from routing.core.money import Money, usd_text
from routing.core.retries import DEADLINE_S
from routing.errors import RequestIdReused
from routing.results import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from routing.buying.shop import Shop
    from routing.cache.base import CachedCall
    from routing.core.entries import Entry
    from routing.core.request import ImageRequest
    from routing.ledger.base import AttemptHistory, RequestHistory


def look_back(shop: Shop, request: ImageRequest) -> tuple[Result | None, int]:
    """Answer a repeat from what was bought; ``None`` where nothing was charged yet and it may be bought now.

    Also tells how many attempts were made of it.

    Raises:
        RequestIdReused: where the id stands for another request, is being bought right now, was charged without a
            known outcome, was archived, or its pictures are no longer kept.

    """
    history = None if request.request_id is None else shop.store.history(request.request_id)
    return (_answer(shop, request, history), len(history.attempts)) if history else (None, 0)


def _answer(shop: Shop, request: ImageRequest, history: RequestHistory) -> Result | None:
    name = request.request_id
    if history.record.fingerprint != request_fingerprint(request):
        raise RequestIdReused(
            f"request_id {name!r} was used on {history.record.at:%Y-%m-%d %H:%M} for another request; use a new one"
        )
    if history.archived_to:
        raise RequestIdReused(
            f"request_id {name!r} was bought on {history.record.at:%Y-%m-%d} and archived to {history.archived_to};"
            " use a new one to buy it again"
        )
    under_way = [attempt for attempt in history.attempts if attempt.resolution is None]
    if under_way:
        raise RequestIdReused(
            f"request_id {name!r} is being bought right now: ask again with the same one (if its process died, the hold"
            f" {under_way[0].reserve.reservation_id} ends by itself)"
        )
    delivered = [attempt for attempt in history.attempts if has_pictures(shop, attempt)]
    if not delivered and not history.cached:
        charged = sum(attempt.cost_nusd for attempt in history.attempts)
        if charged:
            raise RequestIdReused(
                f"request_id {name!r} was charged ${usd_text(charged)} without a known outcome;"
                f"{_may_go_on(shop, history)} buying it again needs a new request_id"
            )
        return None
    return _result(shop, request, history, delivered)


def has_pictures(shop: Shop, attempt: AttemptHistory) -> bool:
    """Tell whether an attempt brought pictures, also where that could not be written before its hold expired."""
    ended = attempt.resolution
    return ended is not None and bool(ended.images or (attempt.cost_nusd and shop.find_bought(attempt.reserve)))


def _result(shop: Shop, request: ImageRequest, history: RequestHistory, delivered: list[AttemptHistory]) -> Result:
    entries = entries_of(history, delivered)
    calls = [_kept(shop, request, entry) for entry in entries]
    last = entries[-1]
    usages = [attempt.resolution.usage for attempt in delivered if attempt.resolution and attempt.resolution.usage]
    found = without_surplus((each for call in calls for each in judged(call)), request.n)
    pictures = tuple(picture for picture, _ in found)
    notices = [f"request_id {request.request_id!r} was answered before: nothing was bought now"]
    if len(pictures) < request.n:
        told = f"{len(pictures)} of {request.n} pictures were to be had then;{_may_go_on(shop, history)}"
        notices.append(f"{told} a new request_id buys afresh")
    return Result(
        images=pictures,
        request=request,
        request_id=history.record.request_id,
        importance=history.record.importance,
        deployment=last.deployment,
        model=last.model,
        size=pictures[0].size,
        quality=last.quality,
        cost=Money(sum(attempt.cost_nusd for attempt in history.attempts)),
        quote=Money(sum(attempt.reserve.amount_nusd for attempt in delivered)),
        unconfirmed=Money(sum(a.cost_nusd for a in history.attempts if a.resolution and a.resolution.unconfirmed)),
        cached=True,
        usage=usages[0] if len(usages) == 1 else None,
        revised_prompt=calls[0].revised_prompt,
        seed=calls[0].seed,
        faults=fault_sentences([fault for _, fault in found]),
        degraded=_stand_in(history, delivered),
        notices=tuple(notices),
    )


def given_again(result: Result) -> Result:
    """Give a result to a call that waited for it with the same ``request_id``, as a repeat is answered."""
    told = f"request_id {result.request_id!r} was being bought for another call: nothing was bought twice"
    notices = tuple(dict.fromkeys((told, *result.notices)))
    return replace(result, cached=True, saved=Money(0), lines=(), notices=notices, attempts=(), plan=None)


def _may_go_on(shop: Shop, history: RequestHistory) -> str:
    """Tell until when another process may still be trying: between two attempts the ledger cannot tell.

    In this one nobody is, or a repeat would wait for it.
    """
    ended = [each.resolution for each in history.attempts if each.resolution]
    if not ended or ended[-1].kind is EntryKind.EXPIRE:
        return ""
    routes = (route for variants in shop.settings.policy.routes.values() for route in variants)
    deadlines = (history.record.features.deadline_s, *(route.deadline_s for route in routes))
    until = max(each.at for each in ended) + timedelta(seconds=max(DEADLINE_S, *(each or 0 for each in deadlines)))
    if until <= shop.clock.now():
        return ""
    return (
        f" if another process is still at it (until {until:%H:%M:%S} UTC at the latest), ask again with the same one;"
    )


def _stand_in(history: RequestHistory, delivered: list[AttemptHistory]) -> str | None:
    """Name the deployment that stood in for the route's own, if one did."""
    ended = [each.resolution for each in delivered if each.resolution]
    return next((entry.deployment for entry in (*ended, *history.cached) if entry.reason.startswith(STANDS_IN)), None)


def entries_of(history: RequestHistory, delivered: Iterable[AttemptHistory]) -> list[Entry]:
    """List what a request's pictures stand under, in their order."""
    # By what they stand for: a ledger of an older version may hold an answer from the cache twice.
    cached = {entry.picture_key: entry for entry in history.cached}
    return [*cached.values(), *(attempt.reserve for attempt in delivered)]


def _kept(shop: Shop, request: ImageRequest, entry: Entry) -> CachedCall:
    found = shop.find_bought(entry)
    if found is None:
        where = "they are no longer in the cache" if shop.cache else "no cache is configured"
        raise RequestIdReused(
            f"request_id {request.request_id!r} was bought on {entry.at:%Y-%m-%d %H:%M}, but its pictures cannot be"
            f" given again: {where}; use a new request_id to buy them again"
        )
    return found
