"""Requests, reservations and claims for tests of the ledger, with one plain default each."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from routing.core.budgets import BudgetRaise, Claim, CounterKey
from routing.core.entries import Adjustment, Balance, Basis, CacheHit, EntryKind, RequestRecord, Reservation, Resolution
from routing.core.features import Features
from routing.core.picture import Size
from routing.core.window import Window, WindowKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from routing.ledger.base import Ledger, Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
HOLD_FOR = timedelta(minutes=15)
FEATURES = frozenset(field.name for field in fields(Features)) - {"importance"}


def claim(
    budget: str = "month",
    limit: int = 100,
    *,
    scope: str = "",
    below: str = "",
    start: datetime = NOVEMBER,
    alert_at: Sequence[int] = (),
) -> Claim:
    key = CounterKey(budget=budget, scope=scope, below=below, start=start)
    return Claim(key=key, limit_nusd=limit, end=DECEMBER, alert_at=tuple(alert_at))


def rolling(
    budget: str = "day",
    limit: int = 100,
    *,
    at: datetime = NOON,
    length: timedelta = timedelta(hours=24),
    scope: str = "",
    alert_at: Sequence[int] = (),
) -> Claim:
    """Claim the slice of a rolling window that a time falls in."""
    window = Window(kind=WindowKind.ROLLING, length=length)
    key = CounterKey(budget=budget, scope=scope, below="", start=window.span(at).start)
    return Claim(key=key, limit_nusd=limit, end=None, alert_at=tuple(alert_at), earlier=window.earlier(at))


def a_raise(by: int = 50, budget: str = "month", **different: Any) -> BudgetRaise:
    plain: dict[str, Any] = {"scope": "", "at": NOON, "until": DECEMBER, "reason": "launch"}
    return BudgetRaise(**{"budget": budget, "by_nusd": by, **plain, **different})


def record(request_id: str = "poster", **different: Any) -> RequestRecord:
    """Make a record; what is different may be its own or one of its features."""
    features: dict[str, Any] = {
        "prompt_chars": 40,
        "prompt_bytes": 44,
        "text_chars": 6,
        "size": Size(width=1024, height=1024),
    }
    for name in FEATURES & different.keys():
        features[name] = different.pop(name)
    plain: dict[str, Any] = {
        "request_id": request_id,
        "fingerprint": "same",
        "at": NOON,
        "importance": "draft",
        "rule": "drafts",
        "policy": "default",
        "prompt_hash": "hash",
        "features": Features(**features),
    }
    return RequestRecord(**{**plain, **different})


def reservation(
    amount: int, *claims: Claim, request_id: str = "poster", attempt: int = 1, at: datetime = NOON, **different: Any
) -> Reservation:
    plain: dict[str, Any] = {
        "id": f"{request_id}/{attempt}",
        "request_id": request_id,
        "at": at,
        "expires_at": at + HOLD_FOR,
        "deployment": "gpt-image-2",
        "model": "gpt-image-2-2026-04-21",
        "size": "1024x1024",
        "quality": "low",
        "images": 1,
        "amount_nusd": amount,
        "claims": claims,
        "picture_key": "picture",
    }
    return Reservation(**{**plain, **different})


def settle(reservation_id: str, amount: int, **different: Any) -> Resolution:
    plain: dict[str, Any] = {
        "reservation_id": reservation_id,
        "kind": EntryKind.SETTLE,
        "at": NOON + timedelta(seconds=20),
        "amount_nusd": amount,
        "basis": Basis.METERED,
        "images": 1,
    }
    return Resolution(**{**plain, **different})


def release(reservation_id: str, at: datetime = NOON + timedelta(seconds=20)) -> Resolution:
    return Resolution(reservation_id=reservation_id, kind=EntryKind.RELEASE, at=at, reason="rate limited")


def adjustment(cost: int, reservation_id: str = "poster/1", **different: Any) -> Adjustment:
    plain: dict[str, Any] = {"at": NOON + timedelta(days=1), "reason": "the vendor's bill"}
    return Adjustment(reservation_id=reservation_id, cost_nusd=cost, **{**plain, **different})


def cache_hit(request_id: str = "poster", saved: int = 40, **different: Any) -> CacheHit:
    plain: dict[str, Any] = {
        "request_id": request_id,
        "at": NOON,
        "deployment": "gpt-image-2",
        "model": "gpt-image-2-2026-04-21",
        "images": 1,
        "saved_nusd": saved,
        "picture_key": "picture",
    }
    return CacheHit(**{**plain, **different})


def buy(
    ledger: Ledger,
    request_id: str,
    amount: int,
    *claims: Claim,
    at: datetime = NOON,
    labels: dict[str, Any] | None = None,
    **different: Any,
) -> None:
    """Reserve and settle one attempt; ``labels`` are for the record, the rest for the reservation."""
    ledger.reserve(
        record(request_id, at=at, **(labels or {})),
        [reservation(amount, *claims, request_id=request_id, at=at, **different)],
    )
    ledger.resolve(settle(f"{request_id}/1", amount, at=at))


def balance(ledger: Store, claim: Claim) -> Balance:
    """Read the counter that a claim is about."""
    return ledger.balances(claim.key.budget, [claim.key.start]).get(claim.key, Balance())
