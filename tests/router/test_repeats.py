"""The same request again: by its id, by its content, and made better."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from routing import (
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
    RequestError,
    RequestIdReused,
    Result,
    usd,
)
from routing.errors import AllCandidatesFailed, Charged, RoutingError
from tests.shop import open_bench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.providers.base import Delivery, ImageCall
    from tests.shop import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = open_bench(cache=tmp_path / "cache")
    yield made
    made.router.close()


def test_a_repeated_request_id_returns_the_first_answer_and_buys_nothing(bench: Bench) -> None:
    first = bench.router.generate("a fox", importance="final", request_id="poster/1")
    again = bench.router.generate("a fox", importance="final", request_id="poster/1")
    assert [image.data for image in again.images] == [image.data for image in first.images]
    assert (again.cost, again.cached, again.deployment) == (first.cost, True, "gpt")
    assert bench.calls == ["gpt"]
    assert bench.spent() == first.cost


def test_a_request_id_used_for_another_request_is_refused(bench: Bench) -> None:
    bench.router.generate("a fox", request_id="poster/1")
    with pytest.raises(RequestIdReused, match="another request"):
        bench.router.generate("a wolf", request_id="poster/1")
    assert bench.calls == ["flux"]


def test_a_request_id_whose_attempts_cost_nothing_may_be_bought_again(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(*(ProviderUnavailable("down", charged=Charged.NO, retryable=True) for _ in range(3)))
    with pytest.raises(AllCandidatesFailed):
        bench.router.generate("a fox", importance="review", request_id="poster/1")
    result = bench.router.generate("a fox", importance="review", request_id="poster/1")
    assert result.attempts[0].reservation_id == "poster/1/4"
    assert bench.spent() == result.cost


def test_a_request_id_with_an_unknown_outcome_is_not_paid_twice(bench: Bench) -> None:
    bench.fakes["gpt"].fail_next(ProviderTimeout("no answer"))
    with pytest.raises(ProviderTimeout):
        bench.router.generate("a fox", importance="final", request_id="poster/1")
    with pytest.raises(RequestIdReused, match="without a known outcome"):
        bench.router.generate("a fox", importance="final", request_id="poster/1")
    assert bench.calls == ["gpt"]


def test_of_many_with_one_request_id_at_once_exactly_one_buys(bench: Bench) -> None:
    gate = threading.Barrier(8)
    results: list[Result | RoutingError] = []

    def call() -> None:
        gate.wait()
        try:
            results.append(bench.router.generate("a fox", importance="final", request_id="poster/1"))
        except RoutingError as error:
            results.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.calls == ["gpt"]
    assert all(isinstance(result, Result) for result in results)


def test_an_answer_that_an_older_version_booked_twice_is_given_once(bench: Bench) -> None:
    bench.router.generate("a fox")
    bench.router.generate("a fox", request_id="fox")
    connection = bench.store._writer._connection  # type: ignore[attr-defined] # only a store in memory has it
    connection.execute("DROP TRIGGER an_answer_from_the_cache_is_written_once")
    columns = "request, kind, at, amount_nusd, deployment, model, size, unconfirmed, overrun, images, reason"
    columns += ", picture_key"
    connection.execute(f"INSERT INTO entries ({columns}) SELECT {columns} FROM entries WHERE kind = 'cached'")  # noqa: S608 - columns of ours
    history = bench.store.history("fox")
    assert history is not None
    assert len(history.cached) == 2
    assert len(bench.router.generate("a fox", request_id="fox").images) == 1


def test_without_a_cache_a_repeat_says_that_its_pictures_are_gone() -> None:
    bench = open_bench()
    bench.router.generate("a fox", request_id="poster/1")
    with pytest.raises(RequestIdReused, match="no cache is configured"):
        bench.router.generate("a fox", request_id="poster/1")


def test_the_same_request_again_comes_from_the_cache_and_costs_nothing(bench: Bench) -> None:
    first = bench.router.generate("a fox", importance="final")
    again = bench.router.generate("a fox", importance="final")
    assert again.cached
    assert (again.cost, again.images[0].data) == (0, first.images[0].data)
    assert bench.calls == ["gpt"]
    (row,) = bench.router.spend(by=())
    assert (row.spent, row.requests, row.cached) == (first.cost, 2, 1)
    assert row.saved > usd("0.2")


def test_fresh_buys_even_what_the_cache_has(bench: Bench) -> None:
    bench.router.generate("a fox")
    assert not bench.router.generate("a fox", fresh=True).cached
    assert bench.calls == ["flux", "flux"]


def test_other_words_sizes_or_qualities_are_another_picture(bench: Bench) -> None:
    bench.router.generate("a fox", importance="final")
    bench.router.generate("a fox.", importance="final")
    bench.router.generate("a fox", importance="final", size="1536x1024")
    bench.router.generate("a fox", importance="review")
    assert bench.calls == ["gpt"] * 4


def test_several_pictures_of_one_request_are_kept_one_by_one(bench: Bench) -> None:
    bench.router.generate("a fox", n=3)
    again = bench.router.generate("a fox", n=3)
    assert (len(again.images), again.cached, again.cost) == (3, True, 0)
    assert bench.calls == ["flux"] * 3


def other_pictures_each_time(bench: Bench, name: str) -> None:
    """A vendor never draws the same twice: a number behind the picture's end tells them apart."""
    deliver, numbers = bench.fakes[name].buy, count()

    def numbered(call: ImageCall) -> Delivery:
        delivery = deliver(call)
        pictures = [replace(picture, data=picture.data + b"%d" % next(numbers)) for picture in delivery.pictures]
        return replace(delivery, pictures=tuple(pictures))

    bench.fakes[name].buy = numbered  # type: ignore[method-assign]  # another vendor


def test_a_failed_part_is_bought_again_and_not_answered_by_the_other_part(bench: Bench) -> None:
    other_pictures_each_time(bench, "flux")
    bench.fakes["flux"].fail_next(ProviderRateLimited("slow down", retry_after_s=1))
    first = bench.router.generate("a fox", n=2, request_id="fox")
    assert len({picture.data for picture in first.images}) == 2
    again = bench.router.generate("a fox", n=2, request_id="fox")
    assert {picture.data for picture in again.images} == {picture.data for picture in first.images}
    assert bench.calls == ["flux"] * 3


def test_a_part_from_the_cache_does_not_confuse_the_numbers_of_attempts(bench: Bench) -> None:
    bench.router.generate("a fox")
    bench.fakes["flux"].fail_next(ProviderRateLimited("slow down", retry_after_s=1))
    assert len(bench.router.generate("a fox", n=2).images) == 2
    assert bench.calls == ["flux"] * 3


def test_a_repeat_is_given_its_own_pictures_though_newer_ones_were_bought_since(bench: Bench) -> None:
    other_pictures_each_time(bench, "flux")
    first = bench.router.generate("a fox", request_id="first")
    hit = bench.router.generate("a fox", request_id="hit")
    newer = bench.router.generate("a fox", request_id="newer", fresh=True)
    assert newer.images != first.images == hit.images
    for name, images in (("first", first.images), ("hit", first.images), ("newer", newer.images)):
        assert bench.router.generate("a fox", request_id=name).images == images
    assert bench.router.generate("a fox").images == newer.images
    assert bench.calls == ["flux", "flux"]


def test_a_picture_whose_booking_failed_is_given_again_once_its_hold_has_expired(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(bench.store, "resolve", lambda _resolution: 1 / 0)
        first = bench.router.generate("a fox", request_id="fox")
    assert not first.settled
    bench.clock.sleep(100_000)
    assert bench.router.generate("a fox", request_id="fox").images == first.images
    assert bench.calls == ["flux"]


def test_pictures_from_one_address_are_not_given_for_those_of_another(tmp_path: Path) -> None:
    benches = [open_bench(cache=tmp_path / "cache") for _ in range(2)]
    for bench, address in zip(benches, ("http://127.0.0.1:8788", None), strict=True):
        bench.router._shop = replace(bench.router._shop, addresses={"flux": address})
        assert not bench.router.generate("a fox").cached
        assert bench.router.generate("a fox").cached


def test_a_damaged_cache_file_is_a_miss(bench: Bench, tmp_path: Path) -> None:
    bench.router.generate("a fox")
    (file,) = (tmp_path / "cache").glob("*/*.call")
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert not bench.router.generate("a fox").cached
    assert bench.log.named("cache_damaged")


def test_the_requests_of_an_asset_can_be_found_again(bench: Bench) -> None:
    bench.router.generate("a fox", asset="poster-7", request_id="fox/1")
    (row,) = bench.router.spend(by=["asset", "request_id"])
    assert row.key == ("poster-7", "fox/1")
    with pytest.raises(RequestError, match="--by asset,request_id"):
        bench.router.promote("poster-7", importance="final")


def test_a_repeat_that_came_from_the_cache_knows_its_quality(bench: Bench) -> None:
    bench.router.generate("a fox", importance="final")
    for _ in range(2):
        again = bench.router.generate("a fox", importance="final", request_id="fox/2")
        assert (again.cached, again.quality) == (True, "high")
