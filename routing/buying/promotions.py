"""A draft made again at another importance: its words, its labels and, where the policy says so, its picture."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from routing.buying.faults import fault_of, judged, shows_nothing, without_surplus
from routing.buying.orders import Order, name_deployment, plan_of, route_of
from routing.buying.repeats import entries_of, has_pictures
from routing.core.abilities import Reason, can_be_asked
from routing.core.policy import DraftUse, Show
from routing.core.request import PARTIAL_IMAGES, ImageRequest
from routing.errors import NoCandidate, RequestError
from routing.options import read_options
from routing.results import Result

if TYPE_CHECKING:
    from collections.abc import Collection

    from routing.buying.shop import Shop
    from routing.cache.base import CachedCall
    from routing.core.entries import Entry
    from routing.core.picture import Picture
    from routing.core.plan import Plan
    from routing.core.policy import Route
    from routing.ledger.base import RequestHistory
    from routing.options import RequestOptions

OF_REFERENCES = frozenset({Reason.OPERATION, Reason.REFERENCES})
"""Reasons that a draft's picture may have brought about."""


def read_promotion(
    shop: Shop, draft: Result | str, prompt: str | None, picture: int | None, options: RequestOptions
) -> Order:
    """Read what a draft is to become: a result, or the id of a request whose words and pictures the cache has.

    The variant that would take the request without the draft's picture says whether it goes along. With it the request
    is another one, an edit, and decided as such.

    Raises:
        RequestError: where the draft, its words or its picture cannot be had, or nobody could make it.
        Refusal: where nobody may.

    """
    if not options.get("importance"):
        raise RequestError('promote needs the importance to make it at: promote(draft, importance="final")')
    if picture is not None and (isinstance(picture, bool) or not isinstance(picture, int) or picture < 1):
        raise RequestError(f"picture counts the draft's pictures from 1, not {picture!r}")
    source = draft if isinstance(draft, Result) else _history(shop, draft)
    recipe = source.request if isinstance(source, Result) else _recipe(shop, source, prompt)
    parent = draft.request_id if isinstance(draft, Result) else draft
    words = recipe.prompt if prompt is None else prompt
    wishes: RequestOptions = {"tags": recipe.tags, "asset": recipe.asset, "mask": recipe.mask, **options}
    images, number, notices = recipe.images, None, []

    unmasked: RequestOptions = {**wishes, "mask": None}
    bare = name_deployment(shop, read_options(words, unmasked, images=images, parent=parent))
    route = route_of(bare)
    left = _why_left(route, masked=recipe.mask is not None and "mask" not in options)
    if route is not None and not left:
        number = picture or 1
        first, fault = _picture(shop, source, number, route)
        if picture is None and shows_nothing(fault):
            raise RequestError(
                f"{_takes_along(route)} picture 1 of {parent!r} is {fault}: make it again with generate or edit, or say"
                " which picture goes along (picture=2 is another one, picture=1 is this one all the same)"
            )
        images = _with_draft(first, recipe)
        notices = [_told(parent, number, len(images) - 1, fault)]
    elif picture is not None or (route is not None and route.draft is DraftUse.REFERENCE):
        notices = [f"picture {picture or 1} of {parent} does not go along: {left}"]

    order = name_deployment(shop, read_options(words, wishes, images=images, parent=parent))
    request = replace(order.request, parent_picture=number)
    plan = _plan(Order(shop, request, ()))
    request, dropped = inherit(request, recipe, options, plan)
    return Order(shop, request, (*order.notices, *notices, *dropped))


def _why_left(route: Route | None, *, masked: bool) -> str:
    """Say why a draft's picture stays behind; ``""`` where it goes along."""
    if route is None or route.draft is DraftUse.LEAVE:
        return f"{(route and route.label) or 'the route'} leaves the draft"
    return "the draft's mask belongs to the draft's own first reference" if masked else ""


def _with_draft(first: Picture, recipe: ImageRequest) -> tuple[Picture, ...]:
    """Put the draft's picture before the draft's own references: in the place of the one that it was made from itself.

    A reference with the same bytes is not sent twice.
    """
    own = recipe.images[1:] if recipe.parent_picture else recipe.images
    return (first, *(each for each in own if each.digest != first.digest))


def _takes_along(route: Route) -> str:
    return f"{route.label or 'the route'} takes the draft along as a reference, but"


def _told(parent: str, number: int, own: int, fault: str) -> str:
    bad = f", which is {fault}" if fault else ""
    others = f"; its own {'reference follows' if own == 1 else 'references follow'} from image 2 on" if own else ""
    return f"picture {number} of {parent} goes along as image 1{bad}{others}"


def _plan(order: Order) -> Plan:
    """Decide; where a draft's picture may be what stands in the way, say so."""
    try:
        return plan_of(order)
    except (RequestError, NoCandidate) as no:
        reasons = {getattr(drop, "reason", None) for drop in no.dropped}
        if order.request.parent_picture is None or not reasons & OF_REFERENCES:
            raise
        raise type(no)(f"with the draft's picture among its references {no}", dropped=no.dropped) from None


def _history(shop: Shop, request_id: str) -> RequestHistory:
    history = shop.store.history(request_id)
    if history is None:
        raise RequestError(
            f"the ledger knows no request {request_id!r}; `routing spend --by asset,request_id` lists what was made"
        )
    return history


def _recipe(shop: Shop, history: RequestHistory, prompt: str | None) -> ImageRequest:
    """Find what an earlier request asked for: labels from the ledger, words and references from the cache.

    Raises:
        RequestError: where the words or references are needed and no longer kept.

    """
    entries = [*history.cached, *(a.reserve for a in history.attempts if a.resolution and a.resolution.images)]
    # Whoever bought what stands under the key by now used the same words; a bad picture stands only under its owner's.
    kept = next((call for entry in entries if (call := _found(shop, entry))), None)
    record, features = history.record, history.record.features
    if kept is not None:
        request = kept.request
    elif prompt is not None and not features.references:
        request = ImageRequest(prompt=prompt)
    else:
        what = "reference images" if features.references else "words"
        raise RequestError(
            f"the {what} of {record.request_id!r} are no longer kept: make the request again with generate or edit"
        )
    return ImageRequest(
        prompt=request.prompt if prompt is None else prompt,
        operation=request.operation,
        size=features.size,
        images=request.images,
        mask=request.mask,
        tags=features.tags,
        asset=record.asset,
        parent=record.parent,
        parent_picture=features.parent_picture,
        # Not those of the kept request: it may have asked for more, of which nothing was sent.
        background=features.background,
        output_format=features.output_format,
        extras=features.extras,
    )


def _picture(shop: Shop, source: Result | RequestHistory, number: int, route: Route) -> tuple[Picture, str]:
    """Find one of the draft's pictures, and what is bad about it: a result brings them, an id's are in the cache.

    Raises:
        RequestError: where it is not kept, there are fewer, or what the result shows was not made for it.

    """
    if isinstance(source, Result):
        parent, faults = source.request_id, source.faults
        found = [(each, fault_of(faults, at)) for at, each in enumerate(source.images, start=1)]
        if source.degraded in set(Show):
            what = "a placeholder" if source.degraded == Show.PLACEHOLDER else "the last picture of its asset"
            raise RequestError(
                f"{_takes_along(route)} {parent!r} only shows {what}: nothing was bought for it;"
                " make it again with generate or edit"
            )
    else:
        found, parent = _kept(shop, source, number, route), source.record.request_id
    if number > len(found):
        many = f"{len(found)} picture{'' if len(found) == 1 else 's'}"
        raise RequestError(f"{parent!r} has {many}: there is no picture {number} to take along")
    picture, fault = found[number - 1]
    return replace(picture, name=f"picture {number} of {parent}"), fault


def _kept(shop: Shop, history: RequestHistory, number: int, route: Route) -> list[tuple[Picture, str]]:
    """Gather a request's pictures, numbered as its result numbered them, and what is bad about each."""
    request_id = history.record.request_id
    entries = entries_of(history, [each for each in history.attempts if has_pictures(shop, each)])
    calls = [shop.find_bought(entry) for entry in entries]
    kept = [call for call in calls if call is not None]
    found = without_surplus((each for call in kept for each in judged(call)), history.record.features.n)
    if found and (len(kept) == len(calls) or len(found) >= number):
        return found
    if not calls and not history.archived_to:
        raise RequestError(f"{_takes_along(route)} {request_id!r} brought no picture: make it with generate or edit")
    raise RequestError(
        f"{_takes_along(route)} the pictures of {request_id!r} are no longer kept: pass the draft's Result, or its"
        " file to edit, or make it again with generate"
    )


def _found(shop: Shop, entry: Entry) -> CachedCall | None:
    return shop.find(entry.picture_key.partition(":")[0]) or shop.find_bought(entry)


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
        if can_be_asked(first, name, value, request.operation):
            extras[name] = value
        else:
            notices.append(f"the draft's {name} is left out: {first.name} cannot be asked for it here")
    return replace(request, **changes, extras={**extras, **request.extras}), notices
