"""One POST: what counts as taken, what is said of the rest, and what never happens."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from routing.alerts import post as posting
from routing.alerts.base import NotTaken
from routing.alerts.post import post
from tests.alerts.receiver import receiving

if TYPE_CHECKING:
    from tests.alerts.receiver import Receiver


def test_a_success_of_any_kind_is_taken(receiver: Receiver) -> None:
    receiver.status, receiver.reply = 204, b""
    post(receiver.url, b"{}", {"X-Kind": "test"}, what="HOOK")
    (arrived,) = receiver.arrived
    assert (arrived.body, arrived.headers["x-kind"]) == (b"{}", "test")


@pytest.mark.parametrize(
    ("status", "reply", "told"),
    [
        (500, b"", "127.0.0.1 answered 500"),
        (404, b"no_service", '127.0.0.1 answered 404: "no_service"'),
        (400, b"<html>a page</html>", "127.0.0.1 answered 400"),
        (403, b"two\nlines\x00", '127.0.0.1 answered 403: "two lines"'),
        (429, b"x" * 5000, f'127.0.0.1 answered 429: "{"x" * 120}"'),
    ],
)
def test_anything_else_is_not_taken_and_says_why(receiver: Receiver, status: int, reply: bytes, told: str) -> None:
    receiver.status, receiver.reply = status, reply
    with pytest.raises(NotTaken) as why:
        post(receiver.url, b"{}", {}, what="HOOK")
    assert str(why.value) == told


def test_no_redirect_is_followed(receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        with pytest.raises(NotTaken, match="answered 307"):
            post(receiver.url, b"{}", {}, what="HOOK")
        assert not elsewhere.arrived


def test_a_reply_without_end_is_not_waited_for(receiver: Receiver) -> None:
    receiver.reply = b"x" * 50_000_000
    post(receiver.url, b"{}", {}, what="HOOK")


def test_a_receiver_that_never_answers_is_given_up(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.2)
    receiver.open.clear()
    with pytest.raises(NotTaken, match=r"127\.0\.0\.1 did not answer within 0\.2 s"):
        post(receiver.url, b"{}", {}, what="HOOK")


def test_a_port_where_nobody_listens_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotTaken, match="could not be reached: Connection refused"):
        post(f"http://127.0.0.1:{port}/", b"{}", {}, what="HOOK")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://me:secret@example.com/",
        "https://",
        "http://example.com/a b",
        "http://example.com/\r\nX-Other: 1",
        "hooks.slack.com/services/T/B/secret",
    ],
)
def test_an_address_of_another_form_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(NotTaken) as why:
        post(url, b"{}", {}, what="HOOK")
    assert str(why.value) == "HOOK is no http or https address without a user and password"


def test_an_answer_that_is_no_http_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def nonsense() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"hello\r\n\r\n")

        thread = threading.Thread(target=nonsense)
        thread.start()
        with pytest.raises(NotTaken, match="could not be reached: BadStatusLine"):
            post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, what="HOOK")
        thread.join()
