"""Core values to rows and back: times as integer milliseconds, lists and mappings as compact JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from routing.core.budgets import CounterKey
from routing.core.entries import Alert, Balance, Basis, Entry, EntryKind, RequestRecord
from routing.core.prices import Usage
from routing.core.window import EPOCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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
    return {
        "request_id": record.request_id,
        "fingerprint": record.fingerprint,
        "at": to_ms(record.at),
        "importance": record.importance,
        "named_importance": record.named_importance,
        "rule": record.rule,
        "policy": record.policy,
        "operation": record.operation,
        "asset": record.asset,
        "parent": record.parent,
        "tags": to_json(dict(record.tags)),
        "prompt_hash": record.prompt_hash,
        "prompt_chars": record.prompt_chars,
        "text_chars": record.text_chars,
        "n": record.n,
        "reference_pictures": record.references,
        "size": record.size,
    }


def record_from(row: Row) -> RequestRecord:
    """Read a request."""
    return RequestRecord(
        request_id=row["request_id"],
        fingerprint=row["fingerprint"],
        at=from_ms(row["at"]),
        importance=row["importance"],
        named_importance=row["named_importance"],
        rule=row["rule"],
        policy=row["policy"],
        operation=row["operation"],
        asset=row["asset"],
        parent=row["parent"],
        tags=json.loads(row["tags"]),
        prompt_hash=row["prompt_hash"],
        prompt_chars=row["prompt_chars"],
        text_chars=row["text_chars"],
        n=row["n"],
        references=row["reference_pictures"],
        size=row["size"],
    )


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
        counters=tuple(sorted(keys[counter] for counter in counter_ids(row["counters"]))),
    )


def usage_json(usage: Usage | None) -> str | None:
    """Write what is not zero of a usage."""
    if usage is None:
        return None
    return to_json({name: amount for name in Usage.__slots__ if (amount := getattr(usage, name))})


def counter_ids(text: str | None) -> Iterable[int]:
    """Read the list of counters of a reserve."""
    return json.loads(text) if text else ()


def key_parameters(key: CounterKey) -> dict[str, object]:
    """Name the columns that make a counter's key."""
    return {"budget": key.budget, "start": to_ms(key.start), "scope": key.scope, "below": key.below}


def key_from(row: Row) -> CounterKey:
    """Read a counter's key."""
    return CounterKey(budget=row["budget"], scope=row["scope"], below=row["below"], start=from_ms(row["start"]))


def balance_from(row: Row) -> Balance:
    """Read what a counter holds and has spent."""
    return Balance(held_nusd=row["held_nusd"], spent_nusd=row["spent_nusd"])


def alert_from(row: Row) -> Alert:
    """Read an alert, joined with its counter."""
    return Alert(
        key=key_from(row),
        threshold_nusd=row["threshold_nusd"],
        limit_nusd=row["limit_nusd"],
        spent_nusd=row["spent_nusd"],
        at=from_ms(row["at"]),
    )
