"""A bad picture: paid for, told everywhere, delivered, and nobody else's answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from routing import ProviderTimeout, usd
from routing.core.entries import Basis, EntryKind
from routing.core.pacing import Allowance
from routing.core.picture import Size
from routing.core.policy import OnBad
from routing.errors import ProviderRateLimited
from routing.testing import FrozenClock, blank_picture, plain_picture
from tests.router.test_single_flight import PATIENCE_S, Crowd, gated, send
from tests.shop import SQUARE, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from routing.core.entries import Entry
    from routing.providers.base import Delivery, ImageCall
    from tests.router.conftest import Team
    from tests.shop import Bench

BLANK = blank_picture(SQUARE)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = open_bench(cache=tmp_path / "cache")
    yield made
    made.router.close()


def settled(bench: Bench) -> list[Entry]:
    return [entry for entry in bench.store.entries() if entry.kind is EntryKind.SETTLE]


def test_a_blank_picture_is_delivered_with_its_fault_and_paid_for(bench: Bench) -> None:
    bench.fakes["gpt"].deliver_next(BLANK)
    result = bench.router.generate("a fox", importance="final")
    assert (result.images, result.faults) == ((BLANK,), ("the picture is blank",))
    assert "bad picture: blank; it is paid for all the same" in result.notices
    (attempt,) = result.attempts
    assert (attempt.status, attempt.images, attempt.cost) == ("bad picture: blank", 1, result.cost)
    (entry,) = settled(bench)
    assert (entry.amount_nusd, entry.basis, entry.images) == (result.cost, Basis.METERED, 1)
    assert (entry.reason, entry.unconfirmed) == ("bad picture: blank", False)
    assert bench.spent() == result.cost > 0


def test_it_is_told_to_the_log(bench: Bench) -> None:
    bench.fakes["gpt"].deliver_next(BLANK)
    result = bench.router.generate("a fox", importance="final", request_id="fox")
    assert bench.log.named("bad_picture") == [{"reservation": "fox/1", "faults": "bad picture: blank"}]
    (attempt,) = bench.log.named("attempt")
    assert (attempt["status"], attempt["charged"], attempt["cost_usd"]) == ("bad_picture", "yes", f"{result.cost}"[1:])


def test_one_too_small_is_bad_and_one_too_large_is_not(bench: Bench) -> None:
    bench.fakes["gpt"].deliver_next(plain_picture(Size(width=512, height=512)), plain_picture(SQUARE))
    small = bench.router.generate("a fox", importance="final")
    large = bench.router.generate("a wolf", importance="final", size="960x960")
    assert (small.faults, large.faults) == (("the picture is 512x512 instead of 1024x1024",), ())


def test_a_repeat_is_bought_afresh(bench: Bench) -> None:
    bench.fakes["gpt"].deliver_next(BLANK)
    bench.router.generate("a fox", importance="final")
    again = bench.router.generate("a fox", importance="final")
    assert (again.cached, again.faults, bench.calls) == (False, (), ["gpt", "gpt"])
    assert bench.router.generate("a fox", importance="final").cached


def test_its_own_request_id_is_answered_with_it_and_its_fault_and_nobody_elses(bench: Bench) -> None:
    bench.fakes["gpt"].deliver_next(BLANK)
    first = bench.router.generate("a fox", importance="final", request_id="fox")
    bench.router.generate("a fox", importance="final", request_id="another fox")
    again = bench.router.generate("a fox", importance="final", request_id="fox")
    assert (again.images, again.faults, again.cached) == (first.images, first.faults, True)
    other = bench.router.generate("a fox", importance="final", request_id="another fox")
    assert (other.faults, other.images == first.images) == ((), False)
    assert bench.calls == ["gpt", "gpt"]


def test_a_good_picture_of_the_same_words_stays_in_the_cache(bench: Bench) -> None:
    good = bench.router.generate("a fox", importance="final")
    bench.fakes["gpt"].deliver_next(BLANK)
    assert bench.router.generate("a fox", importance="final", fresh=True).faults
    again = bench.router.generate("a fox", importance="final")
    assert (again.cached, again.images) == (True, good.images)


def test_a_bad_draft_can_be_promoted_by_its_id(bench: Bench) -> None:
    bench.fakes["flux"].deliver_next(BLANK)
    bench.router.generate("a fox", importance="draft", request_id="fox", asset="poster-7")
    final = bench.router.promote("fox", importance="final")
    assert (final.request.prompt, final.asset, final.faults) == ("a fox", "poster-7", ())


def test_of_several_pictures_the_bad_one_is_named_and_none_is_put_into_the_cache(bench: Bench) -> None:
    bench.fakes["flux"].deliver_next(plain_picture(SQUARE), BLANK)
    result = bench.router.generate("a fox", importance="draft", n=2)
    blanks = [number for number, image in enumerate(result.images, start=1) if image == BLANK]
    assert result.faults == (f"picture {blanks[0]} is blank",)
    # Each call brings one picture: the good one answers whoever asks again, the bad one is bought again.
    again = bench.router.generate("a fox", importance="draft", n=2)
    assert (again.faults, len(bench.calls)) == ((), 3)


def test_whoever_waits_for_the_same_picture_does_not_get_a_bad_one(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    vendor.deliver_next(BLANK)
    send(bench, crowd, 5, lambda number: bench.router.generate("a fox", importance="final", request_id=f"fox-{number}"))
    vendor.gate.set()
    crowd.wait()
    assert sorted(len(result.faults) for result in crowd.results) == [0, 0, 0, 0, 1]
    assert len(vendor.calls) == 2


def test_one_request_id_sent_several_times_at_once_gets_its_bad_picture_every_time(bench: Bench) -> None:
    vendor, crowd = gated(bench), Crowd()
    vendor.deliver_next(BLANK)
    crowd.send(4, lambda _: bench.router.generate("a fox", importance="final", request_id="fox"))
    assert vendor.reached.acquire(timeout=PATIENCE_S)
    vendor.gate.set()
    crowd.wait()
    assert (crowd.errors, len(vendor.calls)) == ([], 1)
    assert [result.faults for result in crowd.results] == [("the picture is blank",)] * 4


# --- Where the route buys another -------------------------------------------------------------------------------------


@pytest.fixture
def retrying(tmp_path: Path) -> Iterator[Bench]:
    """Buys another for a bad picture; finals may go to a second deployment."""
    made = settings()
    routes = {name: tuple(replace(each, bad=OnBad.RETRY) for each in some) for name, some in made.policy.routes.items()}
    opened = open_bench(replace(made, policy=replace(made.policy, routes=routes)), cache=tmp_path / "cache")
    yield opened
    opened.router.close()


def test_another_is_bought_on_a_hold_of_its_own_and_both_are_paid_for(retrying: Bench) -> None:
    retrying.fakes["gpt"].deliver_next(BLANK)
    result = retrying.router.generate("a fox", importance="review", request_id="fox")
    assert (result.faults, len(result.images), result.images == (BLANK,)) == ((), 1, False)
    assert [(each.reservation_id, each.status) for each in result.attempts] == [
        ("fox/1", "bad picture: blank"),
        ("fox/2", "delivered"),
    ]
    assert result.cost == retrying.spent() == sum(each.cost for each in result.attempts)
    assert [entry.reason for entry in settled(retrying)] == ["bad picture: blank", ""]
    again = retrying.router.generate("a fox", importance="review", request_id="fox")
    assert (again.images, again.faults, again.cost) == (result.images, (), result.cost)
    assert retrying.router.generate("a fox", importance="review").images == result.images
    assert retrying.calls == ["gpt", "gpt"]


def test_the_next_candidate_goes_first_where_there_is_one(retrying: Bench) -> None:
    retrying.fakes["gpt"].deliver_next(BLANK)
    result = retrying.router.generate("a fox", importance="final")
    assert (result.faults, result.deployment, retrying.calls) == ((), "gpt-b", ["gpt", "gpt-b"])


def test_where_the_second_is_bad_too_it_is_delivered_and_no_third_is_bought(retrying: Bench) -> None:
    retrying.fakes["gpt"].deliver_next(BLANK, BLANK)
    result = retrying.router.generate("a fox", importance="review", request_id="fox")
    assert (result.images, result.faults) == ((BLANK,), ("the picture is blank",))
    assert (retrying.calls, result.cost) == (["gpt", "gpt"], retrying.spent())
    assert result.notices.count("bad picture: blank; it is paid for all the same") == 1
    again = retrying.router.generate("a fox", importance="review", request_id="fox")
    assert (again.images, again.faults) == ((BLANK,), ("the picture is blank",))


def test_where_the_second_fails_the_bad_one_is_delivered(retrying: Bench) -> None:
    retrying.fakes["gpt"].deliver_next(BLANK)
    retrying.fakes["gpt-b"].fail_next(ProviderTimeout("no answer"))
    result = retrying.router.generate("a fox", importance="final")
    assert (result.images, result.faults, result.deployment) == ((BLANK,), ("the picture is blank",), "gpt")
    assert result.unconfirmed > 0
    assert result.cost == retrying.spent()


def test_where_max_price_leaves_no_room_the_bad_one_is_delivered(retrying: Bench) -> None:
    retrying.fakes["gpt"].deliver_next(BLANK)
    result = retrying.router.generate("a fox", importance="final", max_price=usd("0.3"))
    assert (result.faults, retrying.calls) == (("the picture is blank",), ["gpt"])
    assert any("another attempt may cost" in notice for notice in result.notices)


def test_another_is_bought_however_long_the_bad_one_took(retrying: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    take(retrying, monkeypatch, seconds=240)
    retrying.fakes["gpt"].deliver_next(BLANK)
    result = retrying.router.generate("a fox", importance="review")
    assert (result.faults, retrying.calls) == ((), ["gpt", "gpt"])


def test_none_is_where_the_deadline_would_cut_it_off(retrying: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    take(retrying, monkeypatch, seconds=9.5)
    retrying.fakes["gpt"].deliver_next(BLANK)
    result = retrying.router.generate("a fox", importance="final", deadline=10)
    assert (result.faults, retrying.calls) == (("the picture is blank",), ["gpt"])


def take(bench: Bench, monkeypatch: pytest.MonkeyPatch, *, seconds: float) -> None:
    """Have gpt's calls take so long."""
    buy = bench.fakes["gpt"].buy

    def slowly(call: ImageCall) -> Delivery:
        bench.clock.sleep(seconds)
        return buy(call)

    monkeypatch.setattr(bench.fakes["gpt"], "buy", slowly)


def test_only_the_bad_one_of_several_is_bought_again(retrying: Bench) -> None:
    retrying.fakes["flux"].deliver_next(plain_picture(SQUARE), BLANK, plain_picture(SQUARE))
    result = retrying.router.generate("a fox", importance="draft", n=3)
    assert (result.faults, len(result.images), BLANK in result.images) == ((), 3, False)
    assert len(retrying.calls) == 4


def allowing(bench: Bench, images: int) -> None:
    """Have gpt's vendor let so many pictures through in a minute."""
    known = bench.router._shop.settings.deployments
    known["gpt"] = replace(known["gpt"], allowance=Allowance(images=images))  # type: ignore[index] # the bench's own


def test_nor_is_a_third_where_a_minute_has_room_for_less_than_was_asked(retrying: Bench) -> None:
    allowing(retrying, images=1)
    retrying.fakes["gpt"].deliver_next(*[BLANK] * 20)
    result = retrying.router.generate("a fox", importance="review", n=2)
    assert (len(result.images), len(result.faults), len(retrying.calls)) == (2, 2, 4)
    assert result.cost == retrying.spent()


def test_nor_where_some_of_several_calls_have_to_wait(retrying: Bench) -> None:
    flux = retrying.fakes["flux"]
    flux.deliver_next(*[BLANK] * 40)
    flux.fail_next(ProviderRateLimited("slow down", retry_after_s=1))
    result = retrying.router.generate("a fox", importance="draft", n=3, deployment="flux")
    assert (len(result.images), len(flux.calls)) == (3, 1 + 3 + 3)


def test_what_had_to_wait_is_bought_before_another_for_what_is_bad(retrying: Bench) -> None:
    allowing(retrying, images=1)
    retrying.fakes["gpt"].deliver_next(BLANK)
    result = retrying.router.generate("a fox", importance="final", n=2)
    assert (result.faults, retrying.calls) == ((), ["gpt", "gpt", "gpt-b"])


@pytest.mark.parametrize(("fault", "says"), [("blank", "blank"), ("small", "512x512 instead of 1024x1024")])
def test_over_the_wire_it_is_metered_and_shown(team: Team, fault: str, says: str) -> None:
    with team.open() as router:
        result = router.generate(f"a fox [fault:{fault}]")
        (entry,) = [entry for entry in router._shop.store.entries() if entry.kind is EntryKind.SETTLE]
    assert result.faults == (f"the picture is {says}",)
    assert (entry.reason, entry.basis, entry.amount_nusd) == (f"bad picture: {says}", Basis.METERED, result.cost)
    assert FrozenClock().now() == entry.at
