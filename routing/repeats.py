"""A ``request_id`` that comes again: the first answer, and nothing bought."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from routing.core.abilities import can_be_asked
from routing.core.fingerprint import request_fingerprint
from routing.core.money import Money, usd_text
from routing.core.request import PARTIAL_IMAGES, ImageRequest
from routing.errors import RequestError, RequestIdReused
from routing.results import Result

if TYPE_CHECKING:
    from collections.abc import Collection

    from routing.cache.base import CachedCall
    from routing.core.entries import Entry
    from routing.core.plan import Plan
    from routing.ledger.base import AttemptHistory, RequestHistory
    from routing.shop import Shop


def answer_again(shop: Shop, request: ImageRequest, history: RequestHistory) -> Result | None:
    """Answer a repeat from what was bought; ``None`` where nothing was charged yet and it may be bought now.

    Raises:
        RequestIdReused: where the id stands for another request, is being bought right now, was charged without a
            known outcome, was archived, or its pictures are no longer kept.

    """
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
            f"request_id {name!r} is being bought right now (or its process died: then the hold"
            f" {under_way[0].reserve.reservation_id} ends by itself)"
        )
    delivered = [attempt for attempt in history.attempts if _has_pictures(shop, attempt)]
    if not delivered and not history.cached:
        charged = sum(attempt.cost_nusd for attempt in history.attempts)
        if charged:
            raise RequestIdReused(
                f"request_id {name!r} was charged ${usd_text(charged)} without a known outcome;"
                " buying it again needs a new request_id"
            )
        return None
    return _result(shop, request, history, delivered)


def _has_pictures(shop: Shop, attempt: AttemptHistory) -> bool:
    """Tell whether an attempt brought pictures, also where that could not be written before its hold expired."""
    ended = attempt.resolution
    return ended is not None and bool(ended.images or (attempt.cost_nusd and shop.find_bought(attempt.reserve)))


def _result(shop: Shop, request: ImageRequest, history: RequestHistory, delivered: list[AttemptHistory]) -> Result:
    # By what they stand for: an id that was asked for twice at once may have been answered from the cache twice.
    cached = {entry.picture_key: entry for entry in history.cached}
    entries = [*cached.values(), *(attempt.reserve for attempt in delivered)]
    calls = [_kept(shop, request, entry) for entry in entries]
    last = entries[-1]
    usages = [attempt.resolution.usage for attempt in delivered if attempt.resolution and attempt.resolution.usage]
    pictures = tuple(picture for call in calls for picture in call.pictures)
    notices = [f"request_id {request.request_id!r} was answered before: nothing was bought now"]
    if len(pictures) < request.n:
        notices.append(f"{len(pictures)} of {request.n} pictures were to be had then; a new request_id buys afresh")
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
        notices=tuple(notices),
    )


def _kept(shop: Shop, request: ImageRequest, entry: Entry) -> CachedCall:
    found = shop.find_bought(entry)
    if found is None:
        where = "they are no longer in the cache" if shop.cache else "no cache is configured"
        raise RequestIdReused(
            f"request_id {request.request_id!r} was bought on {entry.at:%Y-%m-%d %H:%M}, but its pictures cannot be"
            f" given again: {where}; use a new request_id to buy them again"
        )
    return found


def recipe_of(shop: Shop, request_id: str, prompt: str | None) -> ImageRequest:
    """Find what an earlier request asked for: labels and wishes from the ledger, words and references from the cache.

    Raises:
        RequestError: where the ledger does not know the id, or the words are needed and no longer kept.

    """
    history = shop.store.history(request_id)
    if history is None:
        raise RequestError(
            f"the ledger knows no request {request_id!r}; `routing spend --by asset,request_id` lists what was made"
        )
    entries = [*history.cached, *(a.reserve for a in history.attempts if a.resolution and a.resolution.images)]
    # Whoever bought what stands under the key by now used the same words.
    kept = next((call for entry in entries if (call := shop.find(entry.picture_key.partition(":")[0]))), None)
    record = history.record
    if kept is not None:
        request = kept.request
    elif prompt is not None and not history.record.features.references:
        request = ImageRequest(prompt=prompt)
    else:
        what = "reference images" if history.record.features.references else "words"
        raise RequestError(
            f"the {what} of {request_id!r} are no longer kept: make the request again with generate or edit"
        )
    return ImageRequest(
        prompt=request.prompt if prompt is None else prompt,
        operation=request.operation,
        size=record.features.size,
        images=request.images,
        mask=request.mask,
        tags=record.features.tags,
        asset=record.asset,
        # Not those of the kept request: it may have asked for more, of which nothing was sent.
        background=record.features.background,
        output_format=record.features.output_format,
        extras=record.features.extras,
    )


def inherit(
    request: ImageRequest, recipe: ImageRequest, named: Collection[str], plan: Plan
) -> tuple[ImageRequest, list[str]]:
    """Give a promotion its draft's wishes that the call did not name itself, as far as the route can fulfil them.

    The draft was made by another model: a wish that nobody of the route knows is left out with a notice, where a call's
    own would be refused. A size goes to the nearest of the same shape.
    """
    models = [candidate.deployment.model for candidate in plan.candidates]
    first, notices = models[0], []
    changes: dict[str, Any] = {}
    if recipe.size and "size" not in named:
        fits = any(model.sizes.allows(recipe.size) for model in models)
        changes["size"] = recipe.size if fits else first.sizes.nearest(recipe.size)
        if not fits:
            notices.append(f"the draft's size {recipe.size} is none of {first.name}'s: {changes['size']} is nearest")
    for name, known in (
        ("background", {each for model in models for each in model.backgrounds}),
        ("output_format", {each for model in models for each in model.output_formats}),
    ):
        value = getattr(recipe, name)
        if value and name not in named:
            changes[name] = value if value in known else None
            if value not in known:
                notices.append(f"the draft's {name} {value} is left out: {first.name} does not know it")
    extras = {}
    for name, value in recipe.extras.items():
        if name in named or name == PARTIAL_IMAGES:  # who watched the draft need not want to watch again
            continue
        if can_be_asked(first, name, value):
            extras[name] = value
        else:
            notices.append(f"the draft's {name} is left out: {first.name} does not know it")
    return replace(request, **changes, extras={**extras, **request.extras}), notices
