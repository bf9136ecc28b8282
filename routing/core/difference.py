"""Two policies tried on the same requests: what moves from where to where, and what that does to the money."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from routing.core.past import RequestEnded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from routing.core.past import Past
    from routing.core.replay import Choice, Decided, Passed, Replay

DIMENSIONS = ("importance", "deployment", "operation", "asset")
"""What money can be grouped by; every other name is the key of a tag."""

_FIGURES = re.compile(r"\d[\d,.x]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """Requests that a policy has nothing for: the kind of error, its words for the first of them, and its id."""

    error: str
    words: str
    request_id: str
    requests: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one policy makes of all requests; amounts in nano-USD.

    ``expected_nusd`` is the expected price of what is bought, ``price_nusd`` what that may cost at most, ``saved_nusd``
    the expected price of what comes from the ``cached`` pictures. ``within_nusd`` is what is expected where the budgets
    are kept; all else takes every request's first candidate. Of ``unread`` requests the words were not kept: rules of
    ``unread_by`` might have refused them.
    """

    policy: str
    served: int
    cached: int
    expected_nusd: int
    price_nusd: int
    saved_nusd: int
    within_nusd: int
    passed: tuple[Passed, ...]
    unserved: tuple[Unserved, ...]
    unread: int = 0
    unread_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Requests that go from one choice to another; ``None`` is nowhere: no rule can serve them."""

    before: Choice | None
    after: Choice | None
    requests: int
    before_nusd: int
    after_nusd: int
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The money of one value of a dimension; ``charged_nusd`` is what the ledger knows it did cost."""

    value: str
    before_requests: int = 0
    after_requests: int = 0
    before_nusd: int = 0
    after_nusd: int = 0
    charged_nusd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """All of it. Moves and groups are sorted by how much money changes, most first.

    ``failed`` requests got no picture then, and cost nothing on either side; of ``partial`` ones, some features were
    not written down. ``charged_nusd`` is what the ledger knows it did cost.
    """

    before: Side
    after: Side
    requests: int
    images: int
    first_at: datetime | None
    last_at: datetime | None
    failed: int
    partial: int
    charged_nusd: int
    moves: tuple[Move, ...]
    groups: Mapping[str, tuple[Group, ...]]

    @property
    def moved(self) -> int:
        """How many requests go elsewhere."""
        return sum(move.requests for move in self.moves)


def compare(before: Replay, after: Replay, pasts: Iterable[Past], by: Sequence[str]) -> Difference:
    """Try both policies on requests, in order of time, and group the money by ``by``: dimensions or keys of tags."""
    counting = _Counting(by)
    for past in pasts:
        counting.add(past, before.decide(past), after.decide(past))
    return counting.difference(before, after)


@dataclass(slots=True, kw_only=True)
class _SideCount:
    served: int = 0
    cached: int = 0
    expected_nusd: int = 0
    price_nusd: int = 0
    saved_nusd: int = 0
    unserved: dict[tuple[str, str], Unserved] = field(default_factory=dict)
    unread: int = 0
    unread_by: dict[str, None] = field(default_factory=dict)

    def add(self, past: Past, decided: Decided) -> int:
        """Count a request; return what it costs here, in nano-USD."""
        if decided.error is not None:
            self._add_unserved(past, decided.error)
            return 0
        self.served += 1
        if decided.unread:
            self.unread += 1
            self.unread_by |= dict.fromkeys(decided.unread)
        if decided.ended is RequestEnded.CACHED:
            self.cached += 1
            self.saved_nusd += decided.expected_nusd
        if decided.ended is not RequestEnded.BOUGHT:
            return 0
        self.expected_nusd += decided.expected_nusd
        self.price_nusd += decided.price_nusd
        return decided.expected_nusd

    def _add_unserved(self, past: Past, error: Exception) -> None:
        kind, words = type(error).__name__, str(error)
        # The same reason with other figures in it is the same reason.
        which = (kind, _FIGURES.sub("", words))
        known = self.unserved.get(which)
        self.unserved[which] = (
            replace(known, requests=known.requests + 1)
            if known
            else Unserved(error=kind, words=words, request_id=past.request_id)
        )

    def side(self, replay: Replay) -> Side:
        return Side(
            policy=replay.settings.policy.name,
            served=self.served,
            cached=self.cached,
            expected_nusd=self.expected_nusd,
            price_nusd=self.price_nusd,
            saved_nusd=self.saved_nusd,
            within_nusd=replay.within_nusd,
            passed=replay.passed,
            unserved=tuple(sorted(self.unserved.values(), key=lambda each: -each.requests)),
            unread=self.unread,
            unread_by=tuple(self.unread_by),
        )


@dataclass(slots=True, kw_only=True)
class _Bucket:
    """Requests that go the same way and have the same labels."""

    request_id: str
    requests: int = 0
    before_nusd: int = 0
    after_nusd: int = 0


_Labels: TypeAlias = tuple[str, ...]


class _Counting:
    """The sums while they grow: one for all that is told apart, of which there is little; groups are made of those."""

    def __init__(self, by: Sequence[str]) -> None:
        self._by = tuple(by)
        self._readers = tuple(_label_reader(name) for name in by)
        self._buckets: dict[tuple[Choice | None, Choice | None, _Labels], _Bucket] = {}
        self._charges: dict[tuple[str, str, _Labels], int] = {}
        self._before, self._after = _SideCount(), _SideCount()
        self._first: Past | None = None
        self._last: Past | None = None
        self._images = self._failed = self._partial = 0

    def add(self, past: Past, before: Decided, after: Decided) -> None:
        self._first, self._last = self._first or past, past
        self._images += past.features.n
        self._partial += past.partial
        self._failed += past.ended is RequestEnded.FAILED
        labels = tuple([read(past) for read in self._readers])
        which = (before.choice, after.choice, labels)
        bucket = self._buckets.get(which)
        if bucket is None:
            bucket = self._buckets[which] = _Bucket(request_id=past.request_id)
        bucket.requests += 1
        bucket.before_nusd += self._before.add(past, before)
        bucket.after_nusd += self._after.add(past, after)
        for deployment, amount in past.charges:
            charged = (past.importance, deployment, labels)
            self._charges[charged] = self._charges.get(charged, 0) + amount

    def difference(self, before: Replay, after: Replay) -> Difference:
        return Difference(
            before=self._before.side(before),
            after=self._after.side(after),
            requests=sum(bucket.requests for bucket in self._buckets.values()),
            images=self._images,
            first_at=self._first.at if self._first else None,
            last_at=self._last.at if self._last else None,
            failed=self._failed,
            partial=self._partial,
            charged_nusd=sum(self._charges.values()),
            moves=tuple(sorted(self._moves(), key=_most_money_first)),
            groups={
                name: tuple(sorted(self._groups(place), key=_most_money_first)) for place, name in enumerate(self._by)
            },
        )

    def _moves(self) -> Iterable[Move]:
        moves: dict[tuple[Choice | None, Choice | None], Move] = {}
        for (before, after, _), bucket in self._buckets.items():
            if before != after:
                known = moves.get((before, after))
                moves[before, after] = Move(
                    before=before,
                    after=after,
                    requests=bucket.requests + (known.requests if known else 0),
                    before_nusd=bucket.before_nusd + (known.before_nusd if known else 0),
                    after_nusd=bucket.after_nusd + (known.after_nusd if known else 0),
                    request_id=known.request_id if known else bucket.request_id,
                )
        return moves.values()

    def _groups(self, place: int) -> Iterable[Group]:
        """Group by the dimension at a place; each side by what it chooses, and what was charged by what was then."""
        name = self._by[place]
        groups: dict[str, Group] = {}

        def add(importance: str, deployment: str, labels: _Labels, **amounts: int) -> None:
            value = {"importance": importance, "deployment": deployment}.get(name, labels[place])
            known = groups.get(value) or Group(value=value)
            sums = {field: getattr(known, field) + amount for field, amount in amounts.items()}
            groups[value] = replace(known, **sums)

        for (before, after, labels), bucket in self._buckets.items():
            if before:
                amounts = {"before_requests": bucket.requests, "before_nusd": bucket.before_nusd}
                add(before.importance, before.deployment, labels, **amounts)
            if after:
                amounts = {"after_requests": bucket.requests, "after_nusd": bucket.after_nusd}
                add(after.importance, after.deployment, labels, **amounts)
        for (importance, deployment, labels), amount in self._charges.items():
            add(importance, deployment, labels, charged_nusd=amount)
        return groups.values()


def _most_money_first(row: Move | Group) -> tuple[int, int]:
    return -abs(row.after_nusd - row.before_nusd), -max(row.before_nusd, row.after_nusd)


def _label_reader(name: str) -> Callable[[Past], str]:
    """Read a dimension that a request has whatever is chosen for it; ``""`` for the others."""
    if name == "operation":
        return lambda past: past.features.operation.value
    if name == "asset":
        return lambda past: past.asset or ""
    if name in DIMENSIONS:
        return lambda _: ""
    return lambda past: past.features.tags.get(name, "")
