"""The running sandbox: thread, process, log, latency, rate limit."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from routing.sandbox import Sandbox, Settings
from routing.sandbox.limiter import Limiter
from tests.sandbox.samples import NO_CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Callable

BODY: dict[str, Any] = {"model": "gpt-image-2", "prompt": "A kitten", "size": "1024x1024", "quality": "low"}
KEY = {"authorization": "Bearer sk-test"}


def buy(sandbox: Sandbox, **changes: object) -> httpx.Response:
    return ask(f"{sandbox.openai_base_url}/images/generations", {**BODY, **changes})


def ask(url: str, body: object = None, timeout_s: float = 5.0) -> httpx.Response:
    with httpx.Client(headers=KEY, timeout=timeout_s, verify=NO_CERTIFICATES) as client:
        return client.get(url) if body is None else client.post(url, json=body)


def refuses_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def until(true: Callable[[], bool], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_thread_serves_until_the_end_of_the_block() -> None:
    with Sandbox.start(pictures="flat", faults=["503", None]) as sandbox:
        assert [buy(sandbox).status_code, buy(sandbox).status_code] == [503, 200]
    assert refuses_connections(sandbox.port)
    sandbox.stop()


def test_a_process_serves_until_the_end_of_the_block() -> None:
    with Sandbox.spawn(pictures="padded:50000", cached_share=0.5, output_details=False, polls=1) as sandbox:
        reply = buy(sandbox).json()
        assert reply["usage"]["input_tokens_details"]["cached_tokens"] == 1
        assert "output_tokens_details" not in reply["usage"]
        assert len(reply["data"][0]["b64_json"]) > 60_000
        assert sandbox.bill()["images"] == 1
    assert refuses_connections(sandbox.port)


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_the_process_ends_when_its_parent_is_killed() -> None:
    code = "import time; from routing.sandbox import Sandbox; print(Sandbox.spawn().port, flush=True); time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": str(Path(sys.modules["routing.sandbox"].__path__[0]).parents[1])}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        assert not refuses_connections(port)
        parent.send_signal(signal.SIGKILL)
        parent.wait(5)
        assert until(lambda: refuses_connections(port))


def test_the_module_says_where_it_is_in_one_line() -> None:
    command = [sys.executable, "-m", "routing.sandbox", "--port", "0", "--pictures", "flat"]
    root = str(Path(sys.modules["routing.sandbox"].__path__[0]).parents[1])
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}) as child:
        assert child.stdout is not None
        where = json.loads(child.stdout.readline())
        assert where["pid"] == child.pid
        assert where["url"] == f"http://127.0.0.1:{where['port']}"
        assert ask(f"{where['url']}/_bill").json()["images"] == 0
        child.terminate()
        child.wait(5)


def test_stopping_lets_go_whoever_is_kept_waiting() -> None:
    started = time.monotonic()
    with (
        Sandbox.start(pictures="flat", faults=["hang:30"]) as sandbox,
        socket.create_connection(("127.0.0.1", sandbox.port)) as waiting,
    ):
        body = json.dumps(BODY)
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nauthorization: Bearer sk-test\r\n"
        waiting.sendall(f"POST /v1/images/generations HTTP/1.1\r\nhost: sandbox\r\n{head}\r\n{body}".encode())
        assert until(lambda: bool(sandbox.bill()["images"]))
    assert time.monotonic() - started < 2


def test_a_port_that_is_taken_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match=r"[Aa]ddress already in use|10048"):
        Sandbox.start(port=sandbox.port)


def test_latency_is_waited_after_the_charge() -> None:
    with Sandbox.start(pictures="flat", latency_s=0.15) as sandbox:
        started = time.monotonic()
        assert buy(sandbox).status_code == 200
        assert time.monotonic() - started >= 0.14
        started = time.monotonic()
        assert buy(sandbox, size="1000x1000").status_code == 400
        assert time.monotonic() - started < 0.14
        with pytest.raises(httpx.ReadTimeout):
            ask(f"{sandbox.openai_base_url}/images/generations", BODY, timeout_s=0.05)
        assert sandbox.bill()["images"] == 2


def test_the_log_has_a_row_for_every_request(sandbox: Sandbox) -> None:
    answer = buy(sandbox, n=2)
    buy(sandbox, size="1000x1000")
    ask(f"{sandbox.url}/nowhere")
    made, refused, lost = sandbox.log()
    assert made["request_id"] == answer.headers["x-request-id"]
    assert made["prompt_sha256"] == hashlib.sha256(b"A kitten").hexdigest()
    assert (made["seq"], made["model"], made["status"], made["images"]) == (1, "gpt-image-2", 200, 2)
    assert made["charged_nusd"] == sandbox.bill()["total_nusd"] == 11_780_000
    assert (refused["seq"], refused["status"], refused["charged_nusd"]) == (2, 400, 0)
    assert (lost["seq"], lost["path"], lost["status"]) == (3, "/nowhere", 404)


def test_many_at_once_are_all_answered_and_billed(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(16) as crowd:
        answers = list(crowd.map(lambda _: buy(sandbox), range(64)))
    assert {answer.status_code for answer in answers} == {200}
    bill = sandbox.bill()
    assert bill["total_nusd"] == sum(line["amount_nusd"] for line in bill["lines"]) == 64 * 5_890_000
    assert sorted(line["seq"] for line in bill["lines"]) == list(range(1, 65))


def test_reset_forgets_everything(sandbox: Sandbox) -> None:
    buy(sandbox)
    sandbox.inject(["500"])
    sandbox.reset()
    assert (sandbox.bill()["total_nusd"], sandbox.bill()["lines"], sandbox.log()) == (0, [], [])
    assert buy(sandbox).status_code == 200
    assert sandbox.log()[0]["seq"] == 1


def test_images_beyond_the_limit_are_refused_and_not_billed() -> None:
    with Sandbox.start(pictures="flat", images_per_minute=4) as sandbox:
        first = buy(sandbox, n=3)
        assert first.headers["x-ratelimit-limit-images"] == "4"
        assert first.headers["x-ratelimit-remaining-images"] == "1"
        over = buy(sandbox, n=2)
        assert (over.status_code, over.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 55 <= int(over.headers["retry-after"]) <= 60
        assert over.headers["x-ratelimit-remaining-images"] == "1"
        assert "x-ratelimit-limit-requests" not in over.headers
        # One still fits, and another model has its own minute.
        assert buy(sandbox).status_code == 200
        assert buy(sandbox, model="gpt-image-2.5-flare", n=4).status_code == 200
        assert sandbox.bill()["images"] == 8


def test_the_minute_slides() -> None:
    limiter = Limiter(3)
    assert [limiter.take("m", 2, 0.0), limiter.take("m", 1, 30.0)] == [0, 0]
    assert limiter.take("m", 1, 40.0) == 20.0
    assert limiter.take("m", 3, 40.0) == 50.0
    assert limiter.take("m", 2, 60.0) == 0
    assert limiter.standing("m", 60.0).remaining == 0
    assert limiter.standing("m", 70.0).reset_s == 50.0  # until all of it is there again, as OpenAI says it
    assert limiter.take("m", 4, 500.0) == 60.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"latency_s": -1},
        {"images_per_minute": 0},
        {"cached_share": 1.5},
        {"polls": -1},
        {"pictures": "oil"},
        {"pictures": "padded:many"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"latency_s|images_per_minute|cached_share|polls|picture style"):
        Sandbox.start(**wrong)


def test_a_share_of_tokens_is_exact() -> None:
    assert Settings(cached_share=0.1).cached(30) == 3
    assert Settings(cached_share=0.5).cached(5) == 2
