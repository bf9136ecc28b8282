"""Pictures by address: from nowhere private, bounded in size and time."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from routing.providers import download as module
from routing.providers.deadline import Deadline, DeadlinePassed
from routing.providers.download import DownloadFailed, download
from tests.providers.buying import Heard, Parrot, Said, parrot, png

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLIC_BASE = "http://8.8.8.8/v1"
PICTURE = png()


def fetch(url: str, *, base_url: str, timeout_s: float = 5.0, bytes_at_most: int = 1_000_000) -> bytes:
    return download(url, Deadline(timeout_s), base_url=base_url, bytes_at_most=bytes_at_most)


def at(server: Parrot, path: str = "/picture.png") -> str:
    return server.url + path


def test_a_vendor_on_loopback_may_answer_with_loopback_addresses() -> None:
    with parrot(Said(PICTURE)) as server:
        assert fetch(at(server, "/a.png?sig=1%202"), base_url=server.url) == PICTURE
        assert [heard.path for heard in server.heard] == ["/a.png?sig=1%202"]


def test_an_answer_that_ends_with_the_connection_is_read_to_its_end() -> None:
    with parrot(Said(pieces=(PICTURE,), headers={"content-length": "", "connection": "close"})) as server:
        assert fetch(at(server), base_url=server.url) == PICTURE


def test_a_public_vendor_may_not_send_us_to_loopback() -> None:
    with parrot(Said(PICTURE)) as server:
        with pytest.raises(DownloadFailed, match="loopback"):
            fetch(at(server), base_url=PUBLIC_BASE)
        assert server.heard == []


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("[::1]", "loopback"),
        ("[::ffff:127.0.0.1]", "loopback"),
        ("2130706433", "loopback"),
        ("0x7f.1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.16.5.4", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("[fd00::1]", "private"),
        ("[::ffff:10.0.0.1]", "private"),
        ("[64:ff9b::a00:1]", "private"),
        ("[2002:a00:1::]", "private"),
        ("169.254.169.254", "link-local"),
        ("[fe80::1]", "link-local"),
        ("[::ffff:169.254.169.254]", "link-local"),
        ("0.0.0.0", "reserved"),  # noqa: S104 - nothing is bound to it
        ("[::]", "reserved"),
        ("224.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
    ],
)
def test_no_picture_is_fetched_from_an_inner_address(host: str, kind: str) -> None:
    with pytest.raises(DownloadFailed, match=f"at a {kind} address"):
        fetch(f"http://{host}/latest/meta-data", base_url=PUBLIC_BASE)


@pytest.mark.parametrize("host", ["169.254.169.254", "10.1.2.3", "224.0.0.1"])
def test_a_vendor_on_loopback_gains_no_other_inner_addresses(host: str) -> None:
    with pytest.raises(DownloadFailed, match="no picture is fetched"):
        fetch(f"http://{host}/", base_url="http://127.0.0.1:1/v1")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://8.8.8.8/x",
        "//8.8.8.8/x",
        "gopher://8.8.8.8",
        "http://",
        "http://[::1",
        "https://:443/",
    ],
)
def test_only_http_and_https_are_spoken(url: str) -> None:
    with pytest.raises(DownloadFailed, match=r"not http or https|cannot be read"):
        fetch(url, base_url=PUBLIC_BASE)


@pytest.mark.parametrize("url", ["http://user:pass@8.8.8.8/x", "http://8.8.8.8/a b", "http://8.8.8.8/a\r\nHost: x"])
def test_a_malformed_address_is_refused(url: str) -> None:
    with pytest.raises(DownloadFailed, match=r"malformed|cannot be read"):
        fetch(url, base_url=PUBLIC_BASE)


def test_a_redirect_into_the_inside_is_refused() -> None:
    inwards = Said(status=302, headers={"location": "http://169.254.169.254/latest/meta-data"})
    with parrot(inwards) as server, pytest.raises(DownloadFailed, match="link-local"):
        fetch(at(server), base_url=server.url)


def test_a_redirect_to_another_scheme_is_refused() -> None:
    with (
        parrot(Said(status=302, headers={"location": "file:///etc/passwd"})) as server,
        pytest.raises(DownloadFailed, match="not http"),
    ):
        fetch(at(server), base_url=server.url)


def test_a_redirect_to_an_allowed_address_is_followed_a_few_times() -> None:
    def answer(heard: Heard) -> Said:
        return Said(PICTURE) if heard.path == "/there" else Said(status=307, headers={"location": "/there"})

    with parrot(answer) as server:
        assert fetch(at(server), base_url=server.url) == PICTURE
    with (
        parrot(Said(status=302, headers={"location": "/again"})) as server,
        pytest.raises(DownloadFailed, match="redirects more than 3 times"),
    ):
        fetch(at(server), base_url=server.url)
    assert len(server.heard) == 4


def reached(monkeypatch: pytest.MonkeyPatch, resolve: Callable[[str], list[str]]) -> list[str]:
    """Let names resolve to these addresses, at none of which anybody answers; list those that were tried."""
    connected: list[str] = []

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in resolve(host)]

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(module, "ATTEMPTS", 1)
    return connected


def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to a public address first and to loopback afterwards must not be connected to loopback."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    connected = reached(monkeypatch, lambda host: [host if host == "8.8.8.8" else next(answers)])
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        fetch("http://rebinding.example/x.png", base_url=PUBLIC_BASE)
    assert connected == ["93.184.216.34"]


def test_a_name_with_one_public_and_one_inner_address_reaches_only_the_public_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connected = reached(monkeypatch, lambda _: ["10.0.0.7", "93.184.216.34"])
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        fetch("http://mixed.example/x.png", base_url="")
    assert connected == ["93.184.216.34"]


def test_a_picture_beyond_the_bound_is_not_read_whether_announced_or_not() -> None:
    big = b"x" * 300_000
    with parrot(Said(big)) as server, pytest.raises(DownloadFailed, match="more than 0 MB"):
        fetch(at(server), base_url=server.url, bytes_at_most=100_000)

    unannounced = Said(pieces=(big,), headers={"content-length": "", "connection": "close"})
    with parrot(unannounced) as server, pytest.raises(DownloadFailed, match="more than 0 MB"):
        fetch(at(server), base_url=server.url, bytes_at_most=100_000)


def test_a_body_that_drips_ends_at_the_deadline() -> None:
    dripping = Said(pieces=tuple(b"x" for _ in range(1000)), pause_s=0.05)
    with parrot(dripping) as server:
        started = time.monotonic()
        with pytest.raises(DeadlinePassed):
            fetch(at(server), base_url=server.url, timeout_s=0.3)
        assert time.monotonic() - started < 0.45


def test_a_hiccup_of_the_file_host_does_not_lose_a_paid_picture() -> None:
    answers = iter([Said(status=503), Said(PICTURE)])
    with parrot(lambda _: next(answers)) as server:
        assert fetch(at(server), base_url=server.url) == PICTURE


def test_a_file_that_is_gone_is_not_asked_for_again() -> None:
    with parrot(Said(status=404)) as server, pytest.raises(DownloadFailed, match="404"):
        fetch(at(server), base_url=server.url)
    assert len(server.heard) == 1


def test_an_answer_cut_short_is_no_picture() -> None:
    cut = Said(pieces=(PICTURE[:50],), headers={"content-length": str(len(PICTURE)), "connection": "close"})
    with parrot(cut) as server, pytest.raises(DownloadFailed, match="stopped after 50"):
        fetch(at(server), base_url=server.url)


def test_messages_name_the_host_and_not_the_signed_address() -> None:
    with parrot(Said(status=403)) as server, pytest.raises(DownloadFailed) as failed:
        fetch(at(server, "/x.png?signature=topsecret"), base_url=server.url)
    assert "topsecret" not in str(failed.value)
    assert "127.0.0.1" in str(failed.value)
