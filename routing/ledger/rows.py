"""Core values to rows and back: times as integer milliseconds, lists and mappings as compact JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from routing.core.alerts import Alert, AlertKind
from routing.core.budgets import BudgetRaise, CounterKey
from routing.core.entries import Balance, Basis, Entry, EntryKind, RequestRecord
from routing.core.features import Features
from routing.core.picture import Size
from routing.core.prices import Usage
from routing.core.request import Operation
from routing.core.window import EPOCH

if TYPE_CHECKING:
    from datetime import datetime

MILLISECOND = timedelta(milliseconds=1)


class Row(Protocol):
    """One row, its columns by name."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 - a column holds what the schema says
        """Read a column."""


def to_ms(at: datetime) -> int:
    """Cut an aware time to whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Turn milliseconds since 1970 into an aware time in UTC."""
    return EPOCH + ms * MILLISECOND


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: object) -> str:
    """Write compact JSON that keeps every script readable."""
    return _ENCODER.encode(value)


@lru_cache(maxsize=1024)
def whole_numbers_json(numbers: tuple[int, ...]) -> str:
    """Write a list of whole numbers; the same few thresholds and counters come again and again."""
    return to_json(numbers)


def split_reservation_id(reservation_id: str) -> tuple[str, int]:
    """Take ``request_id/attempt`` apart; ``ValueError`` where it has another shape."""
    request_id, slash, attempt = reservation_id.rpartition("/")
    if not slash or not (attempt.isascii() and attempt.isdigit() and attempt == str(int(attempt))):
        raise ValueError(f"a reservation's id is request_id/attempt, with a number for the attempt: {reservation_id!r}")
    return request_id, int(attempt)


def request_parameters(record: RequestRecord) -> dict[str, object]:
    """Name the columns of a request."""
    features = record.features
    return {
        "request_id": record.request_id,
        "fingerprint": record.fingerprint,
        "at": to_ms(record.at),
        "importance": record.importance,
        "named_importance": features.importance,
        "rule": record.rule,
        "policy": record.policy,
        "operation": features.operation.value,
        "asset": record.asset,
        "parent": record.parent,
        "tags": to_json(dict(features.tags)),
        "prompt_hash": record.prompt_hash,
        "prompt_chars": features.prompt_chars,
        "text_chars": features.text_chars,
        "n": features.n,
        "reference_pictures": len(features.references),
        "size": None if features.size is None else str(features.size),
        "features": features_json(features),
        "prompt": record.prompt,
    }


def record_from(row: Row) -> RequestRecord:
    """Read a request."""
    return RequestRecord(
        request_id=row["request_id"],
        fingerprint=row["fingerprint"],
        at=from_ms(row["at"]),
        importance=row["importance"],
        rule=row["rule"],
        policy=row["policy"],
        prompt_hash=row["prompt_hash"],
        features=features_from(row),
        asset=row["asset"],
        parent=row["parent"],
        prompt=row["prompt"],
    )


_COLUMNS = frozenset({"prompt_chars", "text_chars", "importance", "operation", "tags", "size", "n"})
_MORE = tuple(field.name for field in fields(Features) if field.name not in _COLUMNS)
_values = attrgetter(*_MORE)
_SIZES = frozenset(field.name for field in fields(Features) if "Size" in str(field.type))
_PLAIN = _values(Features(prompt_chars=0, prompt_bytes=0))
_UTF8_BYTES_A_CHAR = 4
_USUAL = Size(width=1024, height=1024)


def features_json(features: Features) -> str:
    """Write what has no column of its own and is not as ever; a new feature is written by itself."""
    told = zip(_MORE, _values(features), _PLAIN, strict=True)
    return to_json({name: _plain(value) for name, value, plain in told if value != plain})


def features_from(row: Row) -> Features:
    """Read the features of a request.

    Of one that an older version wrote, what it did not write is taken to be the most (a prompt's bytes) or the usual (a
    reference's size).
    """
    found = {name: _read(name, value) for name, value in json.loads(row["features"]).items() if name in _MORE}
    if "prompt_bytes" not in found:
        found["prompt_bytes"] = row["prompt_chars"] * _UTF8_BYTES_A_CHAR
    if "references" not in found:
        found["references"] = (_USUAL,) * row["reference_pictures"]
    return Features(
        prompt_chars=row["prompt_chars"],
        text_chars=row["text_chars"],
        importance=row["named_importance"],
        operation=Operation(row["operation"]),
        tags=json.loads(row["tags"]),
        size=_size(row["size"]) if row["size"] else None,
        n=row["n"],
        **found,
    )


_size = lru_cache(maxsize=1024)(Size.parse)
"""The same few sizes come again and again."""


def _plain(value: object) -> object:
    if isinstance(value, Size):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, Mapping) else value


def _read(name: str, value: object) -> Any:  # noqa: ANN401 - a feature is what its annotation says
    if isinstance(value, list):
        return tuple(_read(name, each) for each in value)
    return _size(value) if name in _SIZES and isinstance(value, str) else value


_BLANK: Mapping[str, object] = {
    "attempt": None,
    "deployment": "",
    "model": "",
    "size": "",
    "quality": None,
    "basis": None,
    "unconfirmed": 0,
    "overrun": 0,
    "images": 0,
    "usage": None,
    "reason": "",
    "picture_key": "",
    "counters": None,
    "vendor_request_id": "",
}


def entry_parameters(**columns: object) -> dict[str, object]:
    """Name the columns of an entry; those left out are blank."""
    return {**_BLANK, **columns}


def entry_from(row: Row, request_id: str, keys: Mapping[int, CounterKey]) -> Entry:
    """Read an entry; ``keys`` names the counters that its reserve counts in."""
    return Entry(
        seq=row["seq"],
        at=from_ms(row["at"]),
        kind=EntryKind(row["kind"]),
        reservation_id="" if row["attempt"] is None else f"{request_id}/{row['attempt']}",
        request_id=request_id,
        amount_nusd=row["amount_nusd"],
        deployment=row["deployment"],
        model=row["model"],
        size=row["size"],
        quality=row["quality"],
        basis=Basis(row["basis"]) if row["basis"] else None,
        unconfirmed=bool(row["unconfirmed"]),
        overrun=bool(row["overrun"]),
        images=row["images"],
        usage=Usage(**json.loads(row["usage"])) if row["usage"] else None,
        reason=row["reason"],
        picture_key=row["picture_key"],
        vendor_request_id=row["vendor_request_id"],
        counters=tuple(sorted(keys[counter] for counter in whole_numbers(row["counters"]))),
    )


def usage_json(usage: Usage | None) -> str | None:
    """Write what is not zero of a usage."""
    if usage is None:
        return None
    return to_json({name: amount for name in Usage.__slots__ if (amount := getattr(usage, name))})


@lru_cache(maxsize=1024)
def whole_numbers(text: str | None) -> tuple[int, ...]:
    """Read a list of whole numbers; the same few come again and again."""
    return tuple(json.loads(text)) if text else ()


def key_parameters(key: CounterKey) -> dict[str, object]:
    """Name the columns that make a counter's key."""
    return {"budget": key.budget, "start": to_ms(key.start), "scope": key.scope, "below": key.below}


def key_from(row: Row) -> CounterKey:
    """Read a counter's key."""
    return CounterKey(budget=row["budget"], scope=row["scope"], below=row["below"], start=from_ms(row["start"]))


def balance_from(row: Row) -> Balance:
    """Read what a counter holds and has spent."""
    first_at = row["first_at"]
    return Balance(
        held_nusd=row["held_nusd"],
        spent_nusd=row["spent_nusd"],
        first_at=None if first_at is None else from_ms(first_at),
    )


def raise_parameters(raised: BudgetRaise) -> dict[str, object]:
    """Name the columns of a raise."""
    return {
        "budget": raised.budget,
        "scope": raised.scope,
        "by_nusd": raised.by_nusd,
        "at": to_ms(raised.at),
        "until": to_ms(raised.until),
        "reason": raised.reason,
    }


def raise_from(row: Row) -> BudgetRaise:
    """Read a raise."""
    return BudgetRaise(
        budget=row["budget"],
        scope=row["scope"],
        by_nusd=row["by_nusd"],
        at=from_ms(row["at"]),
        until=from_ms(row["until"]),
        reason=row["reason"],
    )


_NO_KEY: Mapping[str, object] = dict.fromkeys(("budget", "start", "scope", "below"))


def alert_parameters(alert: Alert) -> dict[str, object]:
    """Name the columns of an alert."""
    return {
        **(_NO_KEY if alert.key is None else key_parameters(alert.key)),
        "name": alert.name,
        "kind": alert.kind.value,
        "at": to_ms(alert.at),
        "threshold_nusd": alert.threshold_nusd,
        "limit_nusd": alert.limit_nusd,
        "spent_nusd": alert.spent_nusd,
        "detail": alert.detail,
    }


def alert_from(row: Row) -> Alert:
    """Read an alert."""
    return Alert(
        kind=AlertKind(row["kind"]),
        name=row["name"],
        at=from_ms(row["at"]),
        key=None if row["budget"] is None else key_from(row),
        threshold_nusd=row["threshold_nusd"],
        limit_nusd=row["limit_nusd"],
        spent_nusd=row["spent_nusd"],
        detail=row["detail"],
    )
