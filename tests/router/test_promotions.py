"""A draft made again: with its words, its labels and, where the policy says so, its picture."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from routing import AllCandidatesFailed, NoCandidate, ProviderUnavailable, RequestError, RequestIdReused
from routing.core.conditions import Condition, When
from routing.core.deployment import ListedSizes
from routing.core.picture import Size
from routing.core.policy import Degrade, DraftUse, Route, Show
from routing.core.request import Operation
from routing.errors import Charged
from routing.pictures import REFERENCE_BYTES_AT_MOST
from routing.testing import FakeProvider, blank_picture, plain_picture
from tests.shop import FLUX, GPT, SQUARE, deployment, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from routing.core.policy import Settings
    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = open_bench(cache=tmp_path / "cache")
    yield made
    made.router.close()


def taking_along(**changes: Any) -> Settings:
    """The shop's settings where a final, and a review, is made from its draft."""
    made = settings(**changes)
    routes = {
        name: tuple(replace(route, draft=DraftUse.REFERENCE) for route in made.policy.routes[name])
        for name in ("review", "final")
    }
    return replace(made, policy=replace(made.policy, routes={**made.policy.routes, **routes}))


@pytest.fixture
def taking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A shop whose every picture differs from every other, and where drafts go along."""
    made = open_bench(taking_along(), cache=tmp_path / "cache")
    number = count(1)
    for fake in made.fakes.values():
        differ(fake, number, monkeypatch)
    yield made
    made.router.close()


def differ(fake: FakeProvider, number: Iterator[int], monkeypatch: pytest.MonkeyPatch) -> None:
    buy = fake.buy

    def another(call: ImageCall) -> Delivery:
        delivery = buy(call)
        pictures = tuple(replace(each, data=each.data + bytes([next(number)])) for each in delivery.pictures)
        return replace(delivery, pictures=pictures)

    monkeypatch.setattr(fake, "buy", another)


def sent(bench: Bench) -> list[bytes]:
    """The references of the last call."""
    return [image.data for image in bench.fakes["gpt"].calls[-1].images]


def test_a_draft_is_promoted_with_its_words_labels_and_a_link(bench: Bench) -> None:
    draft = bench.router.generate("a fox", importance="draft", asset="poster-7", tags={"campaign": "spring"}, n=2)
    final = bench.router.promote(draft, importance="final")
    assert (final.deployment, final.quality, final.asset, len(final.images)) == ("gpt", "high", "poster-7", 1)
    history = bench.store.history(final.request_id)
    assert history is not None
    assert (history.record.parent, history.record.features.tags) == (draft.request_id, {"campaign": "spring"})


def test_a_draft_is_promoted_by_its_id_from_the_cache(bench: Bench) -> None:
    picture = blank_picture(SQUARE)
    bench.router.edit("a fox like this", images=[picture], importance="review", request_id="fox", asset="poster-7")
    final = bench.router.promote("fox", importance="final")
    (call,) = [call for call in bench.fakes["gpt"].calls if call.quality == "high"]
    assert (call.prompt, [image.data for image in call.images]) == ("a fox like this", [picture.data])
    assert final.asset == "poster-7"


def test_promoting_with_other_words_keeps_the_rest(bench: Bench) -> None:
    draft = bench.router.generate("a fox", asset="poster-7")
    final = bench.router.promote(draft, importance="final", prompt="a red fox", size="2048x2048")
    assert (final.request.prompt, str(final.size), final.asset) == ("a red fox", "2048x2048", "poster-7")


@pytest.mark.parametrize("prompt", [None, "a fox"])
def test_an_unknown_draft_cannot_be_promoted(bench: Bench, prompt: str | None) -> None:
    with pytest.raises(RequestError, match="knows no request"):
        bench.router.promote("nobody", importance="final", prompt=prompt)


def test_a_draft_whose_words_are_gone_says_so() -> None:
    bench = open_bench()
    bench.router.generate("a fox", request_id="fox")
    with pytest.raises(RequestError, match="no longer kept"):
        bench.router.promote("fox", importance="final")
    assert bench.router.promote("fox", importance="final", prompt="a fox").deployment == "gpt"


def test_what_only_the_drafts_model_knows_is_left_out_of_its_promotion_with_a_notice(bench: Bench) -> None:
    draft = bench.router.generate("a fox", importance="draft", seed=7)
    final = bench.router.promote(draft, importance="final")
    assert final.deployment == "gpt"
    assert any("seed is left out" in notice for notice in final.notices)
    with pytest.raises(RequestError, match="does not know seed"):
        bench.router.promote(draft, importance="final", seed=8)


def test_a_drafts_size_that_the_better_model_cannot_make_becomes_the_nearest() -> None:
    made = settings()
    flux = replace(FLUX, sizes=ListedSizes(sizes=(Size(width=1024, height=512),)))
    known = {**made.deployments, "flux": deployment("flux", flux)}
    bench = open_bench(settings(deployments=known))
    draft = bench.router.generate("a fox", importance="draft", size="1024x512")
    final = bench.router.promote(draft, importance="final")
    assert (draft.deployment, final.size.width / final.size.height) == ("flux", 2)
    assert any("1024x512" in notice for notice in final.notices)


def test_a_draft_promoted_by_its_id_keeps_its_size_though_its_words_are_gone() -> None:
    bench = open_bench()
    bench.router.generate("a fox", importance="review", size="1536x1024", request_id="fox")
    assert str(bench.router.promote("fox", importance="final", prompt="a fox").size) == "1536x1024"


def test_promoting_with_empty_words_is_refused(bench: Bench) -> None:
    draft = bench.router.generate("a fox")
    with pytest.raises(RequestError, match="prompt is empty"):
        bench.router.promote(draft, importance="final", prompt="")


def test_an_edit_is_promoted_with_its_mask(bench: Bench) -> None:
    picture = blank_picture(SQUARE)
    bench.router.edit("a fox", images=[picture], mask=picture, importance="review", request_id="fox")
    bench.router.promote("fox", importance="final")
    assert [call.mask is not None for call in bench.fakes["gpt"].calls] == [True, True]


def test_a_final_is_an_edit_of_its_draft_where_the_policy_takes_drafts_along(taking: Bench) -> None:
    draft = taking.router.generate("a fox", importance="draft", asset="poster-7")
    final = taking.router.promote(draft, importance="final")
    assert sent(taking) == [draft.images[0].data]
    assert taking.fakes["gpt"].calls[-1].operation is Operation.EDIT
    assert final.notices == (f"picture 1 of {draft.request_id} goes along as image 1",)
    history = taking.store.history(final.request_id)
    assert history is not None
    assert (history.record.parent, history.record.features.parent_picture) == (draft.request_id, 1)
    assert history.record.features.references == (SQUARE,)


def test_the_reference_is_part_of_the_quote_and_of_the_cost(taking: Bench) -> None:
    draft = taking.router.generate("a fox", importance="draft")
    alone = taking.router.generate("a fox", importance="final")
    final = taking.router.promote(draft, importance="final")
    # 1,024 tokens of picture at $8 a million more; held are 1,536.
    assert final.cost - alone.cost == 1_024 * 8_000
    assert final.quote - alone.quote == 1_536 * 8_000
    assert taking.spent() == draft.cost + alone.cost + final.cost


def test_of_several_pictures_the_first_goes_along_or_the_one_that_is_named(taking: Bench) -> None:
    draft = taking.router.generate("a fox", importance="draft", n=3, request_id="fox")
    taking.router.promote(draft, importance="final")
    assert sent(taking) == [draft.images[0].data]
    for given in (draft, "fox"):
        taking.router.promote(given, importance="final", picture=3, fresh=True)
        assert sent(taking) == [draft.images[2].data]
        with pytest.raises(RequestError, match="'fox' has 3 pictures: there is no picture 4"):
            taking.router.promote(given, importance="final", picture=4)


@pytest.mark.parametrize("picture", [0, -1, True, "1"])
def test_a_picture_that_counts_nothing_is_refused(taking: Bench, picture: int) -> None:
    draft = taking.router.generate("a fox")
    with pytest.raises(RequestError, match="picture counts the draft's pictures from 1"):
        taking.router.promote(draft, importance="final", picture=picture)


def test_a_draft_stays_behind_where_nothing_is_said_of_it_and_a_named_picture_is_told(bench: Bench) -> None:
    draft = bench.router.generate("a fox", n=2)
    final = bench.router.promote(draft, importance="final", picture=2)
    assert not bench.fakes["gpt"].calls[-1].images
    assert final.notices == (f"picture 2 of {draft.request_id} does not go along: routes.final leaves the draft",)


def test_the_drafts_own_references_follow_its_picture(taking: Bench) -> None:
    own = [blank_picture(Size(width=64, height=side)) for side in (64, 128)]
    draft = taking.router.edit("a fox like image 2", images=own, importance="review", request_id="fox")
    for given in (draft, "fox"):
        final = taking.router.promote(given, importance="final", fresh=True)
        assert sent(taking) == [draft.images[0].data, *(each.data for each in own)]
        assert final.notices == ("picture 1 of fox goes along as image 1; its own references follow from image 2 on",)


def test_a_draft_that_is_among_its_own_references_is_sent_once(bench: Bench) -> None:
    bench = open_bench(taking_along())
    square = plain_picture(SQUARE)  # what the fakes deliver, too
    other = blank_picture(Size(width=64, height=64))
    draft = bench.router.edit("a fox", images=[other, square], importance="review")
    assert draft.images[0].data == square.data
    bench.router.promote(draft, importance="final")
    assert sent(bench) == [square.data, other.data]


def test_a_picture_that_was_made_from_a_draft_takes_its_place(taking: Bench) -> None:
    own = blank_picture(Size(width=64, height=64))
    draft = taking.router.edit("a fox", images=[own], importance="review", request_id="draft")
    taking.router.promote(draft, importance="review", request_id="review")
    review = taking.router.promote("draft", importance="review", request_id="review")
    for given in (review, "review"):
        taking.router.promote(given, importance="final", fresh=True)
        assert sent(taking) == [review.images[0].data, own.data]


def test_a_model_that_takes_no_reference_drops_out_with_its_reason() -> None:
    both = Route(use=("flux", "gpt"), draft=DraftUse.REFERENCE, label="routes.final")
    made = settings()
    bench = open_bench(replace(made, policy=replace(made.policy, routes={**made.policy.routes, "final": (both,)})))
    final = bench.router.promote(bench.router.generate("a fox"), importance="final")
    assert final.deployment == "gpt"
    assert [str(drop) for drop in final.dropped] == ["flux: flux/schnell cannot edit"]


def test_a_model_that_takes_no_more_references_drops_out_with_its_reason() -> None:
    few = {"gpt-b": deployment("gpt-b", replace(GPT, references_at_most=1))}
    made = settings()
    bench = open_bench(taking_along(deployments={**made.deployments, **few}))
    images = [blank_picture(Size(width=64, height=64))] * 16
    draft = bench.router.edit("a fox", images=images[:1], importance="review")
    final = bench.router.promote(draft, importance="final")
    assert [drop.detail for drop in final.dropped] == ["gpt-image-2 takes at most 1 reference image, the call brings 2"]
    draft = bench.router.edit("a fox", images=images, importance="review")
    with pytest.raises(RequestError, match="with the draft's picture among its references no deployment") as refused:
        bench.router.promote(draft, importance="final")
    assert "takes at most 16 reference images, the call brings 17" in str(refused.value)


def test_a_route_on_which_nobody_edits_says_what_stands_in_the_way() -> None:
    made = settings()
    only = Route(use=("flux",), draft=DraftUse.REFERENCE, label="routes.final")
    bench = open_bench(replace(made, policy=replace(made.policy, routes={**made.policy.routes, "final": (only,)})))
    draft = bench.router.generate("a fox")
    with pytest.raises(RequestError, match=r"with the draft's picture among its references .* can edit") as refused:
        bench.router.promote(draft, importance="final")
    assert [drop.deployment for drop in refused.value.dropped] == ["flux"]


def test_what_has_nothing_to_do_with_the_reference_is_refused_in_its_own_words(taking: Bench) -> None:
    draft = taking.router.generate("a fox")
    with pytest.raises(RequestError, match=r"^no deployment of route 'final' can do this"):
        taking.router.promote(draft, importance="final", size="4096x4096")
    known = settings().deployments
    gone = taking_along(deployments={name: replace(each, missing_key="SOME_KEY") for name, each in known.items()})
    with pytest.raises(NoCandidate, match=r"^no deployment of route 'final' can serve this"):
        open_bench(gone).router.promote(draft, importance="final")


def test_with_the_draft_it_is_decided_again_as_an_edit(tmp_path: Path) -> None:
    edits = open_bench(settings()).router._shop.settings.policy.routes["review"][0]
    made = taking_along()
    when_edit = replace(edits, when=when("operation", "edit"), draft=DraftUse.LEAVE, label="routes.final.edit")
    routes = {**made.policy.routes, "final": (when_edit, *made.policy.routes["final"])}
    bench = open_bench(replace(made, policy=replace(made.policy, routes=routes)), cache=tmp_path)
    final = bench.router.promote(bench.router.generate("a fox"), importance="final")
    assert final.plan is not None
    assert (final.plan.route.label, final.quality) == ("routes.final.edit", "medium")


def when(field: str, value: str) -> When:
    return When(conditions=(Condition(field=field, one_of=(value,)),))


def test_by_its_id_a_draft_whose_picture_is_no_longer_kept_says_what_to_do() -> None:
    bench = open_bench(taking_along())
    draft = bench.router.generate("a fox", request_id="fox")
    with pytest.raises(RequestError, match="the words of 'fox' are no longer kept"):
        bench.router.promote("fox", importance="final")
    with pytest.raises(RequestError, match=r"routes.final takes the draft along .* pass the draft's Result"):
        bench.router.promote("fox", importance="final", prompt="a fox")
    assert bench.router.promote(draft, importance="final").deployment == "gpt"


def test_an_id_whose_own_pictures_gave_way_to_newer_ones_is_promoted_with_its_own(taking: Bench) -> None:
    first = taking.router.generate("a fox", request_id="fox")
    taking.router.generate("a fox", fresh=True)
    taking.router.promote("fox", importance="final")
    assert sent(taking) == [first.images[0].data]


def test_an_id_that_brought_no_picture_cannot_go_along(taking: Bench) -> None:
    for name in ("flux", "gpt"):
        taking.fakes[name].fail_next(ProviderUnavailable("down", charged=Charged.NO))
    with pytest.raises(AllCandidatesFailed):
        taking.router.generate("a fox", request_id="fox")
    with pytest.raises(RequestError, match="'fox' brought no picture: make it with generate or edit"):
        taking.router.promote("fox", importance="final", prompt="a fox")


@pytest.mark.parametrize(
    ("shown", "says"), [(Show.LAST, "the last picture of its asset"), (Show.PLACEHOLDER, "a placeholder")]
)
def test_what_was_only_shown_in_a_drafts_stead_does_not_go_along(
    taking: Bench, monkeypatch: pytest.MonkeyPatch, shown: Show, says: str
) -> None:
    (route,) = taking.router._shop.settings.policy.routes["review"]
    routes = taking.router._shop.settings.policy.routes
    monkeypatch.setitem(routes, "review", (replace(route, degrade=Degrade(show=(shown,))),))
    taking.router.generate("an older fox", importance="draft", asset="poster-7")
    taking.fakes["gpt"].fail_next(ProviderUnavailable("down", charged=Charged.NO))
    draft = taking.router.generate("a fox", importance="review", asset="poster-7", request_id="fox")
    assert draft.degraded == shown
    with pytest.raises(RequestError, match=f"'fox' only shows {says}: nothing was bought for it"):
        taking.router.promote(draft, importance="final")


def test_the_mask_of_a_draft_keeps_its_picture_behind(taking: Bench) -> None:
    picture = blank_picture(SQUARE)
    draft = taking.router.edit("a fox", images=[picture], mask=picture, importance="review", request_id="fox")
    final = taking.router.promote(draft, importance="final")
    assert sent(taking) == [picture.data]
    assert taking.fakes["gpt"].calls[-1].mask == picture
    assert final.notices == (
        "picture 1 of fox does not go along: the draft's mask belongs to the draft's own first reference",
    )


def test_a_mask_of_the_promotion_itself_belongs_to_the_drafts_picture(taking: Bench) -> None:
    picture, mask = blank_picture(Size(width=64, height=64)), blank_picture(SQUARE)
    draft = taking.router.edit("a fox", images=[picture], mask=picture, importance="review", request_id="fox")
    taking.router.promote(draft, importance="final", mask=mask)
    assert (sent(taking), taking.fakes["gpt"].calls[-1].mask) == ([draft.images[0].data, picture.data], mask)
    taking.router.promote(draft, importance="final", mask=None)
    assert (sent(taking), taking.fakes["gpt"].calls[-1].mask) == ([draft.images[0].data, picture.data], None)
    with pytest.raises(RequestError, match="the mask is 64x64, the first reference image is 1024x1024"):
        taking.router.promote(draft, importance="final", mask=picture.data)


def test_a_draft_bigger_than_vendors_take_is_refused_by_its_name(taking: Bench) -> None:
    draft = taking.router.generate("a fox", request_id="fox")
    huge = replace(draft.images[0], data=b"\0" * REFERENCE_BYTES_AT_MOST)
    with pytest.raises(RequestError, match=r"picture 1 of fox has 50[.]0 MB: a reference image must"):
        taking.router.promote(replace(draft, images=(huge,)), importance="final")


def test_a_promotion_twice_by_one_request_id_is_bought_once(taking: Bench) -> None:
    draft = taking.router.generate("a fox", request_id="fox")
    first = taking.router.promote(draft, importance="final", request_id="fox/final")
    again = taking.router.promote("fox", importance="final", request_id="fox/final")
    assert (again.cached, again.images) == (True, first.images)
    with pytest.raises(RequestIdReused, match="another request"):
        taking.router.generate("a fox", importance="final", request_id="fox/final")
    assert len(taking.fakes["gpt"].calls) == 1


def test_another_draft_of_the_same_words_is_another_final(taking: Bench) -> None:
    drafts = [taking.router.generate("a fox", fresh=True) for _ in range(2)]
    finals = [taking.router.promote(draft, importance="final") for draft in drafts]
    assert [final.cached for final in finals] == [False, False]
    assert taking.router.promote(drafts[0], importance="final").cached


def test_an_event_loop_names_the_picture_too(taking: Bench) -> None:
    draft = taking.router.generate("a fox", n=2)
    asyncio.run(taking.router.apromote(draft, importance="final", picture=2))
    assert sent(taking) == [draft.images[1].data]
