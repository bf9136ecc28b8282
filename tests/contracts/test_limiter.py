"""What every book of takes promises: ``routing.limits.base`` line by line, in memory and on a real Valkey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.core.pacing import Allowance, Kind, Needs, Told
from routing.limits.base import Slot
from routing.testing import FrozenClock
from tests.limits.books import BOOKS, IMAGE, WINDOW_S, Desk, images, memory_book, new_slot, valkey_book, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from routing.limits.base import Book


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(params=BOOKS)
def book(request: pytest.FixtureRequest, clock: FrozenClock) -> Iterator[Book]:
    book = BOOKS[request.param](clock)
    yield book
    book.close()


@pytest.fixture
def desk(book: Book, clock: FrozenClock) -> Desk:
    """Five images a minute."""
    return Desk(book, clock, Allowance(images=5))


def fill(desk: Desk, images_each: int = 1) -> list[Slot]:
    return [desk.get(Needs(requests=1, images=images_each)) for _ in range(5 // images_each)]


# --- Taking -----------------------------------------------------------------------------------------------------------


def test_the_limit_may_be_reached_exactly_and_not_passed(desk: Desk) -> None:
    fill(desk)
    assert desk.take() == WINDOW_S


def test_what_was_taken_is_free_again_to_the_millisecond(desk: Desk) -> None:
    fill(desk)
    desk.clock.sleep(WINDOW_S - 0.001)
    assert desk.take() == 0.001
    desk.clock.sleep(0.001)
    assert isinstance(desk.take(), Slot)


def test_the_wait_is_until_the_oldest_leave_that_make_enough_room(desk: Desk) -> None:
    for _ in range(5):
        desk.get()
        desk.clock.sleep(10)
    assert desk.take() == WINDOW_S - 50
    assert desk.take(Needs(requests=1, images=3)) == WINDOW_S - 30
    assert desk.take(Needs(requests=1, images=5)) == WINDOW_S - 10


def test_no_minute_holds_more_than_the_limit_wherever_it_begins(desk: Desk) -> None:
    taken: list[float] = []
    for _ in range(2000):
        if isinstance(desk.take(), Slot):
            taken.append(desk.clock.elapsed_s())
        desk.clock.sleep(0.7)
    assert len(taken) > 100
    assert all(later - earlier > 60 for earlier, later in zip(taken, taken[5:], strict=False))


def test_every_kind_is_taken_or_none(book: Book, clock: FrozenClock) -> None:
    desk = Desk(book, clock, Allowance(requests=10, images=4, tokens=1000))
    desk.get(Needs(requests=1, images=1, tokens=900))
    assert desk.take(Needs(requests=1, images=3, tokens=101)) == WINDOW_S
    desk.get(Needs(requests=9, images=3, tokens=100))


@pytest.mark.parametrize("allowance", [Allowance(requests=2), Allowance(images=2), Allowance(tokens=400)])
def test_each_kind_limits_by_itself(book: Book, clock: FrozenClock, allowance: Allowance) -> None:
    desk = Desk(book, clock, allowance)
    desk.get()
    desk.get()
    assert desk.take() == WINDOW_S


def test_several_images_count_as_many(desk: Desk) -> None:
    desk.get(Needs(requests=1, images=4))
    assert desk.take(Needs(requests=1, images=2)) == WINDOW_S
    desk.get(Needs(requests=1, images=1))


def test_more_than_a_whole_minute_waits_for_an_empty_one(desk: Desk) -> None:
    desk.get()
    assert desk.take(Needs(requests=1, images=9)) == WINDOW_S
    desk.clock.sleep(WINDOW_S)
    desk.get(Needs(requests=1, images=9))


def test_without_limits_nothing_waits(book: Book, clock: FrozenClock) -> None:
    desk = Desk(book, clock, Allowance())
    assert all(isinstance(desk.take(), Slot) for _ in range(200))


def test_deployments_do_not_share_a_minute(desk: Desk) -> None:
    fill(desk)
    fill(Desk(desk.book, desk.clock, desk.allowance))


# --- Sending and giving back ------------------------------------------------------------------------------------------


def test_a_minute_begins_when_the_request_leaves(desk: Desk) -> None:
    slots = fill(desk)
    desk.clock.sleep(20)
    for slot in slots:
        desk.book.send(slot)
    assert desk.take() == WINDOW_S


def test_what_is_given_back_is_free_at_once(desk: Desk) -> None:
    first, *_ = fill(desk)
    desk.book.give_back(first)
    desk.get()
    assert desk.take() == WINDOW_S


def test_what_was_taken_and_never_heard_of_again_is_free_after_the_minute(desk: Desk) -> None:
    fill(desk)  # by a process that died
    desk.clock.sleep(WINDOW_S)
    fill(desk)


# --- Learning ---------------------------------------------------------------------------------------------------------


def test_a_lower_limit_that_the_vendor_tells_counts(desk: Desk) -> None:
    desk.hear(desk.get(), images(limit=2))
    desk.get()
    assert desk.take() == WINDOW_S


def test_a_higher_limit_that_the_vendor_tells_does_not_pass_ours(desk: Desk) -> None:
    desk.hear(desk.get(), images(limit=100))
    for _ in range(4):
        desk.get()
    assert desk.take() == WINDOW_S


def test_a_limit_is_learned_where_none_was_given(book: Book, clock: FrozenClock) -> None:
    desk = Desk(book, clock, Allowance())
    desk.hear(desk.get(), images(limit=2, remaining=1))
    desk.get()
    assert desk.take() == WINDOW_S


def test_what_others_took_by_the_vendors_word_is_taken(desk: Desk) -> None:
    slot = desk.get()
    desk.book.send(slot)
    desk.clock.sleep(12)  # it took so long to answer
    desk.hear(slot, images(limit=5, remaining=1, reset_s=30))
    desk.get()
    assert desk.take() == 30 - 12 + 1


def test_what_we_took_ourselves_is_not_another_who_took_it(desk: Desk) -> None:
    slots = fill(desk)
    for slot in slots:
        desk.hear(slot, images(limit=5, remaining=0, reset_s=60))
    desk.clock.sleep(WINDOW_S)
    fill(desk)


def test_an_answer_that_comes_after_more_than_a_minute_knows_what_we_had_taken(desk: Desk) -> None:
    slots = fill(desk)
    desk.clock.sleep(WINDOW_S + 5)
    desk.hear(slots[-1], images(limit=5, remaining=0, reset_s=60))
    fill(desk)


def test_what_others_took_is_not_counted_again_with_every_answer(desk: Desk) -> None:
    first, second = desk.get(), desk.get()
    for slot in (first, second, first):
        desk.hear(slot, images(limit=5, remaining=1))
    desk.get()
    assert desk.take() == WINDOW_S


def test_a_pause_holds_for_everybody_and_ends(desk: Desk) -> None:
    desk.hear(desk.get(), wait_s=7)
    assert desk.take() == 7
    desk.clock.sleep(3)
    assert desk.take() == 4
    desk.clock.sleep(4)
    desk.get()


def test_a_shorter_pause_does_not_end_a_longer_one(desk: Desk) -> None:
    slot = desk.get()
    desk.hear(slot, wait_s=20)
    desk.hear(slot, wait_s=1)
    assert desk.take() == 20


def test_a_pause_of_hours_is_kept_to_the_millisecond(desk: Desk) -> None:
    desk.hear(desk.get(), wait_s=7200)
    desk.clock.sleep(3601)  # longer than a limit is believed
    assert desk.take() == 3599
    desk.clock.sleep(3598.999)
    assert desk.take() == 0.001
    desk.clock.sleep(0.001)
    desk.get()


def test_a_pause_of_more_than_a_day_is_tried_again_after_one(desk: Desk) -> None:
    desk.hear(desk.get(), wait_s=1e9)
    assert desk.take() == 86_400


def test_a_limit_that_is_not_repeated_is_forgotten_after_an_hour(clock: FrozenClock) -> None:
    desk = Desk(
        memory_book(clock), clock, Allowance(images=5)
    )  # in the other it is the server's own clock that forgets
    desk.hear(desk.get(), images(limit=1))
    clock.sleep(3600)
    fill(desk)


# --- In line ----------------------------------------------------------------------------------------------------------


def test_who_waits_ahead_is_left_room(desk: Desk) -> None:
    desk.get(Needs(requests=1, images=3))
    assert desk.take(ahead=Needs(images=2)) == WINDOW_S
    assert isinstance(desk.take(ahead=Needs(images=1)), Slot)


def test_a_long_line_is_told_the_wait_of_its_end(desk: Desk) -> None:
    fill(desk)
    assert desk.take(ahead=Needs(images=4)) == WINDOW_S
    assert desk.take(ahead=Needs(images=5)) == 2 * WINDOW_S
    assert desk.take(ahead=Needs(images=14)) == 3 * WINDOW_S


# --- The same, whatever happens ---------------------------------------------------------------------------------------

AMOUNTS = st.builds(Needs, requests=st.integers(1, 2), images=st.integers(1, 4), tokens=st.integers(0, 300))
STEPS = st.one_of(
    st.tuples(st.just("take"), AMOUNTS, st.integers(0, 9)),
    st.tuples(st.just("send"), st.integers(0, 5)),
    st.tuples(st.just("give back"), st.integers(0, 5)),
    st.tuples(st.just("sleep"), st.integers(1, 30_000)),
    st.tuples(
        st.just("hear"),
        st.integers(0, 5),
        st.builds(
            Told,
            kind=st.sampled_from(Kind),
            limit=st.one_of(st.none(), st.integers(0, 12)),
            remaining=st.one_of(st.none(), st.integers(0, 12)),
            reset_s=st.one_of(st.none(), st.integers(0, 90).map(float)),
        ),
        st.sampled_from([0, 0, 0, 1500]),
    ),
)


def run(make: Callable[[FrozenClock], Book], allowance: Allowance, steps: list[tuple[object, ...]]) -> list[object]:
    clock = FrozenClock()
    book = make(clock)
    desk = Desk(book, clock, allowance)
    slots = [new_slot(desk.deployment)]
    answers: list[object] = []
    for step in steps:
        match step:
            case ("take", Needs() as needs, int(ahead)):
                taken = desk.take(needs, ahead=Needs(images=ahead))
                answers.append(0 if isinstance(taken, Slot) else taken)
                slots += [taken] if isinstance(taken, Slot) else []
            case ("send", int(at)):
                book.send(slots[-1 - at % len(slots)])
            case ("give back", int(at)):
                book.give_back(slots.pop(-1 - at % len(slots)) if len(slots) > 1 else slots[0])
            case ("sleep", int(ms)):
                clock.sleep(ms / 1000)
            case ("hear", int(at), Told() as told, int(wait_ms)):
                book.hear(slots[-1 - at % len(slots)], [told], wait_ms)
    book.close()
    return answers


@given(
    st.builds(
        Allowance,
        requests=st.one_of(st.none(), st.integers(1, 8)),
        images=st.one_of(st.none(), st.integers(1, 8)),
        tokens=st.one_of(st.none(), st.integers(1, 900)),
    ),
    st.lists(STEPS, max_size=40),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_both_books_answer_alike(allowance: Allowance, steps: list[tuple[object, ...]]) -> None:
    assert run(memory_book, allowance, steps) == run(valkey_book, allowance, steps)


def test_more_important_requests_of_other_processes_are_left_room(clock: FrozenClock) -> None:
    desk = Desk(valkey_book(clock), clock, Allowance(images=5))
    fill(desk)
    assert desk.take(rank=2, process="theirs", line=(waiting(2, Needs(images=4)),)) == WINDOW_S
    clock.sleep(WINDOW_S - 1)
    assert desk.take(rank=2, process="theirs", line=(waiting(2, Needs(images=4)),)) == 1
    clock.sleep(1)
    assert isinstance(desk.take(rank=0, process="ours"), float)
    assert isinstance(desk.take(rank=2, process="theirs"), Slot)
    assert isinstance(desk.take(rank=0, process="ours"), Slot)
    desk.book.close()


def test_of_equals_in_several_processes_the_eldest_goes_first(clock: FrozenClock) -> None:
    desk = Desk(valkey_book(clock), clock, Allowance(images=1))
    desk.get()
    clock.sleep(WINDOW_S - 1)
    assert desk.take(process="eldest", age_ms=60_000) == 1
    clock.sleep(1)
    assert isinstance(desk.take(process="youngest", age_ms=10), float)
    assert isinstance(desk.take(process="eldest", age_ms=61_000), Slot)
    desk.book.close()


def test_a_process_that_does_not_look_any_more_loses_its_place(clock: FrozenClock) -> None:
    desk = Desk(valkey_book(clock), clock, Allowance(images=1))
    desk.get()
    desk.take(process="died", rank=9)
    clock.sleep(WINDOW_S)
    assert isinstance(desk.take(IMAGE, process="lives"), Slot)
    desk.book.close()
