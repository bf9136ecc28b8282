"""What a vendor answered, read for what errors say: codes, words, waits."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from routing.core.pacing import Kind, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODERATION_CODES = frozenset(
    {
        "moderation_blocked",
        "content_policy_violation",
        "content_filter",
        "contentfilter",
        "content_moderation",
        "responsibleaipolicyviolation",
    }
)
_MODERATION = re.compile(
    r"safety system|content (?:polic|checker|moderation|filter)|blocked by the safety", re.IGNORECASE
)
_MONEY_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_limit_user_error",
        "billing_not_active",
        "payment_required",
    }
)
_MONEY = re.compile(
    r"(?:exhausted|insufficient) (?:account )?balance|billing is not enabled|billing hard limit", re.IGNORECASE
)
_QUOTA = re.compile(r"exceeded your current quota", re.IGNORECASE)
_BAD_KEY_CODES = frozenset({"api_key_invalid", "invalid_api_key", "unauthenticated", "permission_denied"})
_BAD_KEY = re.compile(r"api key not valid", re.IGNORECASE)

BODY_BYTES_AT_MOST = 512 * 1024 * 1024
"""Ten 4K pictures as base64; more is no answer to any call we make."""

_DEEP = 4
_CODE_KEYS = ("code", "type", "status", "reason", "name")
_TEXT_KEYS = ("message", "msg", "detail", "errors", "error", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, headers with lower-case names, a decoded body (or its text), and how long it took to come."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Is the status a success, whatever the body says?"""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers

    @property
    def request_id(self) -> str:
        """What the vendor calls the request: OpenAI's header, else that of Azure's gateway; empty without."""
        return self.headers.get("x-request-id") or self.headers.get("apim-request-id") or ""

    @property
    def told(self) -> tuple[Told, ...]:
        """What the headers say of rate limits; kinds that they do not speak of are left out."""
        found = (
            Told(
                kind=kind,
                limit=_whole(self.headers.get(f"x-ratelimit-limit-{kind}", "")),
                remaining=_whole(self.headers.get(f"x-ratelimit-remaining-{kind}", "")),
                reset_s=_seconds(self.headers.get(f"x-ratelimit-reset-{kind}", "")),
            )
            for kind in Kind
        )
        return tuple(told for told in found if told.limit is not None or told.remaining is not None)

    @property
    def codes(self) -> frozenset[str]:
        """Every machine-readable code in the body, in lower case."""
        return frozenset(_codes(self.body))

    @property
    def text(self) -> str:
        """The vendor's message."""
        return _text(self.body)

    @property
    def is_moderation(self) -> bool:
        """Did content rules refuse?"""
        return bool(_MODERATION_CODES & self.codes) or self.status == 451 or bool(_MODERATION.search(self.text))  # noqa: PLR2004 - as above

    @property
    def moderation_stage(self) -> str:
        """``input``, ``output``, or what else the vendor says of where it refused."""
        details = _find(self.body, "moderation_details")
        return str(details.get("moderation_stage", "")) if isinstance(details, dict) else ""

    @property
    def is_out_of_money(self) -> bool:
        """Is the account empty, so that waiting a little will not help?"""
        if self.status == 402 or _MONEY_CODES & self.codes or _MONEY.search(self.text):  # noqa: PLR2004 - as above
            return True
        # Google says the same words for a full minute; then it says how long to wait.
        return bool(_QUOTA.search(self.text)) and self.retry_after_s() is None

    @property
    def is_bad_key(self) -> bool:
        """Is the key at fault? Google says so with a 400."""
        return bool(_BAD_KEY_CODES & self.codes) or bool(_BAD_KEY.search(self.text))

    def retry_after_s(self) -> float | None:
        """How long the vendor asks us to wait: OpenAI's milliseconds, then seconds or a date, then Google's detail."""
        milliseconds = _number(self.headers.get("retry-after-ms", ""))
        if milliseconds is not None:
            return milliseconds / 1000
        after = self.headers.get("retry-after", "")
        seconds = _number(after)
        if seconds is not None:
            return seconds
        return _until(after, self.headers.get("date", "")) if after else _google_delay(self.body)


def decoded(body: bytes | bytearray) -> object:
    """Read a body as JSON; of one that is none, the beginning of its text."""
    try:
        return json.loads(body)
    except ValueError:
        return bytes(body[:200]).decode(errors="replace")


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*\d{1,9}(?:\.\d{1,9})?\s*", text, re.ASCII) else None


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*\d{1,12}\s*", text, re.ASCII) else None


_PARTS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|h|m|s)", re.ASCII)
_PART_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _seconds(text: str) -> float | None:
    """Read OpenAI's ``6m0s``, ``12ms``, ``1h2m3s``, or plain seconds."""
    text = text.strip()
    if text and not _PARTS.sub("", text):
        return sum(float(number) * _PART_S[unit] for number, unit in _PARTS.findall(text))
    return _number(text)


def _until(date: str, now: str) -> float | None:
    """Seconds until a date, by the vendor's own clock where it tells the time."""
    try:
        then = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    try:
        start = parsedate_to_datetime(now).timestamp()
    except ValueError:
        start = time.time()
    return max(0.0, then - start)


def _google_delay(body: object) -> float | None:
    delay = _find(body, "retryDelay")
    return _number(delay.removesuffix("s")) if isinstance(delay, str) else None


def _walk(value: object, deep: int = _DEEP) -> Iterator[dict[str, object]]:
    """Every object in a body, down to a depth that no honest error passes."""
    if deep and isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner, deep - 1)
    elif deep and isinstance(value, list):
        for inner in value[:16]:
            yield from _walk(inner, deep - 1)


def _find(body: object, key: str) -> object:
    return next((found[key] for found in _walk(body) if key in found), None)


def _codes(body: object) -> Iterator[str]:
    for found in _walk(body):
        for key in _CODE_KEYS:
            if isinstance(code := found.get(key), str):
                yield code.lower()


def _text(value: object, deep: int = _DEEP) -> str:
    if isinstance(value, str):
        return "" if value.lstrip().startswith("<") else value
    if not deep:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(inner, deep - 1) for inner in value[:4])))
    if isinstance(value, dict):
        return next((text for key in _TEXT_KEYS if (text := _text(value.get(key), deep - 1))), "")
    return ""
