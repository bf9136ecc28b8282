"""Where nothing could be had and the route says what then: a stand-in, the asset's last picture, a placeholder."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from routing import (
    BudgetExceeded,
    ContentRejected,
    LedgerUnavailable,
    NoCandidate,
    PriceCapExceeded,
    ProviderError,
    ProviderOutOfMoney,
    ProviderRejectedKey,
    ProviderTimeout,
    ProviderUnavailable,
    RequestError,
    RequestIdReused,
    usd,
)
from routing.core.alerts import AlertKind
from routing.core.budgets import OnBudget
from routing.core.entries import EntryKind
from routing.core.picture import Size
from routing.core.policy import Ask, Degrade, Route, Show
from routing.errors import Charged
from routing.testing import blank_picture, plain_picture
from tests.shop import SQUARE, budget, open_bench, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from routing.core.policy import Settings
    from routing.results import Result
    from tests.shop import Bench

BOTH = Degrade(use=("flux",), show=(Show.LAST, Show.PLACEHOLDER))
SHOW = Degrade(show=(Show.LAST, Show.PLACEHOLDER))
FREE = Charged.NO


def degrading(degrade: Degrade = BOTH, *, ask: Ask | None = None, **changes: Any) -> Settings:
    """Buy finals from gpt at high, and degrade where that fails."""
    made = settings(**changes)
    route = Route(use=("gpt",), ask=ask or Ask(quality="high"), degrade=degrade, label="routes.final")
    policy = replace(made.policy, routes={**made.policy.routes, "final": (route,)})
    return replace(made, policy=policy)


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    opened: list[Bench] = []

    def open_one(made: Settings) -> Bench:
        opened.append(open_bench(made, cache=tmp_path / "cache"))
        return opened[-1]

    yield open_one
    for bench in opened:
        bench.router.close()


def final(bench: Bench, prompt: str = "a fox", **wishes: Any) -> Result:
    return bench.router.generate(prompt, importance="final", **wishes)


def down(bench: Bench, *names: str, charged: Charged = FREE) -> None:
    for name in names or ("gpt",):
        bench.fakes[name].fail_next(ProviderUnavailable(f"{name} is down", charged=charged))


# --- Stand-ins --------------------------------------------------------------------------------------------------------


def test_where_the_routes_own_fail_a_stand_in_is_bought_from_and_marked(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    down(bench)
    result = final(bench)
    assert (result.degraded, result.deployment, result.cost) == ("flux", "flux", usd("0.003"))
    assert "degraded: flux stands in for gpt" in result.notices
    assert bench.calls == ["flux", "gpt"]
    settled = [entry for entry in bench.store.entries() if entry.kind is EntryKind.SETTLE]
    assert [(entry.deployment, entry.reason) for entry in settled] == [("flux", "stands in for gpt")]
    assert bench.log.named("degraded") == [{"request_id": result.request_id, "to": "flux"}]


def test_where_all_is_well_nothing_is_degraded(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    assert (final(bench).degraded, bench.calls) == (None, ["gpt"])
    assert [candidate.deployment.name for candidate in bench.router.quote("x", importance="final").plan.stand_ins] == [
        "flux"
    ]


def test_where_no_budget_has_room_a_stand_in_may_still_fit_and_the_alert_tells_of_it(
    open_shop: Callable[..., Bench],
) -> None:
    bench = open_shop(degrading(budgets=(budget("0.05"),)))
    result = final(bench)
    assert (result.degraded, result.cost, bench.calls) == ("flux", usd("0.003"), ["flux"])
    (told,) = [each.alert for each in bench.store.alerts(datetime(2000, 1, 1, tzinfo=UTC))]
    assert (told.kind, "flux" in told.detail) == (AlertKind.ACTION, True)


def test_a_budget_that_refuses_what_is_cheaper_does_not_stop_a_stand_in(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(budgets=(budget("0.05", on_budget=OnBudget.REFUSE),)))
    assert (final(bench).degraded, bench.calls) == ("flux", ["flux"])


def test_a_stand_in_that_fails_too_is_followed_by_the_next(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(Degrade(use=("gpt-b", "flux"))))
    down(bench, "gpt", "gpt-b")
    result = final(bench)
    assert (result.degraded, bench.calls) == ("flux", ["flux", "gpt", "gpt-b"])
    assert [attempt.cost for attempt in result.attempts] == [0, 0, result.cost]


def test_a_stand_in_keeps_to_the_price_cap_of_the_call(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(Degrade(use=("flux",))))
    bench.fakes["gpt"].fail_next(ProviderUnavailable("down", charged=Charged.YES))
    with pytest.raises(ProviderUnavailable):
        final(bench, max_price=usd("0.2125"))  # what gpt charged leaves less than flux may cost
    assert bench.calls == ["gpt"]


def test_a_stand_in_is_asked_for_what_it_knows(open_shop: Callable[..., Bench]) -> None:
    ask = Ask(quality="high", size=Size(width=2048, height=2048))
    bench = open_shop(degrading(ask=ask))
    down(bench)
    result = final(bench)
    (call,) = bench.fakes["flux"].calls
    assert (str(call.size), call.quality, str(result.size)) == ("1024x1024", None, "1024x1024")


def test_a_stand_in_with_the_same_qualities_is_asked_for_that_of_the_route(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(Degrade(use=("gpt-b",))))
    down(bench)
    assert (final(bench).degraded, bench.fakes["gpt-b"].calls[0].quality) == ("gpt-b", "high")


def test_after_an_outcome_that_nobody_knows_nothing_else_is_bought_but_shown(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    bench.fakes["gpt"].fail_next(ProviderTimeout("no answer"))
    result = final(bench)
    assert (result.degraded, bench.calls) == ("placeholder", ["gpt"])
    assert result.cost == result.unconfirmed == bench.spent() > 0


def test_after_server_faults_however_many_a_stand_in_is_bought_from(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    bench.fakes["gpt"].fail_next(*(ProviderUnavailable("500", status_code=500, retryable=True) for _ in range(3)))
    result = final(bench)
    assert (result.degraded, bench.calls) == ("flux", ["flux", "gpt", "gpt", "gpt"])
    assert result.cost == bench.spent() == result.unconfirmed + usd("0.003")


@pytest.mark.parametrize(
    "error",
    [ProviderError("400", status_code=400, charged=FREE), ProviderRejectedKey("401", status_code=401, charged=FREE)],
    ids=str,
)
def test_what_every_vendor_refuses_stays_an_error(open_shop: Callable[..., Bench], error: ProviderError) -> None:
    bench = open_shop(degrading())
    bench.fakes["gpt"].fail_next(error)
    with pytest.raises(type(error)):
        final(bench)
    assert bench.calls == ["gpt"]


def test_a_call_that_names_a_deployment_is_not_served_by_a_stand_in(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    down(bench)
    assert (final(bench, deployment="gpt").degraded, bench.calls) == ("placeholder", ["gpt"])


def test_a_repeat_of_the_same_id_is_answered_by_the_stand_ins_picture_and_marked(
    open_shop: Callable[..., Bench],
) -> None:
    bench = open_shop(degrading())
    bench.fakes["gpt"].fail_next(ProviderOutOfMoney("gpt has no money left", charged=FREE))
    first, again = final(bench, request_id="fox"), final(bench, request_id="fox")
    assert (again.images, again.cached, again.degraded) == (first.images, True, "flux")
    other = final(bench, request_id="another")  # gpt is left alone for a while, flux's picture is in the cache
    assert (other.cached, other.degraded) == (True, "flux")
    assert final(bench, request_id="another").degraded == "flux"
    assert bench.calls == ["flux", "gpt"]


# --- Shown without buying ---------------------------------------------------------------------------------------------


def test_a_placeholder_has_the_size_that_was_asked_for_and_costs_nothing(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    down(bench, "gpt", "flux", "flux")
    result = final(bench, size="1536x1024", asset="poster-7", n=2)
    assert (result.degraded, result.deployment, result.model) == ("placeholder", "placeholder", "placeholder")
    assert (result.cost, result.quote, result.cached, result.settled) == (0, 0, False, True)
    assert [(str(image.size), image.format) for image in result.images] == [("1536x1024", "png")] * 2
    assert [attempt.deployment for attempt in result.attempts] == ["gpt", "flux", "flux"]
    assert any(notice.startswith("degraded: a placeholder is shown, nothing was bought: ") for notice in result.notices)
    assert {entry.kind for entry in bench.store.entries()} == {EntryKind.RESERVE, EntryKind.RELEASE}
    assert bench.log.named("degraded") == [
        {"request_id": result.request_id, "to": "placeholder", "error": "AllCandidatesFailed"}
    ]


def test_its_cost_is_what_failed_attempts_cost_and_no_more(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(SHOW))
    bench.fakes["gpt"].fail_next(ProviderUnavailable("broken", charged=Charged.YES))
    result = final(bench)
    assert (result.degraded, result.unconfirmed) == ("placeholder", 0)
    assert result.cost == bench.spent() == result.attempts[0].cost > 0
    (row,) = bench.router.spend(by=())
    assert row.images == 0


def test_the_last_picture_of_the_asset_goes_before_a_placeholder(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(SHOW))
    bench.router.generate("an older fox", importance="draft", asset="poster-7")
    newer = bench.router.generate("a fox", importance="review", asset="poster-7", n=3)
    bench.router.generate("a wolf", importance="draft", asset="another")
    down(bench)
    result = final(bench, "a better fox", asset="poster-7", n=2)
    assert (result.degraded, result.images) == ("last", newer.images[:2])
    assert (result.deployment, result.quality, result.cost) == ("gpt", "medium", 0)
    assert any("the last picture of 'poster-7', of 2026-11-21 12:00, is shown" in notice for notice in result.notices)


def test_a_bad_picture_is_not_shown_as_the_last(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(SHOW))
    good = bench.router.generate("a fox", importance="review", asset="poster-7")
    bench.fakes["gpt"].deliver_next(blank_picture(SQUARE))
    assert bench.router.generate("another fox", importance="review", asset="poster-7").faults
    down(bench)
    result = final(bench, asset="poster-7")
    assert (result.degraded, result.images) == ("last", good.images)


def test_what_the_cache_has_lost_is_passed_over(open_shop: Callable[..., Bench], tmp_path: Path) -> None:
    bench = open_shop(degrading(SHOW))
    bench.fakes["gpt"].deliver_next(plain_picture(Size(width=1024, height=1040)))
    older = bench.router.generate("an older fox", importance="review", asset="poster-7")
    before = set((tmp_path / "cache").rglob("*.call"))
    bench.router.generate("a fox", importance="review", asset="poster-7")
    (newer,) = set((tmp_path / "cache").rglob("*.call")) - before
    newer.unlink()
    down(bench)
    assert final(bench, asset="poster-7").images == older.images


@pytest.mark.parametrize("wishes", [{}, {"asset": "of which there is none"}])
def test_without_a_last_picture_a_placeholder_is_shown(open_shop: Callable[..., Bench], wishes: dict[str, str]) -> None:
    bench = open_shop(degrading(SHOW))
    down(bench)
    assert final(bench, **wishes).degraded == "placeholder"


def test_where_the_route_shows_only_the_last_and_there_is_none_the_error_stays(
    open_shop: Callable[..., Bench],
) -> None:
    bench = open_shop(degrading(Degrade(show=(Show.LAST,))))
    down(bench)
    with pytest.raises(ProviderUnavailable):
        final(bench, asset="poster-7")


def test_where_no_budget_has_room_a_placeholder_is_shown_and_the_alert_still_fires(
    open_shop: Callable[..., Bench],
) -> None:
    bench = open_shop(degrading(budgets=(budget("0.001"),)))
    result = final(bench)
    assert (result.degraded, result.cost, bench.calls, result.attempts) == ("placeholder", 0, [], ())
    assert bench.store.history(result.request_id) is None
    (told,) = [each.alert for each in bench.store.alerts(datetime(2000, 1, 1, tzinfo=UTC))]
    assert (told.kind, told.detail) == (AlertKind.ACTION, "final requests refused")


def test_a_repeat_of_the_same_id_may_buy_afresh(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(SHOW))
    down(bench)
    assert final(bench, request_id="fox").degraded == "placeholder"
    bench.clock.sleep(24 * 3600)
    again = final(bench, request_id="fox")
    assert (again.degraded, again.cached, again.deployment) == (None, False, "gpt")


def test_a_repeat_after_an_outcome_that_nobody_knows_is_refused_as_ever(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(SHOW))
    bench.fakes["gpt"].fail_next(ProviderTimeout("no answer"))
    assert final(bench, request_id="fox").degraded == "placeholder"
    with pytest.raises(RequestIdReused, match="without a known outcome"):
        final(bench, request_id="fox")


# --- What stays an error ----------------------------------------------------------------------------------------------


def test_a_refused_content_stays_an_error(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    bench.fakes["gpt"].fail_next(ContentRejected("no", charged=FREE))
    with pytest.raises(ContentRejected):
        final(bench)
    assert bench.calls == ["gpt"]


def test_it_stays_one_among_other_failures(open_shop: Callable[..., Bench]) -> None:
    made = degrading(SHOW)
    (route,) = made.policy.routes["final"]
    policy = replace(made.policy, routes={**made.policy.routes, "final": (replace(route, on_failure=("gpt-b",)),)})
    bench = open_shop(replace(made, policy=policy))
    down(bench)
    bench.fakes["gpt-b"].fail_next(ContentRejected("no", charged=FREE))
    with pytest.raises(ProviderError, match="2 attempts failed"):
        final(bench)


def test_it_stays_one_where_a_stand_in_refuses_it(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    down(bench)
    bench.fakes["flux"].fail_next(ContentRejected("no", charged=FREE))
    with pytest.raises(ProviderError, match="2 attempts failed"):
        final(bench)


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        ({"max_price": usd("0.001")}, PriceCapExceeded),
        ({"size": "5000x5000"}, RequestError),
        ({"deployment": "nobody"}, RequestError),
    ],
)
def test_what_the_caller_must_change_stays_an_error(
    open_shop: Callable[..., Bench], wishes: dict[str, Any], error: type[Exception]
) -> None:
    bench = open_shop(degrading())
    with pytest.raises(error):
        final(bench, **wishes)
    assert bench.calls == []


def test_a_route_that_nobody_can_serve_stays_an_error(open_shop: Callable[..., Bench]) -> None:
    made = degrading()
    known = {name: replace(each, missing_key="KEY") for name, each in made.deployments.items()}
    with pytest.raises(NoCandidate):
        final(open_shop(replace(made, deployments=known)))


def test_a_ledger_that_cannot_be_reached_stays_an_error(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    bench.store.close()
    with pytest.raises(LedgerUnavailable):
        final(bench)


def test_a_route_that_does_not_degrade_raises_as_ever(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(Degrade(), budgets=(budget("0.001"),)))
    with pytest.raises(BudgetExceeded):
        final(bench)


def test_some_of_several_pictures_are_delivered_as_they_are(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading())
    bench.fakes["flux"].fail_next(ProviderUnavailable("down", charged=FREE))
    bench.fakes["gpt"].fail_next(ProviderUnavailable("down", charged=FREE))
    result = final(bench, n=2)
    assert (result.degraded, len(result.images)) == ("flux", 1)


def test_a_placeholder_can_be_opened(open_shop: Callable[..., Bench]) -> None:
    bench = open_shop(degrading(SHOW))
    down(bench)
    (image,) = final(bench, "a secret fox").images
    with Image.open(io.BytesIO(image.data)) as opened:
        assert (opened.format, opened.size, opened.info) == ("PNG", (1024, 1024), {})
    assert b"secret" not in image.data
