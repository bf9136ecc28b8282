"""Single values as they are written in the files: money, durations, sizes, shares, names."""

from __future__ import annotations

import re
from datetime import UTC, date, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from routing.config.document import Exact, Whole, read_scalar
from routing.core.features import MEGAPIXEL
from routing.core.money import usd
from routing.core.picture import Size
from routing.core.suggest import did_you_mean
from routing.core.window import Window, WindowKind
from routing.core.words import fold
from routing.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Container

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
ROLLING_AT_LEAST = timedelta(hours=1)
ROLLING_AT_MOST = timedelta(days=366)
BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
ENV_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
MONEY_PATTERN = r"^\d+(\.\d{1,9})?$"
DURATION_PATTERN = r"^\d+(\.\d+)?(s|m|h|d|w)$"
BYTES_PATTERN = r"^\d+(\.\d+)?(K|M|G|T)i?B$"
PERCENT_PATTERN = r"^\d+(\.\d+)?%$"
MEGAPIXELS_PATTERN = r"^\d+(\.\d+)?MP$"
SIZE_PATTERN = r"^\d{1,6}x\d{1,6}$"
ROLLING_PATTERN = r"^rolling \d+(h|d)$"
DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}$"


class Bad(ValueError):
    """A value that cannot be read; ``hint`` is the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Say what is wrong, and what to write instead."""
        super().__init__(message)
        self.hint = hint


def shown(value: object) -> str:
    """Quote a value in a message, shortened."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = ("true" if value else "false") if isinstance(value, bool) else getattr(value, "text", "") or str(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")  # noqa: PLR2004 - what fits into a message


def _text(value: object, what: str, hint: str) -> str:
    if not isinstance(value, str):
        raise Bad(f"{shown(value)} is no {what}", hint)
    return value


def read_money(value: object) -> int:
    """Read dollars into nano-USD; the text is read, never a binary float."""
    hint = "write dollars as a number, like 0.05"
    if isinstance(value, str):
        value = read_scalar(value.strip())
    if isinstance(value, bool) or not isinstance(value, Whole | Exact):
        raise Bad(f"{shown(value)} is no amount", hint)
    try:
        amount = usd(int(value) if isinstance(value, Whole) else value.text)
    except RequestError as error:
        raise Bad(str(error), hint) from None
    if amount < 0:
        raise Bad(f"{shown(value)} is negative", hint)
    return int(amount)


def read_some_money(value: object) -> int:
    """Read an amount above zero."""
    amount = read_money(value)
    if not amount:
        raise Bad("an amount of 0 would never let anything through", "leave the key out for no limit")
    return amount


def read_price(value: object) -> int:
    """Read a price above zero."""
    amount = read_money(value)
    if not amount:
        raise Bad("a price of 0 would make every picture free", "write what it really costs, or leave the price out")
    return amount


def read_seconds(value: object) -> float:
    """Read ``120s``, ``15m``, ``30d``."""
    hint = "write a number and its unit, like 120s, 15m, 6h or 30d"
    number, unit = _number_and_unit(value, "duration", SECONDS, hint)
    seconds = float(number) * SECONDS[unit]
    if not 0 < seconds <= 100 * 365 * SECONDS["d"]:
        raise Bad(f"{shown(value)} is not between 0 and 100 years", hint)
    return seconds


def read_bytes(value: object) -> int:
    """Read ``5GB`` (10^9 each) or ``5GiB`` (2^30 each)."""
    hint = "write a number and its unit, like 500MB or 5GB"
    number, unit = _number_and_unit(value, "amount of storage", BYTES, hint)
    size = int(Decimal(number) * BYTES[unit])
    if not size:
        raise Bad("0 bytes hold nothing", "leave the key out for no bound")
    return size


def _number_and_unit(value: object, what: str, units: Container[str], hint: str) -> tuple[str, str]:
    if isinstance(value, Whole | Exact):
        raise Bad(f"{shown(value)} has no unit", hint)
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s?([a-zA-Z]+)", _text(value, what, hint))
    if not match or match[2] not in units:
        raise Bad(f"{shown(value)} is no {what}", hint)
    return match[1], match[2]


def read_share(value: object) -> Fraction:
    """Read ``40%`` as a share of one."""
    hint = "write a percentage between 0% and 100%, like 40%"
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s?%", _text(value, "percentage", hint).strip())
    if not match:
        raise Bad(f"{shown(value)} is no percentage", hint)
    share = Fraction(match[1]) / 100
    if not 0 < share <= 1:
        raise Bad(f"{shown(value)} is not above 0% and at most 100%", hint)
    return share


def read_threshold(value: object) -> Fraction | int:
    """Read an alert's threshold: a share (``80%``) or an amount in USD (``400``, nano-USD as an ``int``)."""
    if isinstance(value, str) and "%" in value:
        return read_share(value)
    return read_some_money(value)


def read_day(value: object) -> date:
    """Read ``2026-09-01``."""
    hint = "write year-month-day, like 2026-09-01"
    text = _text(value, "date", hint)
    try:
        if re.fullmatch(DATE_PATTERN, text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Bad(f"{shown(value)} is no date", hint)


def read_window(value: object) -> Window:
    """Read ``calendar_month`` and the like, ``lifetime``, or ``rolling 24h``."""
    calendar = [kind.value for kind in WindowKind if kind is not WindowKind.ROLLING]
    hint = f"write {', '.join(calendar)}, or rolling with hours or days, like rolling 24h"
    text = _text(value, "window", hint)
    if text in calendar:
        return Window(kind=WindowKind(text))
    words = text.split()
    if words[:1] != [WindowKind.ROLLING.value]:
        raise Bad(f"{shown(value)} is not known here{did_you_mean(text, calendar)}", hint)
    match = re.fullmatch(r"(\d{1,4})([hd])", " ".join(words[1:]))
    length = timedelta(seconds=int(match[1]) * SECONDS[match[2]]) if match else timedelta()
    if not ROLLING_AT_LEAST <= length <= ROLLING_AT_MOST:
        hint = "write how many hours or days, from 1h to 366d: rolling 24h, rolling 7d"
        raise Bad(f"{shown(value)} is no rolling window", hint)
    return Window(kind=WindowKind.ROLLING, length=length)


def read_size(value: object) -> Size:
    """Read ``1536x1024``."""
    size = Size.parse(value) if isinstance(value, str) else None
    if size is None:
        raise Bad(f"{shown(value)} is no size", "write width x height in pixels, like 1536x1024")
    return size


def read_size_or_cap(value: object) -> Size | int:
    """Read ``1536x1024``, or ``{at_most: 1MP}`` into a number of pixels."""
    if not isinstance(value, dict):
        return read_size(value)
    if set(value) != {"at_most"}:
        raise Bad("a bound of the size is {at_most: ...}", "write {at_most: 1MP}, or a size like 1536x1024")
    return read_megapixels(value["at_most"])


def read_megapixels(value: object) -> int:
    """Read ``1.5MP`` into pixels; one megapixel is 1024x1024, as vendors count."""
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,6})?)\s?MP", value) if isinstance(value, str) else None
    pixels = int(Decimal(match[1]) * MEGAPIXEL) if match else 0
    if not pixels:
        raise Bad(f"{shown(value)} is no amount of pixels", "write megapixels, like 1MP or 1.5MP; 1024x1024 is 1MP")
    return pixels


def read_zone(value: object) -> tzinfo:
    """Read an IANA time zone's name."""
    hint = "write a name of the IANA list, like Europe/Berlin, or UTC"
    name = _text(value, "time zone", hint)
    if name == "UTC":
        return UTC  # also where the machine has no list of time zones
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Bad(f"{shown(value)} is no time zone that this machine knows", hint) from None


def read_name(value: object) -> str:
    """Read the name of a deployment, provider, budget, importance."""
    text = value.text if isinstance(value, Whole | Exact) else value
    if not isinstance(text, str) or not re.fullmatch(NAME_PATTERN, text):
        raise Bad(f"{shown(value)} is no name", "use letters, digits, and . _ - inside; at most 64 characters")
    return text


TIERS = ("free", "1", "2", "3", "4", "5", "enterprise")


def read_tier(value: object) -> str:
    """Read what class of customer an account is: ``free``, ``1`` to ``5``, ``enterprise``."""
    text = value.text if isinstance(value, Whole) else value
    if not isinstance(text, str) or text not in TIERS:
        raise Bad(f"{shown(value)} is no tier", f"write one of {', '.join(TIERS)}")
    return text


def read_env_name(value: object) -> str:
    """Read the name of an environment variable; what is none is not repeated, for it may be the key itself."""
    if not isinstance(value, str) or not re.fullmatch(ENV_PATTERN, value):
        message = "this is not the name of an environment variable"
        raise Bad(message, "write the variable's name, like OPENAI_API_KEY; its value stays outside this file")
    return value


def read_url(value: object) -> str:
    """Read a base URL; an address with a user or password in it is refused and not repeated."""
    hint = "write it like https://api.example.com/v1"
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value):
        raise Bad("this is not the base of an HTTP address", hint)
    if "@" in value.split("/")[2]:
        raise Bad("the address holds a user name or password", "keys are named by `api_key_env`")
    return value.rstrip("/")


def holds_password(url: str) -> bool:
    """Tell whether a password stands in the address of a server, before its host or among its options."""
    address, _, options = url.partition("?")
    user = address.partition("://")[2].partition("/")[0].rpartition("@")[0]
    return ":" in user or any("password" in key for key, _ in parse_qsl(options, keep_blank_values=True))


def read_label(value: object) -> str:
    """Read the value of a tag: text, or a number as it was written."""
    if isinstance(value, Whole | Exact):
        return value.text
    if not isinstance(value, str):
        raise Bad(f"{shown(value)} is no text", "a tag's value is text; put it in quotes")
    return value


def read_phrase(value: object) -> str:
    """Read a word or phrase to look for in prompts: one that has something to see."""
    text = _quoted(value)
    if not fold(text):
        raise Bad("this is empty", "write a word or a phrase, or delete it")
    return text


def read_option_values(value: object) -> tuple[str, ...]:
    """Read the values of an option: one, or a list; ``*`` and an empty list are any, given as none."""
    if isinstance(value, dict):
        raise Bad(f"{shown(value)} is no value", 'write one value, a list of them, or "*" for any')
    labels = tuple(_quoted(each) for each in (value if isinstance(value, list) else [value]))
    return () if "*" in labels else labels


def _quoted(value: object) -> str:
    if not isinstance(value, str | Whole | Exact):
        raise Bad(f"{shown(value)} is no text", "put it in quotes")
    return value if isinstance(value, str) else value.text


def read_labels(value: object) -> tuple[str, ...]:
    """Read one value of a tag, or a list of alternatives."""
    if isinstance(value, dict) or value == []:
        raise Bad(f"{shown(value)} is no text", "write one value, or a list of alternatives")
    return tuple(read_label(each) for each in (value if isinstance(value, list) else [value]))
