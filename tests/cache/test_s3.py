"""The cache in a bucket, where the bucket does not answer. What every cache does is tested in tests/contracts."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from routing.cache.base import CacheDown
from routing.cache.rest import REST_S, RestingCache
from routing.cache.s3 import Bucket, S3Cache, find_bucket
from routing.testing import FrozenClock
from tests.bucket_server import bucket_at, new_bucket
from tests.contracts.test_cache import CALL, KEY
from tests.shop import RecordingLog

if TYPE_CHECKING:
    from collections.abc import Iterator


def cache(bucket: Bucket, answer_within_s: float = 5.0) -> S3Cache:
    return S3Cache(bucket, clock=FrozenClock(), log=RecordingLog(), answer_within_s=answer_within_s)


@contextmanager
def stuck_server(answer: bytes = b"") -> Iterator[str]:
    """Take connections, answer so much, and never end."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return
                held[-1].sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for each in held:
        each.close()


HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nETag: x\r\nLast-Modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n\r\nhalf"


@pytest.mark.parametrize("answer", [b"", HALF], ids=["nothing", "half an answer"])
def test_a_bucket_that_hangs_is_given_up_in_time(answer: bytes) -> None:
    with stuck_server(answer) as address:
        kept = cache(bucket_at(address), answer_within_s=0.3)
        with pytest.raises(CacheDown):
            kept.get(KEY)
        with pytest.raises(CacheDown):
            kept.put(KEY, CALL)


def test_a_bucket_that_is_not_there_is_down_once_something_is_put() -> None:
    missing = bucket_at(new_bucket().endpoint, name="nobody-made-this")
    assert cache(missing).get(KEY) is None
    with pytest.raises(CacheDown, match="404"):
        cache(missing).put(KEY, CALL)


def test_what_is_told_of_a_failure_holds_no_key_and_no_page() -> None:
    bucket = bucket_at("http://127.0.0.1:9")
    with pytest.raises(CacheDown) as caught:
        cache(bucket).get(KEY)
    told = str(caught.value)
    assert "127.0.0.1:9" in told
    assert "secret" not in told + repr(bucket)
    assert "\n" not in told


def test_the_prefix_keeps_two_teams_in_one_bucket_apart() -> None:
    one = new_bucket("one")
    other = Bucket(
        name=one.name, prefix="other", endpoint=one.endpoint, region=one.region,
        access_key_id="id", secret_access_key="secret",
    )  # fmt: skip
    cache(one).put(KEY, CALL)
    assert cache(other).get(KEY) is None
    assert cache(one).get(KEY) == CALL


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what it is about
def test_a_forked_process_goes_without_a_bucket_that_its_parent_used() -> None:
    kept = cache(new_bucket())
    kept.put(KEY, CALL)
    child = os.fork()
    if child == 0:
        try:
            kept.get(KEY)
        except CacheDown:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_url_and_environment_name_a_bucket() -> None:
    env = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "auto"}
    found = find_bucket("s3://pictures/team/a/", "https://r2.example", env)
    assert found == Bucket(
        name="pictures", prefix="team/a", endpoint="https://r2.example", region="auto",
        access_key_id="id", secret_access_key="secret",
    )  # fmt: skip


# --- Left alone ---------------------------------------------------------------------------------------------------


class Fickle:
    """A cache that is down as long as it is told to be."""

    def __init__(self) -> None:
        self.down, self.asked = True, 0

    def get(self, key: str) -> None:
        self._answer(key)

    def put(self, key: str, call: object) -> bool:
        self._answer(f"{key}{call}")
        return True

    def _answer(self, _about: str) -> None:
        self.asked += 1
        if self.down:
            raise CacheDown("no route to host")


def test_a_cache_that_is_down_is_a_miss_left_alone_for_a_while_and_told_once() -> None:
    fickle, clock, log = Fickle(), FrozenClock(), RecordingLog()
    resting = RestingCache(fickle, clock=clock, log=log)
    for _ in range(5):
        assert resting.get(KEY) is None
        assert not resting.put(KEY, CALL)
    assert fickle.asked == 1
    clock.sleep(REST_S + 1)
    assert resting.get(KEY) is None
    assert not resting.put(KEY, CALL)
    assert fickle.asked == 2
    assert [event for event, _ in log.events] == ["cache_down"]


def test_a_cache_that_is_back_is_used_again_and_that_is_told() -> None:
    fickle, clock, log = Fickle(), FrozenClock(), RecordingLog()
    resting = RestingCache(fickle, clock=clock, log=log)
    resting.get(KEY)
    fickle.down = False
    assert not resting.put(KEY, CALL)
    clock.sleep(REST_S + 1)
    assert resting.put(KEY, CALL)
    assert resting.put(KEY, CALL)
    assert [event for event, _ in log.events] == ["cache_down", "cache_back"]


def test_while_one_tries_a_cache_that_was_down_the_others_do_not_wait_for_it() -> None:
    clock = FrozenClock()

    class Slow(Fickle):
        def get(self, key: str) -> None:
            if self.asked:
                assert not resting.put(key, CALL)  # as another thread meanwhile
            super().get(key)

    slow = Slow()
    resting = RestingCache(slow, clock=clock, log=RecordingLog())
    resting.get(KEY)
    clock.sleep(REST_S + 1)
    resting.get(KEY)
    assert slow.asked == 2
