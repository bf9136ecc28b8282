"""One POST to an address that the operator chose: bounded in time and reply, following nothing.

Private and loopback addresses are allowed, unlike for pictures: the address is the operator's own word and not a
vendor's, and a receiver inside the company's network is what a webhook is mostly for. The proxies of the environment
are used, since from such networks there may be no other way out.
"""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from routing.alerts.base import NotTaken

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 10.0
REPLY_BYTES_AT_MOST = 4096
SHOWN_CHARS = 120
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(?:[/?][\x21-\x7e]*)?")


def post(url: str, body: bytes, headers: Mapping[str, str], *, what: str) -> None:
    """Send a body; ``what`` names the address in messages, which never show it: it may be a secret as a whole.

    Raises:
        NotTaken: where it is no address, cannot be reached within 10 s, or answers anything but a success.

    """
    if not _ADDRESS.fullmatch(url):
        raise NotTaken(f"{what} is no http or https address without a user and password")
    request = Request(url, data=body, headers={**headers, "User-Agent": "image-routing"}, method="POST")  # noqa: S310 - the line above allows http and https only
    host = urlsplit(url).hostname
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as answer:
            answer.read(REPLY_BYTES_AT_MOST)
    except HTTPError as refused:
        with refused:
            raise NotTaken(f"{host} answered {refused.code}{_said(refused)}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        why = f"did not answer within {TIMEOUT_S:g} s" if isinstance(cause, TimeoutError) else _reason(cause)
        raise NotTaken(f"{host} {why}") from None


def _opener() -> OpenerDirector:
    """Make an opener that knows http and https, proxies, and nothing that follows a redirect."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    return opener


def _said(refused: HTTPError) -> str:
    """Repeat the beginning of a receiver's words, where it has some."""
    try:
        words = refused.read(REPLY_BYTES_AT_MOST).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return f': "{line[:SHOWN_CHARS]}"' if line and not line.startswith("<") else ""


def _reason(error: Exception) -> str:
    told = getattr(error, "strerror", None) or type(error).__name__
    return f"could not be reached: {told}"
