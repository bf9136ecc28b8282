"""How long to wait for room in a minute."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routing.core.pacing import (
    GUARD_MS,
    NOTHING,
    WINDOW_MS,
    Allowance,
    Kind,
    Needs,
    Take,
    Told,
    back_at_ms,
    taken_by_others,
    wait_ms,
)


def taken(*moments_ms: int, images: int = 1) -> list[Take]:
    return [Take(at_ms=at, needs=Needs(requests=1, images=images)) for at in moments_ms]


def test_a_take_counts_for_a_minute_and_a_guard() -> None:
    assert WINDOW_MS == 60_000 + GUARD_MS
    assert wait_ms(taken(0), Needs(images=1), NOTHING, Allowance(images=1), WINDOW_MS - 1) == 1
    assert wait_ms(taken(0), Needs(images=1), NOTHING, Allowance(images=1), WINDOW_MS) == 0


def test_the_guard_leaves_at_least_97_percent_of_the_allowance() -> None:
    assert 60_000 / WINDOW_MS > 0.98


def test_the_kind_with_the_longest_wait_decides() -> None:
    takes = [
        Take(at_ms=1000, needs=Needs(requests=1, images=5, tokens=10)),
        Take(at_ms=5000, needs=Needs(requests=1, images=1, tokens=90)),
    ]
    allowance = Allowance(requests=3, images=6, tokens=100)
    assert wait_ms(takes, Needs(requests=1, images=1, tokens=50), NOTHING, allowance, 6000) == 5000 + WINDOW_MS - 6000


def test_a_kind_that_is_not_needed_is_not_waited_for() -> None:
    takes = [Take(at_ms=0, needs=Needs(tokens=100))]
    assert wait_ms(takes, Needs(requests=1), NOTHING, Allowance(tokens=100), 1) == 0


LIMITS = st.integers(1, 6)
MOMENTS = st.lists(st.integers(0, 2 * WINDOW_MS), max_size=12)


@given(MOMENTS, LIMITS, st.integers(1, 6), st.integers(0, 2 * WINDOW_MS))
def test_the_wait_is_exact(moments: list[int], limit: int, images: int, now_ms: int) -> None:
    takes = [take for take in taken(*moments) if take.at_ms <= now_ms]
    needs, allowance = Needs(images=images), Allowance(images=limit)

    def fits(at_ms: int) -> bool:
        used = sum(take.needs.images for take in takes if take.at_ms > at_ms - WINDOW_MS)
        return used + min(images, limit) <= limit

    wait = wait_ms(takes, needs, NOTHING, allowance, now_ms)
    assert fits(now_ms + wait)
    assert wait == 0 or not fits(now_ms + wait - 1)


@given(MOMENTS, LIMITS, st.integers(0, 20), st.integers(0, 2 * WINDOW_MS))
def test_the_wait_in_a_line_of_single_images_is_exact(moments: list[int], limit: int, ahead: int, now_ms: int) -> None:
    takes = [take for take in taken(*moments) if take.at_ms <= now_ms]
    now = now_ms
    for _ in range(ahead + 1):
        now += wait_ms(takes, Needs(images=1), NOTHING, Allowance(images=limit), now)
        takes.append(Take(at_ms=now, needs=Needs(images=1)))
    before = [take for take in taken(*moments) if take.at_ms <= now_ms]
    if sum(take.at_ms > now_ms - WINDOW_MS for take in before) <= limit:
        assert wait_ms(before, Needs(images=1), Needs(images=ahead), Allowance(images=limit), now_ms) == now - now_ms


def test_the_lower_of_two_limits_counts() -> None:
    ours = Allowance(requests=10, images=50)
    assert ours.lowered({}) == ours
    told = {Kind.IMAGES: 20, Kind.REQUESTS: 60, Kind.TOKENS: 1000}
    assert ours.lowered(told) == Allowance(requests=10, images=20, tokens=1000)


def test_a_minute_has_room_for_so_many_pictures() -> None:
    assert Allowance().pictures_at_once(per_call=10, tokens_each=200) is None
    assert Allowance(images=5).pictures_at_once(per_call=10, tokens_each=200) == 5
    assert Allowance(requests=3).pictures_at_once(per_call=1, tokens_each=200) == 3
    assert Allowance(requests=3, tokens=1000).pictures_at_once(per_call=10, tokens_each=300) == 3
    assert Allowance(tokens=1000).pictures_at_once(per_call=10, tokens_each=14_272) == 1
    assert Allowance(tokens=1000).pictures_at_once(per_call=10, tokens_each=0) is None


def test_only_what_cannot_have_been_ours_is_anothers() -> None:
    told = Told(kind=Kind.IMAGES, limit=10, remaining=2, reset_s=20.0)
    assert taken_by_others(taken(0, 1000, 2000), told, sent_ms=2000) == 5
    assert taken_by_others(taken(0, images=9), told, sent_ms=0) == 0
    assert taken_by_others([], Told(kind=Kind.IMAGES, limit=10), sent_ms=0) == 0
    assert taken_by_others([], Told(kind=Kind.IMAGES, remaining=2), sent_ms=0) == 0


def test_what_others_took_counts_until_the_vendor_says_it_is_gone() -> None:
    told = Told(kind=Kind.IMAGES, limit=10, remaining=2, reset_s=20.0)
    assert back_at_ms(told, sent_ms=100_000) + WINDOW_MS == 100_000 + 20_000 + GUARD_MS
    late = Told(kind=Kind.IMAGES, limit=10, remaining=2, reset_s=86_400.0)
    assert back_at_ms(late, sent_ms=100_000) == 100_000
