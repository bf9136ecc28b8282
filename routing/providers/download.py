"""Pictures that a vendor answers by address, fetched at once: bounded in size and time, and from nowhere private.

A vendor's answer is input from outside. What it names is fetched only by http or https, and only from public addresses:
a name is resolved once, every address is judged, and the connection goes to the judged address itself, so that a name
that resolves differently a moment later changes nothing. The one exception is a vendor that is itself at a private or
loopback address: then its pictures may come from addresses of the same kind. Link-local ones (where clouds keep their
credentials) never pass. Proxies of the environment are not used, since behind a proxy no address can be judged.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from routing.providers.deadline import CONNECT_S

if TYPE_CHECKING:
    from routing.providers.deadline import Deadline

PICTURE_BYTES_AT_MOST = 64 * 1024 * 1024
"""Twice the largest PNG a vendor makes (3840x2160, 8 bits, hardly compressible)."""

REDIRECTS_AT_MOST = 3
ATTEMPTS = 3
"""The picture is paid for: a hiccup of the file host is worth another GET, which costs nothing."""

_CHUNK_BYTES = 256 * 1024
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class DownloadFailed(Exception):
    """The picture could not be fetched; the message says why and names the host, not the address with its signature."""


class _Transient(DownloadFailed):
    pass


def download(url: str, deadline: Deadline, *, base_url: str, bytes_at_most: int = PICTURE_BYTES_AT_MOST) -> bytes:
    """Fetch a picture; ``base_url`` is the vendor's own, which decides whether private addresses are allowed.

    Raises:
        DownloadFailed: where the address is not allowed, or the answer is no complete 200 within the bounds.
        DeadlinePassed: where the time is over.

    """
    kinds = {"public", *(kind for kind in _kinds_at(base_url) if kind in ("private", "loopback"))}
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _follow(url, deadline, kinds, bytes_at_most)
        except _Transient:
            if attempt == ATTEMPTS:
                raise
            deadline.pause(0.1 * attempt)
    raise AssertionError


def _follow(url: str, deadline: Deadline, kinds: set[str], bytes_at_most: int) -> bytes:
    for _ in range(REDIRECTS_AT_MOST + 1):
        body, moved = _fetch(_split(url), deadline, kinds, bytes_at_most)
        if not moved:
            return body
        url = urljoin(url, moved)
    raise DownloadFailed(f"{urlsplit(url).hostname} redirects more than {REDIRECTS_AT_MOST} times")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise DownloadFailed("the address of the picture cannot be read") from None
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise DownloadFailed(f"the address of the picture is not http or https: {parts.scheme or 'no scheme'}")
    if parts.username is not None or not url.isprintable() or " " in url:
        raise DownloadFailed(f"the address of the picture at {parts.hostname} is malformed")
    return parts


def _fetch(parts: SplitResult, deadline: Deadline, kinds: set[str], bytes_at_most: int) -> tuple[bytes, str]:
    """Send one GET; returns the body, or an empty one and where it moved."""
    host = str(parts.hostname)
    with _connect(parts, deadline, kinds) as plain:
        connection = http.client.HTTPConnection(host, parts.port or _PORTS[parts.scheme])
        connection.sock = _Patient(plain, deadline)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", path, headers={"Accept": "image/*", "Accept-Encoding": "identity"})
            return _answer(connection.getresponse(), host, bytes_at_most)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, TimeoutError):
                deadline.left_s()
            raise _Transient(f"{host}: {type(error).__name__}") from None


def _answer(response: http.client.HTTPResponse, host: str, bytes_at_most: int) -> tuple[bytes, str]:
    if response.status in _REDIRECTS:
        moved = response.headers.get("location", "")
        if not moved:
            raise DownloadFailed(f"{host} answered {response.status} without saying where the picture is")
        return b"", moved
    if response.status >= 500 or response.status == 429:  # noqa: PLR2004 - HTTP's own numbers
        raise _Transient(f"{host} answered {response.status}")
    if response.status != http.client.OK:
        raise DownloadFailed(f"{host} answered {response.status}")
    return _read(response, host, bytes_at_most), ""


def _read(response: http.client.HTTPResponse, host: str, bytes_at_most: int) -> bytes:
    too_large = f"{host} sends more than {bytes_at_most // 2**20} MB"
    if (response.length or 0) > bytes_at_most:
        raise DownloadFailed(too_large)
    expected = response.length
    body = io.BytesIO()
    while chunk := response.read(_CHUNK_BYTES):
        body.write(chunk)
        if body.tell() > bytes_at_most:
            raise DownloadFailed(too_large)
    if expected is not None and body.tell() < expected:
        raise _Transient(f"{host} stopped after {body.tell():,} of {expected:,} bytes")
    return body.getvalue()


def _connect(parts: SplitResult, deadline: Deadline, kinds: set[str]) -> socket.socket:
    host = str(parts.hostname)
    addresses = _resolve(host, parts.port or _PORTS[parts.scheme])
    allowed = [place for place in addresses if _kind_of(place.ip) in kinds]
    if not allowed:
        found = ", ".join(sorted({_kind_of(place.ip) for place in addresses}))
        raise DownloadFailed(f"{host} is at a {found} address, from which no picture is fetched")
    failure: OSError | None = None
    for place in allowed:
        try:
            plain = socket.create_connection((place.ip, place.port), timeout=min(CONNECT_S, deadline.left_s()))
        except OSError as error:
            failure = error
            continue
        if parts.scheme == "http":
            return plain
        try:
            return _tls().wrap_socket(plain, server_hostname=host)
        except OSError as error:
            plain.close()
            failure = error
    raise _Transient(f"{host} cannot be reached: {type(failure).__name__}")


@dataclass(frozen=True, slots=True)
class _Place:
    ip: str
    port: int


def _resolve(host: str, port: int) -> list[_Place]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _Transient(f"{host} cannot be resolved") from None
    return list(dict.fromkeys(_Place(str(sockaddr[0]), port) for *_, sockaddr in found))


def _kinds_at(base_url: str) -> set[str]:
    host = urlsplit(base_url).hostname
    try:
        return {_kind_of(place.ip) for place in _resolve(host, 0)} if host else set()
    except DownloadFailed:
        return set()


def _kind_of(text: str) -> str:
    """Judge an address: ``public``, ``private``, ``loopback``, ``link-local`` or ``reserved``."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        # An IPv4 address in IPv6 clothes is judged as what it is.
        ip = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1] or _nat64(ip) or ip
    for kind, holds in (
        ("link-local", ip.is_link_local),
        ("loopback", ip.is_loopback),
        ("reserved", ip.is_multicast or ip.is_unspecified or ip.is_reserved),
        ("private", ip.is_private or (ip.version == 4 and ip in _SHARED)),  # noqa: PLR2004 - of the protocol
        ("public", ip.is_global),
    ):
        if holds:
            return kind
    return "reserved"


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in ipaddress.ip_network("64:ff9b::/96") else None


@cache
def _tls() -> ssl.SSLContext:
    # Reading the system's certificates takes 20 ms; a context may be shared by threads.
    return ssl.create_default_context()


class _Patient:
    """A socket whose every wait ends at the deadline: one that drips a byte now and then gains nothing by it."""

    def __init__(self, inner: socket.socket, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._inner.settimeout(self._deadline.left_s())
        self._inner.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Raw(self._inner, self._deadline), _CHUNK_BYTES)

    def close(self) -> None:
        """Leave it open: http.client closes what it has read from before the body is read; ``_fetch`` closes it."""


class _Raw(io.RawIOBase):
    def __init__(self, inner: socket.socket, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any buffer; its type has a name from Python 3.12 on
        self._inner.settimeout(self._deadline.left_s())
        return self._inner.recv_into(memoryview(buffer))
